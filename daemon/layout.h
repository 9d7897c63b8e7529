/*
 * Which mounts show the trees at a place, and making them.
 *
 * One FUSE session serves everything; it is mounted once on a private directory and bound from there into every place.
 */
#pragma once

#include "daemon/mount-record.h"
#include "daemon/native-cgroup.h"

typedef enum LayoutTree { LAYOUT_V1, LAYOUT_V2, LAYOUT_HYBRID, LAYOUT_PROCSYS } LayoutTree;

/* name: "v1", "v2", "hybrid", "procsys", or "auto": procsys for a directory that ends in /proc/sys, else v1 (the only
 * layout that clients recognise without asking statfs(2)). */
LayoutTree layout_tree(const char *name, const char *directory);
const char *layout_tree_name(LayoutTree tree);
unsigned layout_fs_trees(LayoutTree tree); /* set of FsTree that it needs */
/* The directory of the composite tree that stands for the layout where nothing can be bound. */
const char *layout_root(LayoutTree tree);

typedef enum LayoutKind {
	LAYOUT_TMPFS,
	LAYOUT_DIRECTORY,
	LAYOUT_LINK,   /* source: its target */
	LAYOUT_CGROUP, /* source: mount options; may be refused */
	LAYOUT_BIND,   /* source: a path in the composite tree */
} LayoutKind;

typedef struct LayoutStep {
	LayoutKind kind;
	char *target; /* absolute */
	char *source;
} LayoutStep;

/* What shows `tree` on `directory`, in order: LayoutStep. hierarchies: as [cgroup] hierarchies. native NULL: no mounts
 * of the kernel's own cgroup file system below. Touches nothing. */
GPtrArray *layout_plan(LayoutTree tree, const char *directory, const char *const *hierarchies,
		       const NativeCgroups *native);
/* The directory's name of a hierarchy: "cpu,cpuacct", or "systemd" for "name=systemd". */
const char *layout_hierarchy_name(const char *hierarchy);

/* Carries a plan out. composite: where the whole tree is mounted. record: takes down each mount (NULL: nobody will undo
 * it). On failure some steps are done: undo the record. */
gboolean layout_apply(const GPtrArray *plan, const char *composite, MountRecord *record, GError **error);
