/*
 * The cpu controller: shares of the CPUs, quotas, and in v2 CPU time (kernel/sched/core.c, kernel/cgroup/rstat.c).
 *
 * cpu.shares, cpu.weight and cpu.weight.nice are three views of one number. cpu.idle replaces it, and fixes it, as long
 * as it is 1. cpu.stat of v2 belongs to every group; only its lines about quotas belong to the controller.
 */
#include "fs/cgroup/cpu.h"

#include "fs/cgroup/core.h"
#include "fs/cgroup/enforce.h"
#include "fs/cgroup/limits.h"
#include "fs/cgroup/scheduling.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define SHARES_MIN     ((guint64) 2)
#define SHARES_MAX     ((guint64) 1 << 18)
#define SHARES_DEFAULT ((guint64) 1024)
#define SHARES_IDLE    ((guint64) 3)
/* above this a share would not survive the kernel's fixed point arithmetic */
#define SHARES_SCALABLE (G_MAXUINT64 >> 10)

#define WEIGHT_DEFAULT ((guint64) 100)
#define WEIGHT_MAX     ((guint64) 10000)

#define NICE_MIN (-20)
#define NICE_MAX 19

/* sched_prio_to_weight[]: each nice level is worth about 10 % of CPU time; from nice -20. */
static const guint64 nice_shares[] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904,
	3906,  3121,  2501,  1991,  1586,  1277,  1024,  820,   655,   526,   423,  335,  272,  215,
	172,   137,   110,   87,    70,    56,    45,    36,    29,    23,    18,   15,
};

static void cpu_init(Fs *fs, Group *group, void *state, Group *parent, void *parent_state)
{
	*(Cpu *) state = (Cpu){
		.shares = SHARES_DEFAULT,
		.quota_us = CPU_NO_QUOTA,
		.period_us = 100000,
		.rt_period_us = 1000000,
		.rt_runtime_us = parent ? 0 : 950000,
	};
}

static void cpu_clear(Fs *fs, Group *group, void *state)
{
	bandwidth_clear(&((Cpu *) state)->bandwidth);
}

static void cpu_attached(Fs *fs, Group *group, void *state, Group *from, pid_t pid)
{
	guint64 quota, period;

	if (limits_cpu_quota(group, &quota, &period))
		enforce_wake_bandwidth(fs);
}

static int set_shares(const VContext *ctx, guint64 shares)
{
	Cpu *cpu = ctx->state;

	if (group_is_root(ctx->owner) || cpu->idle)
		return -EINVAL;
	cpu->shares = CLAMP(shares, SHARES_MIN, SHARES_MAX);
	return 0;
}

static int cpu_set_shares(const VContext *ctx, const char *text, size_t len)
{
	guint64 shares;
	int r = parse_u64(text, &shares);

	if (r < 0)
		return r;
	return set_shares(ctx, shares > SHARES_SCALABLE ? SHARES_MAX : shares);
}

static guint64 divide_round(guint64 dividend, guint64 divisor)
{
	return (dividend + divisor / 2) / divisor;
}

static int cpu_weight(const VContext *ctx, GString *out)
{
	const Cpu *cpu = ctx->state;
	guint64 weight = CLAMP(divide_round(cpu->shares * WEIGHT_DEFAULT, SHARES_DEFAULT), 1, WEIGHT_MAX);

	g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", cpu->idle ? 0 : weight);
	return 0;
}

static int cpu_set_weight(const VContext *ctx, const char *text, size_t len)
{
	guint64 weight;
	int r = parse_u64(text, &weight);

	if (r < 0)
		return r;
	if (weight < 1 || weight > WEIGHT_MAX)
		return -ERANGE;
	return set_shares(ctx, divide_round(weight * SHARES_DEFAULT, WEIGHT_DEFAULT));
}

/* The nearest nice level; of two equally near ones the lower. */
static int nice_of_shares(guint64 shares)
{
	size_t best = 0;

	for (size_t i = 1; i < G_N_ELEMENTS(nice_shares); i++)
		if (llabs((gint64) (nice_shares[i] - shares)) < llabs((gint64) (nice_shares[best] - shares)))
			best = i;
	return (int) best + NICE_MIN;
}

