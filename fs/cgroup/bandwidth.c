/*
 * CPU quotas: cpu.max, cpu.cfs_quota_us.
 *
 * The kernel takes a group off its CPUs when it has used up its quota, and lets it on again when the next period
 * begins. Here its members are stopped by signals for the rest of the period, and a look at their CPU clocks is taken
 * when the quota can be used up at the earliest. What was used beyond it, because a look came late, is taken off the
 * next periods: over some time the share is kept. Periods too short for signals are taken together, and counted one by
 * one. The time of processes that live shorter than from one look to the next is not seen.
 */
#include "fs/cgroup/bandwidth.h"

#include "fs/cgroup/core.h"
#include "fs/cgroup/cpu.h"
#include "fs/cgroup/enforce.h"
#include "fs/cgroup/limits.h"
#include "fs/cgroup/members.h"

#include <time.h>

#define NS_PER_US         1000
#define SHORTEST_TURN_US  20000 /* of stopping and going on */
#define SHORTEST_DELAY_US 1000  /* between looks */

static Bandwidth *bandwidth_of(const Group *group)
{
	return cpu_of(group) ? &cpu_of(group)->bandwidth : NULL;
}

static gboolean is_limited(const Group *group)
{
	return cpu_of(group) && cpu_of(group)->quota_us != CPU_NO_QUOTA &&
	       config_bool(group->hierarchy->fs->config, "enforce", "cpu-max");
}

/* ns; 0 where it cannot be told */
static guint64 clock_of(Fs *fs, pid_t pid)
{
	struct timespec now;
	clockid_t clock;
	Process process;

	if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &now) == 0)
		return (guint64) now.tv_sec * G_GUINT64_CONSTANT(1000000000) + (guint64) now.tv_nsec;
	if (sampler_read_process(fs->sampler, pid, FALSE, &process) < 0)
		return 0;
	return process.user_ns + process.system_ns;
}

static GHashTable *read_clocks(Fs *fs, Node *dir)
{
	GHashTable *clocks = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	GArray *pids = members_pids_below(fs, dir);

	for (guint i = 0; i < pids->len; i++) {
		pid_t pid = g_array_index(pids, pid_t, i);
		guint64 *time = g_new(guint64, 1);

		*time = clock_of(fs, pid);
		g_hash_table_replace(clocks, GINT_TO_POINTER(pid), time);
	}
	g_array_unref(pids);
	return clocks;
}

/* What one process used since the last look. One that was not here then has been born since if it used no more than a
 * process of that age can; else it came from another group with what it used there. */
static guint64 growth_of(const guint64 *last, guint64 now, gint64 elapsed_us)
{
	if (last)
		return now > *last ? now - *last : 0;
	return now <= (guint64) elapsed_us * NS_PER_US ? now : 0;
}

static void add_growth(Bandwidth *bandwidth, GHashTable *clocks, gint64 now)
{
	GHashTableIter iter;
	gpointer pid, time;

	g_hash_table_iter_init(&iter, clocks);
	while (bandwidth->clocks && g_hash_table_iter_next(&iter, &pid, &time))
		bandwidth->used_ns += growth_of(g_hash_table_lookup(bandwidth->clocks, pid), *(guint64 *) time,
						now - bandwidth->looked);
	bandwidth_clear(bandwidth);
	bandwidth->clocks = g_hash_table_ref(clocks);
	bandwidth->looked = now;
}

static void stop(Group *group, Bandwidth *bandwidth, gint64 now)
{
	group_core(group)->throttled = TRUE;
	bandwidth->stopped = now;
	bandwidth->was_throttled = TRUE;
}

static void go_on(Group *group, Bandwidth *bandwidth, gint64 now)
{
	group_core(group)->throttled = FALSE;
	if (bandwidth->stopped)
		bandwidth->throttled_ns += (guint64) (now - bandwidth->stopped) * NS_PER_US;
	bandwidth->stopped = 0;
}

/* n periods have passed: in a period without use there was nothing to keep to the quota. */
static void count_periods(Group *group, Bandwidth *bandwidth, guint64 n)
{
	guint64 length = cpu_of(group)->period_us * NS_PER_US;

	for (guint64 i = 0; i < n && (bandwidth->used_ns || bandwidth->was_throttled); i++) {
		guint64 throttled = MIN(bandwidth->throttled_ns, length);

		if (i + 1 == n)
			throttled = bandwidth->throttled_ns;
		limits_cpu_count_period(group, throttled);
		bandwidth->throttled_ns -= throttled;
	}
	bandwidth->throttled_ns = 0;
	bandwidth->was_throttled = FALSE;
}

static void end_periods(Group *group, Bandwidth *bandwidth, gint64 now, guint64 turn_us)
{
	const Cpu *cpu = cpu_of(group);
	guint64 n = (guint64) (now - bandwidth->period_start) / turn_us * (turn_us / cpu->period_us);
	guint64 allowed = n * cpu->quota_us * NS_PER_US;

	go_on(group, bandwidth, now);
	count_periods(group, bandwidth, n);
	bandwidth->used_ns -= MIN(bandwidth->used_ns, allowed);
	bandwidth->period_start += (gint64) (n * cpu->period_us);
}

