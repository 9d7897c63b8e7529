/*
 * Which file a tracee means by a path: followed link by link from the tracee's own directory, descriptor or root, since
 * the tracer's may be others.
 */
#include "daemon/view/trace-engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINKS 40 /* as the kernel, namei.h MAXSYMLINKS */

/* The text of a link, or NULL with errno. */
static char *read_link(const char *path)
{
	char text[PATH_MAX];
	ssize_t n = readlink(path, text, sizeof text);
	if (n == sizeof text)
		errno = ENAMETOOLONG;
	return n < 0 || n == sizeof text ? NULL : g_strndup(text, (gsize) n);
}

static char *read_task_link(const Call *call, const char *name)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", (int) call->task->tid, name);
	char *text = read_link(path);
	if (text && text[0] != '/') { /* a pipe, a socket */
		g_free(text);
		errno = ENOTDIR;
		return NULL;
	}
	return text;
}

char *trace_path_of_fd(const Call *call, int fd)
{
	char name[32];
	snprintf(name, sizeof name, "fd/%d", fd);
	return read_task_link(call, name);
}

/* A walk under way: `path` is canonical, `rest` is still to go. */
typedef struct Walk {
	const Call *call;
	char *root;
	GString *path;
	char *rest;
	unsigned links;
} Walk;

static void go_up(Walk *walk)
{
	if (strcmp(walk->path->str, walk->root) == 0)
		return;
	const char *slash = strrchr(walk->path->str, '/');
	g_string_truncate(walk->path, slash && slash > walk->path->str ? (gsize) (slash - walk->path->str) : 1);
}

/* /proc/self and /proc/thread-self are other links to each reader. */
static char *read_self_link(const Walk *walk)
{
	Task *task = walk->call->task;
	if (strcmp(walk->path->str, "/proc/self") == 0)
		return g_strdup_printf("%d", (int) task_process(walk->call->tracer, task)->tgid);
	if (strcmp(walk->path->str, "/proc/thread-self") == 0)
		return g_strdup_printf("%d/task/%d", (int) task_process(walk->call->tracer, task)->tgid,
				       (int) task->tid);
	return NULL;
}

/* Goes on at a link's target instead of at its name, which is the last component of walk->path. */
static int follow_link(Walk *walk, const char *target)
{
	if (++walk->links > MAX_LINKS)
		return -ELOOP;
	if (target[0] == '/')
		g_string_assign(walk->path, walk->root);
	else
		go_up(walk);
	char *rest = g_strconcat(target, "/", walk->rest, NULL);
	g_free(walk->rest);
	walk->rest = rest;
	return 0;
}

static int step(Walk *walk, const char *name, gboolean follow)
{
	if (strcmp(name, "..") == 0) {
		go_up(walk);
		return 0;
	}
	if (walk->path->str[walk->path->len - 1] != '/')
		g_string_append_c(walk->path, '/');
	g_string_append(walk->path, name);
	if (!follow)
		return 0;
	g_autofree char *target = read_self_link(walk);
	if (!target)
		target = read_link(walk->path->str);
	return target ? follow_link(walk, target) : 0;
}

/* Takes the first component off walk->rest; NULL at the end. */
static char *next_name(Walk *walk)
{
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(start, "/");
	if (length == 0)
		return NULL;
	char *name = g_strndup(start, length), *rest = g_strdup(start + length);
	g_free(walk->rest);
	walk->rest = rest;
	return name;
}

static int walk_path(Walk *walk, gboolean follow)
{
	for (;;) {
		g_autofree char *name = next_name(walk);
		if (!name)
			return 0;
		if (strcmp(name, ".") == 0)
			continue;
		/* A slash behind the last name asks for a directory, and is reason to follow it. */
		int r = step(walk, name, follow || walk->rest[0] == '/');
		if (r < 0)
			return r;
	}
}

static char *start_of(const Call *call, int dirfd, const char *path, const char *root)
{
	if (path[0] == '/')
		return g_strdup(root);
	return dirfd == AT_FDCWD ? read_task_link(call, "cwd") : trace_path_of_fd(call, dirfd);
}

char *trace_path_of(const Call *call, int dirfd, const char *path, gboolean follow)
{
	g_autofree char *root = read_task_link(call, "root");
	g_autofree char *start = root ? start_of(call, dirfd, path, root) : NULL;
	if (!start)
		return NULL;
	Walk walk = {.call = call, .root = root, .path = g_string_new(start), .rest = g_strdup(path)};
	int r = walk_path(&walk, follow);
	g_free(walk.rest);
	if (r == 0)
		return g_string_free(walk.path, FALSE);
	g_string_free(walk.path, TRUE);
	errno = -r;
	return NULL;
}
