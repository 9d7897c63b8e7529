/* Groups over a restart: what is saved comes back, and nothing that is damaged does. */
#include "fs/cgroup/core.h"
#include "fs/cgroup/limits.h"
#include "fs/cgroup/state-format.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static Config *config;
static Fs *fs, *successor;
static const Caller root_caller = {.uid = 0};

static int setup(void **state)
{
	config = config_new_default();
	fs = fs_new(config, FS_TREE_V2 | FS_TREE_V1, NULL);
	successor = fs_new(config, FS_TREE_V2 | FS_TREE_V1, NULL);
	return fs && successor ? 0 : -1;
}

static int teardown(void **state)
{
	fs_free(fs);
	fs_free(successor);
	config_free(config);
	return 0;
}

static Node *at(Fs *where, const char *path)
{
	Node *node = tree_by_path(where->tree, path);

	if (!node)
		fail_msg("no %s", path);
	return node;
}

static void make(const char *dir, const char *name)
{
	Node *node = NULL;

	assert_int_equal(fs_mkdir(fs, at(fs, dir), name, 0755, &root_caller, &node), 0);
	node_unref(node);
}

static void set(const char *path, const char *text)
{
	const Caller us = {.pid = getpid()}; /* release_agent asks who it is */
	Handle *handle;
	int r;

	assert_int_equal(fs_open(fs, at(fs, path), O_WRONLY, &us, &handle), 0);
	r = fs_write(fs, handle, &us, text, strlen(text));
	fs_close(fs, handle);
	if (r < 0)
		fail_msg("%s > %s: %s", text, path, g_strerror(-r));
}

static char *get(Fs *where, const char *path)
{
	GString *out = g_string_new(NULL);
	Handle *handle;
	int r;

	assert_int_equal(fs_open(where, at(where, path), O_RDONLY, &root_caller, &handle), 0);
	r = fs_read(where, handle, &root_caller, 0, 1 << 20, out);
	fs_close(where, handle);
	if (r < 0)
		g_string_printf(out, "%s", g_strerror(-r));
	return g_string_free(out, FALSE);
}

static void restore(StateReport *report)
{
	g_autoptr(GBytes) bytes = state_save(fs);
	g_autoptr(GError) error = NULL;

	if (!state_restore(successor, bytes, report, &error))
		fail_msg("%s", error->message);
}

static void assert_same_node(const Node *was, const Node *is, const char *path)
{
	if (was->ino != is->ino || was->mode != is->mode || was->uid != is->uid || was->gid != is->gid ||
	    (was->type == NODE_DIRECTORY && was->generation != is->generation))
		fail_msg("%s: inode %lx and %lx, mode %o and %o, owner %u:%u and %u:%u, generation %lu and %lu", path,
			 was->ino, is->ino, was->mode, is->mode, was->uid, was->gid, is->uid, is->gid, was->generation,
			 is->generation);
}

/* Members, and what is not of groups but of the machine, may differ. */
static gboolean is_comparable(const Node *node)
{
	return node->file.row->show && node->file.row->origin != ORIGIN_PRESSURE &&
	       !(node->file.row->flags & (VF_PIDS | VF_UNLOCKED_SHOW)) && !group_is_root(node->owner);
}

static void assert_same_below(const Node *was)
{
	for (guint i = 0; i < was->dir.order->len; i++) {
		const Node *child = was->dir.order->pdata[i];
		g_autofree char *path = node_path(child);

		if (child->type == NODE_DIRECTORY) {
			assert_same_node(child, at(successor, path), path);
			assert_same_below(child);
		} else if (child->type == NODE_FILE && is_comparable(child)) {
			g_autofree char *before = get(fs, path);
			g_autofree char *after = get(successor, path);

			if (strcmp(before, after) != 0)
				fail_msg("%s: '%s' became '%s'", path, before, after);
			assert_same_node(child, at(successor, path), path);
		}
	}
}

static void restore_and_compare(void)
{
	StateReport report;

	restore(&report);
	if (report.refused->len)
		fail_msg("%u refused, first %s", report.refused->len, (const char *) report.refused->pdata[0]);
	assert_int_equal(report.n_lost, 0);
	state_report_clear(&report);
	assert_same_below(at(fs, "/v1"));
	assert_same_below(at(fs, "/v2"));
}

