#include "fs/proc/caller.h"

#include "fs/cgroup/limits.h"
#include "fs/cgroup/members.h"
#include "fs/cgroup/memory.h"

/* Are there any groups but roots? */
static gboolean has_groups(const Fs *fs)
{
	for (guint i = 0; fs->cgroups && i < fs->cgroups->hierarchies->len; i++) {
		const Hierarchy *hierarchy = fs->cgroups->hierarchies->pdata[i];

		if (hierarchy->root->children->len > 0)
			return TRUE;
	}
	return FALSE;
}

/* The group of the process where the controller is; NULL if that is not served, or the process is not known. */
static Group *group_of(const Fs *fs, pid_t pid, ControllerId id)
{
	const Task *task = fs->cgroups && pid > 0 ? members_find(fs->cgroups->members, pid) : NULL;
	const Hierarchy *hierarchy = task ? cgroups_of_controller(fs->cgroups, id) : NULL;

	return hierarchy ? task->groups[hierarchy->index] : NULL;
}

/* The group whose memory limit counts: the one nearest to the process with the tightest limit. NULL: there is no limit.
 */
static Group *limited_group(const Fs *fs, pid_t pid)
{
	Group *group = group_of(fs, pid, CONTROLLER_MEMORY);
	guint64 limit = group ? limits_memory(group) : G_MAXUINT64;

	if (limit == G_MAXUINT64)
		return NULL;
	while (group->parent && limits_memory_own(group) != limit)
		group = group->parent;
	return group;
}

/* Whether the table of members has this very process, and not an earlier one with its pid. */
static gboolean is_known(Fs *fs, pid_t pid)
{
	Process process;
	const Task *task;
	gboolean known;

	if (sampler_read_process(fs->sampler, pid, FALSE, &process) < 0)
		return TRUE;
	g_rw_lock_reader_lock(&fs->lock);
	task = members_find(fs->cgroups->members, pid);
	known = task && task->start == process.start;
	g_rw_lock_reader_unlock(&fs->lock);
	return known;
}

static void refresh_memory(Fs *fs, const Caller *caller)
{
	g_autoptr(Node) file = NULL;
	Group *group;

	g_rw_lock_reader_lock(&fs->lock);
	group = limited_group(fs, caller->pid);
	if (group) {
		Node *node = group_file(group, group->hierarchy->is_v2 ? "memory.current" : "memory.usage_in_bytes");

		file = node ? node_ref(node) : NULL;
	}
	g_rw_lock_reader_unlock(&fs->lock);
	if (file) {
		Sample *sample = members_sample(fs, file, caller);

		if (sample)
			sample_unref(sample);
	}
}

void proc_caller_refresh(Fs *fs, const Caller *caller, gboolean with_memory)
{
	gboolean any;

	g_rw_lock_reader_lock(&fs->lock);
	any = has_groups(fs);
	g_rw_lock_reader_unlock(&fs->lock);
	if (!any || caller->pid <= 0)
		return;
	if (!is_known(fs, caller->pid))
		members_refresh(fs);
	if (with_memory)
		refresh_memory(fs, caller);
}

static void limit_cpus(const Fs *fs, pid_t pid, ProcLimits *limits)
{
	const Machine *machine = sampler_machine(fs->sampler);
	const Group *cpuset = group_of(fs, pid, CONTROLLER_CPUSET), *cpu = group_of(fs, pid, CONTROLLER_CPU);
	g_autoptr(GString) list = g_string_new(machine->cpu_list);
	guint64 quota_us, period_us, max = 0;
	BitList cpus;

	bit_list_init(&cpus, machine->max_cpu + 1);
	if (cpuset && limits_cpus(cpuset, &cpus) && !bit_list_is_empty(&cpus)) {
		g_string_truncate(list, 0);
		bit_list_show(&cpus, list);
	}
	bit_list_clear(&cpus);
	if (cpu && limits_cpu_quota(cpu, &quota_us, &period_us) && period_us > 0)
		max = MAX((quota_us + period_us - 1) / period_us, 1);
	proc_limits_set_cpus(limits, machine, list->str, (unsigned) MIN(max, machine->n_cpus));
}

static guint64 pages_to_bytes(guint64 pages)
{
	return pages >= PAGE_COUNTER_MAX ? G_MAXUINT64 : pages * 4096;
}

/* v1 limits memory and swap together, v2 swap by itself. */
static guint64 swap_limit(const Group *group, guint64 memory_limit)
{
	guint64 both;

	if (group->hierarchy->is_v2)
		return pages_to_bytes(memory_effective_limit(group, offsetof(MemoryState, swap_max)));
	both = pages_to_bytes(memory_effective_limit(group, offsetof(MemoryState, memsw_max)));
	return both > memory_limit ? both - memory_limit : 0;
}

static void limit_memory(const Fs *fs, pid_t pid, const Sample *sample, ProcLimits *limits)
{
	const Group *group = limited_group(fs, pid);
	Usage usage;

	if (!group)
		return;
	group_usage(group, sample, &usage);
	limits->memory = MAX(limits_memory(group), 4096); /* 0 would mean none */
	limits->memory_used = usage.anon + usage.file + usage.kernel;
	limits->memory_cache = usage.file;
	limits->memory_shmem = usage.shmem;
	limits->swap = MIN(swap_limit(group, limits->memory), sample->memory.swap_total);
	limits->swap_used = usage.swap;
}

void proc_caller_limits(const Fs *fs, const Caller *caller, const Sample *sample, ProcLimits *ret)
{
	pid_t pid = caller ? caller->pid : 0;

	*ret = (ProcLimits){0};
	if (pid <= 0 || !has_groups(fs))
		return;
	limit_cpus(fs, pid, ret);
	if (sample->parts & SAMPLE_MEMORY)
		limit_memory(fs, pid, sample, ret);
}
