/*
 * Which file a tracee means by a path: followed link by link from the tracee's own directory, descriptor or root, since
 * the tracer's may be others.
 */
#include "daemon/view/trace-engine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

/* In the shadow, what the shadow stands for. */
static char *to_shown(const Call *call, char *path)
{
	const Shadow *shadow = call->tracer->plan->shadow;
	const char *shown = shadow ? shadow_shown(shadow, path) : NULL;
	if (!shown)
		return path;
	char *copy = g_strdup(shown);
	g_free(path);
	return copy;
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
	return text ? to_shown(call, text) : NULL;
}

static char *read_shown_link(const Call *call, const char *path)
{
	const Shadow *shadow = call->tracer->plan->shadow;
	if (!shadow || !shadow_shows(shadow, path))
		return read_link(path);
	g_autofree char *real = shadow_real(shadow, path);
	return read_link(real);
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
	guint64 resolve; /* of openat2(2) */
} Walk;

static int go_up(Walk *walk)
{
	if (strcmp(walk->path->str, walk->root) == 0)
		return walk->resolve & RESOLVE_BENEATH ? -EXDEV : 0;
	const char *slash = strrchr(walk->path->str, '/');
	g_string_truncate(walk->path, slash && slash > walk->path->str ? (gsize) (slash - walk->path->str) : 1);
	return 0;
}

/* Links of /proc that do not lead by name. */
static gboolean is_magic_link(const char *path)
{
	int pid, length = 0;
	if (sscanf(path, "/proc/%d/%n", &pid, &length) != 1 || !length)
		return FALSE;
	const char *name = path + length;
	return g_str_has_prefix(name, "fd/") || g_str_has_prefix(name, "ns/") || strcmp(name, "cwd") == 0 ||
	       strcmp(name, "root") == 0 || strcmp(name, "exe") == 0;
}

/* May openat2(2) follow the link that the walk has come to? */
static int check_link(const Walk *walk, const char *target)
{
	if (walk->resolve & RESOLVE_NO_SYMLINKS)
		return -ELOOP;
	if (!is_magic_link(walk->path->str))
		return target[0] == '/' && walk->resolve & RESOLVE_BENEATH ? -EXDEV : 0;
	if (walk->resolve & RESOLVE_NO_MAGICLINKS)
		return -ELOOP;
	return walk->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT) ? -EXDEV : 0;
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

static char *read_link_of(const Walk *walk)
{
	char *target = read_self_link(walk);
	if (target)
		return target;
	return read_shown_link(walk->call, walk->path->str);
}

/* Goes on at a link's target instead of at its name, which is the last component of walk->path. */
static int follow_link(Walk *walk, const char *target)
{
	int r = ++walk->links > MAX_LINKS ? -ELOOP : check_link(walk, target);
	if (r < 0)
		return r;
	if (target[0] == '/')
		g_string_assign(walk->path, walk->root);
	else
		(void) go_up(walk);
	char *rest = g_strconcat(target, "/", walk->rest, NULL);
	g_free(walk->rest);
	walk->rest = rest;
	return 0;
}

