/*
 * CPU time per period: v1's cpu.cfs_* and cpu.rt_*, v2's cpu.max (kernel/sched/core.c and rt.c).
 *
 * v1 refuses a quota that gives a group a larger part of a CPU than the groups above it have, v2 takes it and the
 * smallest one holds. The real-time budgets of a group's children must fit into its own.
 */
#include "fs/cgroup/cpu.h"
#include "fs/cgroup/limits.h"
#include "fs/convert.h"

#include <errno.h>
#include <string.h>

/* Values must survive the translation to ns. */
#define MAX_US        (G_MAXUINT64 / 1000)
#define PERIOD_MIN_US ((guint64) 1000)
#define PERIOD_MAX_US ((guint64) 1000000)
/* A ratio is kept in units of 2^-20 of a CPU. */
#define RATIO_SHIFT 20
#define MAX_RUNTIME ((G_GUINT64_CONSTANT(1) << (64 - RATIO_SHIFT)) - 1)
#define NO_RATIO    G_MAXUINT64
/* kernel.sched_rt_runtime_us / kernel.sched_rt_period_us */
#define RT_GLOBAL_RATIO (((guint64) 950000 << RATIO_SHIFT) / 1000000)

static guint64 ratio_of(guint64 period, guint64 runtime)
{
	return period ? (runtime << RATIO_SHIFT) / period : 0;
}

static guint64 quota_ratio(const Cpu *cpu)
{
	return cpu->quota_us == CPU_NO_QUOTA ? NO_RATIO : ratio_of(cpu->period_us, cpu->quota_us);
}

typedef struct Fitting {
	Group *changed;
	Cpu wanted;
} Fitting;

static const Cpu *fitted(const Fitting *fitting, const Group *group)
{
	return group == fitting->changed ? &fitting->wanted : cpu_of(group);
}

/* The ratio of the nearest group upwards that has a quota. */
static guint64 inherited_ratio(const Fitting *fitting, const Group *group)
{
	guint64 ratio = NO_RATIO;

	for (; group && group->parent && ratio == NO_RATIO; group = group->parent)
		ratio = quota_ratio(fitted(fitting, group));
	return ratio;
}

static int check_quota_fits(Group *group, void *data)
{
	const Fitting *fitting = data;
	guint64 own, above;

	if (!group->parent)
		return 0;
	own = quota_ratio(fitted(fitting, group));
	above = inherited_ratio(fitting, group->parent);
	return own != NO_RATIO && above != NO_RATIO && own > above ? -EINVAL : 0;
}

/* tg_set_bandwidth() */
static int check_bandwidth(const Cpu *cpu)
{
	gboolean limited = cpu->quota_us != CPU_NO_QUOTA;

	if (cpu->period_us > MAX_US || (limited && cpu->quota_us > MAX_US) || cpu->burst_us > MAX_US)
		return -EINVAL;
	if (cpu->quota_us < PERIOD_MIN_US || cpu->period_us < PERIOD_MIN_US || cpu->period_us > PERIOD_MAX_US)
		return -EINVAL;
	if (limited && cpu->quota_us > MAX_RUNTIME)
		return -EINVAL;
	if (limited && (cpu->burst_us > cpu->quota_us || cpu->burst_us + cpu->quota_us > MAX_RUNTIME))
		return -EINVAL;
	return 0;
}

static int set_bandwidth(Group *group, guint64 period_us, guint64 quota_us, guint64 burst_us)
{
	Cpu *cpu = cpu_of(group);
	Fitting fitting = {group, *cpu};
	int r;

	if (group_is_root(group))
		return -EINVAL;
	fitting.wanted.period_us = period_us;
	fitting.wanted.quota_us = quota_us;
	fitting.wanted.burst_us = burst_us;
	r = check_bandwidth(&fitting.wanted);
	if (r == 0 && !group->hierarchy->is_v2)
		r = group_walk(group, check_quota_fits, &fitting);
	if (r == 0)
		*cpu = fitting.wanted;
	return r;
}

int cpu_show_quota(const VContext *ctx, GString *out)
{
	const Cpu *cpu = ctx->state;

	if (cpu->quota_us == CPU_NO_QUOTA)
		g_string_append(out, "-1\n");
	else
		g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", cpu->quota_us);
	return 0;
}

int cpu_set_quota(const VContext *ctx, const char *text, size_t len)
{
	const Cpu *cpu = ctx->state;
	gint64 quota;
	int r = parse_s64(text, &quota);

	if (r < 0)
		return r;
	return set_bandwidth(ctx->owner, cpu->period_us, quota < 0 ? CPU_NO_QUOTA : (guint64) quota, cpu->burst_us);
}

