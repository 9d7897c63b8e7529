/*
 * The sysctl tree: the table's keys, each backed by the native /proc/sys where that has it.
 *
 * Native keys of a network, UTS or IPC namespace are read and written in the caller's. Which names there are
 * (conf/eth0) is what the daemon's own namespaces have, and what is not native is the same for everyone.
 */
#pragma once

#include "fs/fs.h"

/* Fills `dir` with the tree. native_path: the kernel's own /proc/sys, opened now, before anything covers it; used when
 * [procsys] native says so and it exists. Errors: the native directory is there but cannot be used, or an override in
 * the configuration names a value that its key cannot have. */
ProcSys *procsys_new(Fs *fs, Node *dir, const char *native_path, GError **error);
void procsys_free(ProcSys *procsys);