static void test_v1_settings(void **state)
{
	static const char *const hierarchies[] = {
		"cpu,cpuacct", "cpuset",  "memory",     "devices", "freezer",          "pids",
		"blkio",       "hugetlb", "perf_event", "systemd", "net_cls,net_prio", NULL};

	for (const char *const *name = hierarchies; *name; name++) {
		g_autofree char *root = g_strdup_printf("/v1/%s", *name);
		g_autofree char *pod = g_strdup_printf("%s/pod", root);

		make(root, "pod");
		make(root, "other");
		make(pod, "container");
	}
	set("/v1/cpu,cpuacct/pod/cpu.cfs_period_us", "1000000");
	set("/v1/cpu,cpuacct/pod/cpu.cfs_quota_us", "5000000");
	set("/v1/cpu,cpuacct/pod/container/cpu.cfs_quota_us", "50000");
	set("/v1/cpu,cpuacct/pod/container/cpu.cfs_burst_us", "1000");
	set("/v1/cpu,cpuacct/pod/cpu.shares", "77");
	set("/v1/cpu,cpuacct/other/cpu.idle", "1");
	set("/v1/cpu,cpuacct/pod/cpu.rt_runtime_us", "1000");
	set("/v1/memory/pod/memory.limit_in_bytes", "1G");
	set("/v1/memory/pod/memory.memsw.limit_in_bytes", "2G");
	set("/v1/memory/pod/memory.oom_control", "1");
	set("/v1/memory/pod/container/memory.swappiness", "7");
	set("/v1/memory/pod/notify_on_release", "1");
	set("/v1/pids/pod/pids.max", "100");
	set("/v1/hugetlb/pod/hugetlb.2MB.limit_in_bytes", "4M");
	set("/v1/net_cls,net_prio/pod/net_cls.classid", "0x10001");
	set("/v1/net_cls,net_prio/pod/net_prio.ifpriomap", "lo 3");
	set("/v1/blkio/pod/blkio.bfq.weight", "500");
	set("/v1/devices/pod/devices.deny", "c 1:3 rwm");
	set("/v1/devices/other/devices.deny", "a");
	set("/v1/devices/other/devices.allow", "c 1:5 r");
	set("/v1/freezer/other/freezer.state", "FROZEN");
	set("/v1/systemd/release_agent", "/bin/true");
	limits_memory_count(at(fs, "/v1/memory/pod")->owner, MEMORY_EVENT_MAX);
	limits_pids_count(at(fs, "/v1/pids/pod")->owner);
	restore_and_compare();
	/* What devices.list does not show. */
	set("/v1/devices/pod/devices.deny", "c 1:5 rwm");
}

/* The sets of siblings that exclude each other cannot be written in the order of the tree. */
static void test_exclusive_sets(void **state)
{
	make("/v1/cpuset", "a");
	make("/v1/cpuset", "b");
	set("/v1/cpuset/cgroup.clone_children", "1");
	set("/v1/cpuset/a/cpuset.cpus", "0");
	set("/v1/cpuset/a/cpuset.mems", "0");
	set("/v1/cpuset/a/cpuset.cpu_exclusive", "1");
	set("/v1/cpuset/b/cpuset.mems", "0");
	make("/v1/cpuset/a", "deep");
	restore_and_compare();
}

static void test_v2_settings(void **state)
{
	g_autofree char *control = NULL;

	make("/v2", "a");
	make("/v2/a", "deep");
	make("/v2", "threads");
	control = get(fs, "/v2/cgroup.controllers");
	if (strstr(control, "memory"))
		set("/v2/cgroup.subtree_control", "+memory +cpu +cpuset");
	set("/v2/a/cgroup.max.depth", "3");
	set("/v2/a/cgroup.max.descendants", "1");
	set("/v2/a/cgroup.pressure", "0");
	make("/v2/threads", "one");
	set("/v2/threads/one/cgroup.type", "threaded");
	set("/v2/a/cgroup.freeze", "1");
	restore_and_compare();
}

static int setup_v2(void **state)
{
	config = config_new_default();
	fs = fs_new(config, FS_TREE_V2, NULL);
	successor = fs_new(config, FS_TREE_V2, NULL);
	return fs && successor ? 0 : -1;
}

