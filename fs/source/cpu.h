/*
 * CPU time of the machine: from /proc/stat, or, where its counters stand still, added up over the processes.
 */
#pragma once

#include "fs/source/machine.h"
#include "fs/source/sample.h"

#define NS_PER_SECOND G_GUINT64_CONSTANT(1000000000)

/* Fills in the CPU times and event counters of /proc/stat's text. Lines of CPUs that are not in the map are left out.
 */
void cpu_parse_stat(const char *text, const CpuMap *map, unsigned ticks_per_second, Sample *sample);

guint64 cpu_times_busy(const CpuTimes *times); /* all but idle and iowait */

/* Raises every counter that is lower than in `floor`, then makes `floor` the same: a counter never goes backwards (the
 * kernel's idle and iowait sometimes do). */
void cpu_times_keep_rising(CpuTimes *times, CpuTimes *floor);

/*
 * The sum over processes. It is kept as growth since the last look, so that a process that has ended leaves its time.
 * What a process used between the last look and its end is found in its parent's time of reaped children; it is lost
 * only if the parent never waits for it.
 */
typedef struct CpuSum CpuSum;

CpuSum *cpu_sum_new(unsigned n_cpus);
void cpu_sum_free(CpuSum *sum);
/* Adds what the processes have used since the last call; all they ever used in the first. */
void cpu_sum_update(CpuSum *sum, const Process *processes, unsigned n_processes, guint64 uptime_ns);
/* Fills in sample->cpu and sample->cpus; idle is what is left of the uptime. */
void cpu_sum_fill(CpuSum *sum, guint64 uptime_ns, Sample *sample);
