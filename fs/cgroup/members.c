#include "fs/cgroup/members.h"

#include "fs/cgroup/charges.h"
#include "fs/cgroup/core.h"
#include "fs/cgroup/exit-watch.h"
#include "fs/cgroup/limits.h"
#include "fs/cgroup/release.h"

#include <string.h>

gboolean process_leader_has_ended(const Process *process)
{
	return process->state == 'Z' || process->state == 'X';
}

gboolean process_has_ended(const Process *process)
{
	return process_leader_has_ended(process) && process->n_threads <= 1;
}

static unsigned n_hierarchies(const Fs *fs)
{
	return fs->cgroups->hierarchies->len;
}

static void task_free(gpointer data)
{
	Task *task = data;

	g_free(task->groups);
	g_free(task->gone_groups);
	g_clear_pointer(&task->threads, g_hash_table_unref);
	g_clear_pointer(&task->tids, g_array_unref);
	g_clear_pointer(&task->charges, g_array_unref);
	g_free(task);
}

Members *members_new(Fs *fs)
{
	Members *members = g_new0(Members, 1);

	members->fs = fs;
	g_mutex_init(&members->stopping);
	members->tasks = g_hash_table_new_full(NULL, NULL, NULL, task_free);
	members_watch_new(members);
	return members;
}

void members_free(Members *members)
{
	if (!members)
		return;
	members_watch_free(members);
	g_hash_table_unref(members->tasks);
	g_mutex_clear(&members->stopping);
	g_free(members);
}

Task *members_find(const Members *members, pid_t pid)
{
	return g_hash_table_lookup(members->tasks, GINT_TO_POINTER(pid));
}

static Task *task_new(Members *members, pid_t pid, pid_t ppid, guint64 start)
{
	Fs *fs = members->fs;
	Task *task = g_new0(Task, 1);

	task->pid = pid;
	task->ppid = ppid;
	task->start = start;
	task->born = g_get_monotonic_time();
	task->groups = g_new(Group *, n_hierarchies(fs));
	for (unsigned i = 0; i < n_hierarchies(fs); i++)
		task->groups[i] = ((Hierarchy *) fs->cgroups->hierarchies->pdata[i])->root;
	g_hash_table_insert(members->tasks, GINT_TO_POINTER(task->pid), task);
	return task;
}

Task *members_restore(Members *members, pid_t pid, pid_t ppid, guint64 start)
{
	Task *task;

	if (members_find(members, pid))
		return NULL;
	task = task_new(members, pid, ppid, start);
	task->settled = TRUE;
	return task;
}

/* A group whose members did not come or go is not asked, nor are those above it. */
static void v1_changed(Group *group)
{
	for (; group->parent; group = group->parent) {
		Core *core = group_core(group);
		gboolean populated = group_is_populated(group);

		if (populated == core->was_populated)
			return;
		core->was_populated = populated;
		if (!populated)
			release_check(group);
	}
}

void members_changed(Group *group)
{
	exit_watch_update(group);
	if (!group->hierarchy->is_v2) {
		v1_changed(group);
		return;
	}
	for (; group->parent; group = group->parent) {
		Core *core = group_core(group);
		gboolean populated = group_is_populated(group);
		gboolean frozen = group_is_frozen(group);

		if (populated != core->was_populated || frozen != core->was_frozen)
			group_notify(group, "cgroup.events");
		core->was_populated = populated;
		core->was_frozen = frozen;
	}
}

static void count_placed(Group *group, int change)
{
	Fs *fs = group->hierarchy->fs;

	fs->cgroups->members->n_placed += change;
	fs_changed(fs, FALSE);
}

static void group_add_member(Group *group, Task *task)
{
	if (group->parent && g_hash_table_add(group_core(group)->members, task))
		count_placed(group, 1);
}

static void group_drop_member(Group *group, Task *task)
{
	if (group->parent && g_hash_table_remove(group_core(group)->members, task))
		count_placed(group, -1);
}

