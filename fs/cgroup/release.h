/* v1's release_agent (kernel/cgroup/cgroup-v1.c, cgroup1_release_agent()). */
#pragma once

#include "fs/cgroup/group.h"

/* The group has lost its last member or child: runs the hierarchy's agent if the group wants it, [enforce]
 * release-agent allows it, and nothing is left in it. Tree locked. */
void release_check(const Group *group);

/* May the caller choose what is run as root? 0, or -EPERM without CAP_SYS_ADMIN in the daemon's own user namespace.
 * Reads /proc: not with the tree locked. */
int release_may_choose(const Caller *caller);
