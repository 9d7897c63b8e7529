/*
 * Readers side by side, for as long as a file is not there.
 *
 *     watchers N END steady|gaps FILE…
 *
 * N processes read the files in turn, opened anew and through a descriptor that they hold, until END exists. Contents
 * must stay as they were at first. gaps: while nobody serves, reading may fail as on a mount that is dead or gone; the
 * held descriptor is then opened anew. Prints "watching" once all are there, and in the end how many reads there were,
 * and how many of them failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Text {
	char bytes[4096];
	ssize_t len;
} Text;

typedef struct Counts {
	unsigned long reads, gaps;
} Counts;

/* Whether what errno says may be in a gap. */
static int is_gap(void)
{
	static const int errors[] = {ENOTCONN, ECONNABORTED, ENOENT, ENODEV, EINTR};

	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errno == errors[i])
			return 1;
	return 0;
}

static int read_text(int fd, Text *text)
{
	do
		text->len = pread(fd, text->bytes, sizeof text->bytes, 0);
	while (text->len < 0 && errno == EINTR);
	return text->len < 0 ? -1 : 0;
}

static int read_path(const char *path, Text *text)
{
	int fd = open(path, O_RDONLY);
	int r = fd < 0 ? -1 : read_text(fd, text), error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return r;
}

static void judge(const char *path, int r, const Text *now, const Text *first, int gaps, Counts *counts)
{
	__atomic_fetch_add(&counts->reads, 1, __ATOMIC_RELAXED);
	if (r < 0) {
		if (!gaps || !is_gap()) {
			perror(path);
			_exit(1);
		}
		__atomic_fetch_add(&counts->gaps, 1, __ATOMIC_RELAXED);
		return;
	}
	if (now->len != first->len || memcmp(now->bytes, first->bytes, (size_t) now->len) != 0) {
		fprintf(stderr, "%s became '%.*s'\n", path, (int) now->len, now->bytes);
		_exit(1);
	}
}

static void watch(char **paths, int n, int at, const char *end, int gaps, Counts *counts)
{
	Text *first = calloc((size_t) n, sizeof *first), now;
	int held = open(paths[at], O_RDONLY);

	for (int i = 0; i < n; i++)
		if (read_path(paths[i], &first[i]) < 0) {
			perror(paths[i]);
			_exit(1);
		}
	while (access(end, F_OK) != 0) {
		int i = (int) (counts->reads % (unsigned) n), r;

		judge(paths[i], read_path(paths[i], &now), &now, &first[i], gaps, counts);
		if (held < 0)
			held = open(paths[at], O_RDONLY);
		r = held < 0 ? -1 : read_text(held, &now);
		judge(paths[at], r, &now, &first[at], gaps, counts);
		if (r < 0 && held >= 0) {
			close(held);
			held = -1;
		}
		usleep(500);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	Counts *counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int failed = 0, status;

	if (argc < 5 || counts == MAP_FAILED) {
		fprintf(stderr, "usage: watchers N END steady|gaps FILE...\n");
		return 2;
	}
	for (int i = 0; i < atoi(argv[1]); i++) /* nothing is printed yet that they would print again */
		if (fork() == 0)
			watch(argv + 4, argc - 4, i % (argc - 4), argv[2], !strcmp(argv[3], "gaps"), counts);
	puts("watching");
	fflush(stdout);
	while (wait(&status) > 0)
		failed |= status;
	printf("%lu reads, %lu failed\n", counts->reads, counts->gaps);
	return failed != 0 || counts->reads == 0;
}
