/*
 * The mount table of this process, and taking mounts away.
 *
 * Never to be called from a FUSE worker: some kernels ask every FUSE mount for its attributes while they print the
 * table.
 */
#pragma once

#include <gio/gio.h>

typedef struct MountLine {
	int id;
	char *target;
	char *type;
	char *source;
	char *options; /* of the file system: a cgroup mount names its controllers here */
} MountLine;

/* MountLine, in the order of the table: of several at one place the last is on top. */
GPtrArray *mounts_read(GError **error);
/* What is mounted exactly on target, on top; NULL if nothing is. */
const MountLine *mounts_on(const GPtrArray *mounts, const char *target);
/* Is path the directory dir, or below it? */
gboolean mounts_is_below(const char *path, const char *dir);

/* Is path on a FUSE mount whose daemon is gone? */
gboolean mounts_is_dead(const char *path);
/* Detaches the topmost mount on target at once, with what is mounted below it; clients keep what they hold open. */
gboolean mounts_detach(const char *target, GError **error);
/* Can this process bind directories? Tries it on dir. */
gboolean mounts_can_bind(const char *dir);
