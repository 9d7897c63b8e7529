/*
 * Calls that look something up by its path.
 */
#include "daemon/view/preload/library.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* -1 with errno, or `result`. */
static int result_of(int r)
{
	if (r >= 0)
		return r;
	errno = -r;
	return -1;
}

const char *library_see(int dirfd, const char *path, bool follow, char real[PATH_MAX])
{
	char shown[PATH_MAX], canonical[PATH_MAX];
	if (!library_is_shown(dirfd, path, shown))
		return path;
	Question question = {.action = PRELOAD_SEE,
			     .path = shown,
			     .number = follow ? 0 : AT_SYMLINK_NOFOLLOW,
			     .reply = canonical,
			     .reply_size = sizeof canonical};
	int r = library_ask(&question);
	if (r == -ENOTCONN)
		return path;
	if (r < 0 || !library_to_real(canonical, real)) {
		errno = r < 0 ? -r : ENAMETOOLONG;
		return NULL;
	}
	return real;
}

#define SEE(dirfd, path, follow)                                                                                       \
	char real[PATH_MAX];                                                                                           \
	const char *where = library_see(dirfd, path, follow, real);                                                    \
	if (!where)                                                                                                    \
		return -1;

#define STAT_FUNCTION(name, type, follow)                                                                              \
	EXPORT int name(const char *path, struct type *st)                                                             \
	{                                                                                                              \
		SEE(AT_FDCWD, path, follow)                                                                            \
		return NEXT(name)(where, st);                                                                          \
	}

STAT_FUNCTION(stat, stat, true)
STAT_FUNCTION(stat64, stat64, true)
STAT_FUNCTION(lstat, stat, false)
STAT_FUNCTION(lstat64, stat64, false)

STAT_FUNCTION(statvfs, statvfs, true)
STAT_FUNCTION(statvfs64, statvfs64, true)

#define STATAT_FUNCTION(name, type)                                                                                    \
	EXPORT int name(int dirfd, const char *path, struct type *st, int flags)                                       \
	{                                                                                                              \
		SEE(dirfd, path, !(flags & AT_SYMLINK_NOFOLLOW))                                                       \
		return NEXT(name)(dirfd, where, st, flags);                                                            \
	}

STATAT_FUNCTION(fstatat, stat)
STATAT_FUNCTION(fstatat64, stat64)

/* What programs that were built with the C library before 2.33 call. */
#define OLD_STAT_FUNCTION(name, type, follow)                                                                          \
	EXPORT int name(int version, const char *path, struct type *st);                                               \
	EXPORT int name(int version, const char *path, struct type *st)                                                \
	{                                                                                                              \
		SEE(AT_FDCWD, path, follow)                                                                            \
		return NEXT(name)(version, where, st);                                                                 \
	}

OLD_STAT_FUNCTION(__xstat, stat, true)
OLD_STAT_FUNCTION(__xstat64, stat64, true)
OLD_STAT_FUNCTION(__lxstat, stat, false)
OLD_STAT_FUNCTION(__lxstat64, stat64, false)

#define OLD_STATAT_FUNCTION(name, type)                                                                                \
	EXPORT int name(int version, int dirfd, const char *path, struct type *st, int flags);                         \
	EXPORT int name(int version, int dirfd, const char *path, struct type *st, int flags)                          \
	{                                                                                                              \
		SEE(dirfd, path, !(flags & AT_SYMLINK_NOFOLLOW))                                                       \
		return NEXT(name)(version, dirfd, where, st, flags);                                                   \
	}

OLD_STATAT_FUNCTION(__fxstatat, stat)
OLD_STATAT_FUNCTION(__fxstatat64, stat64)

EXPORT int statx(int dirfd, const char *restrict path, int flags, unsigned mask, struct statx *restrict st)
{
	SEE(dirfd, path, !(flags & AT_SYMLINK_NOFOLLOW))
	return NEXT(statx)(dirfd, where, flags, mask, st);
}

EXPORT int access(const char *path, int mode)
{
	SEE(AT_FDCWD, path, true)
	return NEXT(access)(where, mode);
}

EXPORT int euidaccess(const char *path, int mode)
{
	SEE(AT_FDCWD, path, true)
	return NEXT(euidaccess)(where, mode);
}

