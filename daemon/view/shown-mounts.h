/*
 * The mount table that is shown: the kernel's, edited, so that it names what is shown as what it is shown as, whether
 * something else (FUSE) is mounted there or nothing at all. Mountinfo, mounts and statfs are all answered from it.
 */
#pragma once

#include "fs/proc/mounts.h"

#include <sys/statfs.h>
#include <sys/types.h>

typedef struct ShownMounts ShownMounts;

/* root_type: what the root file system is shown as; NULL: as what it is. */
ShownMounts *shown_mounts_new(const char *root_type);
void shown_mounts_free(ShownMounts *mounts);
/* In the order in which they would be mounted. What the kernel has mounted there is not shown. device: what stat(2)
 * says of files there. */
void shown_mounts_add(ShownMounts *mounts, const char *target, const char *fstype, const char *options, dev_t device);
/* The same for a part of the composite tree: "/v1/memory" is a cgroup hierarchy. */
void shown_mounts_add_tree(ShownMounts *mounts, const char *target, const char *source, dev_t device);

/* What the composite tree has for a path, "/v1/memory/group/tasks"; free it. NULL: nothing that was added so. */
char *shown_mounts_source(const ShownMounts *mounts, const char *path);

/* Why a client might not believe the kernel's own table; free it. NULL: it names each hierarchy that clients look for
 * where it is shown, and nothing besides. */
char *shown_mounts_objection(const ShownMounts *mounts);

/* The table of a process; pid 0: of our own. That of a process with another root directory is left as it is. 0 or
 * -errno, as mount_table_read(). */
int shown_mounts_read(const ShownMounts *mounts, pid_t pid, MountTable **ret);
/* Appends the content of /proc/PID/NAME; FALSE: it is neither mountinfo nor mounts, or cannot be read. */
gboolean shown_mounts_show(const ShownMounts *mounts, pid_t pid, const char *name, GString *out);
/* Might this answer of the kernel's need a change? */
gboolean shown_mounts_matter(const ShownMounts *mounts, const struct statfs *answer);
void shown_mounts_statfs(const ShownMounts *mounts, const char *path, struct statfs *answer);
