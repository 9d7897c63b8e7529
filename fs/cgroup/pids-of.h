/* What /proc says of one process or thread, and PIDs across PID namespaces. None of this may be called with the tree
 * locked. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct ProcessIds {
	pid_t pid; /* of the thread group */
	uid_t uid, saved_uid;
	gboolean is_kernel_thread;
} ProcessIds;

/* tid may be any thread. 0, or -ESRCH. */
int process_ids(pid_t tid, ProcessIds *ret);

/* The supplementary groups (gid_t) of a process; empty if it is gone. Unref it. */
GArray *process_groups(pid_t pid);

/* Numbers of processes are those of the daemon's PID namespace. A caller in another one, below it, uses other numbers;
 * it does not see processes outside its own.
 *
 * The daemon's number of what the caller calls `pid`; 0 if the caller has no such process. */
pid_t pid_from_caller(pid_t caller, pid_t pid);

/* Turns lines of PIDs into the caller's; lines of processes that it cannot see become 0, as the kernel shows them. */
void pids_to_caller(pid_t caller, GString *lines);
