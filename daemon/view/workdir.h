/*
 * Directories that one run of --exec works in. Their user holds a lock on each; who was killed leaves them, and the
 * next run of the same user removes them.
 */
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

/* A new directory in `parent` (NULL: where temporary files go), and before that nothing of the dead in there. Free the
 * path; closing *ret_lock, in all processes, gives the directory up. NULL: error is set. */
char *workdir_make(const char *parent, mode_t mode, int *ret_lock, GError **error);
