/* What the daemon does to keep limits, by [enforce] of the configuration: starting, ending and changing it. */
#pragma once

#include "fs/cgroup/hierarchy.h"

/* The configuration has changed: what is newly asked for takes effect for groups that exist. What affinities and nice
 * values were set stays. Unlocked. */
void enforce_reconfigure(Fs *fs);
