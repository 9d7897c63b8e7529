/* /proc/cgroups and /proc/PID/cgroup as the served hierarchies have it. Tree locked. */
#pragma once

#include "fs/cgroup/hierarchy.h"

/* cgroups(7): one line per controller, tab-separated. */
void cgroups_show_controllers(const Cgroups *cgroups, GString *out);

/* One line per hierarchy, "id:controllers:path". A pid that is not known is in every root group. */
void cgroups_show_process(const Cgroups *cgroups, pid_t pid, GString *out);
