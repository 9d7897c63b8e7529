/*
 * The cpuset controller: CPUs and memory nodes that a group's tasks may use (kernel/cgroup/cpuset.c).
 *
 * In v1 a new group has none, and takes no tasks until it has both, unless cgroup.clone_children of its parent, or
 * [cgroup] child-cpuset=inherit, gives it its parent's. In v2 it has its parent's as long as nothing is written.
 */
#include "fs/cgroup/cpuset.h"

#include "fs/cgroup/limits.h"
#include "fs/cgroup/scheduling.h"

#include <errno.h>
#include <stddef.h>

/* sched_domain_level_max + 1 of a machine without NUMA domains */
#define RELAX_LEVEL_MAX 2

static void list_of_machine(BitList *list, const char *text)
{
	if (!text || bit_list_parse(list, text) < 0 || bit_list_is_empty(list))
		bit_list_set(list, 0, TRUE);
}

static void cpuset_init(Fs *fs, Group *group, void *state, Group *parent, void *parent_state)
{
	const Machine *machine = sampler_machine(fs->sampler);
	const CpuSet *above = parent_state;
	CpuSet *cpuset = state;

	bit_list_init(&cpuset->cpus, machine->max_cpu + 1);
	bit_list_init(&cpuset->exclusive, machine->max_cpu + 1);
	bit_list_init(&cpuset->mems, CPUSET_MAX_NODES);
	cpuset->load_balance = TRUE;
	cpuset->relax_domain_level = -1;
	if (!above) {
		cpuset->cpu_exclusive = cpuset->mem_exclusive = TRUE;
		list_of_machine(&cpuset->cpus, machine->cpu_list);
		list_of_machine(&cpuset->mems, machine->node_list);
		return;
	}
	cpuset->spread_page = above->spread_page;
	cpuset->spread_slab = above->spread_slab;
	if (!group->hierarchy->is_v2 && (group_clones_children(group) ||
					 g_str_equal(config_string(fs->config, "cgroup", "child-cpuset"), "inherit")))
		cpuset_v1_inherit(group);
}

static void cpuset_clear(Fs *fs, Group *group, void *state)
{
	CpuSet *cpuset = state;

	bit_list_clear(&cpuset->cpus);
	bit_list_clear(&cpuset->mems);
	bit_list_clear(&cpuset->exclusive);
}

static void effective(const Group *group, gboolean is_mems, BitList *ret)
{
	bit_list_init(ret, cpuset_list(cpuset_of(group), is_mems)->n_bits);
	(group->hierarchy->is_v2 ? cpuset_v2_effective : cpuset_v1_effective)(group, is_mems, ret);
}

static int cpuset_can_attach(Fs *fs, Group *group, void *state, pid_t pid, unsigned n_tasks)
{
	BitList cpus, mems;
	gboolean nothing;

	effective(group, FALSE, &cpus);
	effective(group, TRUE, &mems);
	nothing = bit_list_is_empty(&cpus) || bit_list_is_empty(&mems);
	bit_list_clear(&cpus);
	bit_list_clear(&mems);
	return nothing ? -ENOSPC : 0;
}

int cpuset_check_members(const Group *group, const CpuSet *wanted)
{
	const CpuSet *now = cpuset_of(group);

	if (!group_has_members(group))
		return 0;
	if ((!bit_list_is_empty(&now->cpus) && bit_list_is_empty(&wanted->cpus)) ||
	    (!bit_list_is_empty(&now->mems) && bit_list_is_empty(&wanted->mems)))
		return -ENOSPC;
	return 0;
}

gboolean limits_cpus(const Group *group, BitList *ret)
{
	BitList cpus;

	while (group && !cpuset_of(group))
		group = group->parent;
	if (!group)
		return FALSE;
	effective(group, FALSE, &cpus);
	bit_list_copy(ret, &cpus);
	bit_list_clear(&cpus);
	return TRUE;
}

static int show_list(const BitList *list, GString *out)
{
	bit_list_show(list, out);
	g_string_append_c(out, '\n');
	return 0;
}

/* arg: offset of a BitList in CpuSet */
static int cpuset_show_list(const VContext *ctx, GString *out)
{
	return show_list(VFILE_FIELD(ctx, BitList), out);
}

static int cpuset_effective(const VContext *ctx, GString *out)
{
	BitList list;

	effective(ctx->owner, ctx->file->arg == offsetof(CpuSet, mems), &list);
	show_list(&list, out);
	bit_list_clear(&list);
	return 0;
}

/* `wanted` replaces one of the group's lists, if the rules allow that. */
static int change_list(Group *group, gboolean is_mems, const BitList *wanted)
{
	CpuSet *cpuset = cpuset_of(group), trial = *cpuset;
	int r;

	if (!bit_list_is_subset(wanted, cpuset_list(cpuset_of(group->hierarchy->root), is_mems)))
		return -EINVAL;
	*cpuset_list(&trial, is_mems) = *wanted;
	r = group->hierarchy->is_v2 ? cpuset_check_members(group, &trial) : cpuset_v1_check(group, &trial);
	if (r == 0)
		bit_list_copy(cpuset_list(cpuset, is_mems), wanted);
	return r;
}

static int cpuset_set_list(const VContext *ctx, const char *text, size_t len)
{
	BitList wanted;
	int r;

	if (group_is_root(ctx->owner))
		return -EACCES;
	bit_list_init(&wanted, VFILE_FIELD(ctx, BitList)->n_bits);
	r = bit_list_parse(&wanted, text);
	if (r == 0)
		r = change_list(ctx->owner, ctx->file->arg == offsetof(CpuSet, mems), &wanted);
	bit_list_clear(&wanted);
	return r;
}

