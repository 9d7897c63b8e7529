/*
 * Files of /proc/PID that are of a namespace's users.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* /proc/PID/setgroups where the kernel has none (gVisor, which denies nobody to set groups): user_namespaces(7). crun
 * does not start without. FALSE: the name is another, or the kernel has its own. */
gboolean process_files_show(pid_t pid, const char *name, GString *out);
