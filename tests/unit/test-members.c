/* Processes in groups, with real ones: moving, forking, ending, accounting, freezing and killing. */
#include "fs/cgroup/core.h"
#include "fs/cgroup/hierarchy.h"
#include "fs/cgroup/members.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static Config *config;
static Fs *fs;
static const Caller root_caller = {.uid = 0};

static int setup(void **state)
{
	config = config_new_default();
	fs = fs_new(config, FS_TREE_V2 | FS_TREE_V1, NULL);
	return fs ? 0 : -1;
}

static int teardown(void **state)
{
	fs_free(fs);
	config_free(config);
	return 0;
}

/* A process that does what is written to its socket and answers each command with a byte. */
typedef struct Worker {
	pid_t pid;
	int sock;
} Worker;

static void burn(long ms)
{
	struct timespec now;
	double end;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	end = now.tv_sec * 1e3 + now.tv_nsec / 1e6 + ms;
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	while (now.tv_sec * 1e3 + now.tv_nsec / 1e6 < end);
}

static void *idle(void *data)
{
	pause();
	return data;
}

static void end_thread(pthread_t thread)
{
	pthread_cancel(thread);
	pthread_join(thread, NULL);
}

static void work(int sock)
{
	pthread_t thread = 0;
	char command[32];
	ssize_t n;

	while ((n = read(sock, command, sizeof command - 1)) > 0) {
		pid_t answer = 0;

		command[n] = 0;
		if (command[0] == 'b')
			burn(atol(command + 1));
		else if (command[0] == 't')
			answer = pthread_create(&thread, NULL, idle, NULL);
		else if (command[0] == 'j')
			end_thread(thread);
		else if (command[0] == 'f' && (answer = fork()) == 0)
			idle(NULL);
		else if (command[0] == 's' && (answer = fork()) == 0) /* a short life that nobody sees */
			burn(atol(command + 1)), _exit(0);
		else if (command[0] == 'w')
			answer = waitpid(-1, NULL, 0);
		else if (command[0] == 'd' && fork() == 0) { /* a child whose parent is gone at once */
			pid_t orphan = fork();

			if (orphan == 0)
				idle(NULL);
			if (write(sock, &orphan, sizeof orphan) < 0)
				_exit(1);
			_exit(0);
		}
		if (command[0] != 'd' && write(sock, &answer, sizeof answer) < 0)
			_exit(1);
	}
	_exit(0);
}

static Worker spawn(void)
{
	Worker worker;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	worker.pid = fork();
	if (worker.pid == 0) {
		close(pair[0]);
		work(pair[1]);
	}
	close(pair[1]);
	worker.sock = pair[0];
	return worker;
}

static pid_t tell(const Worker *worker, const char *command)
{
	pid_t answer = -1;

	assert_int_equal(write(worker->sock, command, strlen(command)), (int) strlen(command));
	assert_int_equal(read(worker->sock, &answer, sizeof answer), sizeof answer);
	return answer;
}

static void end(Worker *worker)
{
	close(worker->sock);
	kill(worker->pid, SIGKILL);
	waitpid(worker->pid, NULL, 0);
}

static Node *at(const char *path)
{
	Node *node = tree_by_path(fs->tree, path);

	if (!node)
		fail_msg("no %s", path);
	return node;
}

static void make(const char *dir, const char *name)
{
	Node *node = NULL;

	assert_int_equal(fs_mkdir(fs, at(dir), name, 0755, &root_caller, &node), 0);
	node_unref(node);
}

static int write_as(const Caller *caller, const char *path, const char *text)
{
	Handle *handle;
	int r;

	assert_int_equal(fs_open(fs, at(path), O_WRONLY, caller, &handle), 0);
	r = fs_write(fs, handle, caller, text, strlen(text));
	fs_close(fs, handle);
	return r;
}

static int write_to(const char *path, const char *text)
{
	return write_as(&root_caller, path, text);
}

static int attach(pid_t pid, const char *path)
{
	g_autofree char *text = g_strdup_printf("%d\n", pid);

	return write_to(path, text);
}

static char *read_from(const char *path)
{
	GString *out = g_string_new(NULL);
	Handle *handle;
	int r;

	assert_int_equal(fs_open(fs, at(path), O_RDONLY, &root_caller, &handle), 0);
	r = fs_read(fs, handle, &root_caller, 0, 1 << 20, out);
	fs_close(fs, handle);
	if (r < 0)
		g_string_printf(out, "%s", g_strerror(-r));
	return g_string_free(out, FALSE);
}

