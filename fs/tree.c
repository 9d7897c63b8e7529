#include "fs/tree.h"

#include <string.h>
#include <unistd.h>

enum { ROOT_INO = 1 }; /* FUSE_ROOT_ID */

/* FNV-1a. Not a secret: tree_claim_ino() steps past whatever a client makes collide. */
static uint64_t hash_path(const char *path)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (const char *p = path; *p; p++)
		hash = (hash ^ (unsigned char) *p) * 0x100000001b3u;
	return hash;
}

uint64_t tree_natural_ino(const Node *node)
{
	g_autofree char *path = node_path(node);

	return hash_path(path);
}

static uint64_t tree_claim_ino(Tree *tree, const Node *node)
{
	uint64_t ino = tree_natural_ino(node);

	/* 0 means "no inode" to clients, and 1 is the root. */
	while (ino <= ROOT_INO || g_hash_table_contains(tree->by_ino, &ino))
		ino++;
	return ino;
}

Node *node_ref(Node *node)
{
	g_atomic_ref_count_inc(&node->ref);
	return node;
}

void node_unref(Node *node)
{
	if (!g_atomic_ref_count_dec(&node->ref))
		return;
	if (node->type == NODE_DIRECTORY) {
		g_hash_table_unref(node->dir.children);
		g_ptr_array_unref(node->dir.order);
	} else if (node->type == NODE_LINK) {
		g_free(node->target);
	} else if (node->file.free_row) {
		node->file.free_row((gpointer) node->file.row);
	}
	g_free(node->name);
	g_free(node);
}

static Node *node_new(NodeType type, const char *name, mode_t mode, void *owner)
{
	Node *node = g_new0(Node, 1);

	g_atomic_ref_count_init(&node->ref);
	node->type = type;
	node->name = g_strdup(name);
	node->mode = mode;
	node->owner = owner;
	clock_gettime(CLOCK_REALTIME, &node->created);
	if (type == NODE_DIRECTORY) {
		node->dir.children = g_hash_table_new(g_str_hash, g_str_equal);
		node->dir.order = g_ptr_array_new_with_free_func((GDestroyNotify) node_unref);
	}
	return node;
}

static void tree_insert(Tree *tree, Node *parent, Node *node)
{
	g_assert(parent->type == NODE_DIRECTORY && !g_hash_table_contains(parent->dir.children, node->name));
	node->parent = parent;
	node->uid = tree->uid;
	node->gid = tree->gid;
	/* The kernel's root groups have mode 0555, which keeps no root from making groups, but another owner. */
	if (tree->uid != 0 && node->type == NODE_DIRECTORY)
		node->mode |= S_IWUSR;
	node->ino = tree_claim_ino(tree, node);
	node->generation = tree->is_built ? tree->next_generation++ : 0;
	g_hash_table_insert(tree->by_ino, &node->ino, node);
	g_hash_table_insert(parent->dir.children, node->name, node);
	g_ptr_array_add(parent->dir.order, node);
	if (node->type == NODE_DIRECTORY)
		parent->dir.n_subdirs++;
}

Tree *tree_new(void)
{
	Tree *tree = g_new0(Tree, 1);

	tree->by_ino = g_hash_table_new(g_int64_hash, g_int64_equal);
	tree->next_generation = 1;
	tree->uid = geteuid();
	tree->gid = getegid();
	tree->root = node_new(NODE_DIRECTORY, "", 0555, NULL);
	tree->root->uid = tree->uid;
	tree->root->gid = tree->gid;
	tree->root->ino = ROOT_INO;
	g_hash_table_insert(tree->by_ino, &tree->root->ino, tree->root);
	return tree;
}

void tree_free(Tree *tree)
{
	if (!tree)
		return;
	node_unref(tree->root);
	g_hash_table_unref(tree->by_ino);
	g_free(tree);
}

Node *tree_add_directory(Tree *tree, Node *parent, const char *name, mode_t mode, const NodeOps *ops, void *owner)
{
	Node *node = node_new(NODE_DIRECTORY, name, mode, owner);

	node->dir.ops = ops;
	tree_insert(tree, parent, node);
	return node;
}

