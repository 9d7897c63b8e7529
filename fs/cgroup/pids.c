/*
 * The pids controller: how many tasks a group and its descendants have, and may have.
 *
 * As in the kernel (kernel/cgroup/pids.c) a limit does not refuse a migration: a group can have more tasks than
 * pids.max if they were moved there, or if the limit was lowered; only a fork is refused. A fork cannot be refused from
 * outside: where no tracer asks limits_pids_fork() it is counted in pids.events when it is seen.
 */
#include "fs/cgroup/backing.h"
#include "fs/cgroup/control-file.h"
#include "fs/cgroup/limits.h"
#include "fs/cgroup/members.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* PID_MAX_LIMIT + 1 */
#define PIDS_MAX G_GINT64_CONSTANT(4194305)

typedef struct Pids {
	guint64 max; /* PIDS_MAX: no limit */
	guint64 peak;
	guint64 events, events_local; /* forks beyond a limit of the group or one above it; beyond the group's own */
} Pids;

static void pids_init(Fs *fs, Group *group, void *state, Group *parent, void *parent_state)
{
	((Pids *) state)->max = PIDS_MAX;
}

static guint64 raise_peak(const VContext *ctx, guint64 *ret_current)
{
	Usage usage;

	group_usage(ctx->owner, ctx->sample, &usage);
	*ret_current = usage.n_tasks;
	return watermark_raise(&((Pids *) ctx->state)->peak, usage.n_tasks);
}

static int pids_current(const VContext *ctx, GString *out)
{
	guint64 current;

	raise_peak(ctx, &current);
	g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", current);
	return 0;
}

static int pids_peak(const VContext *ctx, GString *out)
{
	guint64 current;

	g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", raise_peak(ctx, &current));
	return 0;
}

static int pids_events(const VContext *ctx, GString *out)
{
	g_string_append_printf(out, "max %" G_GUINT64_FORMAT "\n", *VFILE_FIELD(ctx, guint64));
	return 0;
}

static int pids_max(const VContext *ctx, GString *out)
{
	const Pids *pids = ctx->state;

	if (pids->max >= PIDS_MAX)
		g_string_append(out, "max\n");
	else
		g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", pids->max);
	return 0;
}

static int pids_set_max(const VContext *ctx, const char *text, size_t len)
{
	gint64 limit = PIDS_MAX;

	if (strcmp(text, "max") != 0) {
		int r = parse_s64(text, &limit);

		if (r < 0)
			return r;
		if (limit < 0 || limit >= PIDS_MAX)
			return -EINVAL;
	}
	((Pids *) ctx->state)->max = (guint64) limit;
	return 0;
}

static void pids_after_max(const VContext *ctx)
{
	backing_set_pids_max(ctx->fs, ctx->node);
}

guint64 limits_pids_own(const Group *group)
{
	const Pids *pids = group->states[CONTROLLER_PIDS];

	return pids && pids->max < PIDS_MAX ? pids->max : G_MAXUINT64;
}

void limits_pids_count(Group *group)
{
	Pids *pids = group->states[CONTROLLER_PIDS];

	if (!pids)
		return;
	pids->events_local++;
	group_notify(group, "pids.events.local");
	for (Group *above = group; above; above = above->parent) {
		pids = above->states[CONTROLLER_PIDS];
		if (pids && (above == group || above->hierarchy->is_v2)) {
			pids->events++;
			group_notify(above, "pids.events");
		}
	}
}

/* The nearest group upwards that has more tasks than it may, and by how many. */
static Group *overfull(Group *group, guint64 *ret_excess)
{
	for (; group; group = group->parent) {
		guint64 limit = limits_pids_own(group);
		Usage usage;

		if (limit == G_MAXUINT64)
			continue;
		group_usage(group, NULL, &usage);
		if (usage.n_tasks > limit) {
			*ret_excess = usage.n_tasks - limit;
			return group;
		}
	}
	return NULL;
}

void limits_pids_note_births(Group *group, unsigned n)
{
	guint64 excess;
	Group *full;

	if (!config_bool(group->hierarchy->fs->config, "enforce", "pids"))
		return;
	full = overfull(group, &excess);
	for (guint64 i = 0; full && i < MIN(n, excess); i++)
		limits_pids_count(full);
}

static int find_limited(Group *group, void *data)
{
	return limits_pids_own(group) != G_MAXUINT64;
}