int cpu_set_period(const VContext *ctx, const char *text, size_t len)
{
	const Cpu *cpu = ctx->state;
	guint64 period;
	int r = parse_u64(text, &period);

	return r < 0 ? r : set_bandwidth(ctx->owner, period, cpu->quota_us, cpu->burst_us);
}

int cpu_set_burst(const VContext *ctx, const char *text, size_t len)
{
	const Cpu *cpu = ctx->state;
	guint64 burst;
	int r = parse_u64(text, &burst);

	return r < 0 ? r : set_bandwidth(ctx->owner, cpu->period_us, cpu->quota_us, burst);
}

int cpu_show_max(const VContext *ctx, GString *out)
{
	const Cpu *cpu = ctx->state;

	if (cpu->quota_us == CPU_NO_QUOTA)
		g_string_append(out, "max");
	else
		g_string_append_printf(out, "%" G_GUINT64_FORMAT, cpu->quota_us);
	g_string_append_printf(out, " %" G_GUINT64_FORMAT "\n", cpu->period_us);
	return 0;
}

/* "QUOTA [PERIOD]", "max [PERIOD]"; what follows a number is not looked at. */
int cpu_set_max(const VContext *ctx, const char *text, size_t len)
{
	const Cpu *cpu = ctx->state;
	guint64 quota, period = cpu->period_us;
	g_autofree char *word = convert_word(&text, 20);
	const char *digits = word;

	if (!word)
		return -EINVAL;
	convert_u64(&text, &period);
	if (!convert_u64(&digits, &quota)) {
		if (strcmp(word, "max") != 0)
			return -EINVAL;
		quota = CPU_NO_QUOTA;
	} else if (quota == CPU_NO_QUOTA) {
		return -EINVAL; /* only the word means no limit */
	}
	return set_bandwidth(ctx->owner, period, quota, cpu->burst_us);
}

/* Do the children's budgets fit into the group's? */
static int check_rt_fits(Group *group, void *data)
{
	const Fitting *fitting = data;
	const Cpu *cpu = fitted(fitting, group);
	guint64 own = ratio_of(cpu->rt_period_us, cpu->rt_runtime_us), sum = 0;

	for (guint i = 0; i < group->children->len; i++) {
		const Cpu *child = fitted(fitting, group->children->pdata[i]);

		sum += ratio_of(child->rt_period_us, child->rt_runtime_us);
	}
	return sum > own ? -EINVAL : 0;
}

static int set_rt_bandwidth(Group *group, guint64 period_us, guint64 runtime_us)
{
	Cpu *cpu = cpu_of(group);
	Fitting fitting = {group, *cpu};
	int r;

	if (period_us > MAX_US || runtime_us > MAX_US || period_us == 0 || (group_is_root(group) && runtime_us == 0))
		return -EINVAL;
	if (runtime_us * 1000 > MAX_RUNTIME || runtime_us > period_us)
		return -EINVAL;
	if (ratio_of(period_us, runtime_us) > RT_GLOBAL_RATIO)
		return -EINVAL;
	fitting.wanted.rt_period_us = period_us;
	fitting.wanted.rt_runtime_us = runtime_us;
	r = group_walk(group->hierarchy->root, check_rt_fits, &fitting);
	if (r == 0)
		*cpu = fitting.wanted;
	return r;
}

int cpu_set_rt_runtime(const VContext *ctx, const char *text, size_t len)
{
	gint64 runtime;
	int r = parse_s64(text, &runtime);

	if (r < 0)
		return r;
	/* "no limit" is more than the machine allows anybody */
	if (runtime < 0)
		return -EINVAL;
	return set_rt_bandwidth(ctx->owner, ((Cpu *) ctx->state)->rt_period_us, (guint64) runtime);
}

int cpu_set_rt_period(const VContext *ctx, const char *text, size_t len)
{
	guint64 period;
	int r = parse_u64(text, &period);

	return r < 0 ? r : set_rt_bandwidth(ctx->owner, period, ((Cpu *) ctx->state)->rt_runtime_us);
}

gboolean limits_cpu_quota(const Group *group, guint64 *ret_quota_us, guint64 *ret_period_us)
{
	guint64 smallest = NO_RATIO;

	for (; group; group = group->parent) {
		const Cpu *cpu = cpu_of(group);

		if (!cpu || quota_ratio(cpu) >= smallest)
			continue;
		smallest = quota_ratio(cpu);
		*ret_quota_us = cpu->quota_us;
		*ret_period_us = cpu->period_us;
	}
	return smallest != NO_RATIO;
}

void limits_cpu_count_period(Group *group, guint64 throttled_ns)
{
	Cpu *cpu = cpu_of(group);

	if (!cpu)
		return;
	cpu->n_periods++;
	cpu->n_throttled += throttled_ns > 0;
	cpu->throttled_ns += throttled_ns;
}