Node *tree_add_file(Tree *tree, Node *parent, const VFile *row, void *owner, void *state)
{
	Node *node = node_new(NODE_FILE, row->name, row->mode, owner);

	node->file.row = row;
	node->file.events = 1;
	node->file.state = state;
	tree_insert(tree, parent, node);
	return node;
}

Node *tree_add_link(Tree *tree, Node *parent, const char *name, const char *target)
{
	Node *node = node_new(NODE_LINK, name, 0777, NULL);

	node->target = g_strdup(target);
	tree_insert(tree, parent, node);
	return node;
}

void tree_add_files(Tree *tree, Node *parent, const VFile *rows, gboolean is_root, void *owner, void *state)
{
	for (const VFile *row = rows; row && row->name; row++)
		if (!(row->flags & (is_root ? VF_NOT_ROOT : VF_ROOT_ONLY)))
			tree_add_file(tree, parent, row, owner, state);
}

static void tree_bury(Tree *tree, Node *node)
{
	if (node->type == NODE_DIRECTORY) {
		for (guint i = 0; i < node->dir.order->len; i++)
			tree_bury(tree, node->dir.order->pdata[i]);
	}
	g_hash_table_remove(tree->by_ino, &node->ino);
	node->dead = TRUE;
	node->owner = NULL;
	node->parent = NULL;
}

void tree_remove(Tree *tree, Node *node)
{
	Node *parent = node->parent;

	if (node->type == NODE_DIRECTORY)
		parent->dir.n_subdirs--;
	tree_bury(tree, node);
	g_hash_table_remove(parent->dir.children, node->name);
	g_ptr_array_remove(parent->dir.order, node);
}

void tree_rename(Tree *tree, Node *node, Node *new_parent, const char *new_name)
{
	Node *old_parent = node_ref(node)->parent;

	g_hash_table_remove(old_parent->dir.children, node->name);
	g_ptr_array_remove(old_parent->dir.order, node);
	g_free(node->name);
	node->name = g_strdup(new_name);
	node->parent = new_parent;
	g_hash_table_insert(new_parent->dir.children, node->name, node);
	g_ptr_array_add(new_parent->dir.order, node);
	if (node->type == NODE_DIRECTORY) {
		old_parent->dir.n_subdirs--;
		new_parent->dir.n_subdirs++;
	}
}

void tree_restore_inos(Tree *tree, const GPtrArray *nodes, const GArray *inos)
{
	/* First let go of all, so that nodes can trade numbers. */
	for (guint i = 0; i < nodes->len; i++)
		if (g_array_index(inos, uint64_t, i))
			g_hash_table_remove(tree->by_ino, &((Node *) nodes->pdata[i])->ino);
	for (guint i = 0; i < nodes->len; i++) {
		uint64_t wanted = g_array_index(inos, uint64_t, i);
		Node *node = nodes->pdata[i];

		if (!wanted)
			continue;
		if (wanted > ROOT_INO && !g_hash_table_contains(tree->by_ino, &wanted))
			node->ino = wanted;
		else
			node->ino = tree_claim_ino(tree, node);
		g_hash_table_insert(tree->by_ino, &node->ino, node);
	}
}

Node *tree_child(const Node *dir, const char *name)
{
	return dir->type == NODE_DIRECTORY ? g_hash_table_lookup(dir->dir.children, name) : NULL;
}

Node *tree_by_ino(const Tree *tree, uint64_t ino)
{
	return g_hash_table_lookup(tree->by_ino, &ino);
}

Node *tree_by_path(const Tree *tree, const char *path)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);
	Node *node = tree->root;

	for (char **name = names; *name && node; name++)
		if (**name)
			node = tree_child(node, *name);
	return node;
}

char *node_path(const Node *node)
{
	GString *path = g_string_new(NULL);

	for (; node->parent; node = node->parent) {
		g_string_prepend(path, node->name);
		g_string_prepend_c(path, '/');
	}
	if (!path->len)
		g_string_append_c(path, '/');
	return g_string_free(path, FALSE);
}

gboolean node_is_below(const Node *node, const Node *ancestor)
{
	while (node && node != ancestor)
		node = node->parent;
	return node != NULL;
}
