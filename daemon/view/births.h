/*
 * What a tracer sees of processes, told to the groups: these are exact then, and need not look for themselves.
 */
#pragma once

#include "fs/fs.h"

/* The process `parent` has made a process or thread. */
void births_tell_fork(Fs *fs, pid_t parent, pid_t tid);
/* The process has ended. */
void births_tell_end(Fs *fs, pid_t pid);
