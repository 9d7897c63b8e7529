/* Single threads in groups, leaders that end before their threads, and processes that have ended and are not reaped. */
#include "group-tree.h"

#include "fs/cgroup/hierarchy.h"
#include "fs/cgroup/members.h"
#include "fs/source/processes.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int setup(void **state)
{
	static const char *const settings[] = {"sampler.interval-ms=0", NULL};

	group_tree_start(settings);
	group_tree_make("/v1/pids", "a");
	group_tree_make("/v1/pids", "b");
	return 0;
}

static void *idle(void *data)
{
	while (TRUE)
		pause();
	return data;
}

static void start_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, idle, NULL) != 0)
		_exit(1);
}

static void *spin(void *data)
{
	while (TRUE)
		;
	return data;
}

static void start_spinning_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, spin, NULL) != 0)
		_exit(1);
}

static void start_thread_and_end(void)
{
	start_thread();
	/* group_tree_fork() waits for the end of the process or of this */
	close_range(3, ~0U, 0);
	syscall(SYS_exit, 0);
}

static char state_of(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
	g_autofree char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) ? strrchr(text, ')')[2] : '\0';
}

/* Waits for it to be there, and returns the thread that is not the leader. */
static pid_t other_thread(pid_t pid)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY);
	GArray *tids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	pid_t tid;

	do {
		g_array_set_size(tids, 0);
		process_read_tids(proc, pid, tids);
	} while (tids->len < 2);
	tid = g_array_index(tids, pid_t, 1);
	g_array_unref(tids);
	close(proc);
	return tid;
}

static void move(pid_t tid, const char *list)
{
	g_autofree char *text = g_strdup_printf("%d", tid);

	assert_int_equal(group_tree_write(list, text), 0);
}

static void expect_pids(const char *list, pid_t first, pid_t second)
{
	GString *want = g_string_new(NULL);

	if (first)
		g_string_append_printf(want, "%d\n", first);
	if (second)
		g_string_append_printf(want, "%d\n", second);
	group_tree_expect(list, want->str);
	g_string_free(want, TRUE);
}

static void test_a_process_counts_until_it_is_reaped(void **state)
{
	pid_t pid = group_tree_fork(NULL);

	group_tree_attach(pid, "/v1/pids/a");
	kill(pid, SIGKILL);
	while (state_of(pid) != 'Z')
		g_usleep(1000);
	group_tree_expect("/v1/pids/a/cgroup.procs", "");
	group_tree_expect("/v1/pids/a/pids.current", "1\n");
	waitpid(pid, NULL, 0);
	group_tree_expect("/v1/pids/a/pids.current", "0\n");
}

static void test_the_parent_counts_those_of_a_removed_group(void **state)
{
	pid_t pid = group_tree_fork(NULL);

	group_tree_make("/v1/pids/a", "below");
	group_tree_attach(pid, "/v1/pids/a/below");
	kill(pid, SIGKILL);
	while (state_of(pid) != 'Z')
		g_usleep(1000);
	assert_int_equal(group_tree_remove("/v1/pids/a", "below"), 0);
	group_tree_expect("/v1/pids/a/pids.current", "1\n");
	waitpid(pid, NULL, 0);
	group_tree_expect("/v1/pids/a/pids.current", "0\n");
}

static void test_threads_count_where_they_are(void **state)
{
	pid_t pid = group_tree_fork(start_thread), tid = other_thread(pid);

	group_tree_attach(pid, "/v1/pids/a");
	move(tid, "/v1/pids/b/tasks");
	group_tree_expect("/v1/pids/a/pids.current", "1\n");
	group_tree_expect("/v1/pids/b/pids.current", "1\n");
	expect_pids("/v1/pids/a/tasks", pid, 0);
	expect_pids("/v1/pids/b/tasks", tid, 0);
	expect_pids("/v1/pids/a/cgroup.procs", pid, 0);
	expect_pids("/v1/pids/b/cgroup.procs", pid, 0);
	group_tree_kill(pid);
}

static void test_threads_moved_one_by_one_leave_nothing(void **state)
{
	pid_t pid = group_tree_fork(start_thread), tid = other_thread(pid);

	group_tree_attach(pid, "/v1/pids/a");
	move(tid, "/v1/pids/b/tasks");
	move(pid, "/v1/pids/b/tasks");
	group_tree_expect("/v1/pids/a/cgroup.procs", "");
	assert_int_equal(group_tree_remove("/v1/pids", "a"), 0);
	expect_pids("/v1/pids/b/tasks", pid, tid);
	group_tree_expect("/v1/pids/b/pids.current", "2\n");
	group_tree_kill(pid);
}

