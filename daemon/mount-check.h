/* May a tree be mounted on a directory? */
#pragma once

#include <gio/gio.h>

/* Refuses (G_IO_ERROR_EXISTS) what the kernel itself serves there: a cgroup file system, or a directory with some
 * mounted in it, that has all its files. An incomplete one (some kernels emulate only parts) may be covered. Says in
 * the log what else gets covered. */
gboolean mount_check_directory(const char *directory, GError **error);

/* Detaches what a dead FUSE daemon, of which no record is left, has on the directory and below it. */
gboolean mount_clear_dead(const char *directory, GError **error);
