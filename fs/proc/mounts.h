/*
 * One mount table, from which mountinfo, mounts and the answers of statfs(2) are made, so that they never disagree.
 *
 * It is read from a mountinfo text and can be edited: an entry shown as another type, added, or left out. An unedited
 * table renders to the very bytes it was read from (gVisor's doubled blank aside). libmount is not used for it: it
 * resolves /dev/root and unescapes options, both of which cannot be undone.
 */
#pragma once

#include <glib.h>

/* A line of /proc/PID/mountinfo, proc_pid_mountinfo(5). Strings are as a program means them, without the kernel's octal
 * escapes, except for the options, which every file system escapes in its own way: these are kept as printed. */
typedef struct MountEntry {
	int id, parent;
	unsigned major, minor;
	char *root;          /* the directory of the file system that is mounted */
	char *target;        /* the mount point, as the reader of the mountinfo sees it */
	char *options;       /* of the mount: "rw,nosuid" */
	char *optional;      /* "shared:1 master:2"; "" if there are none */
	char *fstype;        /* with subtype: "fuse.sshfs" */
	char *source;        /* "none" or whatever its owner calls it; may be empty */
	char *super_options; /* of the file system: "rw,size=4k" */
} MountEntry;

typedef struct MountTable {
	GPtrArray *entries; /* MountEntry, owned, in the order of mountinfo: parents before their children */
} MountTable;

MountTable *mount_table_new(void);
void mount_table_free(MountTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MountTable, mount_table_free)

/* 0, or -EINVAL for a malformed line; its number (from 1) then is in *ret_line, which may be NULL. */
int mount_table_parse(const char *text, MountTable **ret, unsigned *ret_line);
/* The mounts that a process sees. proc: descriptor of /proc; pid 0: our own. 0 or -errno, -ESRCH if it has ended. Must
 * not be called in a FUSE handler: gVisor asks every FUSE mount for its attributes meanwhile. */
int mount_table_read(int proc, pid_t pid, MountTable **ret);

/* The mount that is seen at a path, which is absolute, without ".", ".." and symbolic links; NULL: none is known to
 * hold it. */
MountEntry *mount_table_find(const MountTable *table, const char *path);
/* The same, but only if the path is its mount point. */
MountEntry *mount_table_find_target(const MountTable *table, const char *target);

/* Shows an entry as another kind of file system. source and super_options: NULL leaves them as they are. */
void mount_entry_retype(MountEntry *entry, const char *fstype, const char *source, const char *super_options);
/* Adds a mount on top of what is at target; it gets a new id, and its parent is the mount that held the target.
 * Returned is the new entry, with options "rw,relatime", for further changes. */
MountEntry *mount_table_add(MountTable *table, const char *target, const char *fstype, const char *source,
			    const char *super_options, unsigned major, unsigned minor);
/* Leaves an entry out; what is mounted on it hangs on its parent. */
void mount_table_remove(MountTable *table, MountEntry *entry);

/* Append the text of /proc/PID/mountinfo, /proc/PID/mounts. */
void mount_table_show_mountinfo(const MountTable *table, GString *out);
void mount_table_show_mounts(const MountTable *table, GString *out);
