/*
 * The root's file system and the cgroup trees as they are before cgemud does anything, and which native ones could be
 * mounted.
 */
#include "daemon/mounts.h"
#include "daemon/probe/kernel.h"
#include "daemon/probe/sandbox.h"
#include "daemon/probe/subjects.h"

#include <errno.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

/* What cAdvisor from 0.55 on has a plugin for (lib/fs); others it drops, and with a dropped root the kubelet ends. */
static const char *const known_root_types[] = {
	"overlay", "tmpfs",    "ext2", "ext3",    "ext4", "xfs",  "btrfs", "zfs",   "nfs",   "nfs4", "squashfs", "f2fs",
	"jfs",     "reiserfs", "hfs",  "hfsplus", "ntfs", "vfat", "fat",   "msdos", "exfat", "udf",  "iso9660",  NULL,
};

static const char *const controllers[] = {"cpu", "cpuacct", "cpuset", "memory", "devices", "pids", NULL};

/* Of cgroup v2, the controllers that the kubelet and k3s insist on. */
static const char *const unified_controllers[] = {"cpu", "cpuset", "memory", "pids", NULL};

typedef struct NeededFile {
	const char *controller; /* of cgroup v1 */
	const char *name;
} NeededFile;

/* At the root of each hierarchy: without one of these some client fails. */
static const NeededFile v1_files[] = {
	{"cpu", "cpu.shares"},
	{"cpu", "cpu.cfs_period_us"},
	{"cpu", "cpu.cfs_quota_us"},
	{"cpuacct", "cpuacct.stat"},
	{"cpuacct", "cpuacct.usage"},
	{"cpuacct", "cpuacct.usage_percpu"},
	{"cpuset", "cpuset.cpus"},
	{"cpuset", "cpuset.mems"},
	{"memory", "memory.stat"},
	{"memory", "memory.usage_in_bytes"},
	{"memory", "memory.max_usage_in_bytes"},
	{"memory", "memory.limit_in_bytes"},
	{"memory", "memory.failcnt"},
	{"memory", "memory.use_hierarchy"},
	{"pids", "cgroup.procs"},
	{"devices", "devices.list"},
	{"devices", "devices.allow"},
	{"devices", "devices.deny"},
	{0},
};

static const char *const v2_root_files[] = {
	"cgroup.controllers", "cgroup.subtree_control", "cgroup.procs", "cpu.stat", "memory.stat", NULL};
static const char *const v2_group_files[] = {"cgroup.events", "cpu.max",      "cpu.weight", "memory.current",
					     "memory.max",    "pids.current", "pids.max",   NULL};

static ProbeVerdict check_root_type(ProbeAttempt *attempt)
{
	g_autoptr(GPtrArray) table = mounts_read(NULL);
	const MountLine *root = table ? mounts_on(table, "/") : NULL;
	struct statfs fs = {0};

	if (statfs("/", &fs) < 0)
		probe_saw_error(attempt, "statfs", -errno);
	if (!root) {
		probe_saw(attempt, "mountinfo has no line for / (statfs says type 0x%lx)", (unsigned long) fs.f_type);
		return PROBE_NO;
	}
	probe_saw(attempt, "%s (statfs says type 0x%lx)", root->type, (unsigned long) fs.f_type);
	return g_strv_contains(known_root_types, root->type) ? PROBE_YES : PROBE_NO;
}

static gboolean has_controller(const MountLine *line, const char *controller)
{
	g_auto(GStrv) options = g_strsplit(line->options ? line->options : "", ",", -1);

	return g_str_equal(line->type, "cgroup") && g_strv_contains((const char *const *) options, controller);
}