static void assert_reads(const char *path, const char *format, ...)
{
	g_autofree char *got = read_from(path);
	g_autofree char *want = NULL;
	va_list args;

	va_start(args, format);
	want = g_strdup_vprintf(format, args);
	va_end(args);
	assert_string_equal(got, want);
}

static Group *group(const char *hierarchy, const char *path)
{
	return group_by_path(cgroups_find(fs->cgroups, hierarchy), path);
}

static guint64 cpu_of(const char *hierarchy, const char *path)
{
	g_autoptr(Sample) sample = sampler_get_fresh(fs->sampler, SAMPLE_PROCESSES);
	Usage usage;

	members_refresh(fs);
	members_reconcile(fs, sample);
	g_rw_lock_reader_lock(&fs->lock);
	group_usage(group(hierarchy, path), sample, &usage);
	g_rw_lock_reader_unlock(&fs->lock);
	return usage.cpu_user + usage.cpu_system;
}

static void test_moving(void **state)
{
	Worker worker = spawn();

	make("/v2", "a");
	make("/v2", "b");
	assert_int_equal(attach(worker.pid, "/v2/a/cgroup.procs"), 0);
	assert_reads("/v2/a/cgroup.procs", "%d\n", worker.pid);
	assert_reads("/v2/a/cgroup.events", "populated 1\nfrozen 0\n");
	assert_int_equal(fs_rmdir(fs, at("/v2"), "a", &root_caller), -EBUSY);
	assert_int_equal(attach(worker.pid, "/v2/b/cgroup.procs"), 0);
	assert_reads("/v2/a/cgroup.procs", "");
	assert_int_equal(fs_rmdir(fs, at("/v2"), "a", &root_caller), 0);
	end(&worker);
	assert_reads("/v2/b/cgroup.events", "populated 0\nfrozen 0\n");
	assert_int_equal(fs_rmdir(fs, at("/v2"), "b", &root_caller), 0);
}

static void test_bad_members(void **state)
{
	make("/v2", "a");
	assert_int_equal(write_to("/v2/a/cgroup.procs", "x"), -EINVAL);
	assert_int_equal(write_to("/v2/a/cgroup.procs", "-5"), -EINVAL);
	assert_int_equal(write_to("/v2/a/cgroup.procs", "1 2"), -EINVAL);
	assert_int_equal(write_to("/v2/a/cgroup.procs", "4194000"), -ESRCH);
}

static void test_the_writer_moves_itself(void **state)
{
	Worker worker = spawn();
	Caller caller = {.pid = worker.pid};

	make("/v1/pids", "a");
	assert_int_equal(write_as(&caller, "/v1/pids/a/cgroup.procs", "0"), 0);
	assert_reads("/v1/pids/a/cgroup.procs", "%d\n", worker.pid);
	end(&worker);
}

static void test_permission(void **state)
{
	Worker worker = spawn();
	g_autofree char *pid = g_strdup_printf("%d", worker.pid);
	Caller stranger = {.pid = worker.pid, .uid = 12345, .gid = 12345};

	make("/v1/pids", "a");
	make("/v2", "a");
	assert_int_equal(write_as(&stranger, "/v1/pids/a/cgroup.procs", pid), -EACCES);
	assert_int_equal(write_as(&stranger, "/v2/a/cgroup.procs", pid), -EACCES);
	end(&worker);
}

static void test_children_inherit(void **state)
{
	Worker worker = spawn();
	pid_t child;
	char *want;

	make("/v2", "a");
	attach(worker.pid, "/v2/a/cgroup.procs");
	child = tell(&worker, "f");
	want = g_strdup_printf("%d\n%d\n", MIN(worker.pid, child), MAX(worker.pid, child));
	assert_reads("/v2/a/cgroup.procs", "%s", want);
	g_free(want);
	kill(child, SIGKILL);
	tell(&worker, "w");
	assert_reads("/v2/a/cgroup.procs", "%d\n", worker.pid);
	end(&worker);
}

static void test_orphans_stay(void **state)
{
	Worker worker = spawn();
	pid_t orphan;

	make("/v2", "a");
	attach(worker.pid, "/v2/a/cgroup.procs");
	orphan = tell(&worker, "d");
	tell(&worker, "w");
	if (members_watch_drain(fs)) {
		g_autofree char *got = read_from("/v2/a/cgroup.procs");
		g_autofree char *line = g_strdup_printf("%d\n", orphan);

		assert_non_null(strstr(got, line));
	}
	kill(orphan, SIGKILL);
	end(&worker);
}

