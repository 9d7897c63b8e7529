/*
 * Files of /proc/PID, but for its groups, which each view knows in its own way.
 */
#pragma once

#include "daemon/view/shown-mounts.h"

/* mountinfo and mounts as they are shown; and setgroups where the kernel has none (gVisor, which denies nobody to set
 * groups): user_namespaces(7). crun does not start without. FALSE: the kernel's own, or none, is to be seen. */
gboolean process_files_show(const ShownMounts *mounts, pid_t pid, const char *name, GString *out);
