/*
 * Reading cgroup.procs, tasks and cgroup.threads, and what must be looked up before a control file is shown.
 */
#include "fs/cgroup/backing.h"
#include "fs/cgroup/charges.h"
#include "fs/cgroup/core.h"
#include "fs/cgroup/members.h"
#include "fs/source/processes.h"

#include <errno.h>

static int compare_pids(gconstpointer a, gconstpointer b)
{
	pid_t x = *(const pid_t *) a, y = *(const pid_t *) b;

	return (x > y) - (x < y);
}

static void show_pids(GArray *pids, GString *out)
{
	pid_t last = 0;

	g_array_sort(pids, compare_pids);
	for (guint i = 0; i < pids->len; i++) {
		pid_t pid = g_array_index(pids, pid_t, i);

		if (pid != last)
			g_string_append_printf(out, "%d\n", pid);
		last = pid;
	}
}

typedef struct Collect {
	const Group *group;
	GArray *pids;
} Collect;

static void collect_process(Task *task, void *data)
{
	Collect *collect = data;

	if (!task->exited && task_is_in(task, collect->group))
		g_array_append_val(collect->pids, task->pid);
}

/* Of a domain with threaded groups below the processes of the whole threaded subtree. */
static void collect_of_domain(Task *task, void *data)
{
	Collect *collect = data;

	if (!task->exited && group_domain(task->groups[collect->group->hierarchy->index]) == collect->group)
		g_array_append_val(collect->pids, task->pid);
}

static void collect_threads(Task *task, void *data)
{
	Collect *collect = data;
	unsigned index = collect->group->hierarchy->index;

	if (task->exited)
		return;
	for (guint i = 0; task->tids && i < task->tids->len; i++) {
		pid_t tid = g_array_index(task->tids, pid_t, i);

		if (task_group_of_thread(task, tid, index) == collect->group)
			g_array_append_val(collect->pids, tid);
	}
}

static gboolean is_thread_mode(const Group *group)
{
	return group->hierarchy->is_v2 && group_core(group)->threaded;
}

int members_show_procs(const VContext *ctx, GString *out)
{
	Group *group = ctx->owner;
	Collect collect = {group, NULL};

	if (is_thread_mode(group))
		return -EOPNOTSUPP;
	collect.pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	if (group->hierarchy->is_v2)
		members_foreach(group, collect_of_domain, &collect);
	else
		members_foreach_own(group, collect_process, &collect);
	show_pids(collect.pids, out);
	g_array_unref(collect.pids);
	return 0;
}

int members_show_threads(const VContext *ctx, GString *out)
{
	Collect collect = {ctx->owner, g_array_new(FALSE, FALSE, sizeof(pid_t))};

	members_foreach_own(ctx->owner, collect_threads, &collect);
	show_pids(collect.pids, out);
	g_array_unref(collect.pids);
	return 0;
}

static void collect_pid(Task *task, void *data)
{
	if (!task->exited)
		g_array_append_val((GArray *) data, task->pid);
}

static void drop_repeated(GArray *pids)
{
	guint n = 0;

	g_array_sort(pids, compare_pids);
	for (guint i = 0; i < pids->len; i++)
		if (n == 0 || g_array_index(pids, pid_t, i) != g_array_index(pids, pid_t, n - 1))
			g_array_index(pids, pid_t, n++) = g_array_index(pids, pid_t, i);
	g_array_set_size(pids, n);
}

GArray *members_pids_below(Fs *fs, Node *file)
{
	GArray *pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	Group *group;

	g_rw_lock_reader_lock(&fs->lock);
	group = group_of_file(file);
	if (group)
		members_foreach(group, collect_pid, pids);
	g_rw_lock_reader_unlock(&fs->lock);
	drop_repeated(pids);
	return pids;
}

/* The living ones: of a process that has ended there are none, and a leader may end before its other threads. */
static GArray *read_tids(Fs *fs, pid_t pid)
{
	GArray *tids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	Process process;

	process_read_tids(sampler_proc_fd(fs->sampler), pid, tids);
	if (tids->len > 0 && sampler_read_process(fs->sampler, pid, FALSE, &process) == 0 &&
	    process_leader_has_ended(&process))
		for (guint i = 0; i < tids->len; i++)
			if (g_array_index(tids, pid_t, i) == pid)
				g_array_remove_index(tids, i);
	return tids;
}

