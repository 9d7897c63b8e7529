/*
 * short-lives LIVE HERE SECONDS MOST: short-lived processes in groups, and how far two accounts of their CPU time
 * differ.
 *
 * Twenty processes, each in a group of its own below HERE and all in the group LIVE of the kernel's cpuacct, start 50
 * children a second together; each child uses a few milliseconds and ends. MOST: by how many percent the sum over the
 * groups may differ from the kernel's count; 0: it is only reported. A slow machine starts fewer, and nothing else
 * changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GROUPS = 20, PER_SECOND = 50, NS_PER_MS = 1000000 };

static void fail(const char *what)
{
	printf("short-lives: %s: %s\n", what, strerror(errno));
	exit(2);
}

static long long now_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void attach(const char *group, pid_t pid)
{
	char path[512], text[16];
	int fd, len = snprintf(text, sizeof text, "%d", pid);

	snprintf(path, sizeof path, "%s/cgroup.procs", group);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t) len) < 0)
		fail(path);
	close(fd);
}

static long long usage_of(const char *group)
{
	char path[512], text[64] = "";
	int fd;

	snprintf(path, sizeof path, "%s/cpuacct.usage", group);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
		fail(path);
	close(fd);
	return atoll(text);
}

static void burn(long long ns)
{
	while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < ns)
		;
}

/* Starts children until the end, one after another, and waits for each. */
static void start_children(int number, long long end)
{
	const struct timespec pause = {.tv_nsec = 1000000000L / PER_SECOND * GROUPS};

	srand((unsigned) number);
	while (now_ns(CLOCK_MONOTONIC) < end) {
		pid_t child = fork();

		if (child == 0) {
			burn((1 + rand() % 20) * (long long) NS_PER_MS);
			_exit(0);
		}
		rand();
		if (child > 0)
			waitpid(child, NULL, 0);
		nanosleep(&pause, NULL);
	}
}

/* Begins when it has been attached. */
static pid_t start_parent(int number, long long seconds, const int gate[2])
{
	pid_t pid = fork();
	char byte;

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(gate[1]);
	if (read(gate[0], &byte, 1) == 0)
		start_children(number, now_ns(CLOCK_MONOTONIC) + seconds * 1000000000LL);
	_exit(0);
}

static long long run(const char *live, char groups[GROUPS][256], long long seconds)
{
	pid_t parents[GROUPS];
	int gate[2];

	if (pipe2(gate, O_CLOEXEC) < 0)
		fail("pipe");
	for (int i = 0; i < GROUPS; i++) {
		parents[i] = start_parent(i, seconds, gate);
		attach(live, parents[i]);
		attach(groups[i], parents[i]);
	}
	for (int i = 0; i < GROUPS; i++)
		(void) usage_of(groups[i]);
	close(gate[1]);
	for (int i = 0; i < GROUPS; i++)
		waitpid(parents[i], NULL, 0);
	close(gate[0]);
	return usage_of(live);
}

int main(int argc, char **argv)
{
	char groups[GROUPS][256];
	long long kernel, ours = 0;
	double off;

	if (argc != 5)
		return 2;
	for (int i = 0; i < GROUPS; i++) {
		snprintf(groups[i], sizeof groups[i], "%s/g%d", argv[2], i);
		if (mkdir(groups[i], 0755) < 0)
			fail(groups[i]);
	}
	kernel = run(argv[1], groups, atoll(argv[3]));
	for (int i = 0; i < GROUPS; i++) {
		ours += usage_of(groups[i]);
		if (rmdir(groups[i]) < 0)
			fail(groups[i]);
	}
	off = 100.0 * (double) (ours - kernel) / (double) kernel;
	printf("kernel %lld ms, cgemud %lld ms, off by %+.2f %%\n", kernel / NS_PER_MS, ours / NS_PER_MS, off);
	return atof(argv[4]) > 0 && (off > atof(argv[4]) || off < -atof(argv[4])) ? 1 : 0;
}
