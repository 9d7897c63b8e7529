#include "fs/cgroup/hierarchy.h"

#include "fs/cgroup/backing.h"
#include "fs/cgroup/core.h"
#include "fs/cgroup/enforce.h"
#include "fs/cgroup/exit-watch.h"
#include "fs/cgroup/members.h"
#include "fs/cgroup/parents.h"
#include "fs/cgroup/release.h"

#include <errno.h>
#include <string.h>

const Controller *const controllers[CONTROLLER_COUNT] = {
	[CONTROLLER_CPUSET] = &cpuset_controller,
	[CONTROLLER_CPU] = &cpu_controller,
	[CONTROLLER_CPUACCT] = &cpuacct_controller,
	[CONTROLLER_IO] = &io_controller,
	[CONTROLLER_MEMORY] = &memory_controller,
	[CONTROLLER_DEVICES] = &devices_controller,
	[CONTROLLER_FREEZER] = &freezer_controller,
	[CONTROLLER_NET_CLS] = &net_cls_controller,
	[CONTROLLER_PERF_EVENT] = &perf_event_controller,
	[CONTROLLER_NET_PRIO] = &net_prio_controller,
	[CONTROLLER_HUGETLB] = &hugetlb_controller,
	[CONTROLLER_PIDS] = &pids_controller,
	[CONTROLLER_RDMA] = &rdma_controller,
	[CONTROLLER_MISC] = &misc_controller,
};

static void group_prepare_remove(Fs *fs, Node *child);
static int group_node_make(Fs *fs, Node *dir, const char *name, mode_t mode, const Caller *caller);
static int group_node_remove(Fs *fs, Node *child, const Caller *caller);
static int group_node_rename(Fs *fs, Node *child, Node *new_parent, const char *new_name, const Caller *caller);

static const NodeOps group_ops = {
	.prepare = group_prepare_remove,
	.make = group_node_make,
	.remove = group_node_remove,
	.rename = group_node_rename,
	.sample = members_sample,
};

int controller_by_name(const char *name, gboolean v2_name)
{
	for (int id = 0; id < CONTROLLER_COUNT; id++)
		if (g_strcmp0(name, v2_name ? controllers[id]->v2_name : controllers[id]->v1_name) == 0)
			return id;
	return -1;
}

void controllers_show(guint32 set, gboolean v2_names, char separator, GString *out)
{
	gboolean first = TRUE;

	for (int id = 0; id < CONTROLLER_COUNT; id++) {
		if (!(set & CONTROLLER_BIT(id)))
			continue;
		if (!first)
			g_string_append_c(out, separator);
		g_string_append(out, v2_names ? controllers[id]->v2_name : controllers[id]->v1_name);
		first = FALSE;
	}
}

guint32 group_controllers(const Group *group)
{
	guint32 set = group->hierarchy->controllers;

	if (!group->hierarchy->is_v2 || !group->parent)
		return set;
	set = group_core(group->parent)->subtree_control;
	return group_core(group)->threaded ? set & CONTROLLERS_THREADED : set;
}

static void mark_fleeting(Node *dir, const VFile *rows)
{
	for (const VFile *row = rows; row && row->name; row++) {
		Node *file = tree_child(dir, row->name);

		if (file)
			file->file.fleeting = TRUE;
	}
}

static void group_enable(Group *group, int id)
{
	const Controller *controller = controllers[id];
	const VFile *rows = group->hierarchy->is_v2 ? controller->v2_files : controller->v1_files;
	Group *parent = group->parent;
	Fs *fs = group->hierarchy->fs;
	void *state = g_malloc0(MAX(controller->state_size, 1));

	group->states[id] = state;
	if (controller->init)
		controller->init(fs, group, state, parent, parent ? parent->states[id] : NULL);
	tree_add_files(fs->tree, group->dir, rows, group_is_root(group), group, state);
	if (group->hierarchy->is_v2)
		mark_fleeting(group->dir, rows);
}

static void group_remove_files(Group *group, const VFile *rows)
{
	for (const VFile *row = rows; row && row->name; row++) {
		Node *file = group_file(group, row->name);

		if (file)
			tree_remove(group->hierarchy->fs->tree, file);
	}
}

static void group_clear_state(Group *group, int id)
{
	const Controller *controller = controllers[id];

	if (controller->clear)
		controller->clear(group->hierarchy->fs, group, group->states[id]);
	g_clear_pointer(&group->states[id], g_free);
}