/* The topmost cgroup v1 mount of this controller, one in the usual place before others; table NULL: none. */
static const MountLine *find_hierarchy(const GPtrArray *table, const char *controller)
{
	const MountLine *elsewhere = NULL;

	for (guint i = table ? table->len : 0; i-- > 0;) {
		const MountLine *line = g_ptr_array_index(table, i);

		if (!has_controller(line, controller))
			continue;
		if (mounts_is_below(line->target, CGROUP_ROOT))
			return line;
		elsewhere = elsewhere ? elsewhere : line;
	}
	return elsewhere;
}

static char *read_unified_controllers(void)
{
	char *content = NULL;

	g_file_get_contents(CGROUP_ROOT "/cgroup.controllers", &content, NULL, NULL);
	return content;
}

static ProbeVerdict look_for_unified(ProbeAttempt *attempt, const char *content)
{
	g_auto(GStrv) present = g_strsplit_set(content, " \n", -1);

	for (const char *const *name = unified_controllers; *name; name++)
		probe_look_for(attempt, *name, g_strv_contains((const char *const *) present, *name));
	return probe_verdict_of_names(attempt);
}

static ProbeVerdict check_mounted(ProbeAttempt *attempt)
{
	g_autoptr(GPtrArray) table = mounts_read(NULL);
	const MountLine *top = table ? mounts_on(table, CGROUP_ROOT) : NULL;
	g_autofree char *unified = read_unified_controllers();

	probe_saw(attempt, "%s on " CGROUP_ROOT, top ? top->type : "nothing mounted");
	if (unified)
		return look_for_unified(attempt, unified);
	for (const char *const *name = controllers; *name; name++)
		probe_look_for(attempt, *name, find_hierarchy(table, *name) != NULL);
	return probe_verdict_of_names(attempt);
}

static char *hierarchy_directory(const GPtrArray *table, const char *controller)
{
	const MountLine *line = find_hierarchy(table, controller);

	return line ? g_strdup(line->target) : g_build_filename(CGROUP_ROOT, controller, NULL);
}

static void look_for_file(ProbeAttempt *attempt, const char *directory, const char *name)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);

	probe_look_for(attempt, name, access(path, F_OK) == 0);
}

static void look_for_v1_files(ProbeAttempt *attempt)
{
	g_autoptr(GPtrArray) table = mounts_read(NULL);

	for (const NeededFile *file = v1_files; file->name; file++) {
		g_autofree char *directory = hierarchy_directory(table, file->controller);

		look_for_file(attempt, directory, file->name);
	}
}

static void look_for_v2_files(ProbeAttempt *attempt)
{
	for (const char *const *name = v2_root_files; *name; name++)
		look_for_file(attempt, CGROUP_ROOT, *name);
	/* Only a group that is not the root has these: in a container the mount's root is one. */
	if (access(CGROUP_ROOT "/cgroup.type", F_OK) < 0)
		return;
	for (const char *const *name = v2_group_files; *name; name++)
		look_for_file(attempt, CGROUP_ROOT, *name);
}

static ProbeVerdict check_files(ProbeAttempt *attempt)
{
	gboolean unified = access(CGROUP_ROOT "/cgroup.controllers", F_OK) == 0;

	if (unified)
		look_for_v2_files(attempt);
	else
		look_for_v1_files(attempt);
	probe_saw(attempt, "%u of %u files that clients need of cgroup v%d", attempt->found->len,
		  attempt->found->len + attempt->missing->len, unified ? 2 : 1);
	return probe_verdict_of_names(attempt);
}

static ProbeVerdict check_magic(ProbeAttempt *attempt)
{
	struct statfs fs;

	if (statfs(CGROUP_ROOT, &fs) < 0)
		return probe_saw_error(attempt, "statfs", -errno);
	probe_saw(attempt, "type 0x%lx%s", (unsigned long) fs.f_type,
		  fs.f_type == CGROUP2_SUPER_MAGIC ? " (cgroup2)"
		  : fs.f_type == TMPFS_MAGIC       ? " (tmpfs)"
						   : "");
	return fs.f_type == CGROUP2_SUPER_MAGIC || fs.f_type == TMPFS_MAGIC ? PROBE_YES : PROBE_NO;
}

