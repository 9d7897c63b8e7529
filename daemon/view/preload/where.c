/*
 * Telling paths that are shown from all others, by their text alone: only links within what is shown are followed, by
 * the trees' process.
 */
#include "daemon/view/preload/library.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The root of the shadow, then what is shown in it; an empty text ends it. */
static char places[PRELOAD_MAX_REPLY];
static pthread_once_t asked = PTHREAD_ONCE_INIT;

static void ask_places(void)
{
	Question question = {.action = PRELOAD_HELLO, .reply = places, .reply_size = sizeof places - 2};
	if (library_ask(&question) < 0)
		places[0] = '\0';
}

static const char *root(void)
{
	pthread_once(&asked, ask_places);
	return places;
}

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);
	return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static bool is_place(const char *path)
{
	const char *place = root();
	while (*place) {
		place += strlen(place) + 1;
		if (*place && is_below(path, place))
			return true;
	}
	return false;
}

bool library_to_shown(const char *real, char shown[PATH_MAX])
{
	size_t length = strlen(root());
	if (!length || !is_below(real, root()) || !real[length])
		return false;
	memmove(shown, real + length, strlen(real + length) + 1);
	return true;
}

bool library_to_real(const char *shown, char real[PATH_MAX])
{
	return snprintf(real, PATH_MAX, "%s%s", root(), shown) < PATH_MAX;
}

/* Appends the components of a path to one that is already without "." and ".."; false: too long. */
static bool append(char to[PATH_MAX], const char *path)
{
	size_t length = strcmp(to, "/") == 0 ? 0 : strlen(to);
	while (*path) {
		path += strspn(path, "/");
		size_t n = strcspn(path, "/");
		if (n == 2 && strncmp(path, "..", 2) == 0) {
			while (length > 0 && to[--length] != '/')
				;
		} else if (n > 0 && !(n == 1 && *path == '.')) {
			if (length + n + 2 > PATH_MAX)
				return false;
			to[length] = '/';
			memcpy(to + length + 1, path, n);
			length += n + 1;
		}
		path += n;
	}
	if (length == 0)
		to[length++] = '/';
	to[length] = '\0';
	return true;
}

static bool path_of(int fd, char path[PATH_MAX])
{
	char link[32];
	if (fd == AT_FDCWD)
		return syscall(SYS_getcwd, path, PATH_MAX) > 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	long n = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
	if (n > 0)
		path[n] = '\0';
	return n > 0 && path[0] == '/';
}

bool library_path_of(int fd, char path[PATH_MAX])
{
	int saved = errno;
	bool ok = library_shown_of(fd, path) || path_of(fd, path);
	errno = saved;
	return ok;
}

bool library_shown_of(int fd, char shown[PATH_MAX])
{
	char real[PATH_MAX];
	int saved = errno;
	bool ok = path_of(fd, real) && library_to_shown(real, shown);
	errno = saved;
	return ok;
}

/* The absolute form, as it is shown; false where that cannot be told. */
static bool absolute(int dirfd, const char *path, char shown[PATH_MAX])
{
	int saved = errno;
	memcpy(shown, "/", sizeof "/");
	if (*path != '/') {
		if (!path_of(dirfd, shown)) {
			errno = saved;
			return false;
		}
		(void) library_to_shown(shown, shown);
	}
	return append(shown, path) && (library_to_shown(shown, shown) || true);
}

bool library_is_shown(int dirfd, const char *path, char shown[PATH_MAX])
{
	return path && *path && *root() && absolute(dirfd, path, shown) && is_place(shown);
}

static bool is_process_name(const char *name)
{
	return strcmp(name, "mounts") == 0 || strcmp(name, "mountinfo") == 0 || strcmp(name, "cgroup") == 0;
}

bool library_is_process_file(int dirfd, const char *path, char shown[PATH_MAX])
{
	char name[16];
	int pid, length = 0;
	if (!path || !*path || !*root() || !absolute(dirfd, path, shown))
		return false;
	if (strcmp(shown, "/proc/mounts") == 0 || strcmp(shown, "/etc/mtab") == 0)
		memcpy(shown, "/proc/self/mounts", sizeof "/proc/self/mounts");
	if (strncmp(shown, "/proc/self/", 11) == 0 || strncmp(shown, "/proc/thread-self/", 18) == 0) {
		const char *slash = strrchr(shown, '/');
		if (strlen(slash) >= sizeof name || (slash != shown + 10 && slash != shown + 17))
			return false;
		snprintf(name, sizeof name, "%s", slash + 1);
		snprintf(shown, PATH_MAX, "/proc/%d/%s", (int) getpid(), name);
	}
	if (sscanf(shown, "/proc/%d/%n", &pid, &length) != 1 || length == 0)
		return false;
	/* A thread's is its process's. */
	int tid, task = 0;
	if (sscanf(shown + length, "task/%d/%n", &tid, &task) == 1 && task > 0)
		memmove(shown + length, shown + length + task, strlen(shown + length + task) + 1);
	return is_process_name(shown + length);
}
