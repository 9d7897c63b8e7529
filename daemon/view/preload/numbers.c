/*
 * statfs and sysinfo: the kernel answers, then what does not fit the story is changed.
 */
#include "daemon/view/preload/library.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static void show(const char *path, struct statfs *answer)
{
	struct statfs shown;
	Question question = {.action = PRELOAD_STATFS,
			     .path = path,
			     .more = answer,
			     .more_size = sizeof *answer,
			     .reply = &shown,
			     .reply_size = sizeof shown};
	if (library_ask(&question) >= 0 && question.reply_length == sizeof shown)
		*answer = shown;
}

static int statfs_of(const char *path, struct statfs *answer)
{
	char real[PATH_MAX], shown[PATH_MAX];
	const char *where = library_see(AT_FDCWD, path, true, real);
	if (!where || syscall(SYS_statfs, where, answer) < 0)
		return -1;
	show(where == real && library_to_shown(real, shown) ? shown : path, answer);
	return 0;
}

static int fstatfs_of(int fd, struct statfs *answer)
{
	char path[PATH_MAX];
	if (syscall(SYS_fstatfs, fd, answer) < 0)
		return -1;
	if (library_path_of(fd, path))
		show(path, answer);
	return 0;
}

EXPORT int statfs(const char *path, struct statfs *answer)
{
	return statfs_of(path, answer);
}

EXPORT int statfs64(const char *path, struct statfs64 *answer)
{
	return statfs_of(path, (struct statfs *) answer);
}

EXPORT int fstatfs(int fd, struct statfs *answer)
{
	return fstatfs_of(fd, answer);
}

EXPORT int fstatfs64(int fd, struct statfs64 *answer)
{
	return fstatfs_of(fd, (struct statfs *) answer);
}

/* How many CPUs a list as "0-1,4" names; 0: it cannot be read. The C library would read its file by itself. */
static int count_cpus(const char *path)
{
	char text[4096], *at = text;
	int n = 0, fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (size <= 0)
		return 0;
	text[size] = '\0';
	while (*at >= '0' && *at <= '9') {
		long first = strtol(at, &at, 10), last = *at == '-' ? strtol(at + 1, &at, 10) : first;
		n += (int) (last - first) + 1;
		at += *at == ',';
	}
	return n;
}

EXPORT int get_nprocs(void)
{
	int n = count_cpus("/sys/devices/system/cpu/online");
	return n > 0 ? n : NEXT(get_nprocs)();
}

EXPORT int get_nprocs_conf(void)
{
	int n = count_cpus("/sys/devices/system/cpu/possible");
	return n > 0 ? n : NEXT(get_nprocs_conf)();
}

/* -1: it cannot be told. */
static long count_pages(bool free)
{
	struct sysinfo info;
	if (sysinfo(&info) < 0)
		return -1;
	unsigned long long bytes = (unsigned long long) (free ? info.freeram : info.totalram) * info.mem_unit;
	return (long) (bytes / (unsigned long long) NEXT(sysconf)(_SC_PAGESIZE));
}

EXPORT long sysconf(int name)
{
	switch (name) {
	case _SC_NPROCESSORS_ONLN:
		return get_nprocs();
	case _SC_NPROCESSORS_CONF:
		return get_nprocs_conf();
	case _SC_PHYS_PAGES:
	case _SC_AVPHYS_PAGES:
		return count_pages(name == _SC_AVPHYS_PAGES);
	default:
		return NEXT(sysconf)(name);
	}
}

EXPORT int sysinfo(struct sysinfo *answer)
{
	struct sysinfo shown;
	if (syscall(SYS_sysinfo, answer) < 0)
		return -1;
	Question question = {.action = PRELOAD_SYSINFO,
			     .more = answer,
			     .more_size = sizeof *answer,
			     .reply = &shown,
			     .reply_size = sizeof shown};
	if (library_ask(&question) >= 0 && question.reply_length == sizeof shown)
		*answer = shown;
	return 0;
}