static void refresh_tids(Fs *fs, Node *file)
{
	GArray *pids = members_pids_below(fs, file);

	for (guint i = 0; i < pids->len; i++) {
		pid_t pid = g_array_index(pids, pid_t, i);
		GArray *tids = read_tids(fs, pid);
		Task *task;

		g_rw_lock_writer_lock(&fs->lock);
		task = members_find(fs->cgroups->members, pid);
		if (task) {
			g_clear_pointer(&task->tids, g_array_unref);
			task->tids = g_array_ref(tids);
		}
		g_rw_lock_writer_unlock(&fs->lock);
		g_array_unref(tids);
	}
	g_array_unref(pids);
}

void members_refresh_memory(Fs *fs, pid_t pid)
{
	ProcessMemory memory;
	Process process;
	Task *task;

	if (sampler_read_process(fs->sampler, pid, FALSE, &process) < 0 ||
	    process_read_memory(sampler_proc_fd(fs->sampler), pid, sampler_machine(fs->sampler), &memory) < 0)
		return;
	g_rw_lock_writer_lock(&fs->lock);
	task = members_find(fs->cgroups->members, pid);
	if (task && task->start == process.start) {
		if (task->program != process.program)
			charges_drop(task);
		task->program = process.program;
		task->anon = memory.anon;
		task->file = memory.file;
		task->shmem = memory.shmem;
		task->swap = memory.swap;
		charges_trim(task);
	}
	g_rw_lock_writer_unlock(&fs->lock);
}

static void refresh_io_of(Fs *fs, pid_t pid)
{
	ProcessIo io;
	Process process;
	Task *task;

	if (sampler_read_process(fs->sampler, pid, FALSE, &process) < 0 ||
	    process_read_io(sampler_proc_fd(fs->sampler), pid, &io) < 0)
		return;
	g_rw_lock_writer_lock(&fs->lock);
	task = members_find(fs->cgroups->members, pid);
	if (task && task->start == process.start)
		accounting_update_io(task, &io);
	g_rw_lock_writer_unlock(&fs->lock);
}

static int collect_charged(Group *group, void *pids)
{
	GHashTableIter iter;
	gpointer task;

	g_hash_table_iter_init(&iter, group_core(group)->charged);
	while (g_hash_table_iter_next(&iter, &task, NULL))
		collect_pid(task, pids);
	return 0;
}

/* Whose memory is charged in the group or below it. */
static void add_charged_below(Fs *fs, Node *file, GArray *pids)
{
	Group *group;

	g_rw_lock_reader_lock(&fs->lock);
	group = group_of_file(file);
	if (group)
		group_walk(group, collect_charged, pids);
	g_rw_lock_reader_unlock(&fs->lock);
	drop_repeated(pids);
}

static void refresh_each(Fs *fs, Node *file, void (*refresh)(Fs *fs, pid_t pid))
{
	GArray *pids = members_pids_below(fs, file);

	if (refresh == members_refresh_memory)
		add_charged_below(fs, file, pids);
	for (guint i = 0; i < pids->len; i++)
		refresh(fs, g_array_index(pids, pid_t, i));
	g_array_unref(pids);
}

/* Has it ended, and how many threads has it? */
static void look_at(Fs *fs, pid_t pid)
{
	Process now;
	gboolean is_gone = sampler_read_process(fs->sampler, pid, FALSE, &now) < 0;
	Task *task;

	g_rw_lock_writer_lock(&fs->lock);
	task = members_find(fs->cgroups->members, pid);
	if (task && !task->exited && (is_gone || !task->start || task->start == now.start)) {
		if (!is_gone)
			accounting_update(task, &now);
		if (is_gone || process_has_ended(&now))
			members_exited(fs->cgroups->members, task, FALSE);
	}
	g_rw_lock_writer_unlock(&fs->lock);
}

/* A thread that was moved by itself. */
typedef struct Moved {
	pid_t pid, tid;
} Moved;

static int collect_moved(Group *group, void *data)
{
	GHashTableIter iter;
	gpointer tid, task;

	g_hash_table_iter_init(&iter, group_core(group)->threads);
	while (g_hash_table_iter_next(&iter, &tid, &task)) {
		Moved moved = {((Task *) task)->pid, GPOINTER_TO_INT(tid)};

		g_array_append_val((GArray *) data, moved);
	}
	return 0;
}

static void leave_if_thread_ended(Fs *fs, const Moved *moved)
{
	g_autoptr(GString) buffer = g_string_new(NULL);
	const Machine *machine = sampler_machine(fs->sampler);
	Process now;
	Task *task;

	if (process_read_thread(sampler_proc_fd(fs->sampler), moved->pid, moved->tid, machine, buffer, &now) == 0 &&
	    !process_leader_has_ended(&now))
		return;
	g_rw_lock_writer_lock(&fs->lock);
	task = members_find(fs->cgroups->members, moved->pid);
	if (task)
		task_thread_ended(task, moved->tid);
	g_rw_lock_writer_unlock(&fs->lock);
}

