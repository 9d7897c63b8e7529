/*
 * What a process may use of the machine, by the groups that it is in.
 */
#pragma once

#include "fs/fs.h"
#include "fs/proc/limits.h"

/* Brings up to date what is known of the process' groups, and of their memory if with_memory. Tree not locked. */
void proc_caller_refresh(Fs *fs, const Caller *caller, gboolean with_memory);
/* Fills in *ret, which is to be cleared: CPUs by cpuset and quota, memory and swap by the tightest limit. No limits for
 * a process that is not known. Tree locked. */
void proc_caller_limits(const Fs *fs, const Caller *caller, const Sample *sample, ProcLimits *ret);
