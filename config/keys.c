/*
 * Every section and key. cgemud.conf and cgemud.conf(5) name the same ones: tests/unit/test-config.c compares them.
 */
#include "config/config.h"
#include "config/nearest.h"

#include <string.h>

#define V1_CONTROLLERS                                                                                                 \
	"cpuset", "cpu", "cpuacct", "blkio", "memory", "devices", "freezer", "net_cls", "perf_event", "net_prio",      \
		"hugetlb", "pids", "rdma", "misc"

/* One hierarchy: controllers joined by commas, or "name=NAME" alone. */
static char *check_hierarchy(const char *hierarchy, GHashTable *seen)
{
	static const char *const controllers[] = {V1_CONTROLLERS, NULL};
	g_auto(GStrv) parts = g_strsplit(hierarchy, ",", -1);

	for (char **part = parts; *part; part++) {
		gboolean is_named = g_str_has_prefix(*part, "name=") && part == parts && !part[1];

		if (is_named &&
		    (!(*part)[5] || strchr(*part, '/') || !strcmp(*part, "name=.") || !strcmp(*part, "name=..")))
			return g_strdup_printf("names no hierarchy in \"%s\"", hierarchy);
		if (!is_named && !g_strv_contains(controllers, *part)) {
			g_autofree char *hint = nearest_hint(*part, controllers);
			return g_strdup_printf("has the unknown controller \"%s\"%s", *part, hint);
		}
		if (!g_hash_table_add(seen, g_strdup(*part)))
			return g_strdup_printf("has \"%s\" twice", *part);
	}
	return *parts ? NULL : g_strdup("has an empty element");
}

static char *check_hierarchies(const char *const *values)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (; *values; values++) {
		char *wrong = check_hierarchy(*values, seen);
		if (wrong)
			return wrong;
	}
	return NULL;
}

static char *check_path(const char *const *values)
{
	for (; *values; values++)
		if (**values && !g_path_is_absolute(*values))
			return g_strdup_printf("must be an absolute path, is \"%s\"", *values);
	return NULL;
}

static char *check_groups(const char *const *values)
{
	for (; *values; values++) {
		g_autofree char *canonical = g_canonicalize_filename(*values, "/");

		if (strcmp(canonical, *values) != 0 || strcmp(canonical, "/") == 0)
			return g_strdup_printf("must be paths of groups such as /kubepods, has \"%s\"", *values);
	}
	return NULL;
}

static char *check_sysctls(const char *const *values)
{
	for (; *values; values++) {
		const char *equals = strchr(*values, '=');
		if (!equals || equals == *values)
			return g_strdup_printf("must be KEY=VALUE, has \"%s\"", *values);
	}
	return NULL;
}