/* What libcontainer asks of each file that it opens, where it has no openat2. */
static ProbeVerdict check_file_type(ProbeAttempt *attempt)
{
	g_autoptr(GPtrArray) table = mounts_read(NULL);
	gboolean unified = access(CGROUP_ROOT "/cgroup.procs", F_OK) == 0;
	g_autofree char *directory = unified ? g_strdup(CGROUP_ROOT) : hierarchy_directory(table, "memory");
	g_autofree char *path = g_build_filename(directory, "cgroup.procs", NULL);
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return probe_saw_error(attempt, path, -errno);
	probe_saw(attempt, "%s is of type 0x%lx", path, (unsigned long) fs.f_type);
	return fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC ? PROBE_YES : PROBE_NO;
}

static ProbeVerdict check_proc_cgroups(ProbeAttempt *attempt)
{
	g_autofree char *content = NULL;
	g_autoptr(GError) error = NULL;

	if (!g_file_get_contents("/proc/cgroups", &content, NULL, &error)) {
		probe_saw(attempt, "%s", error->message);
		return PROBE_NO;
	}
	for (const char *const *name = controllers; *name; name++) {
		g_autofree char *pattern = g_strdup_printf("^%s\\s+\\d+\\s+\\d+\\s+1$", *name);

		probe_look_for(attempt, *name, g_regex_match_simple(pattern, content, G_REGEX_MULTILINE, 0));
	}
	probe_saw(attempt, "%u of %u controllers are listed as enabled", attempt->found->len,
		  attempt->found->len + attempt->missing->len);
	return probe_verdict_of_names(attempt);
}

/* crun: "cgroups in hybrid mode not supported, drop all controllers from cgroupv2" */
static ProbeVerdict check_one_version(ProbeAttempt *attempt)
{
	g_autofree char *beside_v1 = NULL;

	if (!g_file_get_contents(CGROUP_ROOT "/unified/cgroup.controllers", &beside_v1, NULL, NULL)) {
		probe_saw(attempt, "no cgroup2 in " CGROUP_ROOT "/unified");
		return PROBE_YES;
	}
	g_strchomp(beside_v1);
	probe_saw(attempt, "controllers of cgroup2 in " CGROUP_ROOT "/unified: %s", *beside_v1 ? beside_v1 : "none");
	return *beside_v1 ? PROBE_NO : PROBE_YES;
}

/* Mounting a v1 hierarchy that does not exist would take the controller away from cgroup2; one that exists is mounted
 * by exactly its own set of controllers, as /proc/self/cgroup lists it. gVisor has nothing to take it from. */
static char *hierarchy_of(const char *controller)
{
	g_autofree char *content = NULL;
	g_autofree char *pattern = g_strdup_printf("^[1-9]\\d*:((?:[^:\\n]+,)?%s(?:,[^:\\n]+)?):", controller);
	g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_MULTILINE, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;

	g_file_get_contents("/proc/self/cgroup", &content, NULL, NULL);
	if (content && g_regex_match(regex, content, 0, &match))
		return g_match_info_fetch(match, 1);
	return kernel_is_gvisor() ? g_strdup(controller) : NULL;
}

static int mount_hierarchy(const char *type, const char *target, const char *options)
{
	if (mount(type, target, type, 0, options) < 0)
		return -errno;
	umount2(target, MNT_DETACH);
	return 0;
}

static int try_hierarchies(ProbeAttempt *attempt)
{
	g_autofree char *target = g_build_filename(attempt->scratch, "hierarchy", NULL);

	g_ptr_array_set_size(attempt->found, 0);
	g_ptr_array_set_size(attempt->missing, 0);
	for (const char *const *name = controllers; *name; name++) {
		g_autofree char *options = hierarchy_of(*name);
		int r = options ? mount_hierarchy("cgroup", target, options) : -ENODEV;

		if (r == -EPERM || r == -EACCES)
			return r;
		if (r < 0 && options)
			probe_saw_error(attempt, *name, r);
		probe_look_for(attempt, *name, r == 0);
	}
	return 0;
}

