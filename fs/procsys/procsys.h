/*
 * The sysctl tree: the table's keys, each backed by the native /proc/sys where that has it.
 */
#pragma once

#include "fs/fs.h"

/* Fills `dir` with the tree. native_path: the kernel's own /proc/sys, opened now, before anything covers it; used when
 * [procsys] native says so and it exists. Errors: the native directory is there but cannot be used, or an override in
 * the configuration names a value that its key cannot have. */
ProcSys *procsys_new(Fs *fs, Node *dir, const char *native_path, GError **error);
void procsys_free(ProcSys *procsys);
