/*
 * Affinity and nice values.
 *
 * Both are of threads, and both are inherited by new ones: they are set when a process moves and when a setting
 * changes, and then again for threads that appeared meanwhile. As in kernels before 6.2 they replace what a process had
 * chosen for itself; a process that never was in a group with less than all CPUs, or with another weight than the
 * default, keeps its own. A share is turned into the nice value that is worth as much, and counts against all
 * processes, not against the neighbours of the group alone.
 */
#include "fs/cgroup/scheduling.h"

#include "fs/cgroup/cpu.h"
#include "fs/cgroup/limits.h"
#include "fs/source/processes.h"

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>

/* Ends the race against a process that starts threads all the time. */
enum { MAX_ROUNDS = 20 };

typedef struct Setting {
	gboolean has_cpus, has_nice;
	BitList cpus;
	int nice;
} Setting;

static unsigned wanted(const Fs *fs)
{
	unsigned what = 0;

	if (config_bool(fs->config, "enforce", "cpuset"))
		what |= SCHEDULING_CPUS;
	if (config_bool(fs->config, "enforce", "cpu-weight"))
		what |= SCHEDULING_NICE;
	return what;
}

/* The nearest group upwards with a state of the controller. */
static const Group *governing(const Group *group, ControllerId id)
{
	while (group && !group->states[id])
		group = group->parent;
	return group;
}

unsigned scheduling_affected(const Group *from, const Group *to)
{
	unsigned what = 0;

	if (governing(from, CONTROLLER_CPUSET) != governing(to, CONTROLLER_CPUSET))
		what |= SCHEDULING_CPUS;
	if (governing(from, CONTROLLER_CPU) != governing(to, CONTROLLER_CPU))
		what |= SCHEDULING_NICE;
	return what;
}

static const Group *governing_thread(Fs *fs, const Task *task, pid_t tid, ControllerId id)
{
	const Hierarchy *hierarchy = cgroups_of_controller(fs->cgroups, id);

	return hierarchy ? governing(task_group_of_thread(task, tid, hierarchy->index), id) : NULL;
}

static void decide_cpus(Fs *fs, Task *task, pid_t tid, Setting *setting)
{
	const Group *group = governing_thread(fs, task, tid, CONTROLLER_CPUSET);
	gboolean is_all;

	if (!group || !limits_cpus(group, &setting->cpus) || bit_list_is_empty(&setting->cpus))
		return;
	is_all = bit_list_count(&setting->cpus) >= sampler_machine(fs->sampler)->n_cpus;
	setting->has_cpus = task->pinned || !is_all;
	task->pinned |= !is_all;
}

static void decide_nice(Fs *fs, Task *task, pid_t tid, Setting *setting)
{
	const Group *group = governing_thread(fs, task, tid, CONTROLLER_CPU);

	if (!group)
		return;
	setting->nice = limits_cpu_nice(group);
	setting->has_nice = task->reniced || setting->nice != 0;
	task->reniced |= setting->nice != 0;
}

static void decide(Fs *fs, pid_t pid, pid_t tid, unsigned what, Setting *ret)
{
	Task *task;

	bit_list_init(&ret->cpus, sampler_machine(fs->sampler)->max_cpu + 1);
	ret->has_cpus = ret->has_nice = FALSE;
	g_rw_lock_writer_lock(&fs->lock);
	task = members_find(fs->cgroups->members, pid);
	if (task && !task->exited) {
		if (what & SCHEDULING_CPUS)
			decide_cpus(fs, task, tid, ret);
		if (what & SCHEDULING_NICE)
			decide_nice(fs, task, tid, ret);
	}
	g_rw_lock_writer_unlock(&fs->lock);
}

static int set_affinity(pid_t tid, const BitList *cpus)
{
	cpu_set_t *set = CPU_ALLOC(cpus->n_bits);
	size_t size = CPU_ALLOC_SIZE(cpus->n_bits);
	int r;

	CPU_ZERO_S(size, set);
	for (unsigned cpu = 0; cpu < cpus->n_bits; cpu++)
		if (bit_list_get(cpus, cpu))
			CPU_SET_S(cpu, size, set);
	r = sched_setaffinity(tid, size, set) < 0 ? -errno : 0;
	CPU_FREE(set);
	return r;
}

