/*
 * A throw-away FUSE tree, served by a child through the raw protocol of <linux/fuse.h>: it measures the kernel, with no
 * library in between, and can leave out what a library would not.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Names in the tree's root. */
#define FUSE_TREE_LIVE     "live" /* "reading N\n", N grows with each READ at offset 0; writes are kept in the log */
#define FUSE_TREE_SIZELESS "sizeless" /* FUSE_TREE_TEXT, with st_size 0 and direct I/O */
#define FUSE_TREE_REFUSING "refusing" /* every WRITE is answered by EINVAL */
#define FUSE_TREE_TEXT     "some text\n"
#define FUSE_TREE_BLOCKS   4711 /* f_blocks that STATFS answers */

/* What the server saw; shared with it. A request is noted before it is answered. */
typedef struct FuseTreeLog {
	unsigned minor, flags; /* of the kernel's INIT */
	guint64 operations;    /* bit N: opcode N was received */
	unsigned readings;
	pid_t opener; /* pid of the last OPEN */
	uid_t opener_uid;
	size_t written; /* size of the last WRITE … */
	char text[64];  /* … and how it begins */
} FuseTreeLog;

typedef struct FuseTree {
	char *path;
	int device;
	pid_t server;
	FuseTreeLog *log;
} FuseTree;

typedef enum FuseTreeFlags {
	FUSE_TREE_COMPLETE = 0,
	FUSE_TREE_INCOMPLETE =
		1 << 0, /* answers ACCESS and OPENDIR with ENOSYS; the kernel does not check permissions itself */
} FuseTreeFlags;

/* Mounts a tree on an existing directory, in the mount namespace of the caller. 0 or -errno. */
int fuse_tree_mount(FuseTree *tree, const char *path, FuseTreeFlags flags);
void fuse_tree_unmount(FuseTree *tree);
gboolean fuse_tree_received(const FuseTree *tree, unsigned opcode);
