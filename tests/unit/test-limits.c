/* Limits of memory and CPU time that are watched in the background: counting, killing, stopping, and telling. */
#include "group-tree.h"

#include "fs/cgroup/enforce.h"
#include "fs/cgroup/members.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY "/v1/memory"
#define MIB    (1 << 20)

static const char *const counting[] = {"enforce.memory-interval-ms=10", NULL};
static const char *const killing[] = {"enforce.memory=kill", "enforce.memory-interval-ms=10", NULL};
static const char *const killing_v2[] = {"enforce.memory=kill", "enforce.memory-interval-ms=10",
					 "cgroup.hierarchies=", NULL};
static const char *const quotas[] = {"enforce.cpu-max=true", NULL};
static const char *const quotas_v2[] = {"enforce.cpu-max=true", "cgroup.hierarchies=", NULL};

static void use_40_mib(void)
{
	char *memory = mmap(NULL, 40 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		_exit(1);
	memset(memory, 1, 40 * MIB);
}

static void use_20_mib(void)
{
	char *memory = mmap(NULL, 20 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		_exit(1);
	memset(memory, 1, 20 * MIB);
}

static void limit_to(const char *group, const char *file, const char *value)
{
	g_autofree char *path = g_strdup_printf("%s/%s", group, file);

	assert_int_equal(group_tree_write(path, value), 0);
}

static void assert_killed(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void assert_alive(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
}

/* v1 refuses a limit below what is there: the process comes to the limit. */
static void test_counts_what_is_above(void **state)
{
	pid_t pid = group_tree_fork(use_40_mib);

	group_tree_make(MEMORY, "a");
	limit_to(MEMORY "/a", "memory.limit_in_bytes", "32M");
	group_tree_attach(pid, MEMORY "/a");
	group_tree_await(MEMORY "/a/memory.failcnt", "", 1);
	group_tree_await(MEMORY "/a/memory.oom_control", "under_oom", 1);
	assert_true(group_tree_value(MEMORY "/a/memory.max_usage_in_bytes", "") >= 40 * MIB);
	assert_int_equal(group_tree_value(MEMORY "/a/memory.oom_control", "oom_kill"), 0);
	assert_alive(pid);
	/* Once is once, as long as it is not more. */
	assert_int_equal(group_tree_value(MEMORY "/a/memory.failcnt", ""), 1);
	group_tree_kill(pid);
}

static void test_kills_the_largest(void **state)
{
	pid_t large = group_tree_fork(use_40_mib), small = group_tree_fork(use_20_mib);

	group_tree_make(MEMORY, "a");
	group_tree_make(MEMORY "/a", "b");
	limit_to(MEMORY "/a", "memory.limit_in_bytes", "50M");
	group_tree_attach(small, MEMORY "/a");
	group_tree_attach(large, MEMORY "/a/b");
	assert_killed(large);
	group_tree_await(MEMORY "/a/b/memory.oom_control", "oom_kill", 1);
	group_tree_await(MEMORY "/a/memory.failcnt", "", 1);
	assert_alive(small);
	assert_int_equal(group_tree_value(MEMORY "/a/memory.oom_control", "oom_kill"), 0);
	group_tree_kill(small);
}

static void test_kills_who_offers_itself(void **state)
{
	pid_t large = group_tree_fork(use_40_mib), small = group_tree_fork(use_20_mib);
	g_autofree char *path = g_strdup_printf("/proc/%d/oom_score_adj", small);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "1000", 4), 4);
	close(fd);
	group_tree_make(MEMORY, "a");
	limit_to(MEMORY "/a", "memory.limit_in_bytes", "50M");
	group_tree_attach(large, MEMORY "/a");
	group_tree_attach(small, MEMORY "/a");
	assert_killed(small);
	assert_alive(large);
	group_tree_kill(large);
}

static void test_kills_nobody_if_disabled(void **state)
{
	pid_t pid = group_tree_fork(use_40_mib);

	group_tree_make(MEMORY, "a");
	limit_to(MEMORY "/a", "memory.limit_in_bytes", "32M");
	limit_to(MEMORY "/a", "memory.oom_control", "1");
	group_tree_attach(pid, MEMORY "/a");
	group_tree_await(MEMORY "/a/memory.oom_control", "under_oom", 1);
	assert_alive(pid);
	group_tree_kill(pid);
}

static void test_v2_events(void **state)
{
	pid_t pid = group_tree_fork(use_40_mib);

	assert_int_equal(group_tree_write("/v2/cgroup.subtree_control", "+memory"), 0);
	group_tree_make("/v2", "a");
	group_tree_attach(pid, "/v2/a");
	limit_to("/v2/a", "memory.high", "16M");
	group_tree_await("/v2/a/memory.events", "high", 1);
	assert_alive(pid);
	limit_to("/v2/a", "memory.max", "32M");
	assert_killed(pid);
	group_tree_await("/v2/a/memory.events", "oom_kill", 1);
	assert_int_equal(group_tree_value("/v2/a/memory.events", "max"), 1);
	assert_int_equal(group_tree_value("/v2/a/memory.events", "oom"), 1);
	assert_int_equal(group_tree_value("/v2/a/memory.events.local", "oom_kill"), 1);
	assert_true(group_tree_value("/v2/a/memory.peak", "") >= 40 * MIB);
}

static void test_whole_groups_die(void **state)
{
	pid_t large = group_tree_fork(use_40_mib), small = group_tree_fork(NULL);

	assert_int_equal(group_tree_write("/v2/cgroup.subtree_control", "+memory"), 0);
	group_tree_make("/v2", "a");
	limit_to("/v2/a", "memory.oom.group", "1");
	limit_to("/v2/a", "memory.max", "32M");
	group_tree_attach(small, "/v2/a");
	group_tree_attach(large, "/v2/a");
	assert_killed(large);
	assert_killed(small);
	group_tree_await("/v2/a/memory.events", "oom_group_kill", 1);
	assert_int_equal(group_tree_value("/v2/a/memory.events", "oom_kill"), 2);
}

static int ask(const char *group, int event, int target, const char *argument)
{
	g_autofree char *path = g_strdup_printf("%s/cgroup.event_control", group);
	g_autofree char *text = g_strdup_printf("%d %d%s%s", event, target, *argument ? " " : "", argument);

	return group_tree_write(path, text);
}

/* The tree is not mounted: files of the same names stand for its own. */
static int open_stand_in(const char *base, const char *group, const char *name)
{
	g_autofree char *dir = g_strdup_printf("%s/%s", base, group);
	g_autofree char *path = g_strdup_printf("%s/%s", dir, name);
	int fd;

	assert_int_equal(g_mkdir_with_parents(dir, 0700), 0);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static void remove_stand_in(const char *base, const char *group, const char *name)
{
	g_autofree char *dir = g_strdup_printf("%s/%s", base, group);
	g_autofree char *path = g_strdup_printf("%s/%s", dir, name);

	unlink(path);
	rmdir(dir);
}

static void await_event(int event)
{
	struct pollfd ready = {.fd = event, .events = POLLIN};
	guint64 count;

	assert_int_equal(poll(&ready, 1, 100000), 1);
	assert_int_equal(read(event, &count, sizeof count), sizeof count);
}

static gboolean was_told(int event)
{
	struct pollfd ready = {.fd = event, .events = POLLIN};

	return poll(&ready, 1, 0) == 1;
}

static void test_event_control_errors(void **state)
{
	g_autofree char *base = g_dir_make_tmp("cgemud-limits-XXXXXX", NULL);
	int event = eventfd(0, EFD_CLOEXEC), usage = open_stand_in(base, "a", "memory.usage_in_bytes");
	int other = open_stand_in(base, "b", "memory.usage_in_bytes"), foreign = open_stand_in(base, "a", "tasks");

	group_tree_make(MEMORY, "a");
	assert_int_equal(group_tree_write(MEMORY "/a/cgroup.event_control", "x"), -EINVAL);
	assert_int_equal(group_tree_write(MEMORY "/a/cgroup.event_control", "1x 2"), -EINVAL);
	assert_int_equal(ask(MEMORY "/a", 999, usage, "1M"), -EBADF);
	assert_int_equal(ask(MEMORY "/a", usage, usage, "1M"), -EINVAL);
	assert_int_equal(ask(MEMORY "/a", event, 999, "1M"), -EBADF);
	assert_int_equal(ask(MEMORY "/a", event, foreign, "1M"), -EINVAL);
	assert_int_equal(ask(MEMORY "/a", event, usage, "many"), -EINVAL);
	assert_int_equal(ask(MEMORY "/a", event, other, "1M"), -EINVAL);
	close(event);
	close(usage);
	close(other);
	close(foreign);
	remove_stand_in(base, "a", "tasks");
	remove_stand_in(base, "a", "memory.usage_in_bytes");
	remove_stand_in(base, "b", "memory.usage_in_bytes");
	rmdir(base);
}

static void test_thresholds_are_told(void **state)
{
	g_autofree char *base = g_dir_make_tmp("cgemud-limits-XXXXXX", NULL);
	int low = eventfd(0, EFD_CLOEXEC), high = eventfd(0, EFD_CLOEXEC);
	int usage = open_stand_in(base, "a", "memory.usage_in_bytes");
	pid_t pid = group_tree_fork(use_40_mib);

	group_tree_make(MEMORY, "a");
	assert_int_equal(ask(MEMORY "/a", low, usage, "16M"), 0);
	assert_int_equal(ask(MEMORY "/a", high, usage, "4G"), 0);
	group_tree_attach(pid, MEMORY "/a");
	await_event(low);
	group_tree_kill(pid);
	assert_false(was_told(high));
	/* A last time when the group goes. */
	assert_int_equal(group_tree_remove(MEMORY, "a"), 0);
	await_event(high);
	close(low);
	close(high);
	close(usage);
	remove_stand_in(base, "a", "memory.usage_in_bytes");
	rmdir(base);
}

static void test_shortage_and_pressure_are_told(void **state)
{
	g_autofree char *base = g_dir_make_tmp("cgemud-limits-XXXXXX", NULL);
	int oom = eventfd(0, EFD_CLOEXEC), critical = eventfd(0, EFD_CLOEXEC), late = eventfd(0, EFD_CLOEXEC);
	int control = open_stand_in(base, "a", "memory.oom_control");
	int level = open_stand_in(base, "a", "memory.pressure_level");
	pid_t pid = group_tree_fork(use_40_mib);

	group_tree_make(MEMORY, "a");
	limit_to(MEMORY "/a", "memory.limit_in_bytes", "32M");
	assert_int_equal(ask(MEMORY "/a", oom, control, ""), 0);
	assert_int_equal(ask(MEMORY "/a", critical, level, "high"), -EINVAL);
	assert_int_equal(ask(MEMORY "/a", critical, level, "medium,local"), 0);
	group_tree_attach(pid, MEMORY "/a");
	await_event(oom);
	await_event(critical);
	assert_int_equal(ask(MEMORY "/a", late, control, ""), 0);
	await_event(late);
	group_tree_kill(pid);
	close(oom);
	close(critical);
	close(late);
	close(control);
	close(level);
	remove_stand_in(base, "a", "memory.oom_control");
	remove_stand_in(base, "a", "memory.pressure_level");
	rmdir(base);
}

static pid_t fork_spinner(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (TRUE)
			;
	}
	return pid;
}

static char state_of(pid_t pid)
{
	Process process;

	return sampler_read_process(group_tree->sampler, pid, FALSE, &process) < 0 ? 0 : process.state;
}

static void await_running(pid_t pid)
{
	gint64 deadline = g_get_monotonic_time() + 100 * G_TIME_SPAN_SECOND;

	while (state_of(pid) == 'T' && g_get_monotonic_time() < deadline)
		g_usleep(1000);
	assert_int_not_equal(state_of(pid), 'T');
}

static void assert_counts(const char *stat, const char *throttled)
{
	gint64 periods = group_tree_value(stat, "nr_periods"), stopped = group_tree_value(stat, "nr_throttled");

	assert_true(periods >= stopped);
	assert_true(group_tree_value(stat, throttled) > 0);
}

static void test_quota_stops(void **state)
{
	pid_t pid = fork_spinner();

	group_tree_make("/v1/cpu,cpuacct", "a");
	limit_to("/v1/cpu,cpuacct/a", "cpu.cfs_quota_us", "10000");
	group_tree_attach(pid, "/v1/cpu,cpuacct/a");
	group_tree_await("/v1/cpu,cpuacct/a/cpu.stat", "nr_throttled", 3);
	assert_counts("/v1/cpu,cpuacct/a/cpu.stat", "throttled_time");
	/* Nobody stays stopped when the quota is lifted. */
	limit_to("/v1/cpu,cpuacct/a", "cpu.cfs_quota_us", "-1");
	await_running(pid);
	group_tree_kill(pid);
}

static void test_quota_of_v2_stops_below(void **state)
{
	pid_t pid = fork_spinner();

	assert_int_equal(group_tree_write("/v2/cgroup.subtree_control", "+cpu"), 0);
	group_tree_make("/v2", "a");
	group_tree_make("/v2/a", "b");
	group_tree_attach(pid, "/v2/a/b");
	limit_to("/v2/a", "cpu.max", "2000 10000");
	group_tree_await("/v2/a/cpu.stat", "nr_throttled", 3);
	assert_counts("/v2/a/cpu.stat", "throttled_usec");
	assert_int_equal(group_tree_value("/v2/a/cgroup.events", "frozen"), 0);
	/* Nor does who leaves. */
	group_tree_attach(pid, "/v2");
	await_running(pid);
	group_tree_kill(pid);
}

static void test_nobody_stays_stopped_at_the_end(void **state)
{
	pid_t pid = fork_spinner();
	int status;

	group_tree_make("/v1/cpu,cpuacct", "a");
	limit_to("/v1/cpu,cpuacct/a", "cpu.cfs_quota_us", "1000");
	limit_to("/v1/cpu,cpuacct/a", "cpu.cfs_period_us", "1000000");
	group_tree_attach(pid, "/v1/cpu,cpuacct/a");
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	group_tree_end();
	assert_int_equal(waitpid(pid, &status, WCONTINUED), pid);
	assert_true(WIFCONTINUED(status));
	group_tree_start(NULL);
	group_tree_kill(pid);
}

static void test_quota_is_kept_only_if_asked(void **state)
{
	pid_t pid = fork_spinner();

	group_tree_make("/v1/cpu,cpuacct", "a");
	limit_to("/v1/cpu,cpuacct/a", "cpu.cfs_quota_us", "1000");
	group_tree_attach(pid, "/v1/cpu,cpuacct/a");
	assert_null(group_tree->cgroups->enforce->bandwidth);
	group_tree_kill(pid);
}

/* A program that writes its argument into a pipe with a name. */
static char *make_agent(const char *base, int *ret_pipe)
{
	g_autofree char *fifo = g_strdup_printf("%s/released", base);
	g_autofree char *script = g_strdup_printf("#!/bin/sh\necho \"$1 $HOME $#\" >%s\n", fifo);
	char *agent = g_strdup_printf("%s/agent", base);

	assert_int_equal(mkfifo(fifo, 0600), 0);
	*ret_pipe = open(fifo, O_RDWR | O_CLOEXEC);
	assert_true(*ret_pipe >= 0);
	assert_true(g_file_set_contents(agent, script, -1, NULL));
	assert_int_equal(chmod(agent, 0700), 0);
	return agent;
}

static void expect_released(int from, const char *want)
{
	struct pollfd ready = {.fd = from, .events = POLLIN};
	char text[256];
	ssize_t n;

	assert_int_equal(poll(&ready, 1, 100000), 1);
	n = read(from, text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = 0;
	assert_string_equal(text, want);
}

static void test_release_agent(void **state)
{
	g_autofree char *base = g_dir_make_tmp("cgemud-limits-XXXXXX", NULL), *fifo = NULL, *agent = NULL;
	pid_t pid = group_tree_fork(NULL), other = group_tree_fork(NULL);
	int released;

	agent = make_agent(base, &released);
	assert_int_equal(group_tree_write("/v1/pids/release_agent", agent), 0);
	group_tree_make("/v1/pids", "a");
	assert_int_equal(group_tree_write("/v1/pids/a/notify_on_release", "1"), 0);
	group_tree_make("/v1/pids/a", "b");
	group_tree_attach(pid, "/v1/pids/a/b");
	group_tree_attach(other, "/v1/pids/a/b");
	/* One is not the last; who goes by moving counts like one who ends. */
	group_tree_attach(other, "/v1/pids");
	group_tree_kill(pid);
	expect_released(released, "/a/b / 1\n");
	assert_int_equal(group_tree_remove("/v1/pids/a", "b"), 0);
	expect_released(released, "/a / 1\n");
	assert_int_equal(group_tree_write("/v1/pids/a/notify_on_release", "0"), 0);
	group_tree_attach(other, "/v1/pids/a");
	group_tree_kill(other);
	fifo = g_strdup_printf("%s/released", base);
	close(released);
	unlink(fifo);
	unlink(agent);
	rmdir(base);
}

static int set_trigger(Handle *handle, const char *text)
{
	const Caller us = {getpid(), 0, 0};

	return fs_write(group_tree, handle, &us, text, strlen(text));
}

static void test_triggers_are_of_open_files(void **state)
{
	const Caller us = {getpid(), 0, 0};
	Node *file = group_tree_at("/v2/memory.pressure");
	Handle *one = NULL, *other = NULL;

	assert_int_equal(fs_open(group_tree, file, O_RDWR, &us, &one), 0);
	assert_int_equal(fs_open(group_tree, file, O_RDWR, &us, &other), 0);
	assert_int_equal(handle_poll(one), POLLPRI | POLLERR);
	assert_int_equal(set_trigger(one, "some 0 1000000"), -EINVAL);
	assert_int_equal(set_trigger(one, "some 999000 1000000"), 0);
	assert_int_equal(set_trigger(one, "nonsense"), -EBUSY);
	assert_int_equal(handle_poll(one), 0);
	assert_int_equal(handle_poll(other), POLLPRI | POLLERR);
	assert_int_equal(set_trigger(other, "full 999000 1000000"), 0);
	fs_close(group_tree, one);
	fs_close(group_tree, other);
}

static void test_only_root_chooses_the_agent(void **state)
{
	const Caller callers[] = {{getpid(), 1000, 0}, {0, 0, 0}};

	for (size_t i = 0; i < G_N_ELEMENTS(callers); i++) {
		Handle *handle = NULL;

		assert_int_equal(
			fs_open(group_tree, group_tree_at("/v1/pids/release_agent"), O_WRONLY, &callers[i], &handle),
			0);
		assert_int_equal(fs_write(group_tree, handle, &callers[i], "/bin/true", 9), -EPERM);
		fs_close(group_tree, handle);
	}
	group_tree_expect("/v1/pids/release_agent", "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GROUP_TREE_TEST(test_counts_what_is_above, counting),
		GROUP_TREE_TEST(test_kills_the_largest, killing),
		GROUP_TREE_TEST(test_kills_who_offers_itself, killing),
		GROUP_TREE_TEST(test_kills_nobody_if_disabled, killing),
		GROUP_TREE_TEST(test_v2_events, killing_v2),
		GROUP_TREE_TEST(test_whole_groups_die, killing_v2),
		GROUP_TREE_TEST(test_event_control_errors, counting),
		GROUP_TREE_TEST(test_thresholds_are_told, counting),
		GROUP_TREE_TEST(test_shortage_and_pressure_are_told, counting),
		GROUP_TREE_TEST(test_quota_stops, quotas),
		GROUP_TREE_TEST(test_quota_of_v2_stops_below, quotas_v2),
		GROUP_TREE_TEST(test_nobody_stays_stopped_at_the_end, quotas),
		GROUP_TREE_TEST(test_quota_is_kept_only_if_asked, NULL),
		GROUP_TREE_TEST(test_release_agent, NULL),
		GROUP_TREE_TEST(test_only_root_chooses_the_agent, NULL),
		GROUP_TREE_TEST(test_triggers_are_of_open_files, NULL),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