/* Groups a and b, and the worker with a second thread, whose id is returned, in a. */
static pid_t begin_thread_in_a(Worker *worker)
{
	g_autofree char *tasks = NULL;
	int leader, other;

	make("/v1/pids", "a");
	make("/v1/pids", "b");
	tell(worker, "t");
	attach(worker->pid, "/v1/pids/a/cgroup.procs");
	tasks = read_from("/v1/pids/a/tasks");
	assert_int_equal(sscanf(tasks, "%d\n%d\n", &leader, &other), 2);
	return other;
}

static void test_threads(void **state)
{
	Worker worker = spawn();
	pid_t other = begin_thread_in_a(&worker);

	assert_int_equal(attach(worker.pid, "/v1/pids/b/tasks"), 0);
	assert_reads("/v1/pids/b/tasks", "%d\n", worker.pid);
	assert_reads("/v1/pids/b/cgroup.procs", "%d\n", worker.pid);
	assert_reads("/v1/pids/a/cgroup.procs", "%d\n", worker.pid);
	assert_reads("/v1/pids/a/tasks", "%d\n", other);
	assert_int_equal(attach(worker.pid, "/v1/pids/a/cgroup.procs"), 0);
	assert_reads("/v1/pids/b/tasks", "");
	end(&worker);
	assert_int_equal(fs_rmdir(fs, at("/v1/pids"), "a", &root_caller), 0);
	assert_int_equal(fs_rmdir(fs, at("/v1/pids"), "b", &root_caller), 0);
}

/* The kernel says that a thread is joined a little before it is gone. */
static void wait_until_gone(pid_t pid, pid_t tid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task/%d", pid, tid);

	while (access(path, F_OK) == 0)
		sched_yield();
}

static void test_ended_thread_leaves(void **state)
{
	Worker worker = spawn();
	pid_t other = begin_thread_in_a(&worker);

	assert_int_equal(attach(other, "/v1/pids/b/tasks"), 0);
	assert_reads("/v1/pids/b/tasks", "%d\n", other);
	assert_int_equal(fs_rmdir(fs, at("/v1/pids"), "b", &root_caller), -EBUSY);
	tell(&worker, "j");
	wait_until_gone(worker.pid, other);
	assert_int_equal(fs_rmdir(fs, at("/v1/pids"), "b", &root_caller), 0);
	assert_reads("/v1/pids/a/tasks", "%d\n", worker.pid);
	end(&worker);
	assert_int_equal(fs_rmdir(fs, at("/v1/pids"), "a", &root_caller), 0);
}

#define MS 1000000ul

static void assert_between(guint64 value, guint64 low, guint64 high)
{
	if (value < low || value > high)
		fail_msg("%" G_GUINT64_FORMAT " is not in %" G_GUINT64_FORMAT " … %" G_GUINT64_FORMAT, value, low,
			 high);
}

static void test_time_stays_where_it_was_spent(void **state)
{
	Worker worker = spawn();

	make("/v2", "a");
	make("/v2/a", "deep");
	make("/v2", "b");
	tell(&worker, "b100");
	attach(worker.pid, "/v2/a/deep/cgroup.procs");
	tell(&worker, "b200");
	assert_between(cpu_of("v2", "/a"), 180 * MS, 280 * MS);
	attach(worker.pid, "/v2/b/cgroup.procs");
	tell(&worker, "b100");
	end(&worker);
	assert_between(cpu_of("v2", "/b"), 80 * MS, 180 * MS);
	assert_between(cpu_of("v2", "/a/deep"), 180 * MS, 280 * MS);
	assert_int_equal(fs_rmdir(fs, at("/v2/a"), "deep", &root_caller), 0);
	assert_between(cpu_of("v2", "/a"), 180 * MS, 280 * MS);
}

static void test_short_lives_count(void **state)
{
	Worker worker = spawn();

	make("/v2", "a");
	attach(worker.pid, "/v2/a/cgroup.procs");
	for (unsigned i = 0; i < 10; i++) {
		tell(&worker, "s30");
		tell(&worker, "w");
	}
	assert_between(cpu_of("v2", "/a"), 270 * MS, 450 * MS);
	end(&worker);
}

static char state_of(pid_t pid)
{
	Process process;

	return sampler_read_process(fs->sampler, pid, FALSE, &process) < 0 ? 0 : process.state;
}

