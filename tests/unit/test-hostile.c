/* Members that do what they can to be taken for others: none may confuse a count, be moved or killed by mistake, or
 * hurt anything. */
#include "group-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int setup(void **state)
{
	static const char *const settings[] = {"sampler.interval-ms=0", "cgroup.hierarchies=cpuacct;memory;pids", NULL};

	group_tree_start(settings);
	for (unsigned i = 0; i < 2; i++) {
		const char *const names[] = {"a", "b"};

		group_tree_make("/v2", names[i]);
		group_tree_make("/v1/pids", names[i]);
		group_tree_make("/v1/cpuacct", names[i]);
		group_tree_make("/v1/memory", names[i]);
	}
	return 0;
}

static void expect_pid(const char *list, pid_t pid)
{
	g_autofree char *want = g_strdup_printf("%d\n", pid);

	group_tree_expect(list, want);
}

static char state_of(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
	g_autofree char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) ? strrchr(text, ')')[2] : '\0';
}

static void await_state(pid_t pid, char state)
{
	gint64 deadline = g_get_monotonic_time() + 100 * G_TIME_SPAN_SECOND;

	while (state_of(pid) != state) {
		if (g_get_monotonic_time() > deadline)
			fail_msg("%d is '%c' and not '%c'", pid, state_of(pid), state);
		g_usleep(1000);
	}
}

static void burn(long ms)
{
	struct timespec now;

	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < ms);
}

static void attach_everywhere(pid_t pid)
{
	group_tree_attach(pid, "/v2/a");
	group_tree_attach(pid, "/v1/pids/a");
	group_tree_attach(pid, "/v1/cpuacct/a");
	group_tree_attach(pid, "/v1/memory/a");
}

static const char *its_name;

static void take_name(void)
{
	prctl(PR_SET_NAME, its_name);
	burn(100);
}

static void test_names_that_look_like_the_rest_of_the_line(void **state)
{
	static const char *const names[] = {"x) R 1 (",    ") Z 1 1 1 1 1 1", "\nTgid:\t1\nUid:\t0",
					    "a\\nPPid: 1", "\xff\x01)(",      ""};

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		pid_t pid;

		its_name = names[i];
		pid = group_tree_fork(take_name);
		attach_everywhere(pid);
		expect_pid("/v2/a/cgroup.procs", pid);
		expect_pid("/v1/pids/a/tasks", pid);
		group_tree_expect("/v1/pids/a/pids.current", "1\n");
		assert_true(group_tree_value("/v1/memory/a/memory.usage_in_bytes", "") > 0);
		assert_int_equal(group_tree_write("/v2/a/cgroup.freeze", "1"), 0);
		await_state(pid, 'T');
		assert_int_equal(group_tree_write("/v2/a/cgroup.freeze", "0"), 0);
		await_state(pid, 'S');
		assert_int_equal(group_tree_write("/v2/a/cgroup.kill", "1"), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		group_tree_expect("/v2/a/cgroup.events", "populated 0\nfrozen 0\n");
	}
}

/* What /proc/PID/cmdline shows is the process' own memory. */
static void write_over_its_title(void)
{
	static const char lie[] = "Name:\tx\nTgid:\t1\nPid:\t1\nUid:\t0\t0\t0\t0\n1 (init) S 0 1 1\n";
	char *page = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		_exit(1);
	for (size_t i = 0; i + sizeof lie < 1 << 20; i += sizeof lie)
		memcpy(page + i, lie, sizeof lie);
	prctl(PR_SET_MM, PR_SET_MM_ARG_START, page, 0, 0);
	prctl(PR_SET_MM, PR_SET_MM_ARG_END, page + (1 << 20), 0, 0);
	prctl(PR_SET_MM, PR_SET_MM_ENV_START, page, 0, 0);
	prctl(PR_SET_MM, PR_SET_MM_ENV_END, page + (1 << 20), 0, 0);
}

