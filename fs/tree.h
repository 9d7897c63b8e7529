/*
 * The composite tree: nodes, their names, attributes and lifetime.
 *
 * One tree holds everything that is served: a directory per cgroup hierarchy, /proc/sys, single files of /proc. It is
 * guarded by fs->lock; functions named *_locked want it held for writing. A node that was removed stays valid while it
 * is referenced, but is `dead`: every operation on it answers ENODEV and its owner must not be touched.
 */
#pragma once

#include "fs/vfile.h"

#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

typedef enum NodeType { NODE_DIRECTORY, NODE_FILE, NODE_LINK } NodeType;

/* What the owner of a directory decides. A NULL function: EPERM for make, remove and rename, nothing to do for others.
 *
 * make, remove and rename are called with the tree locked for writing; prepare, list, find and sample unlocked. */
typedef struct NodeOps {
	/* Called before remove, for what must read /proc first. */
	void (*prepare)(Fs *fs, Node *child);
	int (*make)(Fs *fs, Node *dir, const char *name, mode_t mode, const Caller *caller);
	int (*remove)(Fs *fs, Node *child, const Caller *caller);
	int (*rename)(Fs *fs, Node *child, Node *new_parent, const char *new_name, const Caller *caller);
	/* Before a readdir, or an unsuccessful lookup: a directory that mirrors a native one adds or removes children.
	 */
	void (*list)(Fs *fs, Node *dir);
	void (*find)(Fs *fs, Node *dir, const char *name);
	/* The sample that a show of this file of the directory needs (a new reference), or NULL for none. Without this
	 * function the parts follow from the row's origin. */
	Sample *(*sample)(Fs *fs, Node *file, const Caller *caller);
} NodeOps;

struct Node {
	gatomicrefcount ref;
	NodeType type;
	gboolean dead;
	char *name;
	Node *parent; /* NULL for the root; not owned */
	uint64_t ino; /* hash of the path at creation: the same again after a restart, or when a directory is re-made */
	uint64_t generation; /* tells a re-made directory from its predecessor; 0: there from the start */
	mode_t mode;         /* permission bits only */
	uid_t uid;
	gid_t gid;
	struct timespec created; /* mtime and ctime: clients take it for the creation time of a group */
	void *owner;
	union {
		struct {
			GHashTable *children; /* name → Node, owned */
			GPtrArray *order;     /* the same, in order of creation */
			const NodeOps *ops;
			unsigned n_subdirs;
		} dir;
		struct {
			const VFile *row;
			void *state;
			GDestroyNotify free_row; /* called with `row` when the last reference goes; NULL: it stays */
			guint events;            /* grows with each tree_notify() */
			gint known; /* set by whoever shows the tree: somebody has looked it up, and may watch it */
			gboolean fleeting; /* may vanish without an operation on its directory: never cache its name */
		} file;
		char *target; /* of a link */
	};
};

Node *node_ref(Node *node);
void node_unref(Node *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Node, node_unref)

typedef struct Tree {
	Node *root;
	GHashTable *by_ino; /* uint64_t → Node, not owned */
	uint64_t next_generation;
	uid_t uid; /* of whoever serves the tree, and owns what is in it */
	gid_t gid;
	gboolean is_built; /* what is added from now on can go and come again */
} Tree;

Tree *tree_new(void);
void tree_free(Tree *tree);

/* Adding: `parent` holds the new node; a borrowed pointer is returned. The name must not exist yet. */
Node *tree_add_directory(Tree *tree, Node *parent, const char *name, mode_t mode, const NodeOps *ops, void *owner);
Node *tree_add_file(Tree *tree, Node *parent, const VFile *row, void *owner, void *state);
Node *tree_add_link(Tree *tree, Node *parent, const char *name, const char *target);
/* Adds the rows of a table that ends with a row without name, leaving out those whose flags forbid the directory. */
void tree_add_files(Tree *tree, Node *parent, const VFile *rows, gboolean is_root, void *owner, void *state);
/* Removes a node and all below it; they become dead. */
void tree_remove(Tree *tree, Node *node);
/* Moves a node; the caller has checked that the new name is free. */
void tree_rename(Tree *tree, Node *node, Node *new_parent, const char *new_name);

/* The inode number that the node's path would give it now; a renamed node has another. */
uint64_t tree_natural_ino(const Node *node);
/* Gives nodes the inode numbers that they had under a predecessor (same order; 0: leave it). What is taken by others
 * stays as it is. */
void tree_restore_inos(Tree *tree, const GPtrArray *nodes, const GArray *inos);

Node *tree_child(const Node *dir, const char *name);            /* borrowed, or NULL */
Node *tree_by_ino(const Tree *tree, uint64_t ino);              /* borrowed, or NULL */
Node *tree_by_path(const Tree *tree, const char *path);         /* "/a/b", no "." or ".."; borrowed, or NULL */
char *node_path(const Node *node);                              /* "/" for the root */
gboolean node_is_below(const Node *node, const Node *ancestor); /* also true for the ancestor itself */