static void group_disable(Group *group, int id)
{
	group_remove_files(group, controllers[id]->v2_files);
	group_clear_state(group, id);
}

static int group_apply_own_control(Group *group, void *data)
{
	guint32 want = group_controllers(group);

	for (int id = 0; id < CONTROLLER_COUNT; id++) {
		gboolean wanted = (want & CONTROLLER_BIT(id)) != 0;

		if (wanted && !group->states[id])
			group_enable(group, id);
		else if (!wanted && group->states[id])
			group_disable(group, id);
	}
	return 0;
}

void group_apply_control(Group *group)
{
	group_walk(group, group_apply_own_control, NULL);
}

static Core *core_new(const Group *parent)
{
	Core *core = g_new0(Core, 1);

	core->max_depth = core->max_descendants = G_MAXINT32;
	core->pressure = TRUE;
	core->members = g_hash_table_new(NULL, NULL);
	core->threads = g_hash_table_new(NULL, NULL);
	core->charged = g_hash_table_new(NULL, NULL);
	if (parent) {
		core->clone_children = group_core(parent)->clone_children;
		core->notify_on_release = group_core(parent)->notify_on_release;
		core->threaded = FALSE;
	}
	return core;
}

static void core_free(Core *core)
{
	g_hash_table_unref(core->members);
	g_hash_table_unref(core->threads);
	g_hash_table_unref(core->charged);
	g_free(core->native_path);
	g_free(core->cpu_user);
	g_free(core->cpu_system);
	g_free(core);
}

static void group_add_core_files(Group *group)
{
	Tree *tree = group->hierarchy->fs->tree;
	gboolean is_root = group_is_root(group);
	Core *core = group->core;

	if (!group->hierarchy->is_v2) {
		tree_add_files(tree, group->dir, core_v1_files, is_root, group, core);
		if (group->hierarchy->controllers & CONTROLLER_BIT(CONTROLLER_MEMORY))
			tree_add_files(tree, group->dir, event_control_files, is_root, group, core);
		return;
	}
	tree_add_files(tree, group->dir, core_v2_files, is_root, group, core);
	tree_add_files(tree, group->dir, cpu_base_files, is_root, group, core);
	tree_add_files(tree, group->dir, pressure_base_files, is_root, group, core);
}

static Group *group_new(Hierarchy *hierarchy, Group *parent, Node *parent_dir, const char *name, mode_t mode)
{
	Fs *fs = hierarchy->fs;
	Group *group = g_new0(Group, 1);

	group->hierarchy = hierarchy;
	group->parent = parent;
	group->id = ++fs->cgroups->next_group_id;
	group->depth = parent ? parent->depth + 1 : 0;
	group->children = g_ptr_array_new();
	group->core = core_new(parent);
	group->dir = tree_add_directory(fs->tree, parent_dir, name, mode, &group_ops, group);
	group_add_core_files(group);
	hierarchy->n_groups++;
	if (parent)
		g_ptr_array_add(parent->children, group);
	else
		hierarchy->root = group;
	group_apply_own_control(group, NULL);
	return group;
}

static void group_free(Group *group)
{
	for (guint i = 0; i < group->children->len; i++)
		group_free(group->children->pdata[i]);
	for (int id = 0; id < CONTROLLER_COUNT; id++)
		if (group->states[id])
			group_clear_state(group, id);
	g_ptr_array_unref(group->children);
	exit_watch_end(group);
	core_free(group->core);
	g_free(group);
}

/* cgroup_check_hierarchy_limits() */
static gboolean has_room_for_child(const Group *parent)
{
	gint64 level = 1;

	for (const Group *group = parent; group; group = group->parent, level++) {
		const Core *core = group_core(group);

		if (level > core->max_depth)
			return FALSE;
		if (core->max_descendants != G_MAXINT32 &&
		    (gint64) group_count_descendants(group) >= core->max_descendants)
			return FALSE;
	}
	return TRUE;
}

void group_give_to(Group *group, uid_t uid, gid_t gid)
{
	Node *dir = group->dir;

	dir->uid = uid;
	dir->gid = gid;
	for (guint i = 0; i < dir->dir.order->len; i++) {
		Node *file = dir->dir.order->pdata[i];

		file->uid = uid;
		file->gid = gid;
	}
}