static void test_freezing(void **state)
{
	Worker worker = spawn(), late = spawn();

	make("/v2", "a");
	make("/v2/a", "b");
	attach(worker.pid, "/v2/a/b/cgroup.procs");
	assert_int_equal(write_to("/v2/a/cgroup.freeze", "1"), 0);
	assert_int_equal(waitpid(worker.pid, NULL, WUNTRACED), worker.pid);
	assert_int_equal(state_of(worker.pid), 'T');
	assert_reads("/v2/a/b/cgroup.events", "populated 1\nfrozen 1\n");
	assert_reads("/v2/a/b/cgroup.freeze", "0\n");
	assert_int_equal(attach(late.pid, "/v2/a/cgroup.procs"), 0);
	assert_int_equal(waitpid(late.pid, NULL, WUNTRACED), late.pid);
	assert_int_equal(write_to("/v2/a/cgroup.freeze", "0"), 0);
	tell(&worker, "b1");
	tell(&late, "b1");
	assert_reads("/v2/a/cgroup.events", "populated 1\nfrozen 0\n");
	assert_int_equal(write_to("/v2/a/cgroup.freeze", "2"), -ERANGE);
	end(&worker);
	end(&late);
}

static void test_killing(void **state)
{
	Worker worker = spawn(), other = spawn();

	make("/v2", "a");
	make("/v2/a", "b");
	attach(worker.pid, "/v2/a/b/cgroup.procs");
	attach(other.pid, "/v2/a/cgroup.procs");
	assert_int_equal(write_to("/v2/a/b/cgroup.kill", "0"), -ERANGE);
	assert_int_equal(write_to("/v2/a/b/cgroup.kill", "1"), 0);
	waitpid(worker.pid, NULL, 0);
	tell(&other, "b1");
	assert_reads("/v2/a/b/cgroup.events", "populated 0\nfrozen 0\n");
	assert_int_equal(write_to("/v2/a/cgroup.kill", "1"), 0);
	waitpid(other.pid, NULL, 0);
	close(worker.sock);
	close(other.sock);
}

static void wait_for_end(pid_t pid)
{
	char state;

	/* An orphan is reaped by whoever adopted it: gone, or a zombie. */
	do
		state = state_of(pid);
	while (state && state != 'Z' && state != 'X');
}

static void test_killing_and_freezing_reach_children(void **state)
{
	Worker worker = spawn();
	pid_t child;

	make("/v2", "a");
	attach(worker.pid, "/v2/a/cgroup.procs");
	child = tell(&worker, "f");
	assert_int_equal(write_to("/v2/a/cgroup.freeze", "1"), 0);
	while (state_of(child) != 'T')
		assert_int_not_equal(state_of(child), 0);
	assert_int_equal(write_to("/v2/a/cgroup.freeze", "0"), 0);
	assert_int_equal(write_to("/v2/a/cgroup.kill", "1"), 0);
	wait_for_end(child);
	waitpid(worker.pid, NULL, 0);
	close(worker.sock);
}

static void test_no_internal_processes(void **state)
{
	const char *const overrides[] = {"cgroup.v2-controllers=memory;pids", NULL};
	g_autoptr(Config) small = config_load("/dev/null", overrides, NULL);
	Fs *both = fs;
	Worker worker = spawn();

	fs = fs_new(small, FS_TREE_V2, NULL);
	make("/v2", "a");
	make("/v2/a", "b");
	assert_int_equal(write_to("/v2/cgroup.subtree_control", "+memory"), 0);
	assert_int_equal(write_to("/v2/a/cgroup.subtree_control", "+memory"), 0);
	assert_int_equal(attach(worker.pid, "/v2/a/cgroup.procs"), -EBUSY);
	assert_int_equal(attach(worker.pid, "/v2/a/b/cgroup.procs"), 0);
	assert_int_equal(write_to("/v2/a/b/cgroup.subtree_control", "+memory"), -EBUSY);
	end(&worker);
	fs_free(fs);
	fs = both;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_moving),
		TEST(test_bad_members),
		TEST(test_the_writer_moves_itself),
		TEST(test_permission),
		TEST(test_children_inherit),
		TEST(test_orphans_stay),
		TEST(test_threads),
		TEST(test_ended_thread_leaves),
		TEST(test_time_stays_where_it_was_spent),
		TEST(test_short_lives_count),
		TEST(test_freezing),
		TEST(test_killing),
		TEST(test_killing_and_freezing_reach_children),
		TEST(test_no_internal_processes),
	};

	return cmocka_run_group_tests_name("members", tests, NULL, NULL);
}