static void test_unified(void **state)
{
	StateReport report;

	make("/v2", "a");
	make("/v2", "b");
	set("/v2/cgroup.subtree_control", "+cpu +memory +pids +io +cpuset");
	make("/v2/a", "deep");
	set("/v2/a/cgroup.subtree_control", "+cpu +memory");
	set("/v2/a/cpu.weight", "150");
	set("/v2/a/cpu.max", "5000 10000");
	set("/v2/a/cpu.max.burst", "1000");
	set("/v2/b/cpu.idle", "1");
	set("/v2/a/deep/cpu.weight.nice", "5");
	set("/v2/a/memory.max", "1G");
	set("/v2/a/memory.oom.group", "1");
	set("/v2/a/pids.max", "12");
	set("/v2/a/io.weight", "200");
	set("/v2/a/cpuset.cpus", "0");
	set("/v2/a/cpuset.cpus.partition", "root");
	set("/v2/b/cpuset.cpus.partition", "isolated"); /* invalid: it has no CPUs */
	limits_memory_count(at(fs, "/v2/a/deep")->owner, MEMORY_EVENT_HIGH);
	restore(&report);
	assert_int_equal(report.refused->len, 0);
	assert_int_equal(report.n_groups, 3);
	state_report_clear(&report);
	assert_same_below(at(fs, "/v2"));
}

static void test_names_and_owners(void **state)
{
	Node *file;

	make("/v1/pids", "caf\xe9 \\ \"x\"");
	make("/v1/pids", "old");
	make("/v1/pids/old", "below");
	assert_int_equal(fs_rename(fs, at(fs, "/v1/pids"), "old", at(fs, "/v1/pids"), "new", &root_caller), 0);
	make("/v1/pids", "old");
	assert_int_equal(fs_rename(fs, at(fs, "/v1/pids"), "new", at(fs, "/v1/pids"), "newer", &root_caller), 0);
	make("/v1/pids", "new");
	assert_int_equal(fs_rmdir(fs, at(fs, "/v1/pids"), "new", &root_caller), 0);
	make("/v1/pids", "new");
	file = at(fs, "/v1/pids/newer/cgroup.procs");
	assert_int_equal(fs_setattr(fs, file, 0600, 1000, 1001, FS_SET_MODE | FS_SET_UID | FS_SET_GID), 0);
	assert_int_equal(fs_setattr(fs, at(fs, "/v1/pids/newer"), 0, 1000, 0, FS_SET_UID), 0);
	restore_and_compare();
	assert_true(successor->tree->next_generation >= fs->tree->next_generation);
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void attach(pid_t pid, const char *path)
{
	g_autofree char *text = g_strdup_printf("%d", pid);

	set(path, text);
}

static void assert_members(const char *path, pid_t pid)
{
	g_autofree char *got = get(successor, path);
	g_autofree char *want = pid ? g_strdup_printf("%d\n", pid) : g_strdup("");

	assert_string_equal(got, want);
}

static void test_members(void **state)
{
	pid_t stays = sleeper(), goes = sleeper(), frozen = sleeper();
	StateReport report;
	g_autoptr(GBytes) bytes = NULL;

	make("/v1/pids", "a");
	make("/v1/freezer", "ice");
	make("/v2", "b");
	attach(stays, "/v1/pids/a/cgroup.procs");
	attach(stays, "/v2/b/cgroup.procs");
	attach(goes, "/v1/pids/a/cgroup.procs");
	attach(frozen, "/v1/freezer/ice/cgroup.procs");
	set("/v1/freezer/ice/freezer.state", "FROZEN");
	bytes = state_save(fs);
	end(goes);
	assert_true(state_restore(successor, bytes, &report, NULL));
	assert_int_equal(report.n_processes, 2);
	assert_false(report.is_foreign);
	state_report_clear(&report);
	assert_members("/v1/pids/a/cgroup.procs", stays);
	assert_members("/v2/b/cgroup.procs", stays);
	assert_members("/v1/freezer/ice/cgroup.procs", frozen);
	end(stays);
	assert_members("/v1/pids/a/cgroup.procs", 0);
	end(frozen);
}

/* Writing such settings again looks at the machine's processes before the members are known. */
static void test_members_of_a_cpuset(void **state)
{
	pid_t pid = sleeper();
	StateReport report;

	make("/v1/cpuset", "a");
	make("/v1/pids", "a");
	set("/v1/cpuset/a/cpuset.cpus", "0");
	set("/v1/cpuset/a/cpuset.mems", "0");
	attach(pid, "/v1/cpuset/a/cgroup.procs");
	attach(pid, "/v1/pids/a/cgroup.procs");
	restore(&report);
	assert_int_equal(report.n_processes, 1);
	state_report_clear(&report);
	assert_members("/v1/cpuset/a/cgroup.procs", pid);
	assert_members("/v1/pids/a/cgroup.procs", pid);
	end(pid);
}

/* Until its parent reaps it a zombie counts as a task, and is listed nowhere. */
static void test_zombies(void **state)
{
	pid_t pid = sleeper();
	StateReport report;
	siginfo_t info;

	make("/v1/pids", "a");
	attach(pid, "/v1/pids/a/cgroup.procs");
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT), 0);
	g_free(get(fs, "/v1/pids/a/cgroup.procs"));
	restore(&report);
	state_report_clear(&report);
	assert_members("/v1/pids/a/cgroup.procs", 0);
	assert_int_equal(group_core(at(successor, "/v1/pids/a")->owner)->n_zombies, 1);
	waitpid(pid, NULL, 0);
	members_refresh(successor);
	assert_int_equal(group_core(at(successor, "/v1/pids/a")->owner)->n_zombies, 0);
}

