/*
 * --list: every virtual file with its path, mode, meaning, and where its content comes from.
 *
 * The trees themselves are asked, with an example group in each hierarchy, so that the list cannot differ from what is
 * served.
 */
#include "daemon/actions.h"
#include "daemon/exit-codes.h"
#include "fs/cgroup/core.h"
#include "fs/cgroup/hierarchy.h"

#define EXAMPLE "GROUP"

static void list_file(const char *tree, const Node *node)
{
	const VFile *row = node->file.row;
	g_autofree char *path = node_path(node);

	g_print("%-8s %-64s %04o  %-18s  %s\n", tree, path + 1, node->mode, origin_name(row->origin),
		row->meaning ? row->meaning : "");
}

static void list_below(Fs *fs, const char *tree, Node *dir)
{
	GPtrArray *nodes;

	if (fs_list(fs, dir, &nodes) < 0)
		return;
	for (guint i = 0; i < nodes->len; i++) {
		Node *node = nodes->pdata[i];

		if (node->type == NODE_FILE)
			list_file(tree, node);
		else if (node->type == NODE_DIRECTORY)
			list_below(fs, tree, node);
	}
	g_ptr_array_unref(nodes);
}

static void add_examples(Fs *fs)
{
	const Caller caller = {0};

	for (guint i = 0; fs->cgroups && i < fs->cgroups->hierarchies->len; i++) {
		Hierarchy *hierarchy = fs->cgroups->hierarchies->pdata[i];

		group_core(hierarchy->root)->subtree_control = hierarchy->controllers;
		group_make(hierarchy->root, EXAMPLE, 0755, &caller, NULL);
	}
}

static gboolean list_tree(const Config *config, FsTree which, const char *name)
{
	g_autoptr(GError) error = NULL;
	Fs *fs = fs_new(config, which, &error);

	if (!fs) {
		g_printerr("cgemud: %s\n", error->message);
		return FALSE;
	}
	add_examples(fs);
	list_below(fs, name, fs->tree->root);
	fs_free(fs);
	return TRUE;
}

int action_list(const Options *options, Config *config)
{
	static const struct {
		FsTree which;
		const char *name;
	} trees[] = {{FS_TREE_V1, "v1"}, {FS_TREE_V2, "v2"}, {FS_TREE_PROCSYS, "procsys"}, {FS_TREE_PROC, "proc"}};

	g_print("%-8s %-64s %-4s  %-18s  %s\n", "TREE", "PATH", "MODE", "COMES FROM", "MEANING");
	for (size_t i = 0; i < G_N_ELEMENTS(trees); i++)
		if (!list_tree(config, trees[i].which, trees[i].name))
			return EXIT_INTERNAL;
	return EXIT_OK;
}
