/*
 * The files that every v2 group has (kernel/cgroup/cgroup.c, cgroup_base_files).
 */
#include "fs/cgroup/core.h"

#include "fs/cgroup/hierarchy.h"
#include "fs/cgroup/members.h"
#include "fs/cgroup/scheduling.h"
#include "fs/parse.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* What is in a v1 hierarchy is known here as well, and nowhere to be had; so is perf_event, which is enabled in every
 * v2 group and listed in none (implicit_on_dfl). -1: there is no such controller. */
static int find_known(const Cgroups *cgroups, const char *name)
{
	int id = controller_by_name(name, TRUE);

	if (strcmp(name, controllers[CONTROLLER_PERF_EVENT]->v1_name) == 0)
		return CONTROLLER_PERF_EVENT;
	return id >= 0 && cgroups_of_controller(cgroups, (ControllerId) id) ? id : -1;
}

static guint32 usable_controllers(const Group *group)
{
	return group_controllers(group) & ~CONTROLLER_BIT(CONTROLLER_PERF_EVENT);
}

static void show_controllers(guint32 set, GString *out)
{
	controllers_show(set & ~CONTROLLER_BIT(CONTROLLER_PERF_EVENT), TRUE, ' ', out);
	if (out->len)
		g_string_append_c(out, '\n');
}

static int controllers_file_show(const VContext *ctx, GString *out)
{
	show_controllers(group_controllers(ctx->owner), out);
	return 0;
}

static int subtree_control_show(const VContext *ctx, GString *out)
{
	show_controllers(group_core(ctx->owner)->subtree_control, out);
	return 0;
}

static int parse_control(const Group *group, const char *text, guint32 *ret_enable, guint32 *ret_disable)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	guint32 enable = 0, disable = 0;

	for (char **word = words; *word; word++) {
		int id;

		if (!**word)
			continue;
		id = find_known(group->hierarchy->fs->cgroups, *word + 1);
		if (id < 0)
			return -EINVAL;
		if (**word == '+') {
			enable |= CONTROLLER_BIT(id);
			disable &= ~CONTROLLER_BIT(id);
		} else if (**word == '-') {
			disable |= CONTROLLER_BIT(id);
			enable &= ~CONTROLLER_BIT(id);
		} else {
			return -EINVAL;
		}
	}
	*ret_enable = enable;
	*ret_disable = disable;
	return 0;
}

static gboolean child_uses(const Group *group, guint32 set)
{
	for (guint i = 0; i < group->children->len; i++)
		if (group_core(group->children->pdata[i])->subtree_control & set)
			return TRUE;
	return FALSE;
}

/* cgroup_vet_subtree_control_enable() */
static int vet_enable(const Group *group, guint32 enable)
{
	if (!enable)
		return 0;
	if (!group_is_valid_domain(group_domain(group)))
		return -EOPNOTSUPP;
	if (group_is_root(group))
		return 0;
	if (enable & ~CONTROLLERS_THREADED) {
		if (group_is_thread_root(group) || group_core(group)->threaded)
			return -EOPNOTSUPP;
	} else if (group_can_be_thread_root(group) || group_core(group)->threaded) {
		return 0;
	}
	return group_has_members(group) ? -EBUSY : 0;
}

/* One controller after the other: the first that cannot be had decides what is answered. */
static int vet_controllers(const Group *group, guint32 enable, guint32 disable)
{
	for (int id = 0; id < CONTROLLER_COUNT; id++) {
		if (enable & ~usable_controllers(group) & CONTROLLER_BIT(id))
			return -ENOENT;
		if ((disable & CONTROLLER_BIT(id)) && child_uses(group, CONTROLLER_BIT(id)))
			return -EBUSY;
	}
	return vet_enable(group, enable);
}

/* cgroup_subtree_control_write() */
static int subtree_control_change(Group *group, guint32 enable, guint32 disable)
{
	Core *core = group_core(group);
	int r;

	enable &= ~core->subtree_control;
	disable &= core->subtree_control;
	if (!enable && !disable)
		return 0;
	r = vet_controllers(group, enable, disable);
	if (r < 0)
		return r;
	core->subtree_control = (core->subtree_control | enable) & ~disable;
	for (guint i = 0; i < group->children->len; i++)
		group_apply_control(group->children->pdata[i]);
	return 0;
}

