/*
 * Descriptors that stay open, and readers side by side.
 *
 *     held fresh DIRECTORY      pread(2) on a held descriptor shows what was written since
 *     held readers N FILE…      N processes read the files in turn, each 500 times; all contents must be whole
 *     held until STOP FILE      pread(2) on a held descriptor until STOP exists, again after EINTR
 *     held poll DIRECTORY       poll(2) reports POLLPRI when a v2 group gets its first process
 *     held asleep FILE          reads it, says "asleep", and waits for POLLPRI
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 1;
}

static int expect(int fd, const char *text)
{
	char buf[64] = "";
	ssize_t n = pread(fd, buf, sizeof buf - 1, 0);

	if (n >= 0 && !strcmp(buf, text))
		return 0;
	fprintf(stderr, "expected %s, read %zd bytes: %s\n", text, n, buf);
	return 1;
}

static int try_fresh(const char *directory)
{
	int reader, writer;

	if (chdir(directory) < 0)
		return fail(directory);
	reader = open("notify_on_release", O_RDONLY);
	writer = open("notify_on_release", O_WRONLY | O_APPEND | O_TRUNC);
	if (reader < 0 || writer < 0)
		return fail("notify_on_release");
	for (int i = 0; i < 20; i++) {
		const char *text = i % 2 ? "1\n" : "0\n";
		/* Whatever the offset: one write is one command. */
		if (pwrite(writer, text, 2, i * 7) != 2)
			return fail("write");
		if (expect(reader, text))
			return 1;
		lseek(reader, 0, SEEK_SET);
	}
	return 0;
}

/* EINTR is what a request says whose server has crashed meanwhile, and another one gone on. */
static int open_again(const char *path)
{
	int fd;

	do
		fd = open(path, O_RDONLY);
	while (fd < 0 && errno == EINTR);
	return fd;
}

static ssize_t read_again(int fd, char *buf, size_t size)
{
	ssize_t n;

	do
		n = read(fd, buf, size);
	while (n < 0 && errno == EINTR);
	return n;
}

static int read_all(const char *path)
{
	char buf[100];
	char last = '\n';
	ssize_t n;
	int fd = open_again(path);

	if (fd < 0)
		return fail(path);
	while ((n = read_again(fd, buf, sizeof buf)) > 0)
		last = buf[n - 1];
	close(fd);
	if (n < 0)
		return fail(path);
	if (last != '\n') {
		fprintf(stderr, "%s ends in the middle of a line\n", path);
		return 1;
	}
	return 0;
}

static int try_readers(int n_readers, char **paths, int n_paths)
{
	int failed = 0, status;

	for (int reader = 0; reader < n_readers; reader++) {
		if (fork() > 0)
			continue;
		for (int i = 0; i < 500; i++)
			if (read_all(paths[(reader + i) % n_paths]))
				_exit(1);
		_exit(0);
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}

static int try_until(const char *stop, const char *path)
{
	char buf[100];
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return fail(path);
	puts("begun");
	fflush(stdout);
	while (access(stop, F_OK) < 0)
		if (pread(fd, buf, sizeof buf, 0) <= 0 && errno != EINTR)
			return fail(path);
	return 0;
}

static int move_to(const char *procs)
{
	int fd = open(procs, O_WRONLY);
	int failed = fd < 0 || write(fd, "0", 1) != 1;

	close(fd);
	return failed;
}

static int try_poll(const char *directory)
{
	char buf[256];
	struct pollfd event = {.events = POLLPRI};
	pid_t child;
	int status;

	if (chdir(directory) < 0 || mkdir("polled", 0755) < 0)
		return fail(directory);
	event.fd = open("polled/cgroup.events", O_RDONLY);
	if (event.fd < 0 || read(event.fd, buf, sizeof buf) <= 0)
		return fail("cgroup.events");
	if (poll(&event, 1, 0) != 0) {
		fprintf(stderr, "an event before anything happened\n");
		return 1;
	}
	child = fork();
	if (child == 0)
		_exit(move_to("polled/cgroup.procs") || move_to("cgroup.procs"));
	if (poll(&event, 1, 600000) != 1 || !(event.revents & POLLPRI) || !(event.revents & POLLERR)) {
		fprintf(stderr, "no event: %#x\n", event.revents);
		return 1;
	}
	waitpid(child, &status, 0);
	return status != 0;
}

static int try_asleep(const char *path)
{
	char buf[256];
	struct pollfd event = {.fd = open(path, O_RDONLY), .events = POLLPRI};

	if (event.fd < 0 || read(event.fd, buf, sizeof buf) <= 0)
		return fail(path);
	puts("asleep");
	fflush(stdout);
	if (poll(&event, 1, 300000) != 1)
		return fail("not woken");
	return !(event.revents & POLLPRI) || pread(event.fd, buf, sizeof buf, 0) <= 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "until"))
		return try_until(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "fresh"))
		return try_fresh(argv[2]);
	if (argc > 3 && !strcmp(argv[1], "readers"))
		return try_readers(atoi(argv[2]), argv + 3, argc - 3);
	if (argc == 3 && !strcmp(argv[1], "poll"))
		return try_poll(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "asleep"))
		return try_asleep(argv[2]);
	fprintf(stderr, "usage: held fresh DIRECTORY | readers N FILE... | poll DIRECTORY | asleep FILE\n");
	return 2;
}
