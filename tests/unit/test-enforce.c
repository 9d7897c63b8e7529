/* What limits of groups do to their members: affinity and nice values. */
#include "group-tree.h"

#include "fs/cgroup/hierarchy.h"
#include "fs/cgroup/members.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const weights[] = {"enforce.cpu-weight=true", NULL};
static const char *const fresh[] = {"sampler.interval-ms=0", NULL};
static const char *const hands_off[] = {"enforce.cpuset=false", NULL};
static const char *const in_v2[] = {"cgroup.hierarchies=", "enforce.cpu-weight=true", NULL};

static void *idle(void *data)
{
	pause();
	return data;
}

static void start_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, idle, NULL) != 0)
		_exit(1);
}

/* Of the process' own threads, the last that it started. */
static pid_t last_thread(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task", pid);
	GDir *dir = g_dir_open(path, 0, NULL);
	const char *name;
	pid_t last = 0;

	assert_non_null(dir);
	while ((name = g_dir_read_name(dir)))
		last = MAX(last, (pid_t) g_ascii_strtoll(name, NULL, 10));
	g_dir_close(dir);
	return last;
}

static int cpus_of(pid_t tid)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(tid, sizeof set, &set), 0);
	return CPU_COUNT(&set);
}

static gboolean may_run_on_first(pid_t tid)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(tid, sizeof set, &set), 0);
	return CPU_ISSET(0, &set);
}

/* With one CPU there is nothing to choose from. */
static void need_two_cpus(void)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
	if (CPU_COUNT(&set) < 2 || !CPU_ISSET(0, &set)) {
		print_message("skip: this machine has one CPU\n");
		skip();
	}
}

static void make_cpuset(const char *name, const char *cpus)
{
	g_autofree char *path = g_strdup_printf("/v1/cpuset/%s/cpuset.cpus", name);
	g_autofree char *mems = g_strdup_printf("/v1/cpuset/%s/cpuset.mems", name);

	group_tree_make("/v1/cpuset", name);
	assert_int_equal(group_tree_write(path, cpus), 0);
	assert_int_equal(group_tree_write(mems, "0"), 0);
}

static void test_cpus_are_set(void **state)
{
	pid_t pid;
	int all = cpus_of(0);

	need_two_cpus();
	pid = group_tree_fork(start_thread);
	make_cpuset("a", "0");
	group_tree_attach(pid, "/v1/cpuset/a");
	assert_int_equal(cpus_of(pid), 1);
	assert_true(may_run_on_first(pid));
	assert_int_equal(cpus_of(last_thread(pid)), 1);
	assert_int_equal(group_tree_write("/v1/cpuset/a/cpuset.cpus", "1"), 0);
	assert_false(may_run_on_first(pid));
	assert_false(may_run_on_first(last_thread(pid)));
	group_tree_attach(pid, "/v1/cpuset");
	assert_int_equal(cpus_of(pid), all);
	assert_int_equal(cpus_of(last_thread(pid)), all);
	group_tree_kill(pid);
}

static void pin_to_second(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(1, &set);
	if (sched_setaffinity(0, sizeof set, &set) < 0)
		_exit(1);
}

static void test_own_choice_stays_where_nothing_is_limited(void **state)
{
	g_autofree char *all = NULL;
	pid_t pid;

	need_two_cpus();
	pid = group_tree_fork(pin_to_second);
	all = group_tree_read("/v1/cpuset/cpuset.cpus");
	make_cpuset("a", all);
	group_tree_attach(pid, "/v1/cpuset/a");
	assert_int_equal(cpus_of(pid), 1);
	assert_false(may_run_on_first(pid));
	group_tree_kill(pid);
}

static void test_cpus_are_left_alone_if_so_asked(void **state)
{
	pid_t pid;
	int all = cpus_of(0);

	need_two_cpus();
	pid = group_tree_fork(NULL);
	make_cpuset("a", "0");
	group_tree_attach(pid, "/v1/cpuset/a");
	assert_int_equal(cpus_of(pid), all);
	group_tree_kill(pid);
}