/* Unlocked: whether the group has processes must be known as of now. */
static int subtree_control_store(const VContext *ctx, const char *text, size_t len)
{
	guint32 enable, disable;
	Group *group;
	int r;

	members_refresh_below(ctx->fs, ctx->node);
	g_rw_lock_writer_lock(&ctx->fs->lock);
	group = group_of_file(ctx->node);
	r = group ? parse_control(group, text, &enable, &disable) : -ENODEV;
	if (r == 0)
		r = subtree_control_change(group, enable, disable);
	g_rw_lock_writer_unlock(&ctx->fs->lock);
	return r;
}

static int type_show(const VContext *ctx, GString *out)
{
	const Group *group = ctx->owner;

	if (group_core(group)->threaded)
		g_string_append(out, "threaded\n");
	else if (!group_is_valid_domain(group))
		g_string_append(out, "domain invalid\n");
	else
		g_string_append(out, group_is_thread_root(group) ? "domain threaded\n" : "domain\n");
	return 0;
}

/* cgroup_enable_threaded() */
static int make_threaded(Group *group)
{
	Core *core = group_core(group);
	Group *domain = group_domain(group->parent);

	if (core->threaded)
		return 0;
	if (group_is_populated(group) || (core->subtree_control & ~CONTROLLERS_THREADED))
		return -EOPNOTSUPP;
	if (!group_is_valid_domain(domain) || !group_can_be_thread_root(domain))
		return -EOPNOTSUPP;
	core->threaded = TRUE;
	group_apply_control(group);
	return 0;
}

static int type_store(const VContext *ctx, const char *text, size_t len)
{
	Group *group;
	int r;

	if (strcmp(text, "threaded") != 0)
		return -EINVAL;
	members_refresh_below(ctx->fs, ctx->node);
	g_rw_lock_writer_lock(&ctx->fs->lock);
	group = group_of_file(ctx->node);
	r = group ? make_threaded(group) : -ENODEV;
	g_rw_lock_writer_unlock(&ctx->fs->lock);
	return r;
}

static int limit_show(const VContext *ctx, GString *out)
{
	gint32 limit = *VFILE_FIELD(ctx, gint32);

	if (limit == G_MAXINT32)
		g_string_append(out, "max\n");
	else
		g_string_append_printf(out, "%d\n", limit);
	return 0;
}

static int limit_store(const VContext *ctx, const char *text, size_t len)
{
	gint32 limit = G_MAXINT32;

	if (strcmp(text, "max") != 0) {
		int r = parse_s32(text, &limit);

		if (r < 0)
			return r;
		if (limit < 0)
			return -ERANGE;
	}
	*VFILE_FIELD(ctx, gint32) = limit;
	return 0;
}

static int events_show(const VContext *ctx, GString *out)
{
	const Group *group = ctx->owner;

	g_string_append_printf(out, "populated %d\nfrozen %d\n", group_is_populated(group), group_is_frozen(group));
	return 0;
}

static unsigned count_states(const Group *group, int id)
{
	unsigned n = group->states[id] || id == CONTROLLER_PERF_EVENT;

	for (guint i = 0; i < group->children->len; i++)
		n += count_states(group->children->pdata[i], id);
	return n;
}

static gboolean is_counted(const Group *group, int id)
{
	return id == CONTROLLER_PERF_EVENT || (group->hierarchy->controllers & CONTROLLER_BIT(id));
}

static const char *name_in_stat(int id)
{
	return controllers[id]->v2_name ? controllers[id]->v2_name : controllers[id]->v1_name;
}

/* cgroup_stat_show(); groups are gone at once here, so nothing is ever dying. */
static int stat_show(const VContext *ctx, GString *out)
{
	const Group *group = ctx->owner;

	g_string_append_printf(out, "nr_descendants %u\n", group_count_descendants(group));
	for (int id = 0; id < CONTROLLER_COUNT; id++)
		if (is_counted(group, id))
			g_string_append_printf(out, "nr_subsys_%s %u\n", name_in_stat(id), count_states(group, id));
	g_string_append(out, "nr_dying_descendants 0\n");
	for (int id = 0; id < CONTROLLER_COUNT; id++)
		if (is_counted(group, id))
			g_string_append_printf(out, "nr_dying_subsys_%s 0\n", name_in_stat(id));
	return 0;
}

