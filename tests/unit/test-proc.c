/* The files of /proc, of recorded machines and with limits. */
#include "fs/fs.h"
#include "fs/proc/render.h"
#include "fs/source/cpu.h"
#include "fs/source/memory.h"
#include "fs/source/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#define KIB 1024ULL

typedef struct Machinery {
	Config *config;
	Fs *fs;
} Machinery;

static void set_up(Machinery *machinery, const char *machine, unsigned trees)
{
	g_autofree char *proc = g_build_filename(SOURCE_ROOT "/tests/unit/fixtures", machine, "proc", NULL);
	g_autofree char *sys = g_build_filename(SOURCE_ROOT "/tests/unit/fixtures", machine, "sys", NULL);
	g_autoptr(GError) error = NULL;

	machinery->config = config_new_default();
	machinery->fs = fs_new_at(machinery->config, trees, proc, sys, &error);
	if (!machinery->fs)
		fail_msg("%s", error->message);
}

static void tear_down(Machinery *machinery)
{
	fs_free(machinery->fs);
	config_free(machinery->config);
}

static pid_t caller_pid = 1;

/* The content of a file of the composite tree; NULL if there is no such file. */
static char *content(Fs *fs, const char *path)
{
	const Caller caller = {.pid = caller_pid};
	g_auto(GStrv) names = g_strsplit(path + 1, "/", -1);
	g_autoptr(Node) node = node_ref(fs->tree->root);
	GString *out = g_string_new(NULL);
	Handle *handle;

	for (char **name = names; *name; name++) {
		Node *child;

		if (fs_lookup(fs, node, *name, &child) < 0) {
			g_string_free(out, TRUE);
			return NULL;
		}
		node_unref(node);
		node = child;
	}
	assert_int_equal(fs_open(fs, node, 0, &caller, &handle), 0);
	assert_int_equal(fs_read(fs, handle, &caller, 0, 1 << 24, out), 0);
	fs_close(fs, handle);
	return g_string_free(out, FALSE);
}

/* The number behind "KEY" or "KEY:" at the start of a line. */
static guint64 value_of(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, key, len) == 0 && (line[len] == ':' || line[len] == ' '))
			return strtoull(line + len + 1, NULL, 10);
	fail_msg("no line %s in:\n%s", key, text);
	return 0;
}

static unsigned count_lines(const char *text, const char *prefix)
{
	unsigned n = 0;

	for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		n += g_str_has_prefix(line, prefix);
	return n;
}

/* Numbers of different files that must agree, whatever the machine. */
static void assert_consistent(Fs *fs, unsigned n_cpus)
{
	g_autofree char *stat = content(fs, "/proc/stat"), *meminfo = content(fs, "/proc/meminfo");
	g_autofree char *uptime = content(fs, "/proc/uptime"), *swaps = content(fs, "/proc/swaps");
	g_autofree char *loadavg = content(fs, "/proc/loadavg"), *vmstat = content(fs, "/proc/vmstat");
	g_autofree char *diskstats = content(fs, "/proc/diskstats"), *cpuinfo = content(fs, "/proc/cpuinfo");
	long ticks = sysconf(_SC_CLK_TCK);
	double up, idle, load;
	unsigned running, total, pid;

	assert_int_equal(count_lines(stat, "cpu") - 1, n_cpus);
	assert_int_equal(count_lines(cpuinfo, "processor"), n_cpus);
	assert_int_equal(sscanf(uptime, "%lf %lf", &up, &idle), 2);
	assert_true(idle <= up * n_cpus);
	for (const char *line = stat; g_str_has_prefix(line, "cpu"); line = strchr(line, '\n') + 1) {
		unsigned long long t[10];
		double share = g_ascii_isdigit(line[3]) ? 1 : n_cpus;

		assert_int_equal(sscanf(line, "%*s %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1],
					&t[2], &t[3], &t[4], &t[5], &t[6], &t[7], &t[8], &t[9]),
				 10);
		assert_true((double) t[3] <= up * (double) ticks * share);
	}
	assert_true(value_of(stat, "btime") > 0);
	assert_true(value_of(stat, "procs_running") > 0);
	assert_true(value_of(stat, "processes") > 0);
	assert_true(value_of(meminfo, "MemTotal") > 0);
	assert_true(value_of(meminfo, "MemFree") <= value_of(meminfo, "MemTotal"));
	assert_true(value_of(meminfo, "MemAvailable") <= value_of(meminfo, "MemTotal"));
	assert_true(value_of(meminfo, "SwapFree") <= value_of(meminfo, "SwapTotal"));
	assert_int_equal(value_of(meminfo, "SwapTotal") > 0, count_lines(swaps, "/") > 0);
	assert_true(value_of(meminfo, "SwapCached") <= value_of(meminfo, "MemTotal"));
	assert_int_equal(count_lines(swaps, "Filename"), 1);
	assert_int_equal(sscanf(loadavg, "%lf %*f %*f %u/%u %u", &load, &running, &total, &pid), 4);
	assert_true(running >= 1 && running <= total && pid > 0);
	value_of(vmstat, "pgpgin");
	value_of(vmstat, "pgmajfault");
	assert_null(strstr(diskstats, "\n\n"));
	assert_true(diskstats[0] != '\n');
}

