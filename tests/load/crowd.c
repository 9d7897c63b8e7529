/*
 * crowd DAEMON TREE N_GROUPS N_PROCESSES: what reading the use of every group costs with many groups and processes.
 *
 * Spreads sleeping processes over groups of memory and cpuacct, then reads memory.usage_in_bytes and cpuacct.usage of
 * every group once, and prints the times, and the daemon's memory.
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

static void fail(const char *what)
{
	printf("crowd: %s: %s\n", what, strerror(errno));
	exit(2);
}

static double now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double) time.tv_sec * 1e3 + (double) time.tv_nsec / 1e6;
}

typedef char Path[512];

static void path_of(Path path, const char *tree, const char *controller, int group, const char *file)
{
	snprintf(path, sizeof(Path), "%s/%s/crowd%d/%s", tree, controller, group, file);
}

static void make_groups(const char *tree, const char *controller, int n)
{
	Path path;

	for (int i = 0; i < n; i++) {
		path_of(path, tree, controller, i, "");
		if (mkdir(path, 0755) < 0)
			fail(path);
	}
}

static void attach(const char *tree, const char *controller, int group, pid_t pid)
{
	char text[16];
	int fd, len = snprintf(text, sizeof text, "%d", pid);
	Path path;

	path_of(path, tree, controller, group, "cgroup.procs");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t) len) < 0)
		fail(path);
	close(fd);
}

/* The first of a group is attached, and forks the others into it. */
static void start_members(const char *tree, int group, int n, int gate, int ready)
{
	pid_t pid = fork();
	char byte = 0;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (read(gate, &byte, 1) != 1)
			_exit(1);
		for (int i = 1; i < n; i++)
			if (fork() == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				while (1)
					pause();
			}
		if (write(ready, &byte, 1) != 1)
			_exit(1);
		while (1)
			pause();
	}
	attach(tree, "memory", group, pid);
	attach(tree, "cpuacct", group, pid);
}

static void let_go(int gate, int ready)
{
	char byte = 0;

	if (write(gate, &byte, 1) != 1 || read(ready, &byte, 1) != 1)
		fail("pipe");
}

/* Milliseconds, and the sum of what was read. */
static double read_all(const char *tree, const char *controller, const char *file, int n, long long *ret_sum)
{
	double start = now_ms();

	*ret_sum = 0;
	for (int i = 0; i < n; i++) {
		char text[64] = "";
		Path path;
		int fd;

		path_of(path, tree, controller, i, file);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
			fail(path);
		close(fd);
		*ret_sum += atoll(text);
	}
	return now_ms() - start;
}

static long resident_kb(const char *daemon)
{
	char line[256];
	long kb = -1;
	Path path;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%s/status", daemon);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, "VmHWM:", 6) == 0)
			kb = atol(line + 6);
	if (file)
		fclose(file);
	return kb;
}

int main(int argc, char **argv)
{
	int n_groups = argc == 5 ? atoi(argv[3]) : 0, n_processes = argc == 5 ? atoi(argv[4]) : 0;
	int gate[2], ready[2];
	long long sum;
	double start;

	if (n_groups < 1 || n_processes < n_groups || pipe2(gate, O_CLOEXEC) < 0 || pipe2(ready, O_CLOEXEC) < 0)
		return 2;
	make_groups(argv[2], "memory", n_groups);
	make_groups(argv[2], "cpuacct", n_groups);
	start = now_ms();
	for (int i = 0; i < n_groups; i++) {
		start_members(argv[2], i, n_processes / n_groups, gate[0], ready[1]);
		let_go(gate[1], ready[0]);
	}
	printf("%d processes in %d groups, made in %.0f ms\n", n_processes, n_groups, now_ms() - start);
	for (int round = 0; round < 2; round++) {
		double cpu = read_all(argv[2], "cpuacct", "cpuacct.usage", n_groups, &sum);
		double memory = read_all(argv[2], "memory", "memory.usage_in_bytes", n_groups, &sum);

		printf("cpuacct.usage of all: %.0f ms; memory.usage_in_bytes of all: %.0f ms, sum %lld MB\n", cpu,
		       memory, sum >> 20);
	}
	printf("the daemon's memory: %ld kB\n", resident_kb(argv[1]));
	fflush(stdout);
	/* the members end with this process */
	return 0;
}