MovedThread *task_moved_thread(const Task *task, pid_t tid)
{
	return task->threads ? g_hash_table_lookup(task->threads, GINT_TO_POINTER(tid)) : NULL;
}

static void task_forget_thread(Task *task, pid_t tid, unsigned index)
{
	MovedThread *thread = task_moved_thread(task, tid);

	if (!thread || !thread->places[index])
		return;
	g_hash_table_remove(group_core(thread->places[index])->threads, GINT_TO_POINTER(tid));
	thread->places[index] = NULL;
}

void task_thread_ended(Task *task, pid_t tid)
{
	MovedThread *thread = task_moved_thread(task, tid);
	unsigned n = n_hierarchies(task->groups[0]->hierarchy->fs);

	for (unsigned i = 0; thread && i < n; i++) {
		Group *group = thread->places[i];

		task_forget_thread(task, tid, i);
		if (group)
			members_changed(group);
	}
	if (thread)
		g_hash_table_remove(task->threads, GINT_TO_POINTER(tid));
}

static void task_forget_threads(Task *task, unsigned index)
{
	GHashTableIter iter;
	gpointer tid;

	if (!task->threads)
		return;
	g_hash_table_iter_init(&iter, task->threads);
	while (g_hash_table_iter_next(&iter, &tid, NULL))
		task_forget_thread(task, GPOINTER_TO_INT(tid), index);
}

void task_set_group(Task *task, Group *to)
{
	unsigned index = to->hierarchy->index;
	Group *from = task->groups[index];

	task_forget_threads(task, index);
	group_drop_member(from, task);
	if (charges_stay(from, to) && !task->exited)
		charges_move(task, from, to);
	task->groups[index] = to;
	if (!task->exited)
		group_add_member(to, task);
	members_changed(from);
	members_changed(to);
}

void task_set_thread(Task *task, pid_t tid, Group *to)
{
	unsigned index = to->hierarchy->index;
	MovedThread *thread;

	task_forget_thread(task, tid, index);
	if (task->groups[index] == to)
		return;
	if (!task->threads)
		task->threads = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	thread = task_moved_thread(task, tid);
	if (!thread) {
		thread = g_malloc0(sizeof *thread + n_hierarchies(to->hierarchy->fs) * sizeof *thread->places);
		g_hash_table_insert(task->threads, GINT_TO_POINTER(tid), thread);
	}
	thread->places[index] = to;
	g_hash_table_insert(group_core(to)->threads, GINT_TO_POINTER(tid), task);
	members_changed(to);
}

Group *task_group_of_thread(const Task *task, pid_t tid, unsigned index)
{
	const MovedThread *thread = task_moved_thread(task, tid);

	return thread && thread->places[index] ? thread->places[index] : task->groups[index];
}

gboolean task_is_placed(const Task *task)
{
	const Fs *fs = task->groups[0]->hierarchy->fs;

	for (guint i = 0; i < fs->cgroups->hierarchies->len; i++)
		if (task->groups[i]->parent)
			return TRUE;
	return FALSE;
}

unsigned task_count_moved(const Task *task, const Group *to, unsigned index)
{
	GHashTableIter iter;
	gpointer thread;
	unsigned n = 0;

	if (!task->threads)
		return 0;
	g_hash_table_iter_init(&iter, task->threads);
	while (g_hash_table_iter_next(&iter, NULL, &thread)) {
		const Group *at = ((MovedThread *) thread)->places[index];

		n += at && (!to || at == to);
	}
	return n;
}

unsigned task_count_unmoved(const Task *task, unsigned index)
{
	unsigned n = MAX(task->last.n_threads, 1), moved = task_count_moved(task, NULL, index);

	return n > moved ? n - moved : 0;
}

