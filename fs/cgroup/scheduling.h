/* What cpuset and cpu groups mean for the scheduler: the CPU affinity and the nice value of their members' threads. */
#pragma once

#include "fs/cgroup/members.h"

typedef enum SchedulingWhat {
	SCHEDULING_CPUS = 1 << 0,
	SCHEDULING_NICE = 1 << 1,
	SCHEDULING_ALL = SCHEDULING_CPUS | SCHEDULING_NICE,
} SchedulingWhat;

/* What changes for a process that moves: a set of SchedulingWhat. Tree locked. */
unsigned scheduling_affected(const Group *from, const Group *to);

/* Gives the threads of a process what their groups have, as far as [enforce] asks for it. Unlocked. */
void scheduling_apply_process(Fs *fs, pid_t pid, unsigned what);
/* The same for every process that is in a group of its own. Unlocked. */
void scheduling_apply_all(Fs *fs);

/* For VFile.after */
void scheduling_after_cpus(const VContext *ctx);
void scheduling_after_partition(const VContext *ctx); /* siblings may have lost or got CPUs */
void scheduling_after_weight(const VContext *ctx);
void scheduling_after_control(const VContext *ctx); /* children may have lost a controller */
