/*
 * The trace view on its own: whatever a traced program does, it ends as without a tracer, and sees the story.
 *
 * argv: trace-tool, tracee. The programs are run from here so that the same test serves in gVisor.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

static const char *tool, *tracee;
/* What start() starts is a process group of its own, as a shell's jobs are. */
static int as_job;

/* Starts the tool with the given words; its output goes to *ret_output when that is not NULL. */
static pid_t start(int *ret_output, ...)
{
	const char *words[32] = {tool, "--statfs=/tmp=63677270"};
	size_t n = 2;
	va_list list;
	va_start(list, ret_output);
	while ((words[n] = va_arg(list, const char *)))
		n++;
	va_end(list);
	int fds[2] = {-1, -1};
	if (ret_output)
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (ret_output)
			dup2(fds[1], 1);
		if (as_job)
			setpgid(0, 0);
		execv(tool, (char *const *) words);
		_exit(127);
	}
	if (ret_output) {
		close(fds[1]);
		*ret_output = fds[0];
	}
	return pid;
}

static int end_of(pid_t pid)
{
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void assert_mode(const char *mode, const char *rounds)
{
	assert_int_equal(end_of(start(NULL, tracee, mode, rounds, NULL)), 0);
}

static void test_one_thread(void **state)
{
	assert_mode("check", "100");
}

static void test_threads(void **state)
{
	assert_mode("threads", "40");
}

static void test_forks(void **state)
{
	assert_mode("forks", "2000");
}

static void test_vforks(void **state)
{
	assert_mode("vforks", "100");
}

static void test_clones(void **state)
{
	assert_mode("clones", "60");
}

static void test_threads_and_children(void **state)
{
	assert_mode("mixed", "20");
}

static void test_exec_by_thread(void **state)
{
	for (int i = 0; i < 10; i++)
		assert_mode("thread-exec", "0");
}

static void test_exec_by_leader(void **state)
{
	for (int i = 0; i < 10; i++)
		assert_mode("leader-exec", "0");
}

/* gVisor lets a traced leader that has ended be waited for only after its threads, one of which, to become another
 * program, waits for just that. */
static int is_gvisor(void)
{
	struct utsname name;
	return uname(&name) == 0 && strstr(name.version, "Sun Jan 10 15:06:54 PST 2016");
}

static void test_exec_without_leader(void **state)
{
	if (is_gvisor()) {
		print_message(
			"skip: in gVisor a thread without its leader cannot be another program while it is traced\n");
		skip();
	}
	for (int i = 0; i < 10; i++)
		assert_mode("orphan-exec", "0");
}

static void test_signals(void **state)
{
	assert_mode("signals", "100");
}

static void test_stop_and_continue(void **state)
{
	assert_mode("stop", "1");
	assert_mode("stop-threads", "20");
}

static void test_killed_child(void **state)
{
	for (int i = 0; i < 10; i++)
		assert_mode("killed-child", "0");
}

static void test_tracing_inside_is_refused(void **state)
{
	assert_mode("traceme", "1");
	assert_mode("attach", "1");
}

static void test_filter_of_its_own(void **state)
{
	assert_mode("own-filter", "1");
	assert_mode("own-trace", "1");
}

static int has_32_bit_calls(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		long result;
		signal(SIGSEGV, SIG_DFL);
		__asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
		_exit(result != getpid());
	}
	return end_of(pid) == 0;
}

static void test_foreign_calls(void **state)
{
	if (!has_32_bit_calls()) {
		print_message("skip: this kernel has no 32-bit system calls\n");
		skip();
	}
	assert_mode("foreign", "1");
	assert_int_equal(end_of(start(NULL, "--foreign=refuse", tracee, "foreign", "1", "refused", NULL)), 0);
}

static void test_x32_calls(void **state)
{
	assert_mode("x32", "1");
	assert_int_equal(end_of(start(NULL, "--foreign=refuse", tracee, "x32", "1", "refused", NULL)), 0);
}

static void assert_stopped(pid_t pid)
{
	int status;
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
}

/* The tool stands for its command in a job: when that is stopped from the terminal, so is the tool; and both go on. */
static void test_job_control(void **state)
{
	static const char *const signals[] = {"20", "21", "22"}; /* SIGTSTP, SIGTTIN, SIGTTOU */
	as_job = 1; /* in an orphaned group, which ours may be, these signals stop nothing */
	for (size_t i = 0; i < 3; i++) {
		pid_t pid = start(NULL, tracee, "suspend", signals[i], NULL);
		assert_stopped(pid);
		assert_int_equal(kill(pid, SIGCONT), 0);
		assert_int_equal(end_of(pid), 0);
	}
	as_job = 0;
}