gboolean task_is_in(const Task *task, const Group *group)
{
	unsigned index = group->hierarchy->index, n_unmoved;

	if (task->exited)
		return FALSE;
	if (!task->threads)
		return task->groups[index] == group;
	if (task_count_moved(task, group, index) > 0)
		return TRUE;
	/* All its threads may have been moved away one by one. */
	n_unmoved = task_count_unmoved(task, index);
	if (process_leader_has_ended(&task->last) && n_unmoved > 0)
		n_unmoved--;
	return task->groups[index] == group && n_unmoved > 0;
}

static void task_inherit(Members *members, Task *task)
{
	const Task *parent = members_find(members, task->ppid);

	for (unsigned i = 0; i < n_hierarchies(members->fs); i++) {
		Group *group = parent ? task_group_of_thread(parent, task->parent_tid, i) : task->groups[i];

		task->groups[i] = group;
		group_add_member(group, task);
		if (!group->parent)
			continue;
		limits_pids_note_births(group, 1);
		members_changed(group);
	}
	task->pinned = parent && parent->pinned;
	task->reniced = parent && parent->reniced;
	task->settled = TRUE;
}

/* A new process whose parent is new too needs the parent's groups first. */
static void task_settle(Members *members, Task *task)
{
	g_autoptr(GPtrArray) line = g_ptr_array_new();

	while (task && !task->settled) {
		task->settled = TRUE; /* a loop of parents cannot be, but must not hang */
		g_ptr_array_add(line, task);
		task = members_find(members, task->ppid);
	}
	while (line->len > 0)
		task_inherit(members, g_ptr_array_steal_index(line, line->len - 1));
}

static void task_leave(Members *members, Task *task)
{
	for (unsigned i = 0; i < n_hierarchies(members->fs); i++) {
		task_forget_threads(task, i);
		group_drop_member(task->groups[i], task);
		group_core(task->groups[i])->n_zombies++;
		if (task->groups[i]->parent)
			members_changed(task->groups[i]);
	}
	task->exited = TRUE;
	charges_drop(task);
	accounting_note_ended(members, task);
}

static void task_gone(Members *members, Task *task)
{
	if (!task->exited)
		task_leave(members, task);
	for (unsigned i = 0; i < n_hierarchies(members->fs); i++)
		group_core(task->groups[i])->n_zombies--;
	accounting_note_ended(members, task);
}

static void reconcile_arrivals(Members *members, const Sample *sample)
{
	for (unsigned i = 0; i < sample->n_processes; i++) {
		const Process *process = &sample->processes[i];
		Task *task = members_find(members, process->pid);

		if (task && !task->start)
			task->start = process->start;
		if (task && task->start != process->start) {
			task_gone(members, task);
			g_hash_table_remove(members->tasks, GINT_TO_POINTER(task->pid));
			task = NULL;
		}
		if (!task && members->started < members->last_exit)
			continue;
		if (!task)
			task = task_new(members, process->pid, process->ppid, process->start);
		task->generation = members->generation;
	}
}

static void reconcile_departures(Members *members)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, members->tasks);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		Task *task = value;

		if (task->generation == members->generation || task->born >= members->started)
			continue;
		task_gone(members, task);
		g_hash_table_iter_remove(&iter);
	}
}

static void note_new_threads(Members *members, const Task *task, unsigned n)
{
	for (unsigned i = 0; i < n_hierarchies(members->fs); i++)
		limits_pids_note_births(task->groups[i], n);
}

static void reconcile_states(Members *members, const Sample *sample)
{
	for (unsigned i = 0; i < sample->n_processes; i++) {
		const Process *process = &sample->processes[i];
		Task *task = members_find(members, process->pid);
		unsigned n_threads;

		if (!task)
			continue;
		task_settle(members, task);
		task->ppid = process->ppid;
		n_threads = task->last.n_threads;
		accounting_update(task, process);
		if (n_threads && process->n_threads > n_threads)
			note_new_threads(members, task, process->n_threads - n_threads);
		if (process_has_ended(process) && !task->exited)
			task_leave(members, task);
	}
}