static ProbeVerdict check_mount_v1(ProbeAttempt *attempt)
{
	g_autofree char *target = probe_make_directory(attempt, "hierarchy");
	ProbeVerdict rights = target ? sandbox_try(attempt, "mount(cgroup)", try_hierarchies) : PROBE_UNKNOWN;

	if (rights < PROBE_PARTLY)
		return rights;
	probe_saw(attempt, "%u of %u hierarchies can be mounted once more", attempt->found->len,
		  attempt->found->len + attempt->missing->len);
	return MIN(rights, probe_verdict_of_names(attempt));
}

static int try_unified(ProbeAttempt *attempt)
{
	g_autofree char *target = g_build_filename(attempt->scratch, "unified", NULL);

	/* In the initial cgroup namespace, options that are not given (nsdelegate …) are taken back from every mount of
	 * it. */
	if (unshare(CLONE_NEWCGROUP) < 0 && !kernel_is_gvisor())
		return -errno;
	return mount_hierarchy("cgroup2", target, NULL);
}

/* The first mount of cgroup2 on a Linux that never had one would make "0::" appear in /proc/PID/cgroup for good. */
static ProbeVerdict check_mount_v2(ProbeAttempt *attempt)
{
	g_autofree char *target = probe_make_directory(attempt, "unified"), *content = NULL;

	g_file_get_contents("/proc/self/cgroup", &content, NULL, NULL);
	if (!target)
		return PROBE_UNKNOWN;
	if (!kernel_is_gvisor() && !(content && strstr(content, "0::/"))) {
		probe_saw(attempt, "not tried, because it would change /proc/PID/cgroup: cgroup2 is not in use");
		return PROBE_UNKNOWN;
	}
	return sandbox_try(attempt, "mount(cgroup2)", try_unified);
}

const ProbeCheck cgroup_checks[] = {
	{"root-filesystem", check_root_type, "look / up in mountinfo, and statfs it",
	 "cAdvisor and the kubelet accept the root's type", "cAdvisor from 0.55 on drops a root of this type"},
	{"cgroup-mounted", check_mounted, "look for cgroup mounts of each controller that clients need in mountinfo",
	 "clients find their controllers", "clients that look for cgroup mounts find some or none"},
	{"cgroup-type", check_magic, "statfs " CGROUP_ROOT, "clients can tell the version of the cgroup tree",
	 "crun, youki and systemd refuse this tree"},
	{"cgroup-file-type", check_file_type, "statfs a file of the tree", "clients accept the files as cgroup files",
	 "clients that look at the files' type refuse them, unless openat2 works"},
	{"cgroup-files", check_files, "look for the files that clients need", "the cgroup tree is complete",
	 "the cgroup tree must be replaced or completed"},
	{"proc-cgroups", check_proc_cgroups, "look for the controllers in /proc/cgroups",
	 "the JVM and libcgroup see the controllers", "the JVM and libcgroup take the controllers as disabled"},
	{"cgroup-one-version", check_one_version, "look for controllers of cgroup2 beside those of cgroup v1",
	 "all controllers are of one version", "clients that can use one version only refuse the mixture"},
	{"mount-cgroup", check_mount_v1, "mount each cgroup v1 hierarchy once more, on a scratch directory",
	 "native cgroup lines can stay in mountinfo under cgemud's trees", "mountinfo cannot show cgroup lines",
	 "some cgroup lines can stay in mountinfo, or only those that --exec shows", .alone = TRUE},
	{"mount-cgroup2", check_mount_v2, "mount cgroup2 on a scratch directory",
	 "a native cgroup2 line can stay in mountinfo", "mountinfo cannot show a cgroup2 line", PROBE_FOR_EXEC_ALONE,
	 .alone = TRUE},
	{0},
};