/* kernel/cgroup/pids.c pids_can_fork(): the group of the first limit that one more task would break. */
static Group *find_exhausted(Group *group)
{
	for (; group; group = group->parent) {
		guint64 limit = limits_pids_own(group);
		Usage usage;

		if (limit == G_MAXUINT64)
			continue;
		group_usage(group, NULL, &usage);
		if (usage.n_tasks >= limit)
			return group;
	}
	return NULL;
}

/* A group that one more task of this process would make too full? */
static gboolean is_exhausted(Fs *fs, const Hierarchy *hierarchy, pid_t pid, gboolean count)
{
	const Task *task;
	Group *exhausted;

	g_rw_lock_writer_lock(&fs->lock);
	task = members_find(fs->cgroups->members, pid);
	exhausted = task ? find_exhausted(task->groups[hierarchy->index]) : NULL;
	if (exhausted && count)
		limits_pids_count(exhausted);
	g_rw_lock_writer_unlock(&fs->lock);
	return exhausted != NULL;
}

int limits_pids_fork(Fs *fs, pid_t pid)
{
	Hierarchy *hierarchy = fs->cgroups ? cgroups_of_controller(fs->cgroups, CONTROLLER_PIDS) : NULL;
	g_autoptr(Sample) sample = NULL;
	gboolean limited;

	if (!hierarchy || !config_bool(fs->config, "enforce", "pids"))
		return 0;
	g_rw_lock_reader_lock(&fs->lock);
	limited = group_walk(hierarchy->root, find_limited, NULL) != 0;
	g_rw_lock_reader_unlock(&fs->lock);
	if (!limited)
		return 0;
	members_refresh(fs);
	if (!is_exhausted(fs, hierarchy, pid, FALSE))
		return 0;
	/* The kernel tells of ends, but not of a parent that has waited for a child and so made room. */
	sample = sampler_get_fresh(fs->sampler, SAMPLE_PROCESSES);
	members_reconcile(fs, sample);
	return is_exhausted(fs, hierarchy, pid, TRUE) ? -EAGAIN : 0;
}

#define FIELD(name) offsetof(Pids, name)

#define MEANING_MAX     "how many tasks the group and its descendants may have, or max"
#define MEANING_CURRENT "how many tasks the group and its descendants have"
#define MEANING_PEAK    "the most tasks seen so far"
#define MEANING_EVENTS  "how often a fork met pids.max"

static const VFile pids_v1_files[] = {
	{"pids.max", 0644, VF_NOT_ROOT, ORIGIN_SETTING, pids_max, pids_set_max, 0, MEANING_MAX, pids_after_max},
	{"pids.current", 0444, VF_NOT_ROOT, ORIGIN_PIDS, pids_current, NULL, 0, MEANING_CURRENT},
	{"pids.peak", 0444, VF_NOT_ROOT, ORIGIN_PIDS, pids_peak, NULL, 0, MEANING_PEAK},
	{"pids.events", 0444, VF_NOT_ROOT | VF_EVENT, ORIGIN_TREE, pids_events, NULL, FIELD(events), MEANING_EVENTS},
	{0},
};

static const VFile pids_v2_files[] = {
	{"pids.max", 0644, VF_NOT_ROOT, ORIGIN_SETTING, pids_max, pids_set_max, 0, MEANING_MAX, pids_after_max},
	{"pids.current", 0444, VF_NOT_ROOT, ORIGIN_PIDS, pids_current, NULL, 0, MEANING_CURRENT},
	{"pids.peak", 0444, VF_NOT_ROOT, ORIGIN_PIDS, pids_peak, NULL, 0, MEANING_PEAK},
	{"pids.events", 0444, VF_NOT_ROOT | VF_EVENT, ORIGIN_TREE, pids_events, NULL, FIELD(events), MEANING_EVENTS},
	{"pids.events.local", 0444, VF_NOT_ROOT | VF_EVENT, ORIGIN_TREE, pids_events, NULL, FIELD(events_local),
	 MEANING_EVENTS ", descendants not counted"},
	{0},
};

static const KeptField pids_kept[] = {
	{"peak", KEPT_U64, FIELD(peak), 1},
	{"events", KEPT_U64, FIELD(events), 1},
	{"events-local", KEPT_U64, FIELD(events_local), 1},
	{0},
};

const Controller pids_controller = {
	.v1_name = "pids",
	.v2_name = "pids",
	.v1_files = pids_v1_files,
	.v2_files = pids_v2_files,
	.state_size = sizeof(Pids),
	.init = pids_init,
	.kept = pids_kept,
};