void members_reconcile(Fs *fs, const Sample *sample)
{
	Members *members = fs->cgroups->members;

	g_rw_lock_writer_lock(&fs->lock);
	if (sample->taken > members->taken) {
		members->taken = sample->taken;
		members->started = sample->taken - sample->cost;
		members->generation++;
		reconcile_arrivals(members, sample);
		reconcile_departures(members);
		reconcile_states(members, sample);
	}
	g_rw_lock_writer_unlock(&fs->lock);
}

void members_refresh(Fs *fs)
{
	g_autoptr(Sample) sample = NULL;

	if (members_watch_drain(fs))
		return;
	sample = sampler_get_fresh(fs->sampler, SAMPLE_PROCESSES);
	members_reconcile(fs, sample);
}

/* It was taken for a child of the process, as long as the thread was not known. */
static void task_follow_thread(Members *members, Task *task, const ProcessEvent *event)
{
	const Task *parent = members_find(members, event->parent);

	for (unsigned i = 0; parent && parent->threads && i < n_hierarchies(members->fs); i++) {
		Group *group = task_group_of_thread(parent, event->parent_tid, i);

		if (task->groups[i] == parent->groups[i] && task->groups[i] != group)
			task_set_group(task, group);
	}
}

void members_forked(Members *members, const ProcessEvent *event, guint64 start)
{
	pid_t child = event->pid;
	Task *task = members_find(members, child);

	/* A look at the process list may have been quicker than the word of it. */
	if (task && start && task->start == start) {
		task_follow_thread(members, task, event);
		return;
	}
	if (task) {
		task_gone(members, task);
		g_hash_table_remove(members->tasks, GINT_TO_POINTER(child));
	}
	task = task_new(members, child, event->parent, start);
	task->parent_tid = event->parent_tid;
	task_settle(members, task);
}

void members_exited(Members *members, Task *task, gboolean is_gone)
{
	if (!task->exited)
		task_leave(members, task);
	if (!is_gone)
		return;
	task_gone(members, task);
	g_hash_table_remove(members->tasks, GINT_TO_POINTER(task->pid));
}

void members_group_removed(Fs *fs, Group *group)
{
	Members *members = fs->cgroups->members;
	GHashTableIter iter;
	gpointer value;

	accounting_merge_into_parent(group);
	charges_group_removed(group);
	group_core(group->parent)->n_zombies += group_core(group)->n_zombies;
	if (group_core(group)->freeze)
		members->n_freezing--;
	/* Zombies still point here. */
	g_hash_table_iter_init(&iter, members->tasks);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		Task *task = value;
		unsigned index = group->hierarchy->index;

		if (task->groups[index] == group) {
			task->groups[index] = group->parent;
			task->lost_domain =
				task->lost_domain || (group->hierarchy->is_v2 && !group_core(group)->threaded);
		}
		if (task->gone_groups && task->gone_groups[index] == group)
			task->gone_groups[index] = group->parent;
	}
}

static void visit_all(GHashTable *tasks, void (*visit)(Task *task, void *data), void *data)
{
	GHashTableIter iter;
	gpointer task;

	g_hash_table_iter_init(&iter, tasks);
	while (g_hash_table_iter_next(&iter, NULL, &task))
		visit(task, data);
}

void members_foreach_own(Group *group, void (*visit)(Task *task, void *data), void *data)
{
	if (!group->parent) {
		visit_all(group->hierarchy->fs->cgroups->members->tasks, visit, data);
		return;
	}
	visit_all(group_core(group)->members, visit, data);
	visit_all(group_core(group)->threads, visit, data);
}

void members_foreach(Group *top, void (*visit)(Task *task, void *data), void *data)
{
	members_foreach_own(top, visit, data);
	for (guint i = 0; top->parent && i < top->children->len; i++)
		members_foreach(top->children->pdata[i], visit, data);
}
