/*
 * What /proc says of groups: /proc/cgroups and /proc/PID/cgroup.
 */
#pragma once

#include "fs/fs.h"

/* Both with the tree locked. Without groups only the header, or nothing. */
void proc_show_cgroups(const Fs *fs, GString *out);
/* Lines "ID:CONTROLLERS:PATH", the last hierarchy first, v2 ("0::PATH") at the end. A process that is not known is in
 * the root groups; call members_refresh() first. */
void proc_show_pid_cgroup(const Fs *fs, pid_t pid, GString *out);

/* NodeOps.find and list of the /proc directory: a directory for each process, with its file `cgroup`. */
void proc_find_pid(Fs *fs, Node *dir, const char *name);
void proc_list_pids(Fs *fs, Node *dir);
