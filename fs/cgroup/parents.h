#pragma once

#include "fs/cgroup/hierarchy.h"

/*
 * Makes the groups of [cgroup] parents in v1's cpuset hierarchy, with their parents' CPUs and memory nodes. Container
 * runtimes that find no cpuset file system below a group's path take its parent for the root, and neither make it nor
 * fill it in.
 */
void parents_make(Cgroups *cgroups);
