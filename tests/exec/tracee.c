/*
 * What a traced program may do, one mode each, for test-trace. Statically linked, so that it stands for Go programs
 * too. Every mode ends with 0 when all went as without a tracer, but for statfs(SHOWN), whose type is TYPE.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOWN "/tmp"
#define TYPE  0x63677270

#define STACK_SIZE 65536
#define X32_BIT    0x40000000 /* __X32_SYSCALL_BIT */

static char **arguments;
static int rounds;
static const char *volatile bad_address = (const char *) 8;

static void fail(const char *what)
{
	fprintf(stderr, "tracee: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void check(void)
{
	struct statfs st;
	if (statfs(SHOWN, &st) < 0 || st.f_type != TYPE)
		fail("statfs of what is shown");
	if (statfs("/proc", &st) < 0 || st.f_type != 0x9fa0)
		fail("statfs of /proc");
	int fd = open(SHOWN "/.", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &st) < 0 || st.f_type != TYPE)
		fail("fstatfs of what is shown");
	close(fd);
	if (statfs("/nonexistent/file", &st) != -1 || errno != ENOENT)
		fail("statfs of nothing");
	if (statfs(bad_address, &st) != -1 || errno != EFAULT)
		fail("statfs of a bad address");
}

static void expect_child(pid_t pid, int expected)
{
	int status;
	if (pid < 0 || waitpid(pid, &status, __WALL) != pid)
		fail("waiting for a child");
	if (status != expected) {
		fprintf(stderr, "tracee: child ended with status %#x, not %#x\n", status, expected);
		_exit(1);
	}
}

static void *check_often(void *unused)
{
	for (int i = 0; i < rounds; i++)
		check();
	return NULL;
}

static void with_threads(unsigned n)
{
	pthread_t threads[64];
	for (unsigned i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, check_often, NULL) != 0)
			fail("pthread_create");
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void mode_threads(void)
{
	with_threads(16);
}

static void mode_forks(void)
{
	for (int i = 0; i < rounds; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			check();
			_exit(i % 100);
		}
		expect_child(pid, (i % 100) << 8);
	}
}

static pid_t vfork_self(const char *mode)
{
	pid_t pid = vfork();
	if (pid == 0) {
		execl("/proc/self/exe", "tracee", mode, "3", NULL);
		_exit(127);
	}
	return pid;
}

static void mode_vforks(void)
{
	for (int i = 0; i < rounds; i++)
		expect_child(vfork_self("check"), 0);
}

static int run_on_stack(void *unused)
{
	check();
	return 5;
}

/* Ways to make a process that fork() and vfork() do not take. Without SIGCHLD as the signal of its end it is a child
 * that only __WALL waits for. */
static void mode_clones(void)
{
	static const struct clone_args kinds[] = {
		{.exit_signal = SIGCHLD},
		{.exit_signal = SIGCHLD, .flags = CLONE_FILES | CLONE_FS},
		{.exit_signal = SIGUSR1},
		{.exit_signal = 0},
	};
	signal(SIGUSR1, SIG_IGN);
	for (int i = 0; i < rounds; i++) {
		const struct clone_args *kind = &kinds[(size_t) i % (sizeof kinds / sizeof *kinds)];
		pid_t pid = (pid_t) (i % 3 ? syscall(SYS_clone3, kind, sizeof *kind)
					   : syscall(SYS_clone, kind->flags | kind->exit_signal, NULL, NULL, NULL, 0));
		if (pid < 0 && errno == ENOSYS)
			continue; /* clone3 in gVisor of 2022 */
		if (pid == 0) {
			check();
			syscall(SYS_exit_group, 5);
		}
		expect_child(pid, 5 << 8);
		char *stack = malloc(STACK_SIZE);
		expect_child(clone(run_on_stack, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL), 5 << 8);
		expect_child(clone(run_on_stack, stack + STACK_SIZE, CLONE_VM, NULL), 5 << 8);
		free(stack);
	}
}

/* Threads that all make children at once, which run other programs. */
static void *vfork_often(void *unused)
{
	mode_vforks();
	return NULL;
}

