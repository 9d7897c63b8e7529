/*
 * Killing for want of memory (mm/oom_kill.c): the process that uses most, moved up or down by its oom_score_adj, or
 * with memory.oom.group all processes of its group.
 */
#include "fs/cgroup/enforce.h"
#include "fs/cgroup/members.h"
#include "fs/cgroup/memory.h"
#include "fs/source/file.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* OOM_SCORE_ADJ_MIN and the unit of the others: a thousandth of the limit */
enum { NEVER = -1000, ADJUST_UNIT = 1000 };

typedef struct Candidate {
	pid_t pid;
	guint64 start;
	gint64 points; /* bytes */
} Candidate;

static void collect_candidate(Task *task, void *data)
{
	Candidate candidate = {task->pid, task->start, (gint64) (task->anon + task->file + task->shmem + task->swap)};

	if (!task->exited && task->start && !process_is_spared(task->pid))
		g_array_append_val((GArray *) data, candidate);
}

/* Of the group and those below it. */
static GArray *candidates_below(Fs *fs, Node *dir, guint64 *ret_limit)
{
	GArray *candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));

	*ret_limit = 0;
	g_rw_lock_reader_lock(&fs->lock);
	if (!dir->dead) {
		members_foreach(dir->owner, collect_candidate, candidates);
		*ret_limit = limits_memory(dir->owner);
	}
	g_rw_lock_reader_unlock(&fs->lock);
	return candidates;
}

/* 0 where the kernel has no such file. */
static int adjustment_of(Fs *fs, pid_t pid)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *path = g_strdup_printf("%d/oom_score_adj", pid);

	return file_read_single_at(sampler_proc_fd(fs->sampler), path, text) == 0 ? atoi(text->str) : 0;
}

static gboolean choose(Fs *fs, Node *dir, Candidate *ret)
{
	guint64 limit;
	GArray *candidates = candidates_below(fs, dir, &limit);
	gboolean found = FALSE;

	for (guint i = 0; i < candidates->len; i++) {
		Candidate candidate = g_array_index(candidates, Candidate, i);
		int adjustment = adjustment_of(fs, candidate.pid);

		if (adjustment <= NEVER)
			continue;
		candidate.points += adjustment * (gint64) (MIN(limit, G_MAXINT64) / ADJUST_UNIT);
		if (!found || candidate.points > ret->points)
			*ret = candidate;
		found = TRUE;
	}
	g_array_unref(candidates);
	return found;
}

/* mem_cgroup_get_oom_group(): the topmost group up to the one without memory that wants to go as a whole. */
static Group *group_to_kill(Group *group, const Group *top)
{
	Group *whole = NULL;

	for (; group; group = group->parent) {
		if (limits_memory_oom_group(group))
			whole = group;
		if (group == top)
			break;
	}
	return whole;
}

static Group *group_of_task(const Task *task, const Group *top)
{
	return task->groups[top->hierarchy->index];
}

/* Counts the deaths, and returns who is to die. */
static GArray *condemn_locked(Group *top, const Candidate *chosen)
{
	GArray *victims = g_array_new(FALSE, FALSE, sizeof(Candidate));
	Members *members = top->hierarchy->fs->cgroups->members;
	const Task *task = members_find(members, chosen->pid);
	Group *whole = task && task->start == chosen->start ? group_to_kill(group_of_task(task, top), top) : NULL;

	memory_of(top)->victim = chosen->pid;
	memory_of(top)->victim_start = chosen->start;
	if (whole) {
		limits_memory_count(whole, MEMORY_EVENT_OOM_GROUP_KILL);
		members_foreach(whole, collect_candidate, victims);
	} else {
		g_array_append_val(victims, *chosen);
	}
	for (guint i = 0; i < victims->len; i++) {
		task = members_find(members, g_array_index(victims, Candidate, i).pid);
		if (task)
			limits_memory_count(group_of_task(task, top), MEMORY_EVENT_OOM_KILL);
	}
	return victims;
}

static GArray *condemn(Fs *fs, Node *dir, const Candidate *chosen, char **ret_path)
{
	GArray *victims = NULL;

	g_rw_lock_writer_lock(&fs->lock);
	if (!dir->dead && memory_of(dir->owner)) {
		victims = condemn_locked(dir->owner, chosen);
		*ret_path = group_path(dir->owner);
	}
	g_rw_lock_writer_unlock(&fs->lock);
	return victims;
}

void memory_kill(Fs *fs, Node *dir)
{
	g_autofree char *path = NULL;
	Candidate chosen;
	GArray *victims = choose(fs, dir, &chosen) ? condemn(fs, dir, &chosen, &path) : NULL;

	if (!victims)
		return;
	for (guint i = 0; i < victims->len; i++) {
		const Candidate *victim = &g_array_index(victims, Candidate, i);

		g_message("group %s is out of memory: killing process %d", path, victim->pid);
		members_signal(fs, victim->pid, victim->start, SIGKILL);
	}
	g_array_unref(victims);
}