static void test_cpus_of_v2_come_from_above(void **state)
{
	pid_t pid;

	need_two_cpus();
	pid = group_tree_fork(NULL);
	assert_int_equal(group_tree_write("/v2/cgroup.subtree_control", "+cpuset"), 0);
	group_tree_make("/v2", "a");
	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "+cpuset"), 0);
	group_tree_make("/v2/a", "b");
	group_tree_attach(pid, "/v2/a/b");
	assert_int_equal(group_tree_write("/v2/a/cpuset.cpus", "1"), 0);
	assert_int_equal(cpus_of(pid), 1);
	assert_false(may_run_on_first(pid));
	assert_int_equal(group_tree_write("/v2/a/cpuset.cpus", "0"), 0);
	assert_true(may_run_on_first(pid));
	/* Without the controller the group is governed from above. */
	assert_int_equal(group_tree_write("/v2/a/cpuset.cpus", "\n"), 0);
	assert_true(cpus_of(pid) > 1);
	group_tree_kill(pid);
}

static int nice_of(pid_t tid)
{
	errno = 0;
	return getpriority(PRIO_PROCESS, tid);
}

static void test_shares_are_nice_values(void **state)
{
	pid_t pid = group_tree_fork(start_thread);

	group_tree_make("/v1/cpu,cpuacct", "a");
	group_tree_attach(pid, "/v1/cpu,cpuacct/a");
	assert_int_equal(nice_of(pid), 0);
	assert_int_equal(group_tree_write("/v1/cpu,cpuacct/a/cpu.shares", "335"), 0);
	assert_int_equal(nice_of(pid), 5);
	assert_int_equal(nice_of(last_thread(pid)), 5);
	assert_int_equal(group_tree_write("/v1/cpu,cpuacct/a/cpu.idle", "1"), 0);
	assert_int_equal(nice_of(pid), 19);
	group_tree_attach(pid, "/v1/cpu,cpuacct");
	assert_int_equal(nice_of(pid), 0);
	group_tree_kill(pid);
}

static void test_shares_do_nothing_unless_asked(void **state)
{
	pid_t pid = group_tree_fork(NULL);

	group_tree_make("/v1/cpu,cpuacct", "a");
	group_tree_attach(pid, "/v1/cpu,cpuacct/a");
	assert_int_equal(group_tree_write("/v1/cpu,cpuacct/a/cpu.shares", "335"), 0);
	assert_int_equal(nice_of(pid), 0);
	group_tree_kill(pid);
}

static void test_weights_are_nice_values(void **state)
{
	pid_t pid = group_tree_fork(NULL);

	assert_int_equal(group_tree_write("/v2/cgroup.subtree_control", "+cpu"), 0);
	group_tree_make("/v2", "a");
	assert_int_equal(group_tree_write("/v2/a/cpu.weight.nice", "7"), 0);
	group_tree_attach(pid, "/v2/a");
	assert_int_equal(nice_of(pid), 7);
	assert_int_equal(group_tree_write("/v2/cgroup.subtree_control", "-cpu"), 0);
	assert_int_equal(nice_of(pid), 0);
	group_tree_kill(pid);
}

static void wait_for_the_end(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (TRUE)
		pause();
}

/* A member that does what is written to its socket, and answers. */
static pid_t start_worker(int *ret_sock)
{
	int pair[2];
	pid_t pid;
	char order;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		while (read(pair[1], &order, 1) == 1) {
			if (order == 't')
				start_thread();
			else if (order == 'f' && fork() == 0)
				wait_for_the_end();
			if (write(pair[1], &order, 1) != 1)
				break;
		}
		_exit(0);
	}
	close(pair[1]);
	*ret_sock = pair[0];
	return pid;
}

static void order(int sock, char what)
{
	assert_int_equal(write(sock, &what, 1), 1);
	assert_int_equal(read(sock, &what, 1), 1);
}

