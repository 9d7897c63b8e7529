/*
 * The mount table that is shown where nothing is mounted: the kernel's, edited. Mountinfo, mounts and statfs are all
 * answered from it.
 */
#pragma once

#include "fs/proc/mounts.h"

#include <sys/statfs.h>
#include <sys/types.h>

typedef struct ShownMounts ShownMounts;

/* device: what stat(2) says of files in the places that are added. root_type: what the root file system is shown as;
 * NULL: as what it is. */
ShownMounts *shown_mounts_new(dev_t device, const char *root_type);
void shown_mounts_free(ShownMounts *mounts);
/* In the order in which they would be mounted. What the kernel has mounted there is not shown. */
void shown_mounts_add(ShownMounts *mounts, const char *target, const char *fstype, const char *options);

/* The table of a process; pid 0: of our own. 0 or -errno, as mount_table_read(). */
int shown_mounts_read(const ShownMounts *mounts, pid_t pid, MountTable **ret);
/* Might this answer of the kernel's need a change? */
gboolean shown_mounts_matter(const ShownMounts *mounts, const struct statfs *answer);
void shown_mounts_statfs(const ShownMounts *mounts, const char *path, struct statfs *answer);
