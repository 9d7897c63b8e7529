#include "fs/cgroup/exit-watch.h"

#include "fs/cgroup/core.h"
#include "fs/cgroup/members.h"

#include <sys/syscall.h>
#include <unistd.h>

/* Descriptors are for clients, too. */
enum { MAX_WATCHED = 256 };

static gint n_watched;

typedef struct ExitWatch {
	Fs *fs;
	Node *dir;
	int pidfd;
} ExitWatch;

static void exit_watch_free(gpointer data)
{
	ExitWatch *watch = data;

	g_atomic_int_add(&n_watched, -1);
	close(watch->pidfd);
	node_unref(watch->dir);
	g_free(watch);
}

/* What has changed is found by a look at all processes, and begins the next wait. */
static gboolean on_exit_of_member(gint fd, GIOCondition events, gpointer data)
{
	ExitWatch *watch = data;
	Group *group;

	g_rw_lock_writer_lock(&watch->fs->lock);
	group = group_of_file(watch->dir);
	if (group)
		background_cancel(&group_core(group)->exit_watch);
	g_rw_lock_writer_unlock(&watch->fs->lock);
	if (!group)
		return G_SOURCE_REMOVE;
	members_refresh(watch->fs);
	g_rw_lock_writer_lock(&watch->fs->lock);
	group = group_of_file(watch->dir);
	if (group)
		exit_watch_update(group);
	g_rw_lock_writer_unlock(&watch->fs->lock);
	return G_SOURCE_REMOVE;
}

static pid_t any_member(const Group *group)
{
	GHashTableIter iter;
	gpointer task;

	g_hash_table_iter_init(&iter, group_core(group)->members);
	return g_hash_table_iter_next(&iter, &task, NULL) ? ((Task *) task)->pid : 0;
}

static gboolean is_of_interest(const Group *group)
{
	return group->parent && (group->hierarchy->is_v2 || group_core(group)->notify_on_release);
}

static void begin(Group *group)
{
	Fs *fs = group->hierarchy->fs;
	pid_t pid = any_member(group);
	ExitWatch *watch;
	int pidfd;

	if (pid <= 0 || g_atomic_int_get(&n_watched) >= MAX_WATCHED)
		return;
	pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return;
	watch = g_new(ExitWatch, 1);
	*watch = (ExitWatch){fs, node_ref(group->dir), pidfd};
	g_atomic_int_inc(&n_watched);
	group_core(group)->exit_watch =
		background_watch(fs->background, pidfd, G_IO_IN, on_exit_of_member, watch, exit_watch_free);
}

void exit_watch_update(Group *group)
{
	Core *core = group_core(group);

	if (group->hierarchy->fs->cgroups->members->watch)
		return;
	if (!is_of_interest(group) || g_hash_table_size(core->members) == 0)
		exit_watch_end(group);
	else if (!core->exit_watch)
		begin(group);
}

void exit_watch_end(Group *group)
{
	background_cancel(&group_core(group)->exit_watch);
}
