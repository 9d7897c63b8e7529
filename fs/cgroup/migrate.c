/*
 * Moving processes and threads: writes to cgroup.procs, tasks and cgroup.threads.
 *
 * The order of checks is that of cgroup_procs_write_start(), cgroup1_procs_write() and cgroup_attach_permissions().
 */
#include "fs/cgroup/backing.h"
#include "fs/cgroup/charges.h"
#include "fs/cgroup/core.h"
#include "fs/cgroup/members.h"
#include "fs/cgroup/pids-of.h"
#include "fs/cgroup/scheduling.h"
#include "fs/parse.h"

#include <errno.h>
#include <string.h>

typedef struct Move {
	MigrateWhat what;
	pid_t tid; /* the thread that was named, or the leader */
	pid_t pid; /* its thread group */
	ProcessIds ids;
	const Caller *caller;
	GArray *groups;      /* gid_t, its supplementary ones; NULL: not needed */
	unsigned scheduling; /* SchedulingWhat: what the move changes */
} Move;

/* Who is meant: "0" is the writer. */
static int move_parse(const VContext *ctx, const char *text, MigrateWhat what, Move *ret)
{
	gint32 number;
	pid_t tid;
	int r;

	if (parse_s32(text, &number) < 0 || number < 0)
		return -EINVAL;
	tid = number == 0 ? ctx->caller->pid : pid_from_caller(ctx->caller->pid, number);
	if (tid <= 0)
		return -ESRCH;
	*ret = (Move){.what = what, .tid = tid, .caller = ctx->caller};
	r = process_ids(tid, &ret->ids);
	if (r < 0)
		return r;
	if (ret->ids.is_kernel_thread)
		return -EINVAL;
	ret->pid = ret->ids.pid;
	if (ctx->caller->uid != 0)
		ret->groups = process_groups(ctx->caller->pid);
	return 0;
}

static gboolean is_in_group(const Move *move, gid_t gid)
{
	for (guint i = 0; move->groups && i < move->groups->len; i++)
		if (g_array_index(move->groups, gid_t, i) == gid)
			return TRUE;
	return move->caller->gid == gid;
}

static gboolean may_write(const Node *file, const Move *move)
{
	if (move->caller->uid == 0)
		return TRUE;
	if (move->caller->uid == file->uid)
		return file->mode & 0200;
	return file->mode & (is_in_group(move, file->gid) ? 0020 : 0002);
}

static const Group *common_ancestor(const Group *a, const Group *b)
{
	while (a != b) {
		if (a->depth >= b->depth)
			a = a->parent;
		else
			b = b->parent;
	}
	return a;
}

static int check_permission(const Move *move, const Group *from, const Group *to)
{
	const Caller *caller = move->caller;
	Node *procs;

	if (!to->hierarchy->is_v2) {
		gboolean own = caller->uid == move->ids.uid || caller->uid == move->ids.saved_uid;

		return caller->uid == 0 || own ? 0 : -EACCES;
	}
	procs = group_file(common_ancestor(from, to), "cgroup.procs");
	return procs && may_write(procs, move) ? 0 : -EACCES;
}

/* cgroup_migrate_vet_dst() */
static int vet_destination(const Group *to)
{
	if (!to->hierarchy->is_v2)
		return 0;
	if (!group_is_valid_domain(group_domain(to)))
		return -EOPNOTSUPP;
	if (group_can_be_thread_root(to) || group_core(to)->threaded)
		return 0;
	return group_core(to)->subtree_control ? -EBUSY : 0;
}

/* A zombie whose group is gone is still of that group's domain. */
static gboolean leaves_domain(const Task *task, const Group *from, const Group *to)
{
	return task->lost_domain || group_domain(from) != group_domain(to);
}

static int ask_controllers(Group *to, const Move *move, unsigned n_tasks)
{
	for (int id = 0; id < CONTROLLER_COUNT; id++) {
		const Controller *controller = controllers[id];
		int r;

		if (!to->states[id] || !controller->can_attach)
			continue;
		r = controller->can_attach(to->hierarchy->fs, to, to->states[id], move->pid, n_tasks);
		if (r < 0)
			return r;
	}
	return 0;
}

static void tell_controllers(Group *to, Group *from, pid_t pid)
{
	for (int id = 0; id < CONTROLLER_COUNT; id++)
		if (to->states[id] && controllers[id]->attached)
			controllers[id]->attached(to->hierarchy->fs, to, to->states[id], from, pid);
}