/* A thread that has ended needs nothing. */
static void apply_to_thread(Fs *fs, pid_t pid, pid_t tid, unsigned what)
{
	Setting setting;
	int r;

	decide(fs, pid, tid, what, &setting);
	r = setting.has_cpus ? set_affinity(tid, &setting.cpus) : 0;
	if (r < 0 && r != -ESRCH)
		g_warning("cannot set the CPUs of thread %d of process %d: %s", tid, pid, g_strerror(-r));
	r = setting.has_nice && setpriority(PRIO_PROCESS, tid, setting.nice) < 0 ? -errno : 0;
	if (r < 0 && r != -ESRCH)
		g_warning("cannot set the nice value of thread %d of process %d: %s", tid, pid, g_strerror(-r));
	bit_list_clear(&setting.cpus);
}

/* TRUE if there was one that is not in `done`. */
static gboolean apply_to_new_threads(Fs *fs, pid_t pid, unsigned what, GHashTable *done)
{
	GArray *tids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	gboolean any = FALSE;

	process_read_tids(sampler_proc_fd(fs->sampler), pid, tids);
	for (guint i = 0; i < tids->len; i++) {
		pid_t tid = g_array_index(tids, pid_t, i);

		if (!g_hash_table_add(done, GINT_TO_POINTER(tid)))
			continue;
		apply_to_thread(fs, pid, tid, what);
		any = TRUE;
	}
	g_array_unref(tids);
	return any;
}

void scheduling_apply_process(Fs *fs, pid_t pid, unsigned what)
{
	g_autoptr(GHashTable) done = NULL;

	what &= wanted(fs);
	if (!what)
		return;
	done = g_hash_table_new(NULL, NULL);
	for (unsigned round = 0; round < MAX_ROUNDS && apply_to_new_threads(fs, pid, what, done); round++)
		;
}

static void collect_pid(Task *task, void *data)
{
	if (!task->exited)
		g_hash_table_add(data, GINT_TO_POINTER(task->pid));
}

static void apply_to_each(Fs *fs, GHashTable *pids, unsigned what)
{
	GHashTableIter iter;
	gpointer pid;

	g_hash_table_iter_init(&iter, pids);
	while (g_hash_table_iter_next(&iter, &pid, NULL))
		scheduling_apply_process(fs, GPOINTER_TO_INT(pid), what);
}

static void collect_below(const Group *group, GHashTable *pids)
{
	/* A root keeps no list of its own, and what it has is never limited. */
	if (group->parent)
		members_foreach_own((Group *) group, collect_pid, pids);
	for (guint i = 0; i < group->children->len; i++)
		collect_below(group->children->pdata[i], pids);
}

static void apply_below(Fs *fs, Node *node, unsigned what, gboolean with_siblings)
{
	g_autoptr(GHashTable) pids = g_hash_table_new(NULL, NULL);
	const Group *group;

	if (!(what & wanted(fs)))
		return;
	members_refresh(fs);
	g_rw_lock_reader_lock(&fs->lock);
	group = group_of_file(node);
	if (group)
		collect_below(with_siblings && group->parent ? group->parent : group, pids);
	g_rw_lock_reader_unlock(&fs->lock);
	apply_to_each(fs, pids, what);
}

static void apply_in_hierarchy_of(Fs *fs, ControllerId id, unsigned what)
{
	const Hierarchy *hierarchy = cgroups_of_controller(fs->cgroups, id);

	if (hierarchy)
		apply_below(fs, hierarchy->root->dir, what, FALSE);
}

void scheduling_apply_all(Fs *fs)
{
	apply_in_hierarchy_of(fs, CONTROLLER_CPUSET, SCHEDULING_CPUS);
	apply_in_hierarchy_of(fs, CONTROLLER_CPU, SCHEDULING_NICE);
}

void scheduling_after_cpus(const VContext *ctx)
{
	apply_below(ctx->fs, ctx->node, SCHEDULING_CPUS, FALSE);
}

void scheduling_after_partition(const VContext *ctx)
{
	apply_below(ctx->fs, ctx->node, SCHEDULING_CPUS, TRUE);
}

void scheduling_after_weight(const VContext *ctx)
{
	apply_below(ctx->fs, ctx->node, SCHEDULING_NICE, FALSE);
}

void scheduling_after_control(const VContext *ctx)
{
	apply_below(ctx->fs, ctx->node, SCHEDULING_ALL, FALSE);
}