/* The kernel's word of an end is of processes. */
static void drop_ended_threads(Fs *fs, Node *node)
{
	GArray *threads = g_array_new(FALSE, FALSE, sizeof(Moved));
	Group *group;

	g_rw_lock_reader_lock(&fs->lock);
	group = group_of_file(node);
	if (group)
		group_walk(group, collect_moved, threads);
	g_rw_lock_reader_unlock(&fs->lock);
	for (guint i = 0; i < threads->len; i++)
		leave_if_thread_ended(fs, &g_array_index(threads, Moved, i));
	g_array_unref(threads);
}

static void drop_ended(Fs *fs, Node *node)
{
	GArray *pids = members_pids_below(fs, node);

	for (guint i = 0; i < pids->len; i++)
		look_at(fs, g_array_index(pids, pid_t, i));
	g_array_unref(pids);
}

void members_refresh_below(Fs *fs, Node *node)
{
	gboolean is_root;

	if (!members_watch_drain(fs)) {
		members_refresh(fs);
		drop_ended_threads(fs, node);
		return;
	}
	g_rw_lock_reader_lock(&fs->lock);
	is_root = !node->dead && group_is_root(node->owner);
	g_rw_lock_reader_unlock(&fs->lock);
	/* All processes of the machine: the list itself is as quick. */
	if (is_root) {
		g_autoptr(Sample) sample = sampler_get_fresh(fs->sampler, SAMPLE_PROCESSES);

		members_reconcile(fs, sample);
	} else {
		drop_ended(fs, node);
	}
	drop_ended_threads(fs, node);
}

/* Of those that are no members any more. */
static gboolean is_used(const Group *group)
{
	if (group_core(group)->n_zombies > 0 || g_hash_table_size(group_core(group)->charged) > 0)
		return TRUE;
	for (guint i = 0; i < group->children->len; i++)
		if (is_used(group->children->pdata[i]))
			return TRUE;
	return FALSE;
}

typedef struct About {
	gboolean is_root, has_processes;
	Origin origin;
	gboolean lists, threads; /* is it a list of members, and of their threads? */
} About;

static About what_is(Fs *fs, Node *file)
{
	About about = {0};
	Group *group;

	g_rw_lock_reader_lock(&fs->lock);
	group = group_of_file(file);
	if (group) {
		about.is_root = group_is_root(group);
		about.has_processes = about.is_root || group_is_populated(group) || is_used(group);
		about.origin = file->file.row->origin;
		about.lists = file->file.row->flags & VF_PIDS;
		about.threads = file->file.row->show == members_show_threads;
	}
	g_rw_lock_reader_unlock(&fs->lock);
	return about;
}

static Sample *sample_of_group(Fs *fs, Node *file, const About *about)
{
	/* A group's I/O stands under the name of a disk. */
	unsigned disks = about->origin == ORIGIN_IO ? SAMPLE_IO : 0;
	Sample *sample;

	if (about->origin == ORIGIN_CPU || about->origin == ORIGIN_MEMORY)
		backing_refresh(fs, file);
	if (about->is_root || !about->has_processes)
		return sampler_get(fs->sampler, about->is_root ? parts_of_origin(about->origin) : disks);
	sample = sampler_get(fs->sampler, SAMPLE_PROCESSES | disks);
	members_reconcile(fs, sample);
	if (about->origin == ORIGIN_MEMORY)
		refresh_each(fs, file, members_refresh_memory);
	else if (about->origin == ORIGIN_IO)
		refresh_each(fs, file, refresh_io_of);
	if (about->origin == ORIGIN_PIDS) {
		/* What the kernel has told since the sample was taken. */
		(void) members_watch_drain(fs);
		drop_ended_threads(fs, file);
	}
	return sample;
}

Sample *members_sample(Fs *fs, Node *file, const Caller *caller)
{
	About about = what_is(fs, file);

	switch (about.origin) {
	case ORIGIN_TREE:
		/* In a root group only the lists depend on members, and its members are the whole machine. */
		if (about.has_processes && (about.lists || !about.is_root))
			members_refresh_below(fs, file);
		if (about.threads)
			refresh_tids(fs, file);
		return NULL;
	case ORIGIN_PRESSURE:
		return sampler_get(fs->sampler, about.is_root ? SAMPLE_PRESSURE : 0);
	case ORIGIN_CPU:
	case ORIGIN_MEMORY:
	case ORIGIN_PIDS:
	case ORIGIN_IO:
		return sample_of_group(fs, file, &about);
	case ORIGIN_CONSTANT:
	case ORIGIN_SETTING:
	case ORIGIN_NATIVE:
		break;
	}
	return NULL;
}