/* When the rest of the quota can be used up at the earliest, all members running; us. */
static gint64 earliest_end(const Group *group, guint64 left_ns)
{
	Usage usage;
	unsigned n = group->hierarchy->fs->cgroups->n_cpus;

	group_usage(group, NULL, &usage);
	return (gint64) (left_ns / NS_PER_US / CLAMP(usage.n_tasks, 1, n));
}

/* Tree locked for writing. */
static void judge(Group *group, GHashTable *clocks)
{
	const Cpu *cpu = cpu_of(group);
	Bandwidth *bandwidth = bandwidth_of(group);
	gint64 now = g_get_monotonic_time();
	guint64 periods = MAX((SHORTEST_TURN_US + cpu->period_us - 1) / cpu->period_us, 1);
	guint64 turn_us = periods * cpu->period_us, quota_ns = periods * cpu->quota_us * NS_PER_US;

	if (!bandwidth->clocks)
		bandwidth->period_start = now;
	add_growth(bandwidth, clocks, now);
	if (now - bandwidth->period_start >= (gint64) turn_us)
		end_periods(group, bandwidth, now, turn_us);
	bandwidth->due = bandwidth->period_start + (gint64) turn_us;
	if (bandwidth->used_ns >= quota_ns) {
		if (!bandwidth->stopped)
			stop(group, bandwidth, now);
	} else {
		gint64 delay = earliest_end(group, quota_ns - bandwidth->used_ns);

		bandwidth->due = MIN(bandwidth->due, now + MAX(delay, SHORTEST_DELAY_US));
	}
}

/* Nothing to keep: no quota, no members, or nobody wants it kept. */
static void rest(Group *group)
{
	Bandwidth *bandwidth = bandwidth_of(group);

	if (bandwidth && bandwidth->clocks) {
		go_on(group, bandwidth, g_get_monotonic_time());
		count_periods(group, bandwidth, 1);
		bandwidth_clear(bandwidth);
		*bandwidth = (Bandwidth){0};
	}
	group_core(group)->throttled = FALSE;
}

/* TRUE if the group's members have to be stopped or to go on. */
static gboolean judge_group(Fs *fs, Node *dir, GHashTable *clocks)
{
	gboolean was_throttled, changes = FALSE;
	Group *group;

	g_rw_lock_writer_lock(&fs->lock);
	group = group_of_file(dir);
	if (group) {
		was_throttled = group_core(group)->throttled;
		if (is_limited(group) && g_hash_table_size(clocks) > 0)
			judge(group, clocks);
		else
			rest(group);
		changes = was_throttled != group_core(group)->throttled;
	}
	g_rw_lock_writer_unlock(&fs->lock);
	return changes;
}

static void look_at_group(Fs *fs, Node *dir)
{
	g_autoptr(GHashTable) clocks = read_clocks(fs, dir);

	if (judge_group(fs, dir, clocks))
		members_apply_freezing_below(fs, dir);
}

typedef struct Due {
	GPtrArray *dirs;  /* Node: of groups to look at now */
	gint64 now, next; /* us; next: when the first of the others is due; G_MAXINT64: none is */
} Due;

static gboolean is_active(const Group *group)
{
	return group_core(group)->throttled || (is_limited(group) && group_is_populated(group)) ||
	       (bandwidth_of(group) && bandwidth_of(group)->clocks);
}

static int collect_due(Group *group, void *data)
{
	Due *due = data;

	if (!is_active(group))
		return 0;
	if (!is_limited(group) || bandwidth_of(group)->due <= due->now)
		g_ptr_array_add(due->dirs, node_ref(group->dir));
	else
		due->next = MIN(due->next, bandwidth_of(group)->due);
	return 0;
}

static void find_due(Fs *fs, Due *due)
{
	const Hierarchy *hierarchy = cgroups_of_controller(fs->cgroups, CONTROLLER_CPU);

	due->now = g_get_monotonic_time();
	due->next = G_MAXINT64;
	g_rw_lock_reader_lock(&fs->lock);
	if (hierarchy)
		group_walk(hierarchy->root, collect_due, due);
	g_rw_lock_reader_unlock(&fs->lock);
}

/* Where the kernel does not tell of them, the whole process list is looked at: once in a turn. */
static void look_for_newcomers(Fs *fs, gint64 now)
{
	Enforce *enforce = fs->cgroups->enforce;

	if (members_watch_drain(fs) || now - enforce->refreshed < SHORTEST_TURN_US)
		return;
	members_refresh(fs);
	enforce->refreshed = now;
}

void bandwidth_look(void *data)
{
	Fs *fs = data;
	Due due = {.dirs = g_ptr_array_new_with_free_func((GDestroyNotify) node_unref)};

	find_due(fs, &due);
	if (due.dirs->len > 0)
		look_for_newcomers(fs, due.now);
	for (guint i = 0; i < due.dirs->len; i++)
		look_at_group(fs, due.dirs->pdata[i]);
	g_ptr_array_set_size(due.dirs, 0);
	find_due(fs, &due);
	if (due.dirs->len > 0)
		due.next = due.now;
	if (due.next != G_MAXINT64)
		enforce_look_again(fs, &fs->cgroups->enforce->bandwidth, due.next);
	g_ptr_array_unref(due.dirs);
}