static void mode_mixed(void)
{
	pthread_t threads[8];
	for (int i = 0; i < 8; i++)
		if (pthread_create(&threads[i], NULL, i % 2 ? vfork_often : check_often, NULL) != 0)
			fail("pthread_create");
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
}

static void *exec_self(void *unused)
{
	/* Not /proc/self/exe, which a leader that has ended does not have. */
	execl(arguments[0], arguments[0], "threads", "3", NULL);
	fail("execl");
	return NULL;
}

static void mode_thread_exec(void)
{
	pthread_t threads[2];
	rounds = 1000000;
	pthread_create(&threads[0], NULL, check_often, NULL);
	pthread_create(&threads[1], NULL, exec_self, NULL);
	pthread_join(threads[1], NULL);
}

/* As by a thread, but the others are gone when the leader's call returns. */
static void mode_leader_exec(void)
{
	pthread_t thread;
	rounds = 1000000;
	for (int i = 0; i < 8; i++)
		pthread_create(&thread, NULL, check_often, NULL);
	exec_self(NULL);
}

/* The leader ends, its threads go on; then one of them is another program. */
static void *exec_later(void *unused)
{
	check();
	return exec_self(NULL);
}

static void mode_orphan_exec(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, exec_later, NULL);
	syscall(SYS_exit, 3);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int signal)
{
	alarms++;
}

static void mode_signals(void)
{
	struct sigaction action = {.sa_handler = count_alarm, .sa_flags = SA_RESTART};
	sigaction(SIGALRM, &action, NULL);
	/* Armed again in a round, not by the handler: a slow tracer must be left some time between two signals. */
	sig_atomic_t armed = -1;
	for (int i = 0; i < rounds || alarms < 10; i++) {
		if (armed != alarms) {
			armed = alarms;
			setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = 1 + i % 50 * 100}, NULL);
		}
		check();
	}
}

static char state_of(pid_t pid)
{
	char path[64], text[512] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", (int) pid);
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	const char *paren = n > 0 ? strrchr(text, ')') : NULL;
	return paren ? paren[2] : '?';
}

/* A child that stops itself is seen by wait4(), stays stopped, and goes on when it is told to. */
static void mode_stop(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		check();
		raise(SIGSTOP);
		check();
		_exit(7);
	}
	int status;
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)
		fail("waiting for a stopped child");
	if (getenv("STOPPED_STATE") && state_of(pid) != 'T' && state_of(pid) != 't')
		fail("the state of a stopped child");
	kill(pid, SIGCONT);
	expect_child(pid, 7 << 8);
}

/* As mode_stop, with threads that are stopped with it, and the signal from outside. */
static void mode_stop_threads(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		rounds = 1000000;
		with_threads(4);
		_exit(0);
	}
	int status;
	for (int i = 0; i < rounds; i++) {
		kill(pid, SIGSTOP);
		if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
			fail("waiting for stopped threads");
		kill(pid, SIGCONT);
	}
	kill(pid, SIGTERM);
	expect_child(pid, SIGTERM);
}

static void mode_killed_child(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		rounds = 1000000;
		with_threads(4);
		_exit(0);
	}
	usleep(1000);
	kill(pid, SIGKILL);
	expect_child(pid, SIGKILL);
}

static void expect_refusal(long result, const char *what)
{
	if (result != -1 || errno != EPERM)
		fail(what);
}

/* Of a child that is traced already; it waits to be killed. */
static void mode_attach(void)
{
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	expect_refusal(ptrace(PTRACE_ATTACH, pid, NULL, NULL), "PTRACE_ATTACH must fail with EPERM");
	expect_refusal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), "PTRACE_SEIZE must fail with EPERM");
	kill(pid, SIGKILL);
	expect_child(pid, SIGKILL);
}

static void mode_traceme(void)
{
	errno = 0;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != -1 || errno != EPERM)
		fail("PTRACE_TRACEME of a traced process must fail with EPERM");
}

static void install_filter(unsigned nr, unsigned action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		fail("seccomp");
}

static void mode_own_filter(void)
{
	install_filter(SYS_getppid, SECCOMP_RET_ERRNO | EDOM);
	if (syscall(SYS_getppid) != -1 || errno != EDOM)
		fail("the program's own filter");
	check();
}