/* Of a session of its own, whose terminal is the other end of `terminal`: runs the tool in the background, and takes it
 * to the foreground when it has stopped for that it wants to read. */
static int lead_session(int terminal)
{
	int status;
	if (setsid() < 0 || ioctl(terminal, TIOCSCTTY, 0) < 0 || dup2(terminal, 0) < 0)
		return 10;
	signal(SIGTTOU, SIG_IGN);
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		signal(SIGTTOU, SIG_DFL);
		execl(tool, tool, "--statfs=/tmp=63677270", tracee, "read-line", "1", NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		return 11;
	if (tcsetpgrp(0, pid) < 0 || kill(-pid, SIGCONT) < 0)
		return 12;
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 13;
}

static void test_terminal(void **state)
{
	if (is_gvisor()) {
		print_message("skip: gVisor stops no background job that reads from its terminal\n");
		skip();
	}
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	assert_int_equal(write(master, "line\n", 5), 5);
	pid_t pid = fork();
	if (pid == 0)
		_exit(lead_session(open(ptsname(master), O_RDWR | O_NOCTTY)));
	assert_int_equal(end_of(pid), 0);
	close(master);
}

static void test_exit_status(void **state)
{
	assert_int_equal(end_of(start(NULL, tracee, "exit", "0", NULL)), 0);
	assert_int_equal(end_of(start(NULL, tracee, "exit", "3", NULL)), 3 << 8);
	assert_int_equal(end_of(start(NULL, tracee, "exit", "255", NULL)), 255 << 8);
}

static void test_death_by_signal(void **state)
{
	assert_int_equal(end_of(start(NULL, tracee, "die", "15", NULL)), SIGTERM);
	assert_int_equal(end_of(start(NULL, tracee, "die", "9", NULL)), SIGKILL);
	assert_int_equal(end_of(start(NULL, tracee, "die", "6", NULL)), SIGABRT);
}

static void test_no_such_command(void **state)
{
	assert_int_equal(end_of(start(NULL, "/nonexistent/command", NULL)), 125 << 8);
}

/* The command's end is the end: a child that it leaves behind holds the pipe open no longer. */
static void test_nothing_left_behind(void **state)
{
	int output;
	char byte;
	pid_t pid = start(&output, tracee, "orphan", "1", NULL);
	assert_int_equal(end_of(pid), 0);
	assert_int_equal(read(output, &byte, 1), 0);
	close(output);
}

static void test_signal_is_passed_on(void **state)
{
	int output;
	char text[6];
	pid_t pid = start(&output, tracee, "await-term", "1", NULL);
	assert_int_equal(read(output, text, sizeof text), 6);
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), 0);
	close(output);
}

/* SIGKILL to the tracer must not leave its tracees running. */
static void test_tracer_is_killed(void **state)
{
	int output;
	char text[6];
	pid_t pid = start(&output, tracee, "await-term", "1", NULL);
	assert_int_equal(read(output, text, sizeof text), 6);
	kill(pid, SIGKILL);
	assert_int_equal(end_of(pid), SIGKILL);
	assert_int_equal(read(output, text, 1), 0);
	close(output);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 64;
	tool = argv[1];
	tracee = argv[2];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_thread),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_forks),
		cmocka_unit_test(test_vforks),
		cmocka_unit_test(test_clones),
		cmocka_unit_test(test_threads_and_children),
		cmocka_unit_test(test_exec_by_thread),
		cmocka_unit_test(test_exec_by_leader),
		cmocka_unit_test(test_exec_without_leader),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_stop_and_continue),
		cmocka_unit_test(test_killed_child),
		cmocka_unit_test(test_tracing_inside_is_refused),
		cmocka_unit_test(test_filter_of_its_own),
		cmocka_unit_test(test_foreign_calls),
		cmocka_unit_test(test_x32_calls),
		cmocka_unit_test(test_job_control),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_exit_status),
		cmocka_unit_test(test_death_by_signal),
		cmocka_unit_test(test_no_such_command),
		cmocka_unit_test(test_nothing_left_behind),
		cmocka_unit_test(test_signal_is_passed_on),
		cmocka_unit_test(test_tracer_is_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