static int parse_flag(const char *text, gboolean *ret)
{
	gint32 value;
	int r = parse_s32(text, &value);

	if (r < 0)
		return r;
	if (value != 0 && value != 1)
		return -ERANGE;
	*ret = value;
	return 0;
}

static int pressure_store(const VContext *ctx, const char *text, size_t len)
{
	Group *group = ctx->owner;
	Fs *fs = ctx->fs;
	gboolean on;
	int r = parse_flag(text, &on);

	if (r < 0 || group_core(group)->pressure == on)
		return r;
	group_core(group)->pressure = on;
	/* kernfs_show(): the files go and come. */
	if (on)
		tree_add_files(fs->tree, group->dir, pressure_base_files, group_is_root(group), group, group->core);
	for (const VFile *row = pressure_base_files; row->name; row++) {
		Node *file = group_file(group, row->name);

		if (on)
			file->file.fleeting = TRUE;
		else if (file)
			tree_remove(fs->tree, file);
	}
	return 0;
}

static int freeze_store(const VContext *ctx, const char *text, size_t len)
{
	gboolean freeze;
	int r = parse_flag(text, &freeze);

	return r < 0 ? r : group_set_frozen(ctx->fs, ctx->node, freeze);
}

static int kill_store(const VContext *ctx, const char *text, size_t len)
{
	gboolean yes;
	int r = parse_flag(text, &yes);

	if (r < 0)
		return r;
	return yes ? group_kill(ctx->fs, ctx->node) : -ERANGE;
}

const VFile core_v2_files[] = {
	{"cgroup.type", 0644, VF_NOT_ROOT | VF_UNLOCKED | VF_OWN_STATE, ORIGIN_SETTING, type_show, type_store, 0,
	 "domain, threaded, \"domain threaded\" or \"domain invalid\"; writing threaded makes it threaded"},
	{"cgroup.procs", 0644, VF_UNLOCKED | VF_PIDS, ORIGIN_TREE, members_show_procs, members_store_procs, 0,
	 "Processes in the group; a PID written moves that process here, 0 the writer"},
	{"cgroup.threads", 0644, VF_UNLOCKED | VF_PIDS, ORIGIN_TREE, members_show_threads, members_store_threads, 0,
	 "Threads in the group; a TID written moves that thread here, within its domain"},
	{"cgroup.controllers", 0444, 0, ORIGIN_TREE, controllers_file_show, NULL, 0,
	 "Controllers that can be enabled for children"},
	{"cgroup.subtree_control", 0644, VF_UNLOCKED | VF_OWN_STATE, ORIGIN_SETTING, subtree_control_show,
	 subtree_control_store, 0, "Controllers enabled for children; \"+memory -pids\" changes it",
	 scheduling_after_control},
	{"cgroup.events", 0444, VF_NOT_ROOT | VF_EVENT, ORIGIN_TREE, events_show, NULL, 0,
	 "populated: are there processes in the subtree; frozen: are they all frozen"},
	{"cgroup.max.descendants", 0644, 0, ORIGIN_SETTING, limit_show, limit_store, offsetof(Core, max_descendants),
	 "How many groups there may be below"},
	{"cgroup.max.depth", 0644, 0, ORIGIN_SETTING, limit_show, limit_store, offsetof(Core, max_depth),
	 "How deep groups may be nested below"},
	{"cgroup.stat", 0444, 0, ORIGIN_TREE, stat_show, NULL, 0, "Numbers of groups below, by controller"},
	{"cgroup.freeze", 0644, VF_NOT_ROOT | VF_UNLOCKED | VF_OWN_STATE, ORIGIN_SETTING, vfile_show_bool, freeze_store,
	 offsetof(Core, freeze), "1: the processes of the subtree are stopped"},
	{"cgroup.kill", 0200, VF_NOT_ROOT | VF_UNLOCKED, ORIGIN_TREE, NULL, kill_store, 0,
	 "1 written kills every process of the subtree"},
	{"cgroup.pressure", 0644, 0, ORIGIN_SETTING, vfile_show_bool, pressure_store, offsetof(Core, pressure),
	 "0 hides the *.pressure files"},
	{0},
};
