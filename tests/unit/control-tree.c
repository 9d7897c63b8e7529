#include "control-tree.h"

#include "fs/cgroup/hierarchy.h"
#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct ControlTree {
	Config *config;
	Fs *fs;
	Caller caller;
	gboolean is_v2;
};

static ControlTree *tree_with_config(gboolean is_v2, Config *config)
{
	g_autoptr(GError) error = NULL;
	ControlTree *tree = g_new0(ControlTree, 1);

	tree->is_v2 = is_v2;
	tree->config = config;
	tree->fs = fs_new(tree->config, is_v2 ? FS_TREE_V2 : FS_TREE_V1, &error);
	if (!tree->fs)
		g_error("cannot make the trees: %s", error->message);
	tree->caller = (Caller){getpid(), 0, 0};
	if (is_v2) {
		static const char all[] = "+cpuset +cpu +io +memory +hugetlb +pids +rdma +misc";
		int r = control_tree_write(tree, "/v2/cgroup.subtree_control", all, strlen(all));

		if (r < 0)
			g_error("cannot enable the controllers: %s", g_strerror(-r));
	}
	return tree;
}

ControlTree *control_tree_new(gboolean is_v2)
{
	return tree_with_config(is_v2, config_new_default());
}

ControlTree *control_tree_new_with(const char *setting)
{
	const char *settings[] = {setting, NULL};
	g_autoptr(GError) error = NULL;
	Config *config = config_load("/dev/null", settings, &error);

	if (!config)
		g_error("%s", error->message);
	return tree_with_config(FALSE, config);
}

void control_tree_free(ControlTree *tree)
{
	fs_free(tree->fs);
	config_free(tree->config);
	g_free(tree);
}

char *control_tree_root(const ControlTree *tree, const char *controller)
{
	const Hierarchy *hierarchy = tree->fs->cgroups->v2;

	if (!tree->is_v2)
		hierarchy = cgroups_of_controller(tree->fs->cgroups, controller_by_name(controller, FALSE));
	return node_path(hierarchy->root->dir);
}

static Node *at(const ControlTree *tree, const char *path)
{
	return tree_by_path(tree->fs->tree, path);
}

int control_tree_mode(ControlTree *tree, const char *path)
{
	const Node *node = at(tree, path);

	return node ? (int) node->mode : -ENOENT;
}

int control_tree_read(ControlTree *tree, const char *path, GString *out)
{
	Node *node = at(tree, path);
	Handle *handle;
	int r;

	if (!node)
		return -ENOENT;
	r = fs_open(tree->fs, node, O_RDONLY, &tree->caller, &handle);
	if (r < 0)
		return r;
	r = fs_read(tree->fs, handle, &tree->caller, 0, G_MAXINT, out);
	fs_close(tree->fs, handle);
	return r;
}

int control_tree_write(ControlTree *tree, const char *path, const char *text, gsize len)
{
	Node *node = at(tree, path);
	Handle *handle;
	int r;

	if (!node)
		return -ENOENT;
	r = fs_open(tree->fs, node, O_WRONLY, &tree->caller, &handle);
	if (r < 0)
		return r;
	r = fs_write(tree->fs, handle, &tree->caller, text, len);
	fs_close(tree->fs, handle);
	return r;
}

int control_tree_mkdir(ControlTree *tree, const char *dir, const char *name)
{
	Node *node = NULL;
	int r = fs_mkdir(tree->fs, at(tree, dir), name, 0755, &tree->caller, &node);

	if (r == 0)
		node_unref(node);
	return r;
}

int control_tree_rmdir(ControlTree *tree, const char *dir, const char *name)
{
	return fs_rmdir(tree->fs, at(tree, dir), name, &tree->caller);
}