static void test_titles_are_not_looked_at(void **state)
{
	pid_t pid = group_tree_fork(write_over_its_title);

	attach_everywhere(pid);
	expect_pid("/v2/a/cgroup.procs", pid);
	expect_pid("/v2/a/cgroup.threads", pid);
	group_tree_expect("/v1/pids/a/pids.current", "1\n");
	group_tree_kill(pid);
	group_tree_expect("/v1/pids/a/pids.current", "0\n");
}

static void fork_short_lives(void)
{
	enum { LIVES = 300 };

	for (int i = 0; i < LIVES; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	_exit(0);
}

static void *read_until_told(void *stop)
{
	static const char *const files[] = {
		"/v2/a/cgroup.procs",          "/v2/a/cgroup.threads",    "/v1/memory/a/memory.usage_in_bytes",
		"/v1/cpuacct/a/cpuacct.usage", "/v1/pids/a/pids.current", "/v1/pids/a/tasks",
	};

	for (unsigned i = 0; !g_atomic_int_get((gint *) stop); i++)
		g_free(group_tree_read(files[i % G_N_ELEMENTS(files)]));
	return NULL;
}

static void wait_for_a_byte(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		_exit(1);
}

static void test_ends_in_the_middle_of_reads(void **state)
{
	gint stop = FALSE;
	pthread_t reader;
	int gate[2];
	pid_t pid;

	assert_int_equal(pipe(gate), 0);
	pid = fork();
	if (pid == 0) {
		wait_for_a_byte(gate[0]);
		fork_short_lives();
	}
	attach_everywhere(pid);
	assert_int_equal(pthread_create(&reader, NULL, read_until_told, &stop), 0);
	assert_int_equal(write(gate[1], "", 1), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	g_atomic_int_set(&stop, TRUE);
	pthread_join(reader, NULL);
	group_tree_expect("/v2/a/cgroup.procs", "");
	group_tree_expect("/v1/pids/a/pids.current", "0\n");
	group_tree_expect("/v1/memory/a/memory.usage_in_bytes", "0\n");
	assert_int_equal(group_tree_remove("/v2", "a"), 0);
	close(gate[0]);
	close(gate[1]);
}

/* A process that waits, with the PID that it is to have; -1: that may not be chosen here. */
static pid_t fork_with_pid(pid_t pid)
{
	struct clone_args args = {.exit_signal = SIGCHLD, .set_tid = (guintptr) &pid, .set_tid_size = 1};
	pid_t child = (pid_t) syscall(SYS_clone3, &args, sizeof args);

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		burn(500); /* more than the first one had */
		while (TRUE)
			pause();
	}
	return child;
}

static void burn_on(void)
{
	/* group_tree_fork() waits for the end of the process or of this */
	close_range(3, ~0U, 0);
	burn(G_MAXLONG);
}

/* A PID whose process was a member of the groups "a", and that is free again. */
static pid_t used_pid(void (*meanwhile)(pid_t pid))
{
	pid_t pid = group_tree_fork(burn_on);

	attach_everywhere(pid);
	group_tree_await("/v1/cpuacct/a/cpuacct.usage", "", 50 * 1000000);
	if (meanwhile)
		meanwhile(pid);
	group_tree_kill(pid);
	return pid;
}

static void expect_no_member(void)
{
	group_tree_expect("/v2/a/cgroup.procs", "");
	group_tree_expect("/v2/a/cgroup.threads", "");
	group_tree_expect("/v1/pids/a/tasks", "");
	group_tree_expect("/v1/pids/a/pids.current", "0\n");
	group_tree_expect("/v1/memory/a/memory.usage_in_bytes", "0\n");
}

static void test_a_reused_pid_is_nobody_known(void **state)
{
	gint64 spent;
	pid_t pid = used_pid(NULL), again = fork_with_pid(pid);

	if (again < 0)
		skip();
	assert_int_equal(again, pid);
	/* Killing comes first: nobody has looked since. */
	assert_int_equal(group_tree_write("/v2/a/cgroup.kill", "1"), 0);
	expect_no_member();
	await_state(pid, 'S');
	spent = group_tree_value("/v1/cpuacct/a/cpuacct.usage", "");
	/* It may join like anybody else, and brings no time along. */
	attach_everywhere(pid);
	expect_pid("/v2/a/cgroup.procs", pid);
	assert_in_range(group_tree_value("/v1/cpuacct/a/cpuacct.usage", ""), spent, spent + 100 * 1000000);
	group_tree_kill(pid);
}

static void freeze_it(pid_t pid)
{
	assert_int_equal(group_tree_write("/v2/a/cgroup.freeze", "1"), 0);
	await_state(pid, 'T');
}

static void test_a_reused_pid_is_not_frozen(void **state)
{
	pid_t pid = used_pid(freeze_it), again = fork_with_pid(pid);

	if (again < 0)
		skip();
	await_state(pid, 'S');
	assert_int_equal(kill(pid, SIGSTOP), 0);
	await_state(pid, 'T');
	group_tree_expect("/v2/a/cgroup.events", "populated 0\nfrozen 1\n");
	/* Nor is it let go on by whoever lets the other one go on. */
	assert_int_equal(group_tree_write("/v2/a/cgroup.freeze", "0"), 0);
	expect_no_member();
	assert_int_equal(state_of(pid), 'T');
	group_tree_kill(pid);
}

enum { MANY_THREADS = 2000 };

static void *idle(void *data)
{
	while (TRUE)
		pause();
	return data;
}

static void start_many_threads(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	for (int i = 1; i < MANY_THREADS; i++)
		if (pthread_create(&thread, &attr, idle, NULL) != 0)
			_exit(1);
}

static guint count_lines(const char *path)
{
	g_autofree char *text = group_tree_read(path);
	guint n = 0;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		n++;
	return n;
}

static void test_thousands_of_threads(void **state)
{
	pid_t pid = group_tree_fork(start_many_threads);

	attach_everywhere(pid);
	expect_pid("/v1/pids/a/cgroup.procs", pid);
	assert_int_equal(count_lines("/v1/pids/a/tasks"), MANY_THREADS);
	assert_int_equal(count_lines("/v2/a/cgroup.threads"), MANY_THREADS);
	assert_int_equal(group_tree_value("/v1/pids/a/pids.current", ""), MANY_THREADS);
	group_tree_attach(pid, "/v1/pids/b");
	group_tree_expect("/v1/pids/a/pids.current", "0\n");
	assert_int_equal(group_tree_value("/v1/pids/b/pids.current", ""), MANY_THREADS);
	assert_int_equal(group_tree_write("/v2/a/cgroup.kill", "1"), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	group_tree_expect("/v1/pids/b/tasks", "");
	group_tree_expect("/v1/pids/b/pids.current", "0\n");
}

static void start_thread_and_end(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, idle, NULL) != 0)
		_exit(1);
	/* group_tree_fork() waits for the end of the process or of this */
	close_range(3, ~0U, 0);
	syscall(SYS_exit, 0);
}

