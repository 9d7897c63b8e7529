/*
 * The cpuacct controller (v1): CPU time of a group and its descendants, by CPU and by mode (kernel/sched/cpuacct.c).
 *
 * Writing 0 to cpuacct.usage starts all of a group's counters again, but not those of the groups around it, and never
 * the root's. The times themselves only grow, so a reset remembers them as what is to be subtracted.
 */
#include "fs/cgroup/control-file.h"
#include "fs/cgroup/members.h"
#include "fs/parse.h"

#include <errno.h>

typedef struct CpuTime {
	guint64 user, system; /* ns */
} CpuTime;

typedef struct CpuAcct {
	CpuTime reset;    /* the whole, at the last reset */
	GArray *reset_by; /* CpuTime of each CPU, at the last reset */
} CpuAcct;

/* Which part of a CpuTime a row shows: its arg. */
enum { PART_BOTH, PART_USER, PART_SYSTEM };

#define NS_PER_SECOND G_GUINT64_CONSTANT(1000000000)

static void cpuacct_init(Fs *fs, Group *group, void *state, Group *parent, void *parent_state)
{
	((CpuAcct *) state)->reset_by = g_array_new(FALSE, TRUE, sizeof(CpuTime));
}

static void cpuacct_clear(Fs *fs, Group *group, void *state)
{
	g_array_unref(((CpuAcct *) state)->reset_by);
}

static guint64 since(guint64 now, guint64 reset)
{
	return now > reset ? now - reset : 0;
}

static CpuTime time_of_group(const VContext *ctx)
{
	const CpuAcct *cpuacct = ctx->state;
	Usage usage;

	group_usage(ctx->owner, ctx->sample, &usage);
	return (CpuTime){since(usage.cpu_user, cpuacct->reset.user), since(usage.cpu_system, cpuacct->reset.system)};
}

static CpuTime time_of_cpu(const VContext *ctx, unsigned cpu)
{
	const CpuAcct *cpuacct = ctx->state;
	CpuTime now, reset = {0, 0};

	group_usage_cpu(ctx->owner, ctx->sample, cpu, &now.user, &now.system);
	if (cpu < cpuacct->reset_by->len)
		reset = g_array_index(cpuacct->reset_by, CpuTime, cpu);
	return (CpuTime){since(now.user, reset.user), since(now.system, reset.system)};
}

static guint64 part_of(CpuTime time, size_t part)
{
	return (part == PART_SYSTEM ? 0 : time.user) + (part == PART_USER ? 0 : time.system);
}

static int cpuacct_usage(const VContext *ctx, GString *out)
{
	g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", part_of(time_of_group(ctx), ctx->file->arg));
	return 0;
}

static int cpuacct_per_cpu(const VContext *ctx, GString *out)
{
	for (unsigned cpu = 0; cpu < ctx->sample->n_cpus; cpu++)
		g_string_append_printf(out, "%" G_GUINT64_FORMAT " ", part_of(time_of_cpu(ctx, cpu), ctx->file->arg));
	g_string_append_c(out, '\n');
	return 0;
}

static int cpuacct_all(const VContext *ctx, GString *out)
{
	g_string_append(out, "cpu user system\n");
	for (unsigned cpu = 0; cpu < ctx->sample->n_cpus; cpu++) {
		CpuTime time = time_of_cpu(ctx, cpu);

		g_string_append_printf(out, "%u %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n", cpu, time.user,
				       time.system);
	}
	return 0;
}

/* In clock ticks. */
static int cpuacct_stat(const VContext *ctx, GString *out)
{
	CpuTime time = time_of_group(ctx);
	guint64 ns_per_tick = NS_PER_SECOND / MAX(sampler_machine(ctx->fs->sampler)->ticks_per_second, 1);

	g_string_append_printf(out, "user %" G_GUINT64_FORMAT "\nsystem %" G_GUINT64_FORMAT "\n",
			       time.user / ns_per_tick, time.system / ns_per_tick);
	return 0;
}

