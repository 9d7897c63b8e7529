/*
 * calls NUMBER: nanoseconds for one getppid, which no view traces, one stat of an ordinary path, and one statfs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double) time.tv_sec * 1e9 + (double) time.tv_nsec;
}

static void call_getppid(void)
{
	(void) syscall(SYS_getppid);
}

static void call_stat(void)
{
	struct stat st;
	(void) stat("/usr/share/doc", &st);
}

static void call_statfs(void)
{
	struct statfs st;
	(void) statfs("/usr/share/doc", &st);
}

static void measure(const char *name, void (*call)(void), int n)
{
	double begin = now();
	for (int i = 0; i < n; i++)
		call();
	printf("%s\t%.0f\n", name, (now() - begin) / n);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 100000;
	measure("getppid", call_getppid, n);
	measure("stat", call_stat, n / 10);
	measure("statfs", call_statfs, n / 10);
	return 0;
}