static void test_two_cpus(void **state)
{
	Machinery machinery;

	set_up(&machinery, "cpu2", FS_TREE_PROC);
	assert_consistent(machinery.fs, 2);
	g_autofree char *stat = content(machinery.fs, "/proc/stat"), *meminfo = content(machinery.fs, "/proc/meminfo");
	g_autofree char *native_stat = NULL, *native_meminfo = NULL,
			*pressure = content(machinery.fs, "/proc/pressure/io");

	/* Nothing is lost of what the kernel itself says. */
	g_file_get_contents(SOURCE_ROOT "/tests/unit/fixtures/cpu2/proc/stat", &native_stat, NULL, NULL);
	g_file_get_contents(SOURCE_ROOT "/tests/unit/fixtures/cpu2/proc/meminfo", &native_meminfo, NULL, NULL);
	assert_string_equal(meminfo, native_meminfo);
	assert_string_equal(stat, native_stat);
	assert_string_equal(pressure, "some avg10=12.50 avg60=3.00 avg300=0.75 total=991\n"
				      "full avg10=10.25 avg60=2.00 avg300=0.50 total=880\n");
	tear_down(&machinery);
}

static void test_large_machines(void **state)
{
	Machinery machinery;

	set_up(&machinery, "cpu64", FS_TREE_PROC);
	assert_consistent(machinery.fs, 64);
	g_autofree char *stat = content(machinery.fs, "/proc/stat"),
			*diskstats = content(machinery.fs, "/proc/diskstats");

	assert_int_equal(count_lines(stat, "cpu40 "), 1);
	assert_int_equal(count_lines(stat, "cpu32 "), 0);
	assert_non_null(strstr(diskstats, "   8      16 sdb 1 2 3 0 0 0 0 0 0 0 0\n"));
	assert_null(content(machinery.fs, "/proc/pressure"));
	tear_down(&machinery);
	set_up(&machinery, "cpu256", FS_TREE_PROC);
	assert_consistent(machinery.fs, 256);
	tear_down(&machinery);
}

static void test_gvisor(void **state)
{
	Machinery machinery;

	set_up(&machinery, "gvisor", FS_TREE_PROC | FS_TREE_V1);
	assert_consistent(machinery.fs, 2);
	g_autofree char *stat = content(machinery.fs, "/proc/stat"),
			*diskstats = content(machinery.fs, "/proc/diskstats");
	g_autofree char *uptime = content(machinery.fs, "/proc/uptime");

	assert_int_equal(value_of(stat, "cpu "), 88);
	assert_int_equal(value_of(stat, "processes"), 4);
	assert_true(g_str_has_prefix(uptime, "40.46 79."));
	assert_string_equal(diskstats, "");
	tear_down(&machinery);
}

static void test_groups(void **state)
{
	Machinery machinery;

	set_up(&machinery, "cpu2", FS_TREE_PROC | FS_TREE_V1 | FS_TREE_V2);
	g_autofree char *cgroups = content(machinery.fs, "/proc/cgroups");
	g_autofree char *filesystems = content(machinery.fs, "/proc/filesystems");
	g_autofree char *pid_cgroup = content(machinery.fs, "/proc/10/cgroup");

	assert_true(g_str_has_prefix(cgroups, "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t"));
	assert_null(strstr(cgroups, "\n\n"));
	assert_int_equal(count_lines(cgroups, "cpu\t"), 1);
	assert_int_equal(count_lines(cgroups, "cpuacct\t"), 1);
	assert_int_equal(count_lines(filesystems, "nodev\tcgroup2"), 1);
	assert_int_equal(count_lines(filesystems, "nodev\tcgroup"), 2);
	assert_non_null(strstr(pid_cgroup, ":cpu,cpuacct:/\n"));
	assert_non_null(strstr(pid_cgroup, ":name=systemd:/\n"));
	assert_true(g_str_has_suffix(pid_cgroup, "\n0::/\n"));
	assert_null(content(machinery.fs, "/proc/9999/cgroup"));
	assert_null(content(machinery.fs, "/proc/010/cgroup"));
	tear_down(&machinery);
}

