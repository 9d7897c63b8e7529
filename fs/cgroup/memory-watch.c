/*
 * Watching how much memory groups use: limits, watermarks, and those who wait for an event.
 *
 * The kernel notices at the page that is one too many. Here one timer looks at all groups that have a limit or a
 * listener, every [enforce] memory-interval-ms, and rests while none of them has members. What is above a limit at a
 * look, and was not or was less at the one before, counts as one event. Nothing is reclaimed: a group has run out of
 * memory when what the kernel could not take from it either is above the limit.
 */
#include "fs/cgroup/enforce.h"
#include "fs/cgroup/members.h"
#include "fs/cgroup/memory-listener.h"
#include "fs/cgroup/memory.h"

#include <stddef.h>

/* A look takes at most one part in this of a CPU. */
enum { COST_SHARE = 50 };

gboolean memory_is_watched(const Group *group)
{
	const MemoryState *memory = memory_of(group);

	return memory && (memory->max < PAGE_COUNTER_MAX || memory->high < PAGE_COUNTER_MAX ||
			  memory->memsw_max < PAGE_COUNTER_MAX || memory->listeners->len > 0);
}

static int collect_watched(Group *group, void *data)
{
	if (memory_is_watched(group) && (group_is_root(group) || group_is_populated(group)))
		g_ptr_array_add(data, node_ref(group->dir));
	return 0;
}

/* The directories of the groups to look at, parents first. */
static GPtrArray *watched_groups(Fs *fs)
{
	GPtrArray *dirs = g_ptr_array_new_with_free_func((GDestroyNotify) node_unref);
	const Hierarchy *hierarchy = cgroups_of_controller(fs->cgroups, CONTROLLER_MEMORY);

	g_rw_lock_reader_lock(&fs->lock);
	if (hierarchy)
		group_walk(hierarchy->root, collect_watched, dirs);
	g_rw_lock_reader_unlock(&fs->lock);
	return dirs;
}

static gboolean is_root_directory(Fs *fs, const Node *dir)
{
	gboolean is_root;

	g_rw_lock_reader_lock(&fs->lock);
	is_root = !dir->dead && group_is_root(dir->owner);
	g_rw_lock_reader_unlock(&fs->lock);
	return is_root;
}

static void refresh_memory(Fs *fs, GPtrArray *dirs)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	for (guint i = 0; i < dirs->len; i++) {
		GArray *pids;

		if (is_root_directory(fs, dirs->pdata[i]))
			continue;
		pids = members_pids_below(fs, dirs->pdata[i]);
		for (guint j = 0; j < pids->len; j++)
			if (g_hash_table_add(seen, GINT_TO_POINTER(g_array_index(pids, pid_t, j))))
				members_refresh_memory(fs, g_array_index(pids, pid_t, j));
		g_array_unref(pids);
	}
}

/* Is the use above the limit, and more than it was when that was last seen? */
static gboolean met_limit(guint64 use, guint64 limit, guint64 *last)
{
	gboolean met = use > limit && use > *last;

	*last = use > limit ? MAX(use, *last) : 0;
	return met;
}

static void raise_marks(MemoryState *memory, const MemoryUse *use)
{
	watermark_raise(&memory->peak, use->memory);
	watermark_raise(&memory->swap_peak, use->swap);
	watermark_raise(&memory->memsw_peak, use->memory + use->swap);
}

static gboolean victim_is_alive(const Group *group, const MemoryState *memory)
{
	const Task *victim = members_find(group->hierarchy->fs->cgroups->members, memory->victim);

	return victim && victim->start == memory->victim_start && !victim->exited;
}

static gboolean has_run_out(const MemoryState *memory, const MemoryUse *use)
{
	return use->fixed > page_counter_bytes(memory->max) ||
	       use->fixed_with_swap > page_counter_bytes(memory->memsw_max);
}

/* TRUE if a process is to be killed for it. */
static gboolean judge_shortage(Group *group, const MemoryUse *use)
{
	MemoryState *memory = memory_of(group);
	gboolean kills = g_str_equal(config_string(group->hierarchy->fs->config, "enforce", "memory"), "kill") &&
			 !memory->oom_kill_disabled && !group_is_root(group);
	gboolean was_out = memory->under_oom;

	memory->under_oom = has_run_out(memory, use);
	if (!memory->under_oom || (was_out && (!kills || victim_is_alive(group, memory))))
		return FALSE;
	limits_memory_count(group, MEMORY_EVENT_OOM);
	memory_listeners_tell_oom(group);
	return kills;
}

/* Tree locked for writing. TRUE if a process is to be killed. */
static gboolean judge(Group *group, const Sample *sample)
{
	MemoryState *memory = memory_of(group);
	MemoryUse use;
	gboolean pressed;

	memory_use_of(group, sample, &use);
	raise_marks(memory, &use);
	if (met_limit(use.memory, page_counter_bytes(memory->high), &memory->above_high))
		limits_memory_count(group, MEMORY_EVENT_HIGH);
	pressed = met_limit(use.memory, page_counter_bytes(memory->max), &memory->above_max);
	if (pressed)
		limits_memory_count(group, MEMORY_EVENT_MAX);
	if (met_limit(use.memory + use.swap, page_counter_bytes(memory->memsw_max), &memory->above_memsw_max))
		memory->memsw_failures++;
	if (pressed)
		memory_listeners_tell_pressure(group, &use);
	memory_listeners_tell_use(group, &use);
	return judge_shortage(group, &use);
}

static void look_at_group(Fs *fs, Node *dir, const Sample *sample)
{
	gboolean kills = FALSE;

	g_rw_lock_writer_lock(&fs->lock);
	if (!dir->dead && memory_of(dir->owner))
		kills = judge(dir->owner, sample);
	g_rw_lock_writer_unlock(&fs->lock);
	if (kills)
		memory_kill(fs, dir);
}

static void look_at_groups(Fs *fs, GPtrArray *dirs)
{
	g_autoptr(Sample) sample = NULL;

	members_refresh(fs);
	refresh_memory(fs, dirs);
	sample = sampler_get_fresh(fs->sampler, SAMPLE_MEMORY);
	for (guint i = 0; i < dirs->len; i++)
		look_at_group(fs, dirs->pdata[i], sample);
}

void memory_watch_look(void *data)
{
	Fs *fs = data;
	gint64 started = g_get_monotonic_time(), now;
	g_autoptr(GPtrArray) dirs = watched_groups(fs);
	gint64 interval = config_int(fs->config, "enforce", "memory-interval-ms") * 1000;

	if (dirs->len == 0 || g_str_equal(config_string(fs->config, "enforce", "memory"), "off"))
		return;
	look_at_groups(fs, dirs);
	now = g_get_monotonic_time();
	enforce_look_again(fs, &fs->cgroups->enforce->memory, now + MAX(interval, COST_SHARE * (now - started)));
}