static void test_a_process_without_its_leader_is_frozen_and_killed(void **state)
{
	pid_t pid = group_tree_fork(start_thread_and_end);

	await_state(pid, 'Z');
	attach_everywhere(pid);
	group_tree_expect("/v2/a/cgroup.events", "populated 1\nfrozen 0\n");
	assert_int_equal(group_tree_write("/v2/a/cgroup.freeze", "1"), 0);
	group_tree_expect("/v2/a/cgroup.events", "populated 1\nfrozen 1\n");
	assert_int_equal(group_tree_write("/v2/a/cgroup.freeze", "0"), 0);
	assert_int_equal(group_tree_remove("/v2", "a"), -EBUSY);
	assert_int_equal(group_tree_write("/v2/a/cgroup.kill", "1"), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	expect_no_member();
}

/* The first process of a PID namespace of its own, with a child there, and what the two are called from outside. */
typedef struct Inside {
	pid_t first, child;
	int gate; /* closed: the child ends */
} Inside;

static void be_first_inside(int ready, int gate)
{
	pid_t child = fork();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(ready);
	if (child == 0)
		wait_for_a_byte(gate);
	waitpid(child, NULL, 0);
	while (TRUE)
		pause();
}

static pid_t only_child_of(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task/%d/children", pid, pid);
	g_autofree char *text = NULL;

	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return (pid_t) g_ascii_strtoll(text, NULL, 10);
}

/* FALSE: a namespace may not be made here. */
static gboolean start_inside(Inside *ret)
{
	struct clone_args args = {.exit_signal = SIGCHLD, .flags = CLONE_NEWPID};
	int ready[2], gate[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(gate), 0);
	ret->first = (pid_t) syscall(SYS_clone3, &args, sizeof args);
	if (ret->first < 0)
		return FALSE;
	if (ret->first == 0) {
		close(ready[0]);
		close(gate[1]);
		be_first_inside(ready[1], gate[0]);
	}
	close(ready[1]);
	close(gate[0]);
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	ret->child = only_child_of(ret->first);
	ret->gate = gate[1];
	return TRUE;
}

static void expect_as(const Caller *caller, const char *path, const char *want)
{
	GString *out = g_string_new(NULL);
	Handle *handle = NULL;

	assert_int_equal(fs_open(group_tree, group_tree_at(path), O_RDONLY, caller, &handle), 0);
	assert_int_equal(fs_read(group_tree, handle, caller, 0, G_MAXINT, out), 0);
	fs_close(group_tree, handle);
	assert_string_equal(out->str, want);
	g_string_free(out, TRUE);
}

static void test_members_in_another_pid_namespace(void **state)
{
	Inside inside = {0};
	Caller within = {0};
	pid_t outsider = group_tree_fork(NULL);
	g_autofree char *number = g_strdup_printf("%d", outsider);

	if (!start_inside(&inside))
		skip();
	within.pid = inside.first;
	assert_int_equal(group_tree_write_as(&within, &within, "/v2/a/cgroup.procs", "2"), 0);
	expect_pid("/v2/a/cgroup.procs", inside.child);
	expect_as(&within, "/v2/a/cgroup.procs", "2\n");
	expect_as(&within, "/v2/a/cgroup.threads", "2\n");
	assert_int_equal(group_tree_write_as(&within, &within, "/v2/a/cgroup.procs", "0"), 0);
	expect_as(&within, "/v2/a/cgroup.procs", "1\n2\n");
	/* Nobody of the namespace has that number, whoever has it outside; and it does not see who is outside. */
	assert_int_equal(group_tree_write_as(&within, &within, "/v2/a/cgroup.procs", number), -ESRCH);
	group_tree_attach(outsider, "/v2/b");
	expect_as(&within, "/v2/b/cgroup.procs", "0\n");
	/* Who is process 1 there is nobody special here. */
	assert_int_equal(group_tree_write("/v2/a/cgroup.kill", "1"), 0);
	assert_int_equal(waitpid(inside.first, NULL, 0), inside.first);
	group_tree_expect("/v2/a/cgroup.procs", "");
	assert_int_equal(kill(outsider, 0), 0);
	close(inside.gate);
	group_tree_kill(outsider);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, group_tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names_that_look_like_the_rest_of_the_line),
		TEST(test_titles_are_not_looked_at),
		TEST(test_ends_in_the_middle_of_reads),
		TEST(test_a_reused_pid_is_nobody_known),
		TEST(test_a_reused_pid_is_not_frozen),
		TEST(test_thousands_of_threads),
		TEST(test_a_process_without_its_leader_is_frozen_and_killed),
		TEST(test_members_in_another_pid_namespace),
	};

	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