EXPORT int faccessat(int dirfd, const char *path, int mode, int flags)
{
	SEE(dirfd, path, !(flags & AT_SYMLINK_NOFOLLOW))
	return NEXT(faccessat)(dirfd, where, mode, flags);
}

EXPORT int chdir(const char *path)
{
	SEE(AT_FDCWD, path, true)
	return NEXT(chdir)(where);
}

EXPORT int truncate(const char *path, off_t length)
{
	SEE(AT_FDCWD, path, true)
	/* Control files have no length. */
	return where == path ? NEXT(truncate)(path, length) : 0;
}

EXPORT int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	SEE(AT_FDCWD, path, !(mask & IN_DONT_FOLLOW))
	return NEXT(inotify_add_watch)(fd, where, mask);
}

EXPORT ssize_t readlink(const char *restrict path, char *restrict buffer, size_t size)
{
	SEE(AT_FDCWD, path, false)
	return NEXT(readlink)(where, buffer, size);
}

EXPORT ssize_t readlinkat(int dirfd, const char *restrict path, char *restrict buffer, size_t size)
{
	SEE(dirfd, path, false)
	return NEXT(readlinkat)(dirfd, where, buffer, size);
}

EXPORT char *realpath(const char *restrict path, char *restrict resolved)
{
	char real[PATH_MAX], shown[PATH_MAX];
	const char *where = library_see(AT_FDCWD, path, true, real);
	if (!where)
		return NULL;
	if (where == path || !library_to_shown(real, shown))
		return NEXT(realpath)(path, resolved);
	return resolved ? strcpy(resolved, shown) : strdup(shown);
}

EXPORT char *getcwd(char *buffer, size_t size)
{
	char shown[PATH_MAX];
	if (!library_shown_of(AT_FDCWD, shown))
		return NEXT(getcwd)(buffer, size);
	if (!buffer)
		return strdup(shown);
	if (strlen(shown) < size)
		return strcpy(buffer, shown);
	errno = ERANGE;
	return NULL;
}

/* Asks for something to be done with a path; false: it is not shown, and the C library's to do. */
static bool done(PreloadAction action, int dirfd, const char *path, int number, int *ret)
{
	char shown[PATH_MAX];
	if (!library_is_shown(dirfd, path, shown))
		return false;
	Question question = {.action = action, .path = shown, .number = number};
	int r = library_ask(&question);
	*ret = result_of(r);
	return r != -ENOTCONN;
}

EXPORT int mkdir(const char *path, mode_t mode)
{
	int r;
	return done(PRELOAD_MKDIR, AT_FDCWD, path, (int) mode, &r) ? r : NEXT(mkdir)(path, mode);
}

EXPORT int mkdirat(int dirfd, const char *path, mode_t mode)
{
	int r;
	return done(PRELOAD_MKDIR, dirfd, path, (int) mode, &r) ? r : NEXT(mkdirat)(dirfd, path, mode);
}

EXPORT int rmdir(const char *path)
{
	int r;
	return done(PRELOAD_RMDIR, AT_FDCWD, path, 0, &r) ? r : NEXT(rmdir)(path);
}

EXPORT int unlink(const char *path)
{
	int r;
	return done(PRELOAD_UNLINK, AT_FDCWD, path, 0, &r) ? r : NEXT(unlink)(path);
}

EXPORT int unlinkat(int dirfd, const char *path, int flags)
{
	int r;
	PreloadAction action = flags & AT_REMOVEDIR ? PRELOAD_RMDIR : PRELOAD_UNLINK;
	return done(action, dirfd, path, 0, &r) ? r : NEXT(unlinkat)(dirfd, path, flags);
}

EXPORT int rename(const char *from, const char *to)
{
	char shown[PATH_MAX], new_shown[PATH_MAX];
	bool from_shown = library_is_shown(AT_FDCWD, from, shown), to_shown = library_is_shown(AT_FDCWD, to, new_shown);
	if (!from_shown && !to_shown)
		return NEXT(rename)(from, to);
	if (!from_shown || !to_shown)
		return result_of(-EXDEV);
	Question question = {
		.action = PRELOAD_RENAME, .path = shown, .more = new_shown, .more_size = strlen(new_shown) + 1};
	return result_of(library_ask(&question));
}