int group_make(Group *parent, const char *name, mode_t mode, const Caller *caller, Group **ret)
{
	Group *group;

	if (strchr(name, '\n'))
		return -EINVAL;
	if (parent->hierarchy->is_v2 && !has_room_for_child(parent))
		return -EAGAIN;
	group = group_new(parent->hierarchy, parent, parent->dir, name, mode & 07777);
	group_give_to(group, caller->uid, caller->gid);
	if (ret)
		*ret = group;
	return 0;
}

Group *group_restore(Group *parent, const char *name, mode_t mode)
{
	Node *present = tree_child(parent->dir, name);

	if (present)
		return present->type == NODE_DIRECTORY ? present->owner : NULL;
	return group_new(parent->hierarchy, parent, parent->dir, name, mode & 07777);
}

int group_remove(Group *group)
{
	Hierarchy *hierarchy = group->hierarchy;
	Group *parent = group->parent;

	if (!parent || group->children->len > 0 || group_has_members(group))
		return -EBUSY;
	members_group_removed(hierarchy->fs, group);
	backing_group_removed(group);
	g_ptr_array_remove(parent->children, group);
	hierarchy->n_groups--;
	/* Event files: a poller of a removed group is woken and reads ENODEV. */
	for (guint i = 0; i < group->dir->dir.order->len; i++) {
		Node *file = group->dir->dir.order->pdata[i];

		if (file->file.row->flags & VF_EVENT)
			fs_notify(hierarchy->fs, file);
	}
	tree_remove(hierarchy->fs->tree, group->dir);
	group_free(group);
	if (!hierarchy->is_v2)
		release_check(parent);
	return 0;
}

/* cgroup1_rename(): only within the directory, never onto something. */
int group_rename(Group *group, Group *new_parent, const char *new_name)
{
	if (group->hierarchy->is_v2)
		return -EPERM;
	if (strchr(new_name, '\n'))
		return -EINVAL;
	if (new_parent != group->parent)
		return -EIO;
	if (tree_child(new_parent->dir, new_name))
		return -EEXIST;
	tree_rename(group->hierarchy->fs->tree, group->dir, new_parent->dir, new_name);
	return 0;
}

static void group_prepare_remove(Fs *fs, Node *child)
{
	members_refresh_below(fs, child);
	backing_refresh(fs, child);
}

static int group_node_make(Fs *fs, Node *dir, const char *name, mode_t mode, const Caller *caller)
{
	return group_make(dir->owner, name, mode, caller, NULL);
}

static int group_node_remove(Fs *fs, Node *child, const Caller *caller)
{
	return group_remove(child->owner);
}

static int group_node_rename(Fs *fs, Node *child, Node *new_parent, const char *new_name, const Caller *caller)
{
	if (new_parent->dir.ops != &group_ops)
		return -EXDEV;
	if (child->type != NODE_DIRECTORY)
		return ((Group *) child->owner)->hierarchy->is_v2 ? -EPERM : -ENOTDIR;
	return group_rename(child->owner, new_parent->owner, new_name);
}

Group *group_by_path(const Hierarchy *hierarchy, const char *path)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);
	Node *node = hierarchy->root->dir;

	for (char **name = names; *name && node; name++)
		if (**name)
			node = tree_child(node, *name);
	return node && node->type == NODE_DIRECTORY ? node->owner : NULL;
}

static Hierarchy *hierarchy_new(Cgroups *cgroups, const char *name, guint32 set, gboolean is_v2, Node *parent_dir)
{
	Hierarchy *hierarchy = g_new0(Hierarchy, 1);

	hierarchy->fs = cgroups->fs;
	hierarchy->name = g_strdup(name);
	hierarchy->controllers = set;
	hierarchy->is_v2 = is_v2;
	hierarchy->id = is_v2 ? 0 : cgroups->hierarchies->len + 1;
	hierarchy->index = cgroups->hierarchies->len;
	g_ptr_array_add(cgroups->hierarchies, hierarchy);
	group_new(hierarchy, NULL, parent_dir, name, 0555);
	return hierarchy;
}

static void hierarchy_free(gpointer data)
{
	Hierarchy *hierarchy = data;

	group_free(hierarchy->root);
	g_free(hierarchy->release_agent);
	g_free(hierarchy->name);
	g_free(hierarchy);
}