/* ns */
static gint64 time_of_thread(pid_t pid, pid_t tid)
{
	g_autoptr(GString) buffer = g_string_new(NULL);
	Process now;

	assert_int_equal(process_read_thread(sampler_proc_fd(group_tree->sampler), pid, tid,
					     sampler_machine(group_tree->sampler), buffer, &now),
			 0);
	return (gint64) (now.user_ns + now.system_ns);
}

/* What the thread has spent goes on counting where it was, what it spends counts where it is. */
static void test_time_of_a_thread_is_its_groups(void **state)
{
	const gint64 much = 300000000; /* ns */
	pid_t pid = group_tree_fork(start_spinning_thread), tid = other_thread(pid);
	gint64 before, at_move, usage;

	group_tree_make("/v1/cpu,cpuacct", "a");
	group_tree_make("/v1/cpu,cpuacct", "b");
	group_tree_attach(pid, "/v1/cpu,cpuacct/a");
	group_tree_await("/v1/cpu,cpuacct/a/cpuacct.usage", "", much);
	at_move = time_of_thread(pid, tid);
	move(tid, "/v1/cpu,cpuacct/b/tasks");
	before = group_tree_value("/v1/cpu,cpuacct/a/cpuacct.usage", "");
	group_tree_await("/v1/cpu,cpuacct/b/cpuacct.usage", "", 2 * much);
	assert_in_range(group_tree_value("/v1/cpu,cpuacct/a/cpuacct.usage", ""), before, before + much);
	usage = group_tree_value("/v1/cpu,cpuacct/b/cpuacct.usage", "");
	assert_in_range(usage, 0, time_of_thread(pid, tid) - at_move);
	/* With its process it comes back, and takes nothing along. */
	group_tree_attach(pid, "/v1/cpu,cpuacct/a");
	before = group_tree_value("/v1/cpu,cpuacct/b/cpuacct.usage", "");
	group_tree_await("/v1/cpu,cpuacct/a/cpuacct.usage", "",
			 group_tree_value("/v1/cpu,cpuacct/a/cpuacct.usage", "") + 2 * much);
	assert_int_equal(group_tree_value("/v1/cpu,cpuacct/b/cpuacct.usage", ""), before);
	group_tree_kill(pid);
}

static void test_an_ended_leader_is_nowhere(void **state)
{
	pid_t pid = group_tree_fork(start_thread_and_end), tid = other_thread(pid);

	while (state_of(pid) != 'Z')
		g_usleep(1000);
	group_tree_attach(pid, "/v1/pids/a");
	expect_pids("/v1/pids/a/tasks", tid, 0);
	expect_pids("/v1/pids/a/cgroup.procs", pid, 0);
	/* It is still a task. */
	group_tree_expect("/v1/pids/a/pids.current", "2\n");
	/* Moving it alone is no error, and moves nothing. */
	move(pid, "/v1/pids/b/tasks");
	group_tree_expect("/v1/pids/b/tasks", "");
	/* With its last living thread the process leaves. */
	move(tid, "/v1/pids/b/tasks");
	group_tree_expect("/v1/pids/a/cgroup.procs", "");
	assert_int_equal(group_tree_remove("/v1/pids", "a"), 0);
	expect_pids("/v1/pids/b/tasks", tid, 0);
	group_tree_kill(pid);
}

static void test_a_child_begins_where_the_thread_is_that_forked_it(void **state)
{
	Members *members = group_tree->cgroups->members;
	pid_t pid = group_tree_fork(start_thread), tid = other_thread(pid), child;
	ProcessEvent event = {.kind = PROCESS_FORKED, .parent = pid, .parent_tid = tid};

	group_tree_attach(pid, "/v1/pids/a");
	move(tid, "/v1/pids/b/tasks");
	child = group_tree_fork(NULL);
	event.pid = child;
	/* What the kernel itself tells is that we forked it. */
	expect_pids("/v1/pids/b/cgroup.procs", pid, 0);
	g_rw_lock_writer_lock(&group_tree->lock);
	members_forked(members, &event, 0);
	g_rw_lock_writer_unlock(&group_tree->lock);
	expect_pids("/v1/pids/a/cgroup.procs", pid, 0);
	expect_pids("/v1/pids/b/cgroup.procs", MIN(pid, child), MAX(pid, child));
	group_tree_kill(child);
	group_tree_kill(pid);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, group_tree_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_process_counts_until_it_is_reaped),
		TEST(test_the_parent_counts_those_of_a_removed_group),
		TEST(test_threads_count_where_they_are),
		TEST(test_threads_moved_one_by_one_leave_nothing),
		TEST(test_time_of_a_thread_is_its_groups),
		TEST(test_an_ended_leader_is_nowhere),
		TEST(test_a_child_begins_where_the_thread_is_that_forked_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
