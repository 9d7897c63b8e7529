/*
 * How much of the machine is shown to somebody: all of it, or what his group may use.
 */
#pragma once

#include "fs/source/sampler.h"

typedef struct ProcLimits {
	unsigned n_cpus;     /* how many CPUs are shown; 0: all */
	unsigned *positions; /* which: n_cpus positions in Sample.cpus; NULL: the first ones */
	guint64 memory;      /* bytes; 0: the whole machine's. What follows counts only with it. */
	guint64 memory_used; /* bytes, memory_cache included */
	guint64 memory_cache, memory_shmem;
	guint64 swap, swap_used;
	unsigned n_tasks; /* that are in the group; 0: not known */
} ProcLimits;

void proc_limits_clear(ProcLimits *limits);

/* Keeps those CPUs of the list ("2-3") that are online, at most max (0: any number); there is no limit if
 * none is, or all are. */
void proc_limits_set_cpus(ProcLimits *limits, const Machine *machine, const char *cpu_list, unsigned max);

/* The number of CPUs that are shown, and for each of them (from 0) its position in Sample.cpus and the number it is
 * shown with: its own where all are shown, else from 0 on, so that there are no gaps. */
unsigned proc_limits_n_cpus(const ProcLimits *limits, const Sample *sample);
unsigned proc_limits_position(const ProcLimits *limits, unsigned shown);
unsigned proc_limits_cpu_number(const ProcLimits *limits, const Machine *machine, unsigned shown);

/* The machine's memory, or that of a machine of the limits' size. */
Memory proc_limits_memory(const ProcLimits *limits, const Sample *sample);
