/*
 * The limits that groups have, for those who enforce them, and what they report back.
 *
 * A getter answers for the group and all groups above it: the tightest limit that holds, in v1 and v2 alike. Tree
 * locked.
 */
#pragma once

#include "fs/cgroup/group.h"
#include "fs/parse.h"

/* CPU time per period, microseconds; the pair with the smallest share of a CPU. FALSE: no quota. */
gboolean limits_cpu_quota(const Group *group, guint64 *ret_quota_us, guint64 *ret_period_us);
/* The group's own weight as the nice value that gives the same share, -20 … 19. */
int limits_cpu_nice(const Group *group);
/* Bytes; G_MAXUINT64: no limit. */
guint64 limits_memory(const Group *group);
guint64 limits_memory_own(const Group *group);      /* without the groups above */
gboolean limits_memory_oom_group(const Group *group);
guint64 limits_pids_own(const Group *group); /* tasks; without the groups above */
/* The CPUs that the group's tasks may use; ret must have machine->max_cpu + 1 bits. FALSE: no cpuset above it. */
gboolean limits_cpus(const Group *group, BitList *ret);

/* A period of CPU bandwidth has passed; throttled_ns of it the group was stopped (0: not at all). Locked for writing.
 */
void limits_cpu_count_period(Group *group, guint64 throttled_ns);

/* Events of memory.events, in its order. v1 counts MAX in memory.failcnt and OOM_KILL in memory.oom_control. */
typedef enum MemoryEvent {
	MEMORY_EVENT_LOW,
	MEMORY_EVENT_HIGH,
	MEMORY_EVENT_MAX,
	MEMORY_EVENT_OOM,
	MEMORY_EVENT_OOM_KILL,
	MEMORY_EVENT_OOM_GROUP_KILL,
	MEMORY_EVENTS
} MemoryEvent;

/* Counts in the group and all above it, and wakes those who wait. Locked for writing. */
void limits_memory_count(Group *group, MemoryEvent event);
/* A group (its pids.max, or that of one above it) was found to have more tasks than allowed. Locked for writing. */
void limits_pids_count(Group *group);
/* Processes or threads were born in the group: counts those that are too many, if [enforce] pids asks for it. Locked
 * for writing. */
void limits_pids_note_births(Group *group, unsigned n);
/* May this process make one more process or thread? -EAGAIN, counted in pids.events: a pids.max says no. For those who
 * can refuse a fork; takes the lock itself. */
int limits_pids_fork(Fs *fs, pid_t pid);