/* What its own filter asks a tracer about runs as if there were one that lets it; what it refuses of the calls that
 * the view traces is refused; what kills it does. */
static void mode_own_trace(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		install_filter(SYS_getppid, SECCOMP_RET_TRACE | 7);
		if (syscall(SYS_getppid) <= 0)
			fail("a call that the program's own filter traces");
		check();
		struct statfs st;
		install_filter(SYS_statfs, SECCOMP_RET_ERRNO | EDOM);
		if (statfs(SHOWN, &st) != -1 || errno != EDOM)
			fail("statfs that the program's own filter refuses");
		install_filter(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
		(void) syscall(SYS_getppid);
		_exit(1);
	}
	expect_child(pid, SIGSYS);
}

/* getpid by the 32-bit way; "refused" expects ENOSYS. */
static void mode_foreign(void)
{
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
	int refused = arguments[3] && strcmp(arguments[3], "refused") == 0;
	if (refused ? result != -ENOSYS : result != getpid())
		fail("a 32-bit call");
	/* statfs has number 99 there: never to be taken for sysinfo, which has it here. */
	check();
}

/* Numbers of x32 are never taken for those of the 64-bit calls: most kernels have none of them. */
static void mode_x32(void)
{
	int refused = arguments[3] && strcmp(arguments[3], "refused") == 0;
	struct statfs st = {.f_type = 1};
	long result = syscall(X32_BIT | SYS_getpid);
	if (!(result == -1 && errno == ENOSYS) && (refused || result != getpid()))
		fail("an x32 call");
	result = syscall(X32_BIT | SYS_statfs, SHOWN, &st);
	if (!(result == -1 && errno == ENOSYS) && (refused || (result == 0 && st.f_type == TYPE)))
		fail("an x32 statfs");
	check();
}

static void mode_exit(void)
{
	_exit(rounds);
}

static void mode_die(void)
{
	signal(rounds, SIG_DFL);
	raise(rounds);
	pause();
}

/* Leaves a child behind that would run for ever. */
static void mode_orphan(void)
{
	if (fork() == 0) {
		close(0);
		for (;;)
			pause();
	}
	check();
}

/* Ends with 0 when SIGTERM has come. */
static void mode_await_term(void)
{
	sigset_t set;
	int signal;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	(void) !write(1, "ready\n", 6);
	sigwait(&set, &signal);
	check();
}

/* Is stopped, as from a terminal, and goes on when it is told to; or waits for a line from one. */
static void mode_suspend(void)
{
	check();
	raise(rounds);
	check();
}

static void mode_read_line(void)
{
	char byte;
	check();
	if (read(0, &byte, 1) != 1)
		fail("read");
	check();
}

static void mode_check(void)
{
	check_often(NULL);
}

static const struct {
	const char *name;
	void (*run)(void);
} modes[] = {
	{"check", mode_check},
	{"threads", mode_threads},
	{"forks", mode_forks},
	{"vforks", mode_vforks},
	{"mixed", mode_mixed},
	{"clones", mode_clones},
	{"thread-exec", mode_thread_exec},
	{"leader-exec", mode_leader_exec},
	{"orphan-exec", mode_orphan_exec},
	{"signals", mode_signals},
	{"stop", mode_stop},
	{"stop-threads", mode_stop_threads},
	{"killed-child", mode_killed_child},
	{"traceme", mode_traceme},
	{"attach", mode_attach},
	{"own-filter", mode_own_filter},
	{"own-trace", mode_own_trace},
	{"foreign", mode_foreign},
	{"x32", mode_x32},
	{"exit", mode_exit},
	{"die", mode_die},
	{"orphan", mode_orphan},
	{"await-term", mode_await_term},
	{"suspend", mode_suspend},
	{"read-line", mode_read_line},
};

int main(int argc, char **argv)
{
	arguments = argv;
	if (argc < 3)
		return 64;
	rounds = atoi(argv[2]);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (strcmp(modes[i].name, argv[1]) == 0) {
			modes[i].run();
			return 0;
		}
	return 64;
}
