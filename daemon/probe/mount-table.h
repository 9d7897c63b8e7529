/*
 * /proc/self/mountinfo, as far as checks need it.
 */
#pragma once

#include <glib.h>

typedef struct MountLine {
	char *point, *type, *source, *options; /* options: of the super block */
	unsigned major, minor;
} MountLine;

/* In the order of the file: a later line hides an earlier one at the same point. Free with g_ptr_array_unref. Lines
 * that cannot be understood are left out. */
GPtrArray *mount_table_read(void);
/* The topmost mount on this point; NULL if there is none. */
const MountLine *mount_table_find(const GPtrArray *table, const char *point);
/* The topmost cgroup v1 mount of this controller (or "name=systemd"); NULL if there is none. */
const MountLine *mount_table_find_controller(const GPtrArray *table, const char *controller);
