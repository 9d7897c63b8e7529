/*
 * Making the groups of a saved state again. Two passes: the first looks at all of it and changes nothing, so that what
 * is refused is refused as a whole.
 */
#include "fs/cgroup/core.h"
#include "fs/cgroup/enforce.h"
#include "fs/cgroup/state-format.h"

#include <limits.h>
#include <string.h>

/* The members of a group, by their position in STATE_GROUP; of a part, in STATE_PART. */
enum { GROUP_FILES = 8, GROUP_PARTS };
enum { PART_NAME, PART_SETTINGS, PART_DICT };

typedef struct Plan {
	Fs *fs;
	GVariant *state;
	GPtrArray *saved;  /* GVariant of each group, by number */
	GPtrArray *homes;  /* Hierarchy of each; NULL: not served now */
	GPtrArray *groups; /* Group, once it is made; NULL: lost */
	StateReport *report;
} Plan;

static gboolean refuse(GError **error, const char *format, const char *what)
{
	g_autofree char *shown = g_strescape(what, NULL);

	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, format, shown);
	return FALSE;
}

static gboolean is_group_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= NAME_MAX && !strchr(name, '\n') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* "/" comes first; each other's parent came before it. */
static gboolean check_path(GHashTable *paths, const char *path, GError **error)
{
	const char *name = strrchr(path, '/');
	g_autofree char *parent = NULL;

	if (g_hash_table_size(paths) == 0)
		return strcmp(path, "/") == 0 ||
		       refuse(error, "a hierarchy begins with '%s' instead of its root", path);
	if (path[0] != '/' || !is_group_name(name + 1))
		return refuse(error, "'%s' names no group", path);
	parent = name == path ? g_strdup("/") : g_strndup(path, (gsize) (name - path));
	if (!g_hash_table_contains(paths, parent))
		return refuse(error, "the group '%s' comes before its parent", path);
	return !g_hash_table_contains(paths, path) || refuse(error, "the group '%s' is there twice", path);
}

static gboolean plan_groups(Plan *plan, GVariant *groups, Hierarchy *home, GError **error)
{
	g_autoptr(GHashTable) paths = g_hash_table_new(g_str_hash, g_str_equal);
	gsize n = g_variant_n_children(groups);

	for (gsize i = 0; i < n; i++) {
		GVariant *group = g_variant_get_child_value(groups, i);
		const char *path;

		g_ptr_array_add(plan->saved, group);
		g_ptr_array_add(plan->homes, home);
		g_variant_get_child(group, 0, "^&ay", &path);
		if (!check_path(paths, path, error))
			return FALSE;
		g_hash_table_add(paths, (gpointer) path);
	}
	return TRUE;
}

static gboolean plan_hierarchies(Plan *plan, GVariant *hierarchies, GError **error)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	gsize n = g_variant_n_children(hierarchies);

	for (gsize i = 0; i < n; i++) {
		g_autoptr(GVariant) hierarchy = g_variant_get_child_value(hierarchies, i);
		g_autoptr(GVariant) groups = NULL;
		const char *name;

		g_variant_get(hierarchy, "(^&ay@a" STATE_GROUP ")", &name, &groups);
		if (!g_hash_table_add(names, (gpointer) name))
			return refuse(error, "the hierarchy '%s' is there twice", name);
		if (!plan_groups(plan, groups, cgroups_find(plan->fs->cgroups, name), error))
			return FALSE;
	}
	return TRUE;
}

static gboolean plan_make(Plan *plan, GError **error)
{
	g_autoptr(GVariant) hierarchies = g_variant_get_child_value(plan->state, 2);
	g_autoptr(GVariant) tasks = g_variant_get_child_value(plan->state, 3);

	return plan_hierarchies(plan, hierarchies, error) && tasks_check(tasks, plan->saved->len, error);
}

static Group *make_group(Plan *plan, Hierarchy *home, const char *path, mode_t mode)
{
	const char *name = strrchr(path, '/');
	g_autofree char *parent_path = g_strndup(path, (gsize) (name - path));
	Group *parent = name[1] ? group_by_path(home, parent_path) : NULL;

	if (!name[1])
		return home->root;
	return parent ? group_restore(parent, name + 1, mode) : NULL;
}