static int cpuset_set_relax_level(const VContext *ctx, const char *text, size_t len)
{
	gint64 level;
	int r = parse_s64(text, &level);

	if (r < 0)
		return r;
	if (level < -1 || level > RELAX_LEVEL_MAX)
		return -EINVAL;
	*VFILE_FIELD(ctx, gint64) = level;
	return 0;
}

#define FIELD(name) offsetof(CpuSet, name)

#define V1_FLAG(name, flags, field, what)                                                                              \
	{                                                                                                              \
		"cpuset." name, 0644, VF_KEEP_SPACE | (flags), ORIGIN_SETTING, vfile_show_bool, cpuset_v1_set_flag,    \
			FIELD(field), what                                                                             \
	}

static const VFile cpuset_v1_files[] = {
	{"cpuset.cpus", 0644, 0, ORIGIN_SETTING, cpuset_show_list, cpuset_set_list, FIELD(cpus),
	 "CPUs that the group's tasks may use", scheduling_after_cpus},
	{"cpuset.mems", 0644, 0, ORIGIN_SETTING, cpuset_show_list, cpuset_set_list, FIELD(mems),
	 "memory nodes that the group's tasks may use"},
	{"cpuset.effective_cpus", 0444, 0, ORIGIN_SETTING, cpuset_effective, NULL, FIELD(cpus),
	 "CPUs that they really can use"},
	{"cpuset.effective_mems", 0444, 0, ORIGIN_SETTING, cpuset_effective, NULL, FIELD(mems),
	 "memory nodes that they really can use"},
	V1_FLAG("cpu_exclusive", 0, cpu_exclusive, "1: groups beside this one do not have its CPUs"),
	V1_FLAG("mem_exclusive", 0, mem_exclusive, "1: groups beside this one do not have its memory nodes"),
	V1_FLAG("mem_hardwall", 0, mem_hardwall, "1: kernel memory comes from the group's nodes too"),
	V1_FLAG("sched_load_balance", 0, load_balance, "1: load is balanced over the group's CPUs"),
	{"cpuset.sched_relax_domain_level", 0644, VF_KEEP_SPACE, ORIGIN_SETTING, vfile_show_s64, cpuset_set_relax_level,
	 FIELD(relax_domain_level), "how far a CPU looks for work when it has none; -1: the machine's default"},
	V1_FLAG("memory_migrate", 0, memory_migrate, "1: memory moves along when the nodes change"),
	{"cpuset.memory_pressure", 0444, 0, ORIGIN_CONSTANT, vfile_show_zero, NULL, 0,
	 "rate at which the group's tasks had to reclaim memory: not measured"},
	V1_FLAG("memory_spread_page", 0, spread_page, "1: page cache is spread over the nodes"),
	V1_FLAG("memory_spread_slab", 0, spread_slab, "1: slabs are spread over the nodes"),
	V1_FLAG("memory_pressure_enabled", VF_ROOT_ONLY, memory_pressure_enabled,
		"1: cpuset.memory_pressure is computed"),
	{0},
};

static const VFile cpuset_v2_files[] = {
	{"cpuset.cpus", 0644, VF_NOT_ROOT, ORIGIN_SETTING, cpuset_show_list, cpuset_set_list, FIELD(cpus),
	 "CPUs that the group asks for; empty: its parent's", scheduling_after_partition},
	{"cpuset.mems", 0644, VF_NOT_ROOT, ORIGIN_SETTING, cpuset_show_list, cpuset_set_list, FIELD(mems),
	 "memory nodes that the group asks for; empty: its parent's"},
	{"cpuset.cpus.effective", 0444, 0, ORIGIN_SETTING, cpuset_effective, NULL, FIELD(cpus),
	 "CPUs that the group's tasks may use"},
	{"cpuset.mems.effective", 0444, 0, ORIGIN_SETTING, cpuset_effective, NULL, FIELD(mems),
	 "memory nodes that the group's tasks may use"},
	{"cpuset.cpus.partition", 0644, VF_NOT_ROOT | VF_EVENT | VF_OWN_STATE, ORIGIN_SETTING, cpuset_v2_show_partition,
	 cpuset_v2_set_partition, 0, "member, root or isolated: does the group have its CPUs for itself?",
	 scheduling_after_partition},
	{"cpuset.cpus.exclusive", 0644, VF_NOT_ROOT, ORIGIN_SETTING, cpuset_show_list, cpuset_v2_set_exclusive,
	 FIELD(exclusive), "CPUs that the group asks to have for itself", scheduling_after_partition},
	{"cpuset.cpus.exclusive.effective", 0444, VF_NOT_ROOT, ORIGIN_SETTING, cpuset_v2_show_exclusive_effective, NULL,
	 0, "CPUs that a partition of this group can have"},
	{"cpuset.cpus.isolated", 0444, VF_ROOT_ONLY, ORIGIN_SETTING, cpuset_v2_show_isolated, NULL, 0,
	 "CPUs of all isolated partitions"},
	{0},
};

const Controller cpuset_controller = {
	.v1_name = "cpuset",
	.v2_name = "cpuset",
	.v1_files = cpuset_v1_files,
	.v2_files = cpuset_v2_files,
	.state_size = sizeof(CpuSet),
	.init = cpuset_init,
	.clear = cpuset_clear,
	.can_attach = cpuset_can_attach,
	.save = cpuset_v2_save,
	.restore = cpuset_v2_restore,
};
