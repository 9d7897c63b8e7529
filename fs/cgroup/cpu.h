/* State of the cpu controller, shared by its two files: cpu.c has the rows and weights, cpu-bandwidth.c quotas. */
#pragma once

#include "fs/cgroup/bandwidth.h"
#include "fs/cgroup/control-file.h"

#define CPU_NO_QUOTA G_MAXUINT64

typedef struct Cpu {
	guint64 shares; /* 1024: the default; v2's weight is kept in this unit, as in the kernel */
	gboolean idle;
	/* bandwidth of normal tasks, microseconds */
	guint64 quota_us; /* CPU_NO_QUOTA: none */
	guint64 period_us, burst_us;
	/* bandwidth of real-time tasks (v1), microseconds */
	guint64 rt_runtime_us, rt_period_us;
	/* of periods with a quota */
	guint64 n_periods, n_throttled, throttled_ns;
	Bandwidth bandwidth;
} Cpu;

static inline Cpu *cpu_of(const Group *group)
{
	return group ? group->states[CONTROLLER_CPU] : NULL;
}

/* Show and store functions of rows whose arg is the offset of a field of Cpu. */
int cpu_show_quota(const VContext *ctx, GString *out); /* v1: -1 for no quota */
int cpu_set_quota(const VContext *ctx, const char *text, size_t len);
int cpu_set_period(const VContext *ctx, const char *text, size_t len);
int cpu_set_burst(const VContext *ctx, const char *text, size_t len);
int cpu_show_max(const VContext *ctx, GString *out); /* v2 */
int cpu_set_max(const VContext *ctx, const char *text, size_t len);
int cpu_set_rt_runtime(const VContext *ctx, const char *text, size_t len);
int cpu_set_rt_period(const VContext *ctx, const char *text, size_t len);