const ConfigKey config_keys[] = {
	{"mount", "tree", CONFIG_CHOICE, "auto", .choices = "auto|v1|v2|hybrid|procsys",
	 .meaning =
		 "which tree --mount serves where --tree does not say it; auto: procsys for a directory that ends in "
		 "/proc/sys, else v1"},
	{"mount", "native-cgroup", CONFIG_BOOL, "true",
	 .meaning = "mount the kernel's own cgroup file system below each v1 hierarchy where it allows that, so that "
		    "/proc/self/mountinfo names it"},

	{"cgroup", "hierarchies", CONFIG_LIST,
	 "cpu,cpuacct;cpuset;memory;devices;freezer;pids;blkio;hugetlb;net_cls,net_prio;perf_event;name=systemd",
	 .meaning = "the v1 hierarchies: controllers joined by commas are mounted together; name=NAME has none",
	 .check = check_hierarchies},
	{"cgroup", "v2-controllers", CONFIG_LIST, "cpuset;cpu;io;memory;hugetlb;pids;rdma;misc",
	 .choices = "cpuset|cpu|io|memory|hugetlb|pids|rdma|misc", .meaning = "the controllers of the v2 tree"},
	{"cgroup", "backing", CONFIG_CHOICE, "none", .choices = "auto|none|native",
	 .meaning =
		 "move members into groups of the kernel's own cgroup v1, too, for exact CPU time, memory and an "
		 "enforced pids.max; auto: where nobody else uses those and the kernel has no cgroup2, as in gVisor"},
	{"cgroup", "state-file", CONFIG_STRING, "/run/cgemud/state", .check = check_path,
	 .meaning = "where groups, settings and members are kept over a restart: a file of that name, a dot and the "
		    "name of the mount; empty: nowhere"},
	{"cgroup", "parents", CONFIG_LIST, "", .check = check_groups,
	 .meaning =
		 "groups that exist in the cpuset hierarchy from the start, with their parent's CPUs and memory nodes"},
	{"cgroup", "child-cpuset", CONFIG_CHOICE, "empty", .choices = "empty|inherit",
	 .meaning = "what a new v1 cpuset group has: nothing, as in the kernel, or its parent's CPUs and memory nodes"},

	{"procsys", "native", CONFIG_BOOL, "true",
	 .meaning = "read and write the kernel's own /proc/sys file where there is one"},
	{"procsys", "override", CONFIG_LIST, "", .check = check_sysctls,
	 .meaning = "KEY=VALUE: shown instead of the kernel's own value"},

	{"proc", "show", CONFIG_LIST, "",
	 .choices = "cgroups|cpuinfo|diskstats|filesystems|loadavg|meminfo|stat|swaps|uptime|vmstat",
	 .meaning = "files of /proc that --exec serves even where the kernel's own would do"},

	{"root", "replace", CONFIG_LIST, "9p",
	 .meaning = "types of the root file system that --exec covers with an overlay"},
	{"root", "upper", CONFIG_STRING, "", .check = check_path,
	 .meaning = "directory that takes what is written to that overlay; empty: a tmpfs that is gone afterwards"},

	{"sampler", "interval-ms", CONFIG_INT, "50", .min = 0, .max = 10000, .live = TRUE,
	 .meaning = "how old a number may be, milliseconds; 0: every read measures"},

	{"fuse", "threads", CONFIG_INT, "4", .min = 1, .max = 64, .meaning = "threads that answer requests, at most"},

	{"enforce", "cpuset", CONFIG_BOOL, "true", .live = TRUE,
	 .meaning = "cpuset.cpus of a group sets the CPU affinity of its members"},
	{"enforce", "cpu-weight", CONFIG_BOOL, "false", .live = TRUE,
	 .meaning = "cpu.shares and cpu.weight of a group set the nice value of its members"},
	{"enforce", "pids", CONFIG_BOOL, "true", .live = TRUE,
	 .meaning = "forks and new threads beyond pids.max of a group are counted in its pids.events"},
	{"enforce", "memory", CONFIG_CHOICE, "count", .choices = "count|kill|off", .live = TRUE,
	 .meaning = "a group above its memory limit: count that and tell who listens, also kill its largest member, or "
		    "nothing"},
	{"enforce", "memory-interval-ms", CONFIG_INT, "250", .min = 10, .max = 60000, .live = TRUE,
	 .meaning = "how often the memory of groups with a limit or a listener is looked at, milliseconds"},
	{"enforce", "release-agent", CONFIG_BOOL, "true", .live = TRUE,
	 .meaning = "the program in release_agent of a v1 hierarchy is run for groups that became empty"},
	{"enforce", "cpu-max", CONFIG_BOOL, "false", .live = TRUE,
	 .meaning = "members of a group that has used up its CPU quota are stopped for the rest of the period"},

	{"exec", "foreign-syscalls", CONFIG_CHOICE, "allow", .choices = "allow|refuse",
	 .meaning = "32-bit and x32 system calls, which --exec does not translate: untouched, or refused with ENOSYS"},
	{"exec", "kmsg", CONFIG_BOOL, "false",
	 .meaning = "where there is no /dev/kmsg, show one even if calls that open need not be traced otherwise"},
	{"exec", "view", CONFIG_CHOICE, "auto", .choices = "auto|namespace|trace|preload",
	 .meaning = "how --exec shows the trees where --view does not say it"},

	{"log", "level", CONFIG_CHOICE, "notice", .choices = "error|warning|notice|info|debug", .live = TRUE,
	 .meaning = "the least important messages that are logged"},
	{"log", "rate-limit", CONFIG_INT, "60", .min = 0, .max = 100000, .live = TRUE,
	 .meaning = "messages per minute from one place in the program; 0: no limit"},

	{0},
};