static int cpu_weight_nice(const VContext *ctx, GString *out)
{
	g_string_append_printf(out, "%d\n", nice_of_shares(((Cpu *) ctx->state)->shares));
	return 0;
}

static int cpu_set_weight_nice(const VContext *ctx, const char *text, size_t len)
{
	gint64 nice;
	int r = parse_s64(text, &nice);

	if (r < 0)
		return r;
	if (nice < NICE_MIN || nice > NICE_MAX)
		return -ERANGE;
	return set_shares(ctx, nice_shares[nice - NICE_MIN]);
}

static int cpu_set_idle(const VContext *ctx, const char *text, size_t len)
{
	Cpu *cpu = ctx->state;
	gint64 idle;
	int r = parse_s64(text, &idle);

	if (r < 0)
		return r;
	if (group_is_root(ctx->owner) || idle < 0 || idle > 1)
		return -EINVAL;
	if (cpu->idle == (idle == 1))
		return 0;
	cpu->idle = idle == 1;
	cpu->shares = cpu->idle ? SHARES_IDLE : SHARES_DEFAULT;
	return 0;
}

int limits_cpu_nice(const Group *group)
{
	const Cpu *cpu = cpu_of(group);

	if (!cpu)
		return 0;
	return cpu->idle ? NICE_MAX : nice_of_shares(cpu->shares);
}

/* Bursts are not emulated: nr_bursts and burst time are 0. */
static int cpu_v1_stat(const VContext *ctx, GString *out)
{
	const Cpu *cpu = ctx->state;

	g_string_append_printf(out,
			       "nr_periods %" G_GUINT64_FORMAT "\nnr_throttled %" G_GUINT64_FORMAT
			       "\nthrottled_time %" G_GUINT64_FORMAT "\nnr_bursts 0\nburst_time 0\n",
			       cpu->n_periods, cpu->n_throttled, cpu->throttled_ns);
	return 0;
}

static int cpu_v1_stat_local(const VContext *ctx, GString *out)
{
	g_string_append_printf(out, "throttled_time %" G_GUINT64_FORMAT "\n", ((Cpu *) ctx->state)->throttled_ns);
	return 0;
}

static int cpu_v2_stat(const VContext *ctx, GString *out)
{
	const Cpu *cpu = cpu_of(ctx->owner);
	Usage usage;
	guint64 user, system;

	group_usage(ctx->owner, ctx->sample, &usage);
	user = usage.cpu_user / 1000;
	system = usage.cpu_system / 1000;
	g_string_append_printf(out,
			       "usage_usec %" G_GUINT64_FORMAT "\nuser_usec %" G_GUINT64_FORMAT
			       "\nsystem_usec %" G_GUINT64_FORMAT "\nnice_usec %" G_GUINT64_FORMAT "\n",
			       user + system, user, system, usage.cpu_nice / 1000);
	if (cpu)
		g_string_append_printf(out,
				       "nr_periods %" G_GUINT64_FORMAT "\nnr_throttled %" G_GUINT64_FORMAT
				       "\nthrottled_usec %" G_GUINT64_FORMAT "\nnr_bursts 0\nburst_usec 0\n",
				       cpu->n_periods, cpu->n_throttled, cpu->throttled_ns / 1000);
	return 0;
}

static int cpu_v2_stat_local(const VContext *ctx, GString *out)
{
	const Cpu *cpu = cpu_of(ctx->owner);

	if (cpu)
		g_string_append_printf(out, "throttled_usec %" G_GUINT64_FORMAT "\n", cpu->throttled_ns / 1000);
	return 0;
}

#define FIELD(name) offsetof(Cpu, name)

