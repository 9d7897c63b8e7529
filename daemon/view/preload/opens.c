/*
 * Calls that open. A file of /proc that differs between processes is a descriptor of its text; a file that is opened
 * for writing alone is a socket, on which whatever is written reaches the trees' process, by whichever way the C
 * library writes it.
 */
#include "daemon/view/preload/library.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* -2: not shown. -1: failed. */
static int open_process_file(int dirfd, const char *path, int flags)
{
	char shown[PATH_MAX];
	if ((flags & O_ACCMODE) != O_RDONLY || flags & (O_PATH | O_CREAT) ||
	    !library_is_process_file(dirfd, path, shown))
		return -2;
	Question question = {.action = PRELOAD_PROCESS, .path = shown};
	if (library_ask(&question) < 0 || question.fd < 0)
		return -2;
	if (!(flags & O_CLOEXEC))
		(void) fcntl(question.fd, F_SETFD, 0);
	return question.fd;
}

/* `real` is where it is to be opened; *ret_fd >= 0: it has been. */
static bool prepare(const char *shown, int flags, char real[PATH_MAX], int *ret_fd)
{
	char canonical[PATH_MAX];
	Question question = {.action = PRELOAD_OPEN,
			     .path = shown,
			     .number = flags,
			     .reply = canonical,
			     .reply_size = sizeof canonical};
	int r = library_ask(&question);
	*ret_fd = question.fd;
	if (r >= 0 && library_to_real(canonical, real))
		return true;
	errno = r < 0 ? -r : ENAMETOOLONG;
	return false;
}

static int open_at(int dirfd, const char *path, int flags, mode_t mode)
{
	char shown[PATH_MAX], real[PATH_MAX];
	int fd;
	if (!library_is_shown(dirfd, path, shown)) {
		fd = open_process_file(dirfd, path, flags);
		return fd == -2 ? NEXT(openat)(dirfd, path, flags, mode) : fd;
	}
	if (!prepare(shown, flags, real, &fd))
		return errno == ENOTCONN ? NEXT(openat)(dirfd, path, flags, mode) : -1;
	if (fd >= 0 && !(flags & O_CLOEXEC))
		(void) fcntl(fd, F_SETFD, 0);
	/* What others read must not become empty. */
	if (fd < 0)
		fd = NEXT(openat)(AT_FDCWD, real, flags & ~(O_TRUNC | O_CREAT | O_EXCL), 0);
	if (fd >= 0 && !(flags & O_PATH))
		library_remember(fd, shown);
	return fd;
}

static mode_t mode_of(int flags, va_list list)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
}

#define OPEN_FUNCTION(name)                                                                                            \
	EXPORT int name(const char *path, int flags, ...)                                                              \
	{                                                                                                              \
		va_list list;                                                                                          \
		va_start(list, flags);                                                                                 \
		mode_t mode = mode_of(flags, list);                                                                    \
		va_end(list);                                                                                          \
		return open_at(AT_FDCWD, path, flags, mode);                                                           \
	}

#define OPENAT_FUNCTION(name)                                                                                          \
	EXPORT int name(int dirfd, const char *path, int flags, ...)                                                   \
	{                                                                                                              \
		va_list list;                                                                                          \
		va_start(list, flags);                                                                                 \
		mode_t mode = mode_of(flags, list);                                                                    \
		va_end(list);                                                                                          \
		return open_at(dirfd, path, flags, mode);                                                              \
	}

OPEN_FUNCTION(open)
OPEN_FUNCTION(open64)
OPENAT_FUNCTION(openat)
OPENAT_FUNCTION(openat64)

/* What open() becomes when it is compiled with checks. */
EXPORT int __open_2(const char *path, int flags);
EXPORT int __open64_2(const char *path, int flags);
EXPORT int __openat_2(int dirfd, const char *path, int flags);
EXPORT int __openat64_2(int dirfd, const char *path, int flags);

EXPORT int __open_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags, 0);
}

EXPORT int __open64_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags, 0);
}

EXPORT int __openat_2(int dirfd, const char *path, int flags)
{
	return open_at(dirfd, path, flags, 0);
}

EXPORT int __openat64_2(int dirfd, const char *path, int flags)
{
	return open_at(dirfd, path, flags, 0);
}

EXPORT int creat(const char *path, mode_t mode)
{
	return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORT int creat64(const char *path, mode_t mode)
{
	return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

static int flags_of(const char *mode)
{
	int access = strchr(mode, '+') ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;
	return access | (*mode == 'r' ? 0 : O_CREAT) | (*mode == 'w' ? O_TRUNC : 0) |
	       (strchr(mode, 'e') ? O_CLOEXEC : 0);
}

static bool is_ours(const char *path)
{
	char shown[PATH_MAX];
	return library_is_shown(AT_FDCWD, path, shown) || library_is_process_file(AT_FDCWD, path, shown);
}

#define FOPEN_FUNCTION(name)                                                                                           \
	EXPORT FILE *name(const char *restrict path, const char *restrict mode)                                        \
	{                                                                                                              \
		if (!is_ours(path))                                                                                    \
			return NEXT(name)(path, mode);                                                                 \
		int fd = open_at(AT_FDCWD, path, flags_of(mode), 0666);                                                \
		return fd < 0 ? NULL : fdopen(fd, mode);                                                               \
	}

FOPEN_FUNCTION(fopen)
FOPEN_FUNCTION(fopen64)

EXPORT FILE *setmntent(const char *path, const char *mode)
{
	return fopen(path, mode);
}

EXPORT DIR *opendir(const char *path)
{
	char shown[PATH_MAX];
	if (!library_is_shown(AT_FDCWD, path, shown))
		return NEXT(opendir)(path);
	int fd = open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	return fd < 0 ? NULL : fdopendir(fd);
}
