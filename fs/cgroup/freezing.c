/*
 * Freezing and killing by signals.
 *
 * The kernel's freezer stops a process without telling anybody; here SIGSTOP does, so that a parent that waits with
 * WUNTRACED sees it, and SIGCONT from anybody else thaws it. The daemon and process 1 of its PID namespace are never
 * touched. A process that forks meanwhile is caught by looking again until nobody new is there.
 */
#include "fs/cgroup/core.h"
#include "fs/cgroup/members.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

enum { MAX_ROUNDS = 200 };

gboolean process_is_spared(pid_t pid)
{
	return pid <= 1 || pid == getpid();
}

gboolean group_is_freezing(const Group *group)
{
	for (; group; group = group->parent)
		if (group_core(group)->freeze)
			return TRUE;
	return FALSE;
}

static gboolean group_is_stopped(const Group *group)
{
	for (; group; group = group->parent)
		if (group_core(group)->freeze || group_core(group)->throttled)
			return TRUE;
	return FALSE;
}

static gboolean task_should_stop(const Task *task)
{
	unsigned n = task->groups[0]->hierarchy->fs->cgroups->hierarchies->len;

	if (task->exited || process_is_spared(task->pid))
		return FALSE;
	for (unsigned i = 0; i < n; i++)
		if (group_is_stopped(task->groups[i]))
			return TRUE;
	return FALSE;
}

static void look_for_running(Task *task, void *data)
{
	if (!task->exited && !task->frozen && !process_is_spared(task->pid))
		*(gboolean *) data = TRUE;
}

gboolean group_is_frozen(const Group *group)
{
	gboolean running = FALSE;

	if (!group_is_freezing(group))
		return FALSE;
	members_foreach((Group *) group, look_for_running, &running);
	return !running;
}

typedef struct Target {
	pid_t pid;
	guint64 start;
	int signal;
} Target;

/* Whether the process is still the one we mean is looked at first, so that a reused PID is not hit. What is gone needs
 * no signal. */
void members_signal(Fs *fs, pid_t pid, guint64 start, int signal)
{
	Process now;

	if (sampler_read_process(fs->sampler, pid, FALSE, &now) < 0 || now.start != start)
		return;
	if (kill(pid, signal) < 0 && errno != ESRCH)
		g_warning("cannot send signal %d to process %d: %s", signal, pid, g_strerror(errno));
}

static void add_target(GArray *targets, const Task *task, int signal)
{
	Target target = {task->pid, task->start, signal};

	g_array_append_val(targets, target);
}

/* If the process must be stopped or continued: marks it. */
static void collect_if_changed(Task *task, void *data)
{
	gboolean should = task_should_stop(task);

	if (should != task->frozen)
		add_target(data, task, should ? SIGSTOP : SIGCONT);
	/* Who moves it from now on must know that there is somebody to let go on, before the signal is even sent. */
	if (should && !task->frozen)
		task->groups[0]->hierarchy->fs->cgroups->members->n_frozen++;
	task->frozen = should;
}

/* Below the node's group, or, for NULL, everywhere. */
static GArray *collect_freezing(Fs *fs, Node *node)
{
	GArray *targets = g_array_new(FALSE, FALSE, sizeof(Target));
	GHashTableIter iter;
	gpointer task;
	Group *group;

	g_rw_lock_writer_lock(&fs->lock);
	group = node ? group_of_file(node) : NULL;
	if (group)
		members_foreach(group, collect_if_changed, targets);
	g_hash_table_iter_init(&iter, fs->cgroups->members->tasks);
	while (!node && g_hash_table_iter_next(&iter, NULL, &task))
		collect_if_changed(task, targets);
	g_rw_lock_writer_unlock(&fs->lock);
	return targets;
}

static unsigned send_signals(Fs *fs, GArray *targets)
{
	for (guint i = 0; i < targets->len; i++) {
		const Target *target = &g_array_index(targets, Target, i);

		members_signal(fs, target->pid, target->start, target->signal);
	}
	return targets->len;
}

static gboolean is_anything_frozen(Fs *fs)
{
	gboolean any;

	g_rw_lock_reader_lock(&fs->lock);
	any = fs->cgroups->members->n_freezing > 0 || fs->cgroups->members->n_frozen > 0;
	g_rw_lock_reader_unlock(&fs->lock);
	return any;
}

static void count_frozen(Fs *fs)
{
	Members *members = fs->cgroups->members;
	GHashTableIter iter;
	gpointer value;
	unsigned n = 0;

	g_rw_lock_writer_lock(&fs->lock);
	g_hash_table_iter_init(&iter, members->tasks);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		n += ((Task *) value)->frozen;
	members->n_frozen = n;
	g_rw_lock_writer_unlock(&fs->lock);
}

static void apply_freezing(Fs *fs, Node *node)
{
	g_mutex_lock(&fs->cgroups->members->stopping);
	for (unsigned round = 0; round < MAX_ROUNDS; round++) {
		GArray *targets = collect_freezing(fs, node);
		unsigned n = send_signals(fs, targets);

		g_array_unref(targets);
		if (n == 0)
			break;
		members_refresh(fs);
	}
	count_frozen(fs);
	g_mutex_unlock(&fs->cgroups->members->stopping);
}

void members_apply_freezing(Fs *fs)
{
	if (is_anything_frozen(fs))
		apply_freezing(fs, NULL);
}

void members_apply_freezing_below(Fs *fs, Node *node)
{
	apply_freezing(fs, node);
}

static int tell_changed(Group *group, void *data)
{
	members_changed(group);
	return 0;
}

int group_set_frozen(Fs *fs, Node *file, gboolean frozen)
{
	Group *group;

	members_refresh(fs);
	g_rw_lock_writer_lock(&fs->lock);
	group = group_of_file(file);
	if (group && group_core(group)->freeze != frozen) {
		group_core(group)->freeze = frozen;
		fs->cgroups->members->n_freezing += frozen ? 1 : -1;
	}
	g_rw_lock_writer_unlock(&fs->lock);
	if (!group)
		return -ENODEV;
	members_apply_freezing(fs);
	g_rw_lock_writer_lock(&fs->lock);
	group = group_of_file(file);
	if (group)
		group_walk(group, tell_changed, NULL);
	g_rw_lock_writer_unlock(&fs->lock);
	return 0;
}

static void collect_living(Task *task, void *data)
{
	if (!task->exited && !process_is_spared(task->pid))
		add_target(data, task, SIGKILL);
}

int group_kill(Fs *fs, Node *file)
{
	for (unsigned round = 0; round < MAX_ROUNDS; round++) {
		GArray *targets = g_array_new(FALSE, FALSE, sizeof(Target));
		int r = 0;
		Group *group;
		unsigned n;

		members_refresh(fs);
		g_rw_lock_reader_lock(&fs->lock);
		group = group_of_file(file);
		if (!group)
			r = -ENODEV;
		else if (group_core(group)->threaded)
			r = -EOPNOTSUPP;
		else
			members_foreach(group, collect_living, targets);
		g_rw_lock_reader_unlock(&fs->lock);
		n = send_signals(fs, targets);
		g_array_unref(targets);
		if (r < 0 || n == 0)
			return r;
	}
	return 0;
}
