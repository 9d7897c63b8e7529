#include "daemon/probe/forecast.h"

typedef struct Situation {
	const Probe *probe;
	const Plan *mount, *exec;
} Situation;

/* Something that a client must find, and the three ways in which it may be there. */
typedef struct Need {
	const char *check;
	const char *meaning;
	gboolean (*natively)(const Situation *now);
	gboolean (*by_mount)(const Situation *now);
	gboolean (*by_exec)(const Situation *now);
} Need;

#define MAX_NEEDS 8

typedef struct Client {
	const char *name;
	const char *note;
	const Need *needs[MAX_NEEDS]; /* the gravest first: of equal ones, the first is named */
} Client;

static gboolean has(const Situation *now, const char *check, ProbeVerdict least)
{
	return probe_has(now->probe, check, least);
}

static gboolean never(const Situation *now)
{
	return FALSE;
}

static gboolean serves(const Situation *now)
{
	return now->mount->mounts;
}

static gboolean wraps(const Situation *now)
{
	return now->exec->mounts || now->exec->redirects;
}

/* Only what the kernel has can be bound over; what it lacks is shown to those who open it. */
static gboolean wraps_proc_file(const Situation *now, const char *name)
{
	gboolean there = probe_found(now->probe, "proc-files", name);

	return now->exec->redirects ||
	       (wraps(now) && (there ? has(now, "mount-bind-proc", PROBE_PARTLY) : now->exec->intercepts));
}

static gboolean wraps_stat(const Situation *now)
{
	return wraps_proc_file(now, "stat");
}

static gboolean wraps_controller_list(const Situation *now)
{
	return wraps_proc_file(now, "cgroups");
}

static gboolean intercepts(const Situation *now)
{
	return now->exec->intercepts;
}

static gboolean tree_is_complete(const Situation *now)
{
	return has(now, "cgroup-files", PROBE_YES);
}

static gboolean has_cgroup_lines(const Situation *now)
{
	return has(now, "cgroup-mounted", PROBE_YES);
}

/* The controllers without which nobody goes on; of others clients do without. */
static gboolean found_controllers(const Situation *now, const char *check)
{
	static const char *const controllers[] = {"cpu", "cpuacct", "cpuset", "memory", NULL};

	for (const char *const *name = controllers; *name; name++)
		if (!probe_found(now->probe, check, *name))
			return FALSE;
	return TRUE;
}

static gboolean native_lines_can_be_had(const Situation *now)
{
	return found_controllers(now, "mount-cgroup");
}

static gboolean lists_needed_controllers(const Situation *now)
{
	return found_controllers(now, "proc-cgroups");
}

static gboolean mount_gives_lines(const Situation *now)
{
	return serves(now) && native_lines_can_be_had(now);
}

static gboolean exec_gives_lines(const Situation *now)
{
	return now->exec->redirects || (wraps(now) && native_lines_can_be_had(now));
}

static gboolean type_is_known(const Situation *now)
{
	return has(now, "cgroup-type", PROBE_YES);
}

static gboolean mount_gives_tmpfs(const Situation *now)
{
	return serves(now) && has(now, "mount-tmpfs", PROBE_YES);
}

/* libcontainer asks for a file's type only where openat2 is missing. */
static gboolean files_are_accepted(const Situation *now)
{
	return has(now, "openat2", PROBE_YES) || (tree_is_complete(now) && has(now, "cgroup-file-type", PROBE_YES));
}

static gboolean root_is_known(const Situation *now)
{
	return has(now, "root-filesystem", PROBE_YES);
}

static gboolean exec_replaces_root(const Situation *now)
{
	return now->exec->redirects || (wraps(now) && has(now, "mount-overlay-root", PROBE_PARTLY));
}

static gboolean has_kubelet_keys(const Situation *now)
{
	return has(now, "sysctl-kubelet", PROBE_YES) && has(now, "sysctl-kubelet-set", PROBE_YES);
}

static gboolean has_kmsg(const Situation *now)
{
	return has(now, "kmsg", PROBE_YES);
}

static gboolean has_meminfo(const Situation *now)
{
	return has(now, "proc-meminfo", PROBE_PARTLY);
}

static gboolean has_one_version(const Situation *now)
{
	return has(now, "cgroup-one-version", PROBE_YES);
}

static gboolean has_private_mounts(const Situation *now)
{
	return probe_found(now->probe, "mount-namespace", "private");
}

static gboolean has_setgroups(const Situation *now)
{
	return probe_found(now->probe, "proc-files", "self/setgroups");
}

static gboolean lists_controllers(const Situation *now)
{
	return has(now, "proc-cgroups", PROBE_YES);
}

static gboolean stat_moves(const Situation *now)
{
	return has(now, "proc-stat", PROBE_YES);
}

static gboolean wraps_vmstat_and_diskstats(const Situation *now)
{
	return wraps_proc_file(now, "vmstat") && wraps_proc_file(now, "diskstats");
}

static gboolean has_vmstat_and_diskstats(const Situation *now)
{
	return probe_found(now->probe, "proc-files", "vmstat") && probe_found(now->probe, "proc-files", "diskstats");
}

static const Need tree = {"cgroup-files", "the files of a complete cgroup tree", tree_is_complete, serves, wraps};
static const Need lines = {"cgroup-mounted", "cgroup mounts of its controllers in mountinfo", has_cgroup_lines,
			   mount_gives_lines, exec_gives_lines};