static void restore_attributes(Group *group, GVariant *saved)
{
	Node *dir = group->dir;
	guint32 mode, uid, gid;
	gint64 s, ns;
	guint64 generation;

	g_variant_get(saved, "(@ayuuuxxtt@*@*)", NULL, &mode, &uid, &gid, &s, &ns, NULL, &generation, NULL, NULL);
	dir->mode = mode & 07777;
	dir->generation = generation;
	dir->created = (struct timespec){.tv_sec = (time_t) s, .tv_nsec = (long) ns};
	group_give_to(group, uid, gid);
}

static void restore_file_times(Group *group)
{
	for (guint i = 0; i < group->dir->dir.order->len; i++) {
		Node *node = group->dir->dir.order->pdata[i];

		if (node->type == NODE_FILE)
			node->created = group->dir->created;
	}
}

static GVariant *part_of(GVariant *saved, const char *wanted)
{
	g_autoptr(GVariant) parts = g_variant_get_child_value(saved, GROUP_PARTS);
	gsize n = g_variant_n_children(parts);

	for (gsize i = 0; i < n; i++) {
		g_autoptr(GVariant) part = g_variant_get_child_value(parts, i);
		const char *name;

		g_variant_get_child(part, PART_NAME, "&s", &name);
		if (strcmp(name, wanted) == 0)
			return g_steal_pointer(&part);
	}
	return NULL;
}

/* Parents first: what a group may have for its children decides what these are made with. */
static void restore_groups(Plan *plan)
{
	for (guint i = 0; i < plan->saved->len; i++) {
		GVariant *saved = plan->saved->pdata[i];
		g_autoptr(GVariant) part = part_of(saved, "");
		Group *group = NULL;
		const char *path;
		guint32 mode;

		g_variant_get_child(saved, 0, "^&ay", &path);
		g_variant_get_child(saved, 1, "u", &mode);
		if (plan->homes->pdata[i])
			group = make_group(plan, plan->homes->pdata[i], path, mode);
		g_ptr_array_add(plan->groups, group);
		if (!group) {
			plan->report->n_lost += path[1] != '\0';
			continue;
		}
		plan->report->n_groups += group->parent != NULL;
		restore_attributes(group, saved);
		if (part) {
			g_autoptr(GVariant) more = g_variant_get_child_value(part, PART_DICT);
			GVariantDict dict;

			g_variant_dict_init(&dict, more);
			core_restore(group, &dict);
			g_variant_dict_clear(&dict);
		}
	}
}

static int controller_of_part(const Group *group, const char *name)
{
	int id = controller_by_name(name, group->hierarchy->is_v2);

	return id >= 0 ? id : controller_by_name(name, FALSE);
}

static void restore_part(Group *group, GVariant *part, GPtrArray *wishes)
{
	g_autoptr(GVariant) settings = g_variant_get_child_value(part, PART_SETTINGS);
	g_autoptr(GVariant) more = g_variant_get_child_value(part, PART_DICT);
	const char *name, *text;
	GVariantIter iter;
	int id;

	g_variant_iter_init(&iter, settings);
	while (g_variant_iter_next(&iter, "(&s^&ay)", &name, &text))
		wishes_add(wishes, group, name, text);
	g_variant_get_child(part, PART_NAME, "&s", &name);
	id = controller_of_part(group, name);
	if (id >= 0 && group->states[id]) {
		GVariantDict dict;

		g_variant_dict_init(&dict, more);
		kept_restore(controllers[id]->kept, group->states[id], &dict);
		if (controllers[id]->restore)
			controllers[id]->restore(group, group->states[id], &dict);
		g_variant_dict_clear(&dict);
	}
}

static void restore_parts(const Plan *plan, GPtrArray *wishes)
{
	for (guint i = 0; i < plan->groups->len; i++) {
		g_autoptr(GVariant) parts = g_variant_get_child_value(plan->saved->pdata[i], GROUP_PARTS);
		gsize n = plan->groups->pdata[i] ? g_variant_n_children(parts) : 0;

		for (gsize j = 0; j < n; j++) {
			g_autoptr(GVariant) part = g_variant_get_child_value(parts, j);

			restore_part(plan->groups->pdata[i], part, wishes);
		}
	}
}

static void restore_file(const Group *group, GVariant *saved, GPtrArray *nodes, GArray *inos)
{
	const char *name;
	guint32 mode, uid, gid;
	guint64 ino;
	Node *file;

	g_variant_get(saved, "(&suuut)", &name, &mode, &uid, &gid, &ino);
	file = group_file(group, name);
	if (!file || file->type != NODE_FILE)
		return;
	file->mode = mode & 07777;
	file->uid = uid;
	file->gid = gid;
	g_ptr_array_add(nodes, file);
	g_array_append_val(inos, ino);
}

