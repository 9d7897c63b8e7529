/*
 * The tables of checks, one per file.
 */
#pragma once

#include "daemon/probe/probe.h"

extern const ProbeCheck kernel_checks[], cgroup_checks[], proc_checks[], sysctl_checks[], fuse_checks[],
	namespace_checks[], mount_checks[], tracing_checks[];

/* fuse-checks.c: takes away the trees that its checks share. */
void fuse_checks_end(void);
