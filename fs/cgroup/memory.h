/* State of the memory controller, shared by its files: memory.c has the rows and limits, memory-events.c what happened,
 * memory-stat.c the statistics. */
#pragma once

#include "fs/cgroup/limits.h"
#include "fs/cgroup/page-counter.h"

typedef struct MemoryState {
	/* pages; PAGE_COUNTER_MAX: no limit. max is v1's limit_in_bytes too. */
	guint64 max, high, low, min;
	guint64 swap_max, swap_high;
	guint64 memsw_max, soft_limit, tcp_max; /* v1 */
	guint64 swappiness;
	gboolean oom_group, oom_kill_disabled;
	/* watermarks, bytes */
	guint64 peak, swap_peak, memsw_peak, kernel_peak;
	/* memory-watch.c: what was last seen above each limit, bytes (0: it was not above it), and of a shortage */
	guint64 above_max, above_high, above_memsw_max;
	gboolean under_oom;
	pid_t victim; /* who was killed last for it */
	guint64 victim_start;
	GPtrArray *listeners; /* MemoryListener */
	/* v1: how often a limit was met */
	guint64 failures, memsw_failures;
	guint64 events[MEMORY_EVENTS], local_events[MEMORY_EVENTS];
} MemoryState;

/* What a group uses, bytes. */
typedef struct MemoryUse {
	guint64 memory, swap;
	guint64 fixed;           /* memory that cannot be reclaimed without swap */
	guint64 fixed_with_swap; /* and what is in swap */
} MemoryUse;

/* Tree locked. */
void memory_use_of(const Group *group, const Sample *sample, MemoryUse *ret);

static inline MemoryState *memory_of(const Group *group)
{
	return group ? group->states[CONTROLLER_MEMORY] : NULL;
}

/* The smallest limit of the group and those above it, pages; field: offset of one in MemoryState. */
guint64 memory_effective_limit(const Group *group, size_t field);

/* memory-events.c */
/* Has the group, or one above it, run out of memory? (mem_cgroup_mark_under_oom()) Tree locked. */
gboolean memory_is_short(const Group *group);
int memory_show_events(const VContext *ctx, GString *out); /* arg: offset of events or local_events */
int memory_show_swap_events(const VContext *ctx, GString *out);
int memory_show_oom_control(const VContext *ctx, GString *out);
int memory_set_oom_control(const VContext *ctx, const char *text, size_t len);

/* memory-stat.c */
guint64 memory_kernel_bytes(const Group *group, const Sample *sample);
int memory_show_v1_stat(const VContext *ctx, GString *out);
int memory_show_v1_numa_stat(const VContext *ctx, GString *out);
int memory_show_v2_stat(const VContext *ctx, GString *out);
int memory_show_v2_numa_stat(const VContext *ctx, GString *out);