static const VFile cpu_v1_files[] = {
	{"cpu.shares", 0644, VF_KEEP_SPACE, ORIGIN_SETTING, vfile_show_u64, cpu_set_shares, FIELD(shares),
	 "share of CPU time against other groups, 2 to 262144", scheduling_after_weight},
	{"cpu.idle", 0644, VF_KEEP_SPACE, ORIGIN_SETTING, vfile_show_bool, cpu_set_idle, FIELD(idle),
	 "1: run only when nobody else wants to", scheduling_after_weight},
	{"cpu.cfs_quota_us", 0644, VF_KEEP_SPACE, ORIGIN_SETTING, cpu_show_quota, cpu_set_quota, 0,
	 "CPU time per period, microseconds; -1: no limit", enforce_after_bandwidth},
	{"cpu.cfs_period_us", 0644, VF_KEEP_SPACE, ORIGIN_SETTING, vfile_show_u64, cpu_set_period, FIELD(period_us),
	 "length of a period, microseconds", enforce_after_bandwidth},
	{"cpu.cfs_burst_us", 0644, VF_KEEP_SPACE, ORIGIN_SETTING, vfile_show_u64, cpu_set_burst, FIELD(burst_us),
	 "unused CPU time that can be saved for later periods, microseconds"},
	{"cpu.stat", 0444, 0, ORIGIN_TREE, cpu_v1_stat, NULL, 0, "periods, and how often the quota stopped the group"},
	{"cpu.stat.local", 0444, 0, ORIGIN_TREE, cpu_v1_stat_local, NULL, 0,
	 "time that the quota stopped the group, ns"},
	{"cpu.rt_runtime_us", 0644, VF_KEEP_SPACE, ORIGIN_SETTING, vfile_show_u64, cpu_set_rt_runtime,
	 FIELD(rt_runtime_us), "CPU time of real-time tasks per period, microseconds"},
	{"cpu.rt_period_us", 0644, VF_KEEP_SPACE, ORIGIN_SETTING, vfile_show_u64, cpu_set_rt_period,
	 FIELD(rt_period_us), "length of a period of real-time tasks, microseconds"},
	{0},
};

static const VFile cpu_v2_files[] = {
	{"cpu.weight", 0644, VF_NOT_ROOT | VF_KEEP_SPACE, ORIGIN_SETTING, cpu_weight, cpu_set_weight, 0,
	 "share of CPU time against other groups, 1 to 10000", scheduling_after_weight},
	{"cpu.weight.nice", 0644, VF_NOT_ROOT | VF_KEEP_SPACE, ORIGIN_SETTING, cpu_weight_nice, cpu_set_weight_nice, 0,
	 "the weight as a nice value", scheduling_after_weight},
	{"cpu.idle", 0644, VF_NOT_ROOT | VF_KEEP_SPACE, ORIGIN_SETTING, vfile_show_bool, cpu_set_idle, FIELD(idle),
	 "1: run only when nobody else wants to", scheduling_after_weight},
	{"cpu.max", 0644, VF_NOT_ROOT, ORIGIN_SETTING, cpu_show_max, cpu_set_max, 0,
	 "CPU time per period or max, and the period, microseconds", enforce_after_bandwidth},
	{"cpu.max.burst", 0644, VF_NOT_ROOT | VF_KEEP_SPACE, ORIGIN_SETTING, vfile_show_u64, cpu_set_burst,
	 FIELD(burst_us), "unused CPU time that can be saved for later periods, microseconds"},
	{0},
};

const VFile cpu_base_files[] = {
	{"cpu.stat", 0444, 0, ORIGIN_CPU, cpu_v2_stat, NULL, 0, "CPU time, microseconds, and how often a quota held"},
	{"cpu.stat.local", 0444, 0, ORIGIN_TREE, cpu_v2_stat_local, NULL, 0,
	 "time that the quota stopped the group, microseconds"},
	{0},
};

static const KeptField cpu_kept[] = {
	{"periods", KEPT_U64, FIELD(n_periods), 1},
	{"throttled", KEPT_U64, FIELD(n_throttled), 1},
	{"throttled-ns", KEPT_U64, FIELD(throttled_ns), 1},
	{0},
};

const Controller cpu_controller = {
	.v1_name = "cpu",
	.v2_name = "cpu",
	.v1_files = cpu_v1_files,
	.v2_files = cpu_v2_files,
	.state_size = sizeof(Cpu),
	.init = cpu_init,
	.clear = cpu_clear,
	.attached = cpu_attached,
	.kept = cpu_kept,
};
