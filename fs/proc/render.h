/*
 * The texts of the machine-wide files of /proc, made from a Sample. Numbers agree with each other: as many CPUs in stat
 * as in cpuinfo, no CPU idle for longer than the uptime, free memory and swap no more than the total.
 */
#pragma once

#include "fs/proc/limits.h"

/* What a text is made from. sample->native: the kernel's own text of the same file, or NULL. */
typedef struct ProcScene {
	const Sample *sample;
	const Machine *machine;
	const ProcLimits *limits;
} ProcScene;

void proc_show_stat(const ProcScene *scene, GString *out);
void proc_show_uptime(const ProcScene *scene, GString *out);
void proc_show_loadavg(const ProcScene *scene, GString *out);
void proc_show_meminfo(const ProcScene *scene, GString *out);
void proc_show_vmstat(const ProcScene *scene, GString *out);
void proc_show_swaps(const ProcScene *scene, GString *out);
/* The kernel's own text, cut down to the CPUs that are shown; the bare minimum where the kernel has none. */
void proc_show_cpuinfo(const ProcScene *scene, GString *out);
/* The kernel's own lines; clients cannot stand empty ones, nor fewer than 14 columns. */
void proc_show_diskstats(const ProcScene *scene, GString *out);
/* As in /proc/pressure. */
void proc_show_pressure(const Pressure *pressure, GString *out);
/* The kernel's own lines and one for each of the types ("nodev\tcgroup") that it lacks. */
void proc_show_filesystems(const char *native, const char *const *more, GString *out);