/* Files come and go with settings, so that this is done after those. */
static void restore_nodes(const Plan *plan)
{
	g_autoptr(GPtrArray) nodes = g_ptr_array_new();
	g_autoptr(GArray) inos = g_array_new(FALSE, FALSE, sizeof(guint64));

	for (guint i = 0; i < plan->groups->len; i++) {
		g_autoptr(GVariant) files = g_variant_get_child_value(plan->saved->pdata[i], GROUP_FILES);
		Group *group = plan->groups->pdata[i];
		gsize n = group ? g_variant_n_children(files) : 0;
		guint64 ino;

		if (!group)
			continue;
		restore_file_times(group);
		g_variant_get_child(plan->saved->pdata[i], 6, "t", &ino);
		g_ptr_array_add(nodes, group->dir);
		g_array_append_val(inos, ino);
		for (gsize j = 0; j < n; j++) {
			g_autoptr(GVariant) file = g_variant_get_child_value(files, j);

			restore_file(group, file, nodes, inos);
		}
	}
	tree_restore_inos(plan->fs->tree, nodes, inos);
}

static void restore_members(const Plan *plan)
{
	g_autoptr(GVariant) tasks = g_variant_get_child_value(plan->state, 3);
	g_autofree char *boot = state_boot_id(plan->fs);
	Members *members = plan->fs->cgroups->members;
	const char *saved_boot;
	GHashTableIter iter;
	gpointer task;

	g_variant_get_child(plan->state, 0, "&s", &saved_boot);
	plan->report->is_foreign = strcmp(boot, saved_boot) != 0;
	if (plan->report->is_foreign || !g_variant_n_children(tasks))
		return;
	g_rw_lock_writer_lock(&plan->fs->lock);
	tasks_restore(plan->fs, tasks, plan->groups);
	g_rw_lock_writer_unlock(&plan->fs->lock);
	members_watch_start(plan->fs);
	members_refresh(plan->fs);
	members_apply_freezing(plan->fs);
	enforce_reconfigure(plan->fs);
	g_rw_lock_reader_lock(&plan->fs->lock);
	g_hash_table_iter_init(&iter, members->tasks);
	while (g_hash_table_iter_next(&iter, NULL, &task))
		plan->report->n_processes += task_is_placed(task);
	g_rw_lock_reader_unlock(&plan->fs->lock);
}

static void report_refused(const GPtrArray *wishes, StateReport *report)
{
	for (guint i = 0; i < wishes->len; i++)
		g_ptr_array_add(report->refused, node_path(((const Wish *) wishes->pdata[i])->file));
}

static void plan_apply(Plan *plan)
{
	g_autoptr(GPtrArray) wishes = wishes_new();
	Fs *fs = plan->fs;
	guint64 next_generation;

	g_rw_lock_writer_lock(&fs->lock);
	g_variant_get_child(plan->state, 1, "t", &next_generation);
	fs->tree->next_generation = MAX(fs->tree->next_generation, next_generation);
	restore_groups(plan);
	restore_parts(plan, wishes);
	g_rw_lock_writer_unlock(&fs->lock);
	wishes_fulfil(fs, wishes);
	report_refused(wishes, plan->report);
	g_rw_lock_writer_lock(&fs->lock);
	restore_nodes(plan);
	g_rw_lock_writer_unlock(&fs->lock);
	restore_members(plan);
}

gboolean state_restore(Fs *fs, GBytes *bytes, StateReport *ret, GError **error)
{
	g_autoptr(GVariant) state = state_unwrap(bytes, error);
	Plan plan = {.fs = fs, .state = state, .report = ret};
	gboolean ok;

	*ret = (StateReport){.refused = g_ptr_array_new_with_free_func(g_free)};
	if (!state)
		return FALSE;
	plan.saved = g_ptr_array_new_with_free_func((GDestroyNotify) g_variant_unref);
	plan.homes = g_ptr_array_new();
	plan.groups = g_ptr_array_new();
	ok = plan_make(&plan, error);
	if (ok)
		plan_apply(&plan);
	g_ptr_array_unref(plan.saved);
	g_ptr_array_unref(plan.homes);
	g_ptr_array_unref(plan.groups);
	return ok;
}

void state_report_clear(StateReport *report)
{
	g_clear_pointer(&report->refused, g_ptr_array_unref);
}
