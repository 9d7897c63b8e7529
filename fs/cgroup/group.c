#include "fs/cgroup/group.h"

#include "fs/cgroup/core.h"
#include "fs/cgroup/members.h"

int group_walk(Group *top, int (*visit)(Group *group, void *data), void *data)
{
	int r = visit(top, data);

	for (guint i = 0; r == 0 && i < top->children->len; i++)
		r = group_walk(top->children->pdata[i], visit, data);
	return r;
}

unsigned group_count_descendants(const Group *group)
{
	unsigned n = group->children->len;

	for (guint i = 0; i < group->children->len; i++)
		n += group_count_descendants(group->children->pdata[i]);
	return n;
}

Node *group_file(const Group *group, const char *name)
{
	return tree_child(group->dir, name);
}

void group_notify(Group *group, const char *name)
{
	Node *file = group_file(group, name);

	if (file)
		fs_notify(group->hierarchy->fs, file);
}

char *group_path(const Group *group)
{
	GString *path = g_string_new(NULL);

	for (; group->parent; group = group->parent) {
		g_string_prepend(path, group->dir->name);
		g_string_prepend_c(path, '/');
	}
	if (!path->len)
		g_string_append_c(path, '/');
	return g_string_free(path, FALSE);
}

gboolean group_clones_children(const Group *group)
{
	return group_core(group)->clone_children;
}

gboolean group_has_members(const Group *group)
{
	GHashTableIter iter;
	gpointer task;

	if (g_hash_table_size(group_core(group)->threads) > 0)
		return TRUE;
	g_hash_table_iter_init(&iter, group_core(group)->members);
	while (g_hash_table_iter_next(&iter, &task, NULL))
		if (task_is_in(task, group))
			return TRUE;
	return FALSE;
}

gboolean group_is_populated(const Group *group)
{
	if (group_has_members(group))
		return TRUE;
	for (guint i = 0; i < group->children->len; i++)
		if (group_is_populated(group->children->pdata[i]))
			return TRUE;
	return FALSE;
}

Group *group_of_file(const Node *file)
{
	return file->dead ? NULL : file->owner;
}

Group *group_domain(const Group *group)
{
	while (group_core(group)->threaded)
		group = group->parent;
	return (Group *) group;
}

/* "Mixable" in the kernel: the root may have both processes and controllers for its children. */
static gboolean group_is_mixable(const Group *group)
{
	return group_is_root(group);
}

static gboolean has_threaded_children(const Group *group)
{
	for (guint i = 0; i < group->children->len; i++)
		if (group_core(group->children->pdata[i])->threaded)
			return TRUE;
	return FALSE;
}

static gboolean has_populated_domain_children(const Group *group)
{
	for (guint i = 0; i < group->children->len; i++) {
		Group *child = group->children->pdata[i];

		if (!group_core(child)->threaded && group_is_populated(child))
			return TRUE;
	}
	return FALSE;
}

gboolean group_is_thread_root(const Group *group)
{
	if (group_core(group)->threaded)
		return FALSE;
	if (has_threaded_children(group))
		return TRUE;
	return group_has_members(group) && (group_core(group)->subtree_control & CONTROLLERS_THREADED);
}

gboolean group_can_be_thread_root(const Group *group)
{
	if (group_is_mixable(group))
		return TRUE;
	if (group_core(group)->threaded || has_populated_domain_children(group))
		return FALSE;
	return !(group_core(group)->subtree_control & ~CONTROLLERS_THREADED);
}

gboolean group_is_valid_domain(const Group *group)
{
	if (group_core(group)->threaded)
		return FALSE;
	for (group = group->parent; group; group = group->parent)
		if (group_core(group)->threaded || (!group_is_mixable(group) && group_is_thread_root(group)))
			return FALSE;
	return TRUE;
}