static void test_filesystems_adds_what_is_missing(void **state)
{
	const char *const more[] = {"nodev\tcgroup", "nodev\tcgroup2", NULL};
	g_autoptr(GString) out = g_string_new(NULL);

	proc_show_filesystems("nodev\tsysfs\nnodev\tcgroup2", more, out);
	assert_string_equal(out->str, "nodev\tsysfs\nnodev\tcgroup2\nnodev\tcgroup\n");
	g_string_truncate(out, 0);
	proc_show_filesystems(NULL, more, out);
	assert_string_equal(out->str, "nodev\tcgroup\nnodev\tcgroup2\n");
}

/* A group with two of four CPUs, 512 MiB and 100 MiB of swap. */
static void test_limits(void **state)
{
	unsigned numbers[] = {0, 1, 4, 5};
	const Machine machine = {.n_cpus = 4,
				 .cpu_list = (char *) "0-1,4-5",
				 .cpu_numbers = numbers,
				 .page_size = 4096,
				 .ticks_per_second = 100};
	ProcLimits limits = {.memory = 512 * KIB * KIB,
			     .memory_used = 200 * KIB * KIB,
			     .memory_cache = 50 * KIB * KIB,
			     .swap = 100 * KIB * KIB,
			     .swap_used = 1 * KIB * KIB};
	g_autoptr(Sample) sample = sample_new(4);
	const ProcScene scene = {sample, &machine, &limits};
	g_autoptr(GString) out = g_string_new(NULL);

	sample->memory.total = 16 * KIB * KIB * KIB;
	sample->memory.free = 8 * KIB * KIB * KIB;
	sample->uptime_s = 1000;
	for (unsigned i = 0; i < 4; i++)
		sample->cpus[i].user = (i + 1) * NS_PER_SECOND;
	proc_limits_set_cpus(&limits, &machine, "1,4-7", 0);
	assert_int_equal(limits.n_cpus, 3);
	proc_limits_set_cpus(&limits, &machine, "1,4-7", 2);
	assert_int_equal(limits.n_cpus, 2);
	proc_show_stat(&scene, out);
	assert_true(g_str_has_prefix(out->str, "cpu  500 0 0 0 0 0 0 0 0 0\ncpu0 200 0 0 0 0 0 0 0 0 0\n"
					       "cpu1 300 0 0 0 0 0 0 0 0 0\nintr 0\n"));
	g_string_truncate(out, 0);
	proc_show_meminfo(&scene, out);
	assert_int_equal(value_of(out->str, "MemTotal"), 512 * 1024);
	assert_int_equal(value_of(out->str, "MemFree"), 312 * 1024);
	assert_int_equal(value_of(out->str, "MemAvailable"), 362 * 1024);
	assert_int_equal(value_of(out->str, "SwapTotal"), 100 * 1024);
	assert_int_equal(value_of(out->str, "SwapFree"), 99 * 1024);
	assert_true(value_of(out->str, "Committed_AS") <= 612 * 1024);
	g_string_truncate(out, 0);
	sample->native = g_strdup("processor\t: 0\nmodel name\t: A\n\nprocessor\t: 1\nmodel name\t: B\n\n"
				  "processor\t: 4\nmodel name\t: C\n\nprocessor\t: 5\nmodel name\t: D\n\n");
	proc_show_cpuinfo(&scene, out);
	assert_string_equal(out->str, "processor\t: 0\nmodel name\t: B\n\nprocessor\t: 1\nmodel name\t: C\n\n");
	g_string_truncate(out, 0);
	proc_show_swaps(&scene, out);
	assert_int_equal(count_lines(out->str, "/swap "), 1);
	limits.memory = 64 * KIB * KIB * KIB; /* more than there is: no limit */
	g_string_truncate(out, 0);
	proc_show_meminfo(&scene, out);
	assert_int_equal(value_of(out->str, "MemTotal"), 16 * 1024 * 1024);
	proc_limits_set_cpus(&limits, &machine, "9", 0);
	assert_int_equal(limits.n_cpus, 0);
	proc_limits_clear(&limits);
}