static const Need type = {"cgroup-type", "a tmpfs or cgroup2 on /sys/fs/cgroup by statfs", type_is_known,
			  mount_gives_tmpfs, wraps};
static const Need accepted_files = {"openat2", "openat2, or cgroup files by their fstatfs", files_are_accepted, never,
				    intercepts};
static const Need known_root = {"root-filesystem", "a root of a type that cAdvisor knows", root_is_known, never,
				exec_replaces_root};
static const Need kubelet_keys = {"sysctl-kubelet", "six keys of /proc/sys, with its values or settable",
				  has_kubelet_keys, serves, wraps};
static const Need kernel_log = {"kmsg", "a /dev/kmsg that opens and waits (exec.kmsg)", has_kmsg, never, intercepts};
static const Need memory_size = {"proc-meminfo", "MemTotal and SwapTotal in /proc/meminfo", has_meminfo, never, never};
static const Need controller_list = {"proc-cgroups", "its controllers enabled in /proc/cgroups", lists_controllers,
				     never, wraps_controller_list};
/* gVisor lists a hierarchy once it has been mounted. */
static const Need needed_controllers = {"proc-cgroups", "cpu, cpuacct, cpuset and memory enabled in /proc/cgroups",
					lists_needed_controllers, mount_gives_lines, wraps_controller_list};
static const Need live_stat = {"proc-stat", "CPU time in /proc/stat that moves", stat_moves, never, wraps_stat};
static const Need event_counters = {"proc-files", "/proc/vmstat and /proc/diskstats", has_vmstat_and_diskstats, never,
				    wraps_vmstat_and_diskstats};
static const Need one_version = {"cgroup-one-version", "controllers of cgroup v1 or v2, not of both", has_one_version,
				 never, wraps};
static const Need private_mounts = {"mount-namespace", "a mount namespace that is its own", has_private_mounts, never,
				    never};
static const Need user_groups = {"proc-files", "/proc/self/setgroups", has_setgroups, never, intercepts};

/* From what each program reads, and what it does where that is missing. */
static const Client clients[] = {
	{"kubelet up to 1.20", "cAdvisor up to 0.38", {&memory_size, &tree, &lines, &kubelet_keys, &kernel_log}},
	{"kubelet 1.21 to 1.35",
	 "cAdvisor up to 0.54; 1.35 needs failCgroupV1: false on cgroup v1",
	 {&memory_size, &tree, &lines, &accepted_files, &kubelet_keys, &kernel_log}},
	{"kubelet from 1.36",
	 "cAdvisor from 0.55; needs failCgroupV1: false on cgroup v1",
	 {&memory_size, &known_root, &tree, &lines, &accepted_files, &kubelet_keys, &kernel_log}},
	{"cAdvisor up to 0.54", NULL, {&memory_size, &tree, &lines}},
	{"cAdvisor from 0.55", NULL, {&memory_size, &known_root, &tree, &lines, &accepted_files}},
	{"containerd", NULL, {&tree, &lines}},
	{"runc from 1.0.0-rc93",
	 "on cgroup v2 device rules need BPF on a real cgroup2",
	 {&tree, &lines, &accepted_files}},
	{"crun", NULL, {&private_mounts, &type, &tree, &one_version, &user_groups}},
	{"podman",
	 NULL,
	 {&private_mounts, &type, &tree, &accepted_files, &controller_list, &one_version, &user_groups}},
	{"Docker", "its devices controller must be among the mounts", {&tree, &lines}},
	{"JVM", "without them it sizes itself by the whole machine", {&tree, &lines, &needed_controllers}},
	{"Go from 1.25", "without them GOMAXPROCS is the machine's", {&tree, &lines}},
	{"Node", "without them it sees the whole machine", {&tree, &live_stat}},
	{"systemd (cgtop, cgls)", NULL, {&type, &tree, &live_stat}},
	{"node_exporter", "a collector whose file is missing reports nothing", {&live_stat, &event_counters}},
	{0},
};

const char *means_name(Means means)
{
	static const char *const names[] = {"works", "works-with-mount", "works-with-exec", "fails"};

	return names[means];
}

static Means means_for(const Need *need, const Situation *now)
{
	if (need->natively(now))
		return MEANS_NONE_NEEDED;
	if (need->by_mount(now))
		return MEANS_MOUNT;
	return need->by_exec(now) ? MEANS_EXEC : MEANS_MISSING;
}

static Forecast forecast_client(const Client *client, const Situation *now)
{
	Forecast forecast = {.client = client->name, .note = client->note, .check = client->needs[0]->check};

	for (guint i = 0; i < MAX_NEEDS && client->needs[i]; i++) {
		Means means = means_for(client->needs[i], now);

		if (means <= forecast.means)
			continue;
		forecast.means = means;
		forecast.check = client->needs[i]->check;
		forecast.because = client->needs[i]->meaning;
	}
	return forecast;
}

GArray *forecast_make(const Probe *probe, const Plan *mount, const Plan *exec)
{
	GArray *forecasts = g_array_new(FALSE, FALSE, sizeof(Forecast));
	Situation now = {probe, mount, exec};

	for (const Client *client = clients; client->name; client++) {
		Forecast forecast = forecast_client(client, &now);

		g_array_append_val(forecasts, forecast);
	}
	return forecasts;
}