static void test_counters_go_on(void **state)
{
	StateReport report;
	Group *before;
	pid_t pid = sleeper();

	make("/v1/cpu,cpuacct", "a");
	attach(pid, "/v1/cpu,cpuacct/a/cgroup.procs");
	before = at(fs, "/v1/cpu,cpuacct/a")->owner;
	group_core(before)->own.cpu_user = 5000000000;
	group_core(before)->inherited.cpu_system = 1000000000;
	restore(&report);
	state_report_clear(&report);
	for (int i = 0; i < 2; i++) {
		g_autofree char *usage = get(successor, "/v1/cpu,cpuacct/a/cpuacct.usage");

		assert_true(g_ascii_strtoull(usage, NULL, 10) >= 6000000000);
		assert_true(g_ascii_strtoull(usage, NULL, 10) < 7000000000);
		if (i == 0)
			end(pid);
	}
}

/* What somebody reaped before is none of the group whose member ends while nobody looks. */
static void test_times_of_others_stay_out(void **state)
{
	StateReport report;
	g_autoptr(GBytes) bytes = NULL;
	g_autofree char *usage = NULL;
	pid_t pid = fork();

	if (pid == 0) {
		while (clock() < CLOCKS_PER_SEC / 2)
			;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	pid = sleeper();
	make("/v1/cpu,cpuacct", "a");
	attach(pid, "/v1/cpu,cpuacct/a/cgroup.procs");
	bytes = state_save(fs);
	end(pid);
	assert_true(state_restore(successor, bytes, &report, NULL));
	state_report_clear(&report);
	usage = get(successor, "/v1/cpu,cpuacct/a/cpuacct.usage");
	assert_in_range(g_ascii_strtoull(usage, NULL, 10), 0, 250000000);
}

/* The same state with other members in front. */
static GBytes *with_boot_id(GBytes *bytes, const char *id)
{
	g_autoptr(GVariant) state = state_unwrap(bytes, NULL);
	GVariant *members[5];

	assert_non_null(state);
	members[0] = g_variant_new_string(id);
	for (gsize i = 1; i < G_N_ELEMENTS(members); i++)
		members[i] = g_variant_get_child_value(state, i);
	bytes = state_wrap(g_variant_new_tuple(members, G_N_ELEMENTS(members)));
	for (gsize i = 1; i < G_N_ELEMENTS(members); i++)
		g_variant_unref(members[i]);
	return bytes;
}

/* Of another boot, numbers of processes mean nothing. */
static void test_other_boot(void **state)
{
	pid_t pid = sleeper();
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(GBytes) foreign = NULL;
	StateReport report;

	make("/v1/pids", "a");
	attach(pid, "/v1/pids/a/cgroup.procs");
	bytes = state_save(fs);
	foreign = with_boot_id(bytes, "another");
	assert_true(state_restore(successor, foreign, &report, NULL));
	assert_true(report.is_foreign);
	assert_int_equal(report.n_processes, 0);
	state_report_clear(&report);
	assert_non_null(tree_by_path(successor->tree, "/v1/pids/a"));
	assert_members("/v1/pids/a/cgroup.procs", 0);
	end(pid);
}

static void assert_refused(const char *data, gsize size, const char *what, gsize where)
{
	g_autoptr(GBytes) bytes = g_bytes_new(data, size);
	g_autoptr(GError) error = NULL;
	StateReport report;

	if (state_restore(successor, bytes, &report, &error))
		fail_msg("%s at byte %zu was taken", what, where);
	assert_non_null(error);
	state_report_clear(&report);
}

static void test_damage(void **state)
{
	g_autoptr(GBytes) bytes = NULL;
	g_autofree char *copy = NULL;
	const char *data;
	gsize size;

	make("/v2", "a");
	bytes = state_save(fs);
	data = g_bytes_get_data(bytes, &size);
	for (gsize cut = 0; cut < size; cut++)
		assert_refused(data, cut, "a cut", cut);
	copy = g_memdup2(data, size);
	for (gsize i = 0; i < size; i++) {
		copy[i] = (char) (copy[i] ^ (1 << i % 8));
		assert_refused(copy, size, "a flipped bit", i);
		copy[i] = data[i];
	}
	assert_refused("", 0, "nothing", 0);
	assert_refused("cgemud-state 2 0 \n", 18, "another version", 0);
	assert_null(tree_by_path(successor->tree, "/v2/a"));
	assert_int_equal(g_hash_table_size(successor->tree->by_ino),
			 g_hash_table_size(fs->tree->by_ino) - at(fs, "/v2/a")->dir.order->len - 1);
}

#define ROOT    "(b'/', 493, 0, 0, 0, 0, 0, 0, [], [])"
#define GROUP_A "(b'/a', 493, 0, 0, 0, 0, 0, 1, [], [])"
#define A_TASK  "1, 0, 5, 0, []"

/* Whole and of the right type, and still no state. */
static void test_nonsense(void **state)
{
	static const char *const texts[] = {
		"('', 1, [(b'v2', [" GROUP_A "])], [], {})",
		"('', 1, [(b'v2', [" ROOT ", " GROUP_A ", " GROUP_A "])], [], {})",
		"('', 1, [(b'v2', [" ROOT "]), (b'v2', [" ROOT "])], [], {})",
		"('', 1, [(b'v2', [" ROOT ", (b'/a/b', 493, 0, 0, 0, 0, 0, 1, [], [])])], [], {})",
		"('', 1, [(b'v2', [" ROOT ", (b'/..', 493, 0, 0, 0, 0, 0, 1, [], [])])], [], {})",
		"('', 1, [(b'v2', [" ROOT ", (b'/a/', 493, 0, 0, 0, 0, 0, 1, [], [])])], [], {})",
		"('', 1, [(b'v2', [" ROOT ", (b'a', 493, 0, 0, 0, 0, 0, 1, [], [])])], [], {})",
		"('', 1, [(b'v2', [" ROOT ", (b'/a\\nb', 493, 0, 0, 0, 0, 0, 1, [], [])])], [], {})",
		"('', 1, [(b'v2', [" ROOT ", " GROUP_A "])], [(" A_TASK ", [2], [], (0, []))], {})",
		"('', 1, [(b'v2', [" ROOT ", " GROUP_A "])], [(-" A_TASK ", [1], [], (0, []))], {})",
		"('', 1, [(b'v2', [" ROOT ", " GROUP_A "])], [(" A_TASK ", [1], [(3, [9])], (0, []))], {})",
		"('', 1, [(b'v2', [" ROOT ", " GROUP_A "])], [(" A_TASK ", [1], [], (0, [2]))], {})",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;
		GVariant *value = g_variant_parse(G_VARIANT_TYPE(STATE_TYPE), texts[i], NULL, NULL, &error);
		g_autoptr(GBytes) bytes = NULL;
		gsize size;

		if (!value)
			fail_msg("%s: %s", texts[i], error->message);
		bytes = state_wrap(value);
		assert_refused(g_bytes_get_data(bytes, &size), g_bytes_get_size(bytes), texts[i], i);
	}
	assert_null(tree_by_path(successor->tree, "/v2/a"));
}

/* A hierarchy that is not served any more, and a control file that is called like a group was. */
static void test_lost_groups(void **state)
{
	static const char text[] = "('', 1, [(b'gone', [" ROOT ", " GROUP_A "]), (b'v2', [" ROOT
				   ", (b'/cgroup.procs', 493, 0, 0, 0, 0, 0, 1, [], [])])], [], {})";
	GVariant *value = g_variant_parse(G_VARIANT_TYPE(STATE_TYPE), text, NULL, NULL, NULL);
	g_autoptr(GBytes) bytes = state_wrap(value);
	StateReport report;

	assert_true(state_restore(successor, bytes, &report, NULL));
	assert_int_equal(report.n_lost, 2);
	assert_int_equal(report.n_groups, 0);
	state_report_clear(&report);
}

#define TEST(function)    cmocka_unit_test_setup_teardown(function, setup, teardown)
#define TEST_V2(function) cmocka_unit_test_setup_teardown(function, setup_v2, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_v1_settings),         TEST(test_exclusive_sets),
		TEST(test_v2_settings),         TEST_V2(test_unified),
		TEST(test_names_and_owners),    TEST(test_members),
		TEST(test_members_of_a_cpuset), TEST(test_zombies),
		TEST(test_counters_go_on),      TEST(test_times_of_others_stay_out),
		TEST(test_other_boot),          TEST_V2(test_damage),
		TEST_V2(test_nonsense),         TEST_V2(test_lost_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