static Node *find(Fs *fs, const char *path)
{
	Node *node = tree_by_path(fs->tree, path);

	if (!node)
		fail_msg("no %s", path);
	return node;
}

static void put(Fs *fs, const char *path, const char *text)
{
	const Caller caller = {.pid = getpid()};
	Handle *handle;

	assert_int_equal(fs_open(fs, find(fs, path), 0, &caller, &handle), 0);
	assert_int_equal(fs_write(fs, handle, &caller, text, strlen(text)), 0);
	fs_close(fs, handle);
}

static void make_group(Fs *fs, const char *parent)
{
	const Caller caller = {.pid = getpid()};
	g_autofree char *procs = g_strconcat(parent, "/small/cgroup.procs", NULL);
	g_autofree char *self = g_strdup_printf("%d", getpid());
	Node *group;

	assert_int_equal(fs_mkdir(fs, find(fs, parent), "small", 0755, &caller, &group), 0);
	node_unref(group);
	put(fs, procs, self);
}

/* A process in a group sees a machine of the group's size, others the whole one. */
static void test_caller_in_a_group(void **state)
{
	g_autoptr(Config) config = config_new_default();
	Fs *fs = fs_new_at(config, FS_TREE_PROC | FS_TREE_V1, "/proc", "/sys", NULL);
	g_autofree char *outside = NULL, *meminfo = NULL, *cpuinfo = NULL, *stat = NULL, *cgroup = NULL;

	assert_non_null(fs);
	caller_pid = getpid();
	outside = content(fs, "/proc/meminfo");
	make_group(fs, "/v1/memory");
	make_group(fs, "/v1/cpu,cpuacct");
	put(fs, "/v1/memory/small/memory.limit_in_bytes", "64M");
	put(fs, "/v1/cpu,cpuacct/small/cpu.cfs_quota_us", "50000");
	meminfo = content(fs, "/proc/meminfo");
	assert_true(value_of(outside, "MemTotal") > 65536);
	assert_int_equal(value_of(meminfo, "MemTotal"), 65536);
	assert_true(value_of(meminfo, "MemFree") < 65536);
	assert_true(value_of(meminfo, "MemAvailable") <= 65536);
	if (sampler_machine(fs->sampler)->n_cpus > 1) {
		cpuinfo = content(fs, "/proc/cpuinfo");
		stat = content(fs, "/proc/stat");
		assert_int_equal(count_lines(cpuinfo, "processor"), 1);
		assert_int_equal(count_lines(stat, "cpu"), 2);
	}
	caller_pid = getppid();
	g_free(meminfo);
	meminfo = content(fs, "/proc/meminfo");
	assert_int_equal(value_of(meminfo, "MemTotal"), value_of(outside, "MemTotal"));
	g_autofree char *path = g_strdup_printf("/proc/%d/cgroup", getpid());

	cgroup = content(fs, path);
	assert_non_null(strstr(cgroup, ":memory:/small\n"));
	assert_non_null(strstr(cgroup, ":pids:/\n"));
	fs->shown_root = "small";
	g_free(cgroup);
	cgroup = content(fs, path);
	assert_non_null(strstr(cgroup, ":memory:/\n"));
	assert_non_null(strstr(cgroup, ":pids:/..\n"));
	fs->shown_root = "smal";
	g_free(cgroup);
	cgroup = content(fs, path);
	assert_non_null(strstr(cgroup, ":memory:/../small\n"));
	fs->shown_root = NULL;
	caller_pid = 1;
	fs_free(fs);
}

static void test_cpuinfo_of_a_kernel_without(void **state)
{
	Machinery machinery;

	set_up(&machinery, "cpu2", FS_TREE_PROC);
	g_autofree char *cpuinfo = content(machinery.fs, "/proc/cpuinfo");

	assert_int_equal(count_lines(cpuinfo, "processor\t: 0"), 1);
	assert_int_equal(count_lines(cpuinfo, "processor\t: 1"), 1);
	assert_int_equal(count_lines(cpuinfo, "cpu MHz\t\t: "), 2);
	tear_down(&machinery);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_cpus),
		cmocka_unit_test(test_large_machines),
		cmocka_unit_test(test_gvisor),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_filesystems_adds_what_is_missing),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_caller_in_a_group),
		cmocka_unit_test(test_cpuinfo_of_a_kernel_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
