/*
 * Whose value a key has: some belong to a namespace, and the kernel shows each process that of its own.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Calls function(data) on a thread in the namespace that `path` belongs to, as the process sees it: net/ is of the
 * network namespace, host and domain name of the UTS one, System V and POSIX queues of the IPC one. Without a
 * difference (or a pid) it is called at once. Returns what it returned, or -errno where the namespace could not be
 * entered: that takes CAP_SYS_ADMIN. Keys below user/ are always of the daemon's user namespace, which a program of
 * several threads cannot leave. */
int namespace_call(pid_t pid, const char *path, int (*function)(gpointer data), gpointer data);

/* Does the process see another value of that key than the daemon? */
gboolean namespace_differs(pid_t pid, const char *path);