static int step(Walk *walk, const char *name, gboolean follow)
{
	if (strcmp(name, "..") == 0)
		return go_up(walk);
	if (walk->path->str[walk->path->len - 1] != '/')
		g_string_append_c(walk->path, '/');
	g_string_append(walk->path, name);
	if (!follow)
		return 0;
	g_autofree char *target = read_link_of(walk);
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

static char *root_of(const Call *call)
{
	return call->tracer->other_roots ? read_task_link(call, "root") : g_strdup("/");
}

int trace_resolve(const Call *call, int dirfd, const char *path, gboolean follow, guint64 resolve, char **ret)
{
	g_autofree char *root = root_of(call);
	g_autofree char *start = root ? start_of(call, dirfd, path, root) : NULL;
	if (!start)
		return -errno;
	if (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) {
		char *base = start_of(call, dirfd, "", root);
		if (!base)
			return -errno;
		g_free(root);
		root = base;
		if (path[0] == '/' && resolve & RESOLVE_BENEATH)
			return -EXDEV;
		g_free(start);
		start = g_strdup(root);
	}
	Walk walk = {call, root, g_string_new(start), g_strdup(path), .resolve = resolve};
	int r = walk_path(&walk, follow);
	g_free(walk.rest);
	char *found = g_string_free(walk.path, FALSE);
	if (r < 0)
		g_free(found);
	else
		*ret = to_shown(call, found);
	return r;
}

char *trace_path_of(const Call *call, int dirfd, const char *path, gboolean follow)
{
	char *found = NULL;
	int r = trace_resolve(call, dirfd, path, follow, 0, &found);
	if (r == 0)
		return found;
	errno = -r;
	return NULL;
}

/*
 * Directories that paths have led through: where each really is. Following every link of every path would cost more
 * than the calls themselves. What a tracee does to links is seen and forgets all of it; what others do shows after a
 * while.
 */
#define DIRECTORIES_LIFE (G_USEC_PER_SEC / 2)
#define DIRECTORIES_MAX  4096

void trace_paths_forget(Tracer *tracer)
{
	g_hash_table_remove_all(tracer->directories);
}

/* What lies in /proc is different for each reader. */
static gboolean is_proc(const char *path)
{
	return strncmp(path, "/proc", 5) == 0 && (path[5] == '/' || path[5] == '\0');
}

static char *find_directory(const Call *call, const char *text)
{
	Tracer *tracer = call->tracer;
	gint64 now = g_get_monotonic_time();
	if (now > tracer->directories_end || g_hash_table_size(tracer->directories) > DIRECTORIES_MAX) {
		trace_paths_forget(tracer);
		tracer->directories_end = now + DIRECTORIES_LIFE;
	}
	const char *known = g_hash_table_lookup(tracer->directories, text);
	if (known)
		return g_strdup(known);
	char *found = trace_path_of(call, AT_FDCWD, text, TRUE);
	if (found && !is_proc(text) && !is_proc(found) && !tracer->other_roots)
		g_hash_table_insert(tracer->directories, g_strdup(text), g_strdup(found));
	return found;
}

/* Is the tracee's root directory ours? Only then does the shadow's path mean the shadow. */
static gboolean has_our_root(const Call *call)
{
	char path[64];
	struct stat ours, its;
	if (!call->tracer->other_roots)
		return TRUE;
	snprintf(path, sizeof path, "/proc/%d/root", (int) call->task->tid);
	return stat("/", &ours) == 0 && stat(path, &its) == 0 && ours.st_dev == its.st_dev && ours.st_ino == its.st_ino;
}

gboolean trace_serves(const Call *call, const char *path)
{
	const TraceStory *story = &call->tracer->plan->story;
	return story->serves && story->serves(path, story->data);
}

static gboolean is_special(const Call *call, const char *path)
{
	return is_proc(path) || shadow_shows(call->tracer->plan->shadow, path) || trace_serves(call, path);
}

/* The directory that the last name of `path` lies in. */
static char *directory_of(const Call *call, int dirfd, const char *path, const char *slash)
{
	if (slash == path)
		return g_strdup("/");
	if (path[0] == '/') {
		g_autofree char *text = g_strndup(path, (gsize) (slash - path));
		return find_directory(call, text);
	}
	g_autofree char *base = start_of(call, dirfd, path, "/");
	if (!slash || !base)
		return g_steal_pointer(&base);
	g_autofree char *text = g_strdup_printf("%s/%.*s", base, (int) (slash - path), path);
	return find_directory(call, text);
}

/* From a directory in the shadow ".." leads to where the shadow is, not to where the directory is shown. */
static gboolean leads_astray(const Call *call, int dirfd, const char *path)
{
	if (path[0] == '/' || !strstr(path, ".."))
		return FALSE;
	g_autofree char *base = start_of(call, dirfd, path, "/");
	return base && shadow_shows(call->tracer->plan->shadow, base);
}

char *trace_special_path(Call *call, int dirfd, const char *path, gboolean follow)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	if (!has_our_root(call))
		return NULL;
	call->astray = leads_astray(call, dirfd, path);
	if (call->astray)
		return trace_path_of(call, dirfd, path, follow);
	if (*name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
		g_autofree char *directory = directory_of(call, dirfd, path, slash);
		g_autofree char *whole = directory ? g_strconcat(directory, directory[1] ? "/" : "", name, NULL) : NULL;
		if (!whole)
			return NULL;
		if (!follow)
			return is_special(call, whole) ? g_steal_pointer(&whole) : NULL;
		g_autofree char *target = read_shown_link(call, whole);
		if (!target)
			return is_special(call, whole) ? g_steal_pointer(&whole) : NULL;
	}
	g_autofree char *found = trace_path_of(call, dirfd, path, follow);
	return found && is_special(call, found) ? g_steal_pointer(&found) : NULL;
}

char *trace_shown_fd(const Call *call, int fd)
{
	char name[64];
	const Shadow *shadow = call->tracer->plan->shadow;
	if (!shadow)
		return NULL;
	snprintf(name, sizeof name, "/proc/%d/fd/%d", (int) call->task->tid, fd);
	g_autofree char *real = read_link(name);
	return real ? g_strdup(shadow_shown(shadow, real)) : NULL;
}
