/*
 * The kernel's own cgroup v1 file system, as far as it may be mounted below ours without taking anything away.
 */
#pragma once

#include <gio/gio.h>

typedef struct NativeCgroups NativeCgroups;

/* proc: "/proc", or a fixture's directory in tests. */
NativeCgroups *native_cgroups_read(const char *proc);
void native_cgroups_free(NativeCgroups *native);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NativeCgroups, native_cgroups_free)

/* Does the kernel know cgroup2? */
gboolean native_cgroups_have_v2(const NativeCgroups *native);

/* Mount options, one string per mount, for a hierarchy ("cpu,cpuacct", "name=systemd"); none if the kernel should not
 * be asked.
 *
 * Mounting a v1 hierarchy that does not exist yet takes its controllers from cgroup2. So only existing ones are mounted
 * (a hierarchy number in /proc/cgroups), or all where the kernel knows no cgroup2. Controllers that the kernel keeps in
 * separate hierarchies are mounted one over the other: the mount table then names both. */
GPtrArray *native_cgroups_mounts(const NativeCgroups *native, const char *hierarchy);