/* When the last of its threads has followed the others, the process is there as a whole. */
static void move_thread(Task *task, pid_t tid, Group *to)
{
	unsigned index = to->hierarchy->index;

	task_set_thread(task, tid, to);
	accounting_begin_thread(task, tid);
	if (task_count_unmoved(task, index) == 0 && task_count_moved(task, to, index) == task->last.n_threads)
		task_set_group(task, to);
}

static int move_locked(Fs *fs, Group *to, Move *move)
{
	Task *task = members_find(fs->cgroups->members, move->pid);
	gboolean whole = move->what == MIGRATE_PROCESS || (task && task->last.n_threads <= 1);
	Group *from;
	int r;

	if (!task)
		return -ESRCH;
	from = task_group_of_thread(task, move->tid, to->hierarchy->index);
	r = check_permission(move, from, to);
	if (r == 0)
		r = vet_destination(to);
	if (r == 0 && move->what == MIGRATE_THREAD && to->hierarchy->is_v2 && leaves_domain(task, from, to))
		r = -EOPNOTSUPP;
	/* A zombie cannot be moved, and that is no error; nor can a leader whose threads live on, by itself. */
	if (r < 0 || task->exited || (!whole && move->tid == task->pid && process_leader_has_ended(&task->last)))
		return r;
	if (from == to && !(whole && task->threads))
		return 0;
	r = ask_controllers(to, move, whole ? MAX(task->last.n_threads, 1) : 1);
	if (r < 0)
		return r;
	if (whole)
		task_set_group(task, to);
	else
		move_thread(task, move->tid, to);
	tell_controllers(to, from, move->pid);
	move->scheduling = scheduling_affected(from, to);
	return 0;
}

/* What was spent so far belongs to where the process is now. */
static void count_so_far(Fs *fs, pid_t pid)
{
	ProcessIo io;
	Process now;
	Task *task;

	if (sampler_read_process(fs->sampler, pid, FALSE, &now) < 0)
		return;
	process_read_io(sampler_proc_fd(fs->sampler), pid, &io); /* zeros where that is not allowed */
	g_rw_lock_writer_lock(&fs->lock);
	task = members_find(fs->cgroups->members, pid);
	if (task && !task->start)
		task->start = now.start;
	if (task && task->start == now.start) {
		accounting_update(task, &now);
		accounting_update_io(task, &io);
	}
	g_rw_lock_writer_unlock(&fs->lock);
}

/* What it has now stays charged to the group that it leaves. */
static void look_at_memory(Fs *fs, const Node *file, pid_t pid)
{
	const Task *task;
	const Group *to;
	gboolean stays;

	g_rw_lock_reader_lock(&fs->lock);
	to = group_of_file(file);
	task = members_find(fs->cgroups->members, pid);
	stays = to && task && charges_stay(task->groups[to->hierarchy->index], to);
	g_rw_lock_reader_unlock(&fs->lock);
	if (stays)
		members_refresh_memory(fs, pid);
}

static int members_store(const VContext *ctx, const char *text, MigrateWhat what)
{
	Fs *fs = ctx->fs;
	Move move;
	Group *to;
	int r = move_parse(ctx, text, what, &move);

	if (r < 0)
		return r;
	members_watch_start(fs);
	members_refresh(fs);
	count_so_far(fs, move.pid);
	look_at_memory(fs, ctx->node, move.pid);
	g_rw_lock_writer_lock(&fs->lock);
	to = group_of_file(ctx->node);
	r = to ? move_locked(fs, to, &move) : -ENODEV;
	g_rw_lock_writer_unlock(&fs->lock);
	g_clear_pointer(&move.groups, g_array_unref);
	if (r < 0)
		return r;
	/* It may have come to rest again before there was somebody to follow. */
	members_watch_start(fs);
	backing_follow(fs, move.pid);
	scheduling_apply_process(fs, move.pid, move.scheduling);
	members_apply_freezing(fs);
	return 0;
}

int members_store_procs(const VContext *ctx, const char *text, size_t len)
{
	return members_store(ctx, text, MIGRATE_PROCESS);
}

int members_store_threads(const VContext *ctx, const char *text, size_t len)
{
	return members_store(ctx, text, MIGRATE_THREAD);
}