static gboolean parse_hierarchy(const char *text, guint32 taken, guint32 *ret, GError **error)
{
	g_auto(GStrv) names = g_strsplit(text, ",", -1);
	guint32 set = 0;

	for (char **name = names; *name; name++) {
		int id = controller_by_name(*name, FALSE);

		if (id < 0 || ((set | taken) & CONTROLLER_BIT(id))) {
			g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_VALUE, "[cgroup] hierarchies: '%s' in '%s' %s",
				    *name, text,
				    id < 0 ? "is no v1 controller" : "is in two hierarchies; leave one out");
			return FALSE;
		}
		set |= CONTROLLER_BIT(id);
	}
	*ret = set;
	return TRUE;
}

static void add_links(Fs *fs, Node *dir, const char *name)
{
	g_auto(GStrv) parts = g_strsplit(name, ",", -1);

	if (g_strv_length(parts) > 1)
		for (char **part = parts; *part; part++)
			tree_add_link(fs->tree, dir, *part, name);
}

static gboolean add_v1(Cgroups *cgroups, Node *dir, guint32 *ret_taken, GError **error)
{
	const char *const *list = config_list(cgroups->fs->config, "cgroup", "hierarchies");
	guint32 taken = 0;

	for (; list && *list; list++) {
		guint32 set = 0;
		gboolean is_named = g_str_has_prefix(*list, "name=");
		const char *name = is_named ? *list + strlen("name=") : *list;

		if (!is_named && !parse_hierarchy(*list, taken, &set, error))
			return FALSE;
		if (!*name || strchr(name, '/') || tree_child(dir, name)) {
			g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_VALUE,
				    "[cgroup] hierarchies: '%s' cannot name a directory, or is there twice", *list);
			return FALSE;
		}
		hierarchy_new(cgroups, name, set, FALSE, dir)->is_named = is_named;
		add_links(cgroups->fs, dir, name);
		taken |= set;
	}
	*ret_taken = taken;
	return TRUE;
}

static gboolean add_v2(Cgroups *cgroups, Node *parent, guint32 taken, GError **error)
{
	const char *const *list = config_list(cgroups->fs->config, "cgroup", "v2-controllers");
	guint32 set = 0;

	for (; list && *list; list++) {
		int id = controller_by_name(*list, TRUE);

		if (id < 0) {
			g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_VALUE,
				    "[cgroup] v2-controllers: '%s' is no v2 controller", *list);
			return FALSE;
		}
		set |= CONTROLLER_BIT(id);
	}
	/* cpuacct's work is done by v2's cpu. */
	if (taken & CONTROLLER_BIT(CONTROLLER_CPUACCT))
		taken |= CONTROLLER_BIT(CONTROLLER_CPU);
	cgroups->v2 = hierarchy_new(cgroups, "v2", set & ~taken, TRUE, parent);
	return TRUE;
}

Cgroups *cgroups_new(Fs *fs, Node *v1_dir, Node *v2_parent, GError **error)
{
	Cgroups *cgroups = g_new0(Cgroups, 1);
	guint32 taken = 0;

	fs->cgroups = cgroups;
	cgroups->fs = fs;
	cgroups->hierarchies = g_ptr_array_new_with_free_func(hierarchy_free);
	cgroups->n_cpus = sampler_machine(fs->sampler)->n_cpus;
	if ((v1_dir && !add_v1(cgroups, v1_dir, &taken, error)) ||
	    (v2_parent && !add_v2(cgroups, v2_parent, taken, error))) {
		cgroups_free(cgroups);
		fs->cgroups = NULL;
		return NULL;
	}
	cgroups->members = members_new(fs);
	cgroups->enforce = enforce_new();
	parents_make(cgroups);
	return cgroups;
}

void cgroups_free(Cgroups *cgroups)
{
	if (!cgroups)
		return;
	if (cgroups->enforce)
		enforce_free(cgroups->enforce);
	backing_free(cgroups->backing);
	members_free(cgroups->members);
	g_ptr_array_unref(cgroups->hierarchies);
	g_free(cgroups);
}

Hierarchy *cgroups_find(const Cgroups *cgroups, const char *name)
{
	for (guint i = 0; i < cgroups->hierarchies->len; i++) {
		Hierarchy *hierarchy = cgroups->hierarchies->pdata[i];

		if (strcmp(hierarchy->name, name) == 0)
			return hierarchy;
	}
	return NULL;
}

Hierarchy *cgroups_of_controller(const Cgroups *cgroups, ControllerId id)
{
	for (guint i = 0; i < cgroups->hierarchies->len; i++) {
		Hierarchy *hierarchy = cgroups->hierarchies->pdata[i];

		if (hierarchy->controllers & CONTROLLER_BIT(id))
			return hierarchy;
	}
	return NULL;
}