static void test_births_beyond_the_limit_are_counted(void **state)
{
	int sock;
	pid_t pid = start_worker(&sock);

	group_tree_make("/v1/pids", "a");
	group_tree_attach(pid, "/v1/pids/a");
	assert_int_equal(group_tree_write("/v1/pids/a/pids.max", "2"), 0);
	order(sock, 'f');
	group_tree_expect("/v1/pids/a/pids.current", "2\n");
	group_tree_expect("/v1/pids/a/pids.events", "max 0\n");
	order(sock, 'f');
	group_tree_expect("/v1/pids/a/pids.current", "3\n");
	group_tree_expect("/v1/pids/a/pids.events", "max 1\n");
	order(sock, 't');
	order(sock, 't');
	group_tree_expect("/v1/pids/a/pids.current", "5\n");
	group_tree_expect("/v1/pids/a/pids.events", "max 3\n");
	assert_int_equal(group_kill(group_tree, group_tree_at("/v1/pids/a/cgroup.procs")), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(sock);
}

static void expect_io(const char *path, const DiskStat *disk, unsigned read, unsigned written)
{
	static const char *const kinds[] = {"Read", "Write", "Sync", "Async", "Discard", "Total"};
	const unsigned values[] = {read, written, read, written, 0, read + written};
	GString *want = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		g_string_append_printf(want, "%u:%u %s %u\n", disk->major, disk->minor, kinds[i], values[i]);
	g_string_append_printf(want, "Total %u\n", read + written);
	group_tree_expect(path, want->str);
	g_string_free(want, TRUE);
}

/* What /proc/PID/io would have said. */
static void test_io_is_of_the_group(void **state)
{
	const ProcessIo before = {4096, 0, 1, 0};
	ProcessIo after;
	g_autoptr(Sample) disks = sampler_get_fresh(group_tree->sampler, SAMPLE_IO);
	pid_t pid = group_tree_fork(NULL);
	Task *task;

	if (!disks->n_disks) {
		print_message("skip: this machine has no disks\n");
		group_tree_kill(pid);
		skip();
	}
	group_tree_make("/v1/blkio", "a");
	members_refresh(group_tree);
	task = members_find(group_tree->cgroups->members, pid);
	assert_non_null(task);
	accounting_update_io(task, &before);
	group_tree_attach(pid, "/v1/blkio/a");
	g_rw_lock_writer_lock(&group_tree->lock);
	task = members_find(group_tree->cgroups->members, pid);
	after = task->io;
	after.read_bytes += 81920;
	after.read_ops += 100;
	after.write_bytes += 40960;
	after.write_ops += 3;
	accounting_update_io(task, &after);
	g_rw_lock_writer_unlock(&group_tree->lock);
	group_tree_kill(pid);
	expect_io("/v1/blkio/a/blkio.throttle.io_service_bytes", &disks->disks[0], 81920, 40960);
	expect_io("/v1/blkio/a/blkio.throttle.io_serviced", &disks->disks[0], 20, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GROUP_TREE_TEST(test_cpus_are_set, NULL),
		GROUP_TREE_TEST(test_own_choice_stays_where_nothing_is_limited, NULL),
		GROUP_TREE_TEST(test_cpus_are_left_alone_if_so_asked, hands_off),
		GROUP_TREE_TEST(test_cpus_of_v2_come_from_above, in_v2),
		GROUP_TREE_TEST(test_shares_are_nice_values, weights),
		GROUP_TREE_TEST(test_shares_do_nothing_unless_asked, NULL),
		GROUP_TREE_TEST(test_weights_are_nice_values, in_v2),
		GROUP_TREE_TEST(test_births_beyond_the_limit_are_counted, fresh),
		GROUP_TREE_TEST(test_io_is_of_the_group, NULL),
	};

	/* Whatever these tests were started with: their members begin with 0. */
	if (setpriority(PRIO_PROCESS, 0, 0) < 0)
		perror("setpriority");
	return cmocka_run_group_tests_name("enforce", tests, NULL, NULL);
}