static void reset(const VContext *ctx)
{
	CpuAcct *cpuacct = ctx->state;
	Usage usage;

	group_usage(ctx->owner, ctx->sample, &usage);
	cpuacct->reset = (CpuTime){usage.cpu_user, usage.cpu_system};
	g_array_set_size(cpuacct->reset_by, ctx->sample->n_cpus);
	for (unsigned cpu = 0; cpu < ctx->sample->n_cpus; cpu++) {
		CpuTime *time = &g_array_index(cpuacct->reset_by, CpuTime, cpu);

		group_usage_cpu(ctx->owner, ctx->sample, cpu, &time->user, &time->system);
	}
}

static int cpuacct_set_usage(const VContext *ctx, const char *text, size_t len)
{
	g_autoptr(Sample) sample = NULL;
	VContext locked = *ctx;
	guint64 value;
	int r = parse_u64(text, &value);

	if (r < 0)
		return r;
	if (value != 0)
		return -EINVAL;
	sample = members_sample(ctx->fs, ctx->node, ctx->caller);
	locked.sample = sample;
	r = control_file_lock(&locked);
	if (r < 0)
		return r;
	if (!group_is_root(locked.owner))
		reset(&locked);
	control_file_unlock(&locked);
	return 0;
}

static void cpuacct_save(const Group *group, const void *state, GVariantDict *dict)
{
	const CpuAcct *cpuacct = state;
	GVariantBuilder times;

	g_variant_builder_init(&times, G_VARIANT_TYPE("a(tt)"));
	g_variant_builder_add(&times, "(tt)", cpuacct->reset.user, cpuacct->reset.system);
	for (guint i = 0; i < cpuacct->reset_by->len; i++) {
		const CpuTime *time = &g_array_index(cpuacct->reset_by, CpuTime, i);

		g_variant_builder_add(&times, "(tt)", time->user, time->system);
	}
	g_variant_dict_insert_value(dict, "reset", g_variant_builder_end(&times));
}

static void cpuacct_restore(Group *group, void *state, GVariantDict *dict)
{
	g_autoptr(GVariant) times = g_variant_dict_lookup_value(dict, "reset", G_VARIANT_TYPE("a(tt)"));
	CpuAcct *cpuacct = state;
	CpuTime time;
	GVariantIter iter;

	if (!times)
		return;
	g_variant_iter_init(&iter, times);
	g_variant_iter_next(&iter, "(tt)", &cpuacct->reset.user, &cpuacct->reset.system);
	g_array_set_size(cpuacct->reset_by, 0);
	while (g_variant_iter_next(&iter, "(tt)", &time.user, &time.system))
		g_array_append_val(cpuacct->reset_by, time);
}

static const VFile cpuacct_v1_files[] = {
	{"cpuacct.usage", 0644, VF_UNLOCKED | VF_KEEP_SPACE, ORIGIN_CPU, cpuacct_usage, cpuacct_set_usage, PART_BOTH,
	 "CPU time, ns; 0 resets it"},
	{"cpuacct.usage_user", 0444, 0, ORIGIN_CPU, cpuacct_usage, NULL, PART_USER, "CPU time in user mode, ns"},
	{"cpuacct.usage_sys", 0444, 0, ORIGIN_CPU, cpuacct_usage, NULL, PART_SYSTEM, "CPU time in the kernel, ns"},
	{"cpuacct.usage_percpu", 0444, 0, ORIGIN_CPU, cpuacct_per_cpu, NULL, PART_BOTH, "CPU time by CPU, ns"},
	{"cpuacct.usage_percpu_user", 0444, 0, ORIGIN_CPU, cpuacct_per_cpu, NULL, PART_USER,
	 "CPU time in user mode by CPU, ns"},
	{"cpuacct.usage_percpu_sys", 0444, 0, ORIGIN_CPU, cpuacct_per_cpu, NULL, PART_SYSTEM,
	 "CPU time in the kernel by CPU, ns"},
	{"cpuacct.usage_all", 0444, 0, ORIGIN_CPU, cpuacct_all, NULL, 0, "CPU time by CPU and mode, ns"},
	{"cpuacct.stat", 0444, 0, ORIGIN_CPU, cpuacct_stat, NULL, 0, "CPU time by mode, clock ticks"},
	{0},
};

const Controller cpuacct_controller = {
	.v1_name = "cpuacct",
	.v1_files = cpuacct_v1_files,
	.state_size = sizeof(CpuAcct),
	.init = cpuacct_init,
	.clear = cpuacct_clear,
	.save = cpuacct_save,
	.restore = cpuacct_restore,
};
