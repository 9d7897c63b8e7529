/*
 * What one `--mount DIR` has set up, written down as it happens, so that it can be undone: by the process itself, by
 * `--unmount DIR`, or by the next `--mount DIR` after a crash.
 *
 * A record belongs to one directory in one mount namespace. The process that serves holds a lock on it as long as it
 * lives.
 */
#pragma once

#include <gio/gio.h>

typedef struct MountRecord MountRecord;

/* Starts a record; undoes what a dead process left for the same directory. Fails (G_IO_ERROR_BUSY) if a process serves
 * it. The private directory exists afterwards. */
MountRecord *mount_record_new(const char *directory, const char *tree, GError **error);
/* The record that a process left, or holds, for a directory. NULL without error: there is none. */
MountRecord *mount_record_find(const char *directory, GError **error);
void mount_record_free(MountRecord *record); /* the record stays, unless undone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MountRecord, mount_record_free)

/* The record of a session that lives on: what is mounted stays, this process serves it from now on. NULL without error:
 * there is none, or it does not tell about a session. */
MountRecord *mount_record_adopt(const char *directory, GError **error);

/* What a successor needs to know of the session: the directory of the tree that is its root, and the kernel's greeting
 * (FuseGreeting, here only bytes). */
gboolean mount_record_set_session(MountRecord *record, const char *root, gconstpointer greeting, gsize size,
				  GError **error);
const char *mount_record_root(const MountRecord *record);
/* Bytes, or NULL if the size differs. */
gconstpointer mount_record_greeting(const MountRecord *record, gsize size);

/* Where the groups are kept over a restart, for whoever ends this for good. NULL: nowhere. */
gboolean mount_record_set_state(MountRecord *record, const char *path, GError **error);
const char *mount_record_state(const MountRecord *record);
/* The file of that kind that belongs to the record: `path` with the record's name. What would be in root's runtime
 * directory is in the user's own for others. Free it. */
char *mount_record_state_path(const MountRecord *record, const char *path);

/* A directory of the record's own, for the one mount that all others are bound from. */
const char *mount_record_private_directory(const MountRecord *record);

/* Writes down that something was mounted on path, or that the directory was made. Paths are absolute. */
gboolean mount_record_add_mount(MountRecord *record, const char *path, GError **error);
gboolean mount_record_add_directory(MountRecord *record, const char *path, GError **error);

/* Takes away, in reverse order, what is still there and still ours; then the record itself. What cannot be undone is
 * in the error, after everything else was. */
gboolean mount_record_undo(MountRecord *record, GError **error);

/* The process that serves; 0 if it is gone. */
pid_t mount_record_process(MountRecord *record);
/* How many processes have served it so far, one after the other. */
guint mount_record_n_served(const MountRecord *record);
/* Asks it to end (SIGTERM) and waits until it has. */
gboolean mount_record_end_process(MountRecord *record, GError **error);
