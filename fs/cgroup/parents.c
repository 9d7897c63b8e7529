#include "fs/cgroup/parents.h"

#include "fs/cgroup/cpuset.h"

static Group *child_named(Group *parent, const char *name)
{
	static const Caller root = {0, 0, 0};
	Node *dir = tree_child(parent->dir, name);
	Group *child;

	if (dir)
		return dir->type == NODE_DIRECTORY ? dir->owner : NULL;
	if (group_make(parent, name, 0755, &root, &child) < 0)
		return NULL;
	cpuset_v1_inherit(child);
	return child;
}

void parents_make(Cgroups *cgroups)
{
	const char *const *paths = config_list(cgroups->fs->config, "cgroup", "parents");
	const Hierarchy *hierarchy = cgroups_of_controller(cgroups, CONTROLLER_CPUSET);

	if (!hierarchy || hierarchy->is_v2)
		return;
	for (; *paths; paths++) {
		g_auto(GStrv) names = g_strsplit(*paths + 1, "/", -1);
		Group *group = hierarchy->root;

		for (char **name = names; *name && group; name++)
			group = child_named(group, *name);
		if (!group)
			g_warning("[cgroup] parents: %s cannot be made: a control file has one of its names", *paths);
	}
}
