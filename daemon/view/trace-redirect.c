/*
 * Calls with paths: those that lead to what is shown are sent into the shadow, or answered from the trees. An ordinary
 * path costs one stop, in which nothing is changed.
 */
#include "daemon/view/trace-engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

/* From a line "Uid:\t real effective saved fs". */
static unsigned effective_id(const char *status, const char *name)
{
	const char *line = strstr(status, name);
	unsigned real, effective;
	return line && sscanf(line + strlen(name), "%u %u", &real, &effective) == 2 ? effective : 0;
}

Caller trace_caller(const Call *call)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", (int) call->task->tid);
	g_autofree char *status = NULL;
	Caller caller = {.pid = task_process(call->tracer, call->task)->tgid};
	if (g_file_get_contents(path, &status, NULL, NULL)) {
		caller.uid = effective_id(status, "\nUid:");
		caller.gid = effective_id(status, "\nGid:");
	}
	return caller;
}

Verdict redirect_to(Call *call, int n, const char *path)
{
	Verdict verdict;
	if (strlen(path) >= PATH_MAX)
		return call_answer(call, -ENAMETOOLONG);
	if (!scratch_ready(call, &verdict))
		return verdict;
	int r = trace_write(call->tracer, call->task->tid, call->task->scratch, path, strlen(path) + 1);
	if (r < 0)
		return call_answer(call, r);
	call_set_argument(call, n, call->task->scratch);
	return CALL_WATCH;
}

static int argument_dirfd(const Call *call, int n)
{
	return n == NO_ARGUMENT ? AT_FDCWD : (int) call_argument(call, n);
}

/* What the path in argument n means, if that is special; NULL: an ordinary path, or none. */
static char *special_argument(Call *call, int dirfd, int n, gboolean follow)
{
	char path[PATH_MAX];
	if (n == NO_ARGUMENT || trace_read_text(call->tracer, call->task->tid, call_argument(call, n), path) < 0 ||
	    !*path)
		return NULL;
	return trace_special_path(call, argument_dirfd(call, dirfd), path, follow);
}

/* The same, but only what is shown. */
static char *shown_argument(Call *call, int dirfd, int n, gboolean follow)
{
	g_autofree char *path = special_argument(call, dirfd, n, follow);
	return path && shadow_shows(call->tracer->plan->shadow, path) ? g_steal_pointer(&path) : NULL;
}

static gboolean follows_links(const Call *call)
{
	const SyscallRow *row = call->task->row;
	return !(row->flags & SYSCALL_NOFOLLOW) &&
	       (row->at_flags == NO_ARGUMENT || !(call_argument(call, row->at_flags) & AT_SYMLINK_NOFOLLOW));
}

/* Where the only path of the call leads if that is shown. NULL: it is not, and *ret_verdict is what `enter` answers. */
static char *shown_path(Call *call, Verdict *ret_verdict)
{
	const SyscallRow *row = call->task->row;
	g_autofree char *path = special_argument(call, row->dirfd, row->path, follows_links(call));
	*ret_verdict = CALL_PASS;
	if (path && shadow_shows(call->tracer->plan->shadow, path))
		return g_steal_pointer(&path);
	if (path && call->astray)
		*ret_verdict = redirect_to(call, row->path, path);
	else if (path && trace_serves(call, path))
		*ret_verdict = call_persist(call);
	return NULL;
}

/* Sends argument n into the shadow. */
static Verdict redirect(Call *call, int n, const char *shown)
{
	g_autofree char *real = shadow_real(call->tracer->plan->shadow, shown);
	return redirect_to(call, n, real);
}

static Verdict prepare_and_redirect(Call *call, const char *shown, ShadowUse use)
{
	const Caller caller = trace_caller(call);
	int r = shadow_prepare(call->tracer->plan->shadow, shown, use, O_RDONLY, &caller);
	return r < 0 ? call_answer(call, r) : redirect(call, call->task->row->path, shown);
}

Verdict path_enter(Call *call)
{
	Verdict verdict;
	g_autofree char *shown = shown_path(call, &verdict);
	return shown ? prepare_and_redirect(call, shown, SHADOW_SEE) : verdict;
}

/* gVisor tells the type of a file that FUSE serves only to those who ask for its mode, too. */
Verdict statx_enter(Call *call)
{
	guint64 mask = call_argument(call, 3);
	gboolean widens = (mask & (STATX_TYPE | STATX_MODE)) == STATX_TYPE;
	if (widens)
		call_set_argument(call, 3, mask | STATX_MODE);
	Verdict verdict = path_enter(call);
	/* The argument is put back at the end. */
	return widens && verdict == CALL_PASS ? CALL_WATCH : verdict;
}

/* Within the shadow a path that leads up, to a program as well, is not the one that it seems to be. */
Verdict chdir_enter(Call *call)
{
	Verdict verdict;
	g_autofree char *shown = shown_path(call, &verdict);
	if (!shown)
		return verdict;
	return filter_ready(call, TRACE_EXECS, &verdict) ? prepare_and_redirect(call, shown, SHADOW_SEE) : verdict;
}

Verdict watch_enter(Call *call)
{
	gboolean follow = !(call_argument(call, 2) & IN_DONT_FOLLOW);
	g_autofree char *shown = shown_argument(call, NO_ARGUMENT, call->task->row->path, follow);
	if (!shown)
		return CALL_PASS;
	shadow_set_watched(call->tracer->plan->shadow);
	return prepare_and_redirect(call, shown, SHADOW_READ);
}

Verdict truncate_enter(Call *call)
{
	Verdict verdict;
	g_autofree char *shown = shown_path(call, &verdict);
	if (!shown)
		return verdict;
	const Caller caller = trace_caller(call);
	return call_answer(call, shadow_prepare(call->tracer->plan->shadow, shown, SHADOW_SEE, O_RDONLY, &caller));
}

Verdict mkdir_enter(Call *call)
{
	Verdict verdict;
	g_autofree char *shown = shown_path(call, &verdict);
	if (!shown)
		return verdict;
	const Caller caller = trace_caller(call);
	mode_t mode = (mode_t) call_argument(call, call->task->row->path + 1) & 0755;
	return call_answer(call, shadow_make_directory(call->tracer->plan->shadow, shown, mode, &caller));
}

static Verdict remove_directory(Call *call, const char *shown)
{
	Verdict verdict;
	if (!removal_ready(call, shown, &verdict))
		return verdict;
	const Caller caller = trace_caller(call);
	return call_answer(call, shadow_remove_directory(call->tracer->plan->shadow, shown, &caller));
}

Verdict rmdir_enter(Call *call)
{
	Verdict verdict;
	g_autofree char *shown = shown_path(call, &verdict);
	return shown ? remove_directory(call, shown) : verdict;
}

Verdict unlink_enter(Call *call)
{
	Verdict verdict;
	g_autofree char *shown = shown_path(call, &verdict);
	if (!shown)
		return verdict;
	if (call->task->row->nr == SYS_unlinkat && call_argument(call, 2) & AT_REMOVEDIR)
		return remove_directory(call, shown);
	return call_answer(call, shadow_unlink(call->tracer->plan->shadow, shown));
}

/* The two paths of a call; NULL for one that is not shown. FALSE: neither is. */
static gboolean shown_pair(Call *call, char **ret_from, char **ret_to)
{
	const SyscallRow *row = call->task->row;
	trace_paths_forget(call->tracer);
	*ret_from = shown_argument(call, row->dirfd, row->path, FALSE);
	*ret_to = shown_argument(call, row->dirfd2, row->path2, FALSE);
	return *ret_from || *ret_to;
}

Verdict rename_enter(Call *call)
{
	g_autofree char *from = NULL, *to = NULL;
	if (!shown_pair(call, &from, &to))
		return CALL_PASS;
	if (!from || !to)
		return call_answer(call, -EXDEV);
	const Caller caller = trace_caller(call);
	return call_answer(call, shadow_rename(call->tracer->plan->shadow, from, to, &caller));
}

/* No links or nodes are made in the trees. */
Verdict link_enter(Call *call)
{
	g_autofree char *from = NULL, *to = NULL;
	if (!shown_pair(call, &from, &to))
		return CALL_PASS;
	return call_answer(call, call->task->row->path != NO_ARGUMENT && !from != !to ? -EXDEV : -EPERM);
}

static gboolean is_writing(int flags)
{
	return !(flags & O_PATH) && (flags & O_ACCMODE) != O_RDONLY;
}

/* The opening calls in terms of openat(2). */
Verdict become_openat(Call *call, const char *real, int flags, guint64 mode)
{
	const SyscallRow *row = call->task->row;
	Verdict verdict = redirect_to(call, row->path, real);
	if (verdict != CALL_WATCH || row->nr == SYS_creat)
		return verdict;
	call_set_argument(call, row->path + 1, (guint64) flags);
	if (row->nr == SYS_openat2) {
		call_set_argument(call, row->path + 2, mode);
		call_become(call, SYS_openat);
	}
	return CALL_WATCH;
}

static void free_opening(void *wait)
{
	shadow_wait_free(wait);
}

/* Those of the calls to come that must be stopped because of what is opened: fchdir(2) may lead to a directory. */
static gboolean filters_ready(Call *call, const char *shown, int flags, int problem, gboolean is_event,
			      Verdict *ret_verdict)
{
	return (!shadow_is_directory(call->tracer->plan->shadow, shown) ||
		filter_ready(call, TRACE_EXECS, ret_verdict)) &&
	       (!is_writing(flags) || filter_ready(call, TRACE_WRITES, ret_verdict)) &&
	       (problem == 0 || filter_ready(call, TRACE_READS, ret_verdict)) &&
	       (!is_event || filter_ready(call, TRACE_POLLS, ret_verdict));
}

static Verdict open_prepared(Call *call, const char *shown, int flags, guint64 mode, int problem)
{
	Verdict verdict;
	Shadow *shadow = call->tracer->plan->shadow;
	const Caller caller = trace_caller(call);
	ShadowWait *wait = flags & O_PATH ? NULL : shadow_wait_new(shadow, shown, &caller);
	call->task->state = wait;
	call->task->free_state = free_opening;
	call->task->holds |= !g_str_has_prefix(shown, "/proc/");
	if (!filters_ready(call, shown, flags, problem, wait != NULL, &verdict))
		return verdict;
	/* What others read must not become empty. */
	g_autofree char *real = shadow_real(shadow, shown);
	return become_openat(call, real, flags & ~O_TRUNC, mode);
}

static Verdict open_shown(Call *call, const char *shown, int flags, guint64 mode)
{
	Shadow *shadow = call->tracer->plan->shadow;
	const Caller caller = trace_caller(call);
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return call_answer(call, -EOPNOTSUPP);
	if (shadow_is_silent(shadow, shown))
		return open_silent(call, shown, flags, mode);
	int r = shadow_prepare(shadow, shown, SHADOW_READ, flags, &caller);
	if (r == -ENOENT && flags & O_CREAT)
		r = shadow_create(shadow, shown);
	gboolean is_read = (flags & O_ACCMODE) != O_WRONLY && !(flags & O_PATH);
	return r < 0 ? call_answer(call, r) : open_prepared(call, shown, flags, mode, is_read ? r : 0);
}

/* An event file is known by its descriptor from now on. */
void open_leave(Call *call)
{
	Task *task = call->task;
	if (task->free_state != free_opening || !task->state || call_result(call) < 0)
		return;
	trace_wait_add(call, (int) call_result(call), task->state);
	task->state = NULL;
}

/* A file that only this call is shown; it goes when the call ends. */
typedef struct OwnFile {
	Shadow *shadow;
	char *real;
} OwnFile;

static void free_own_file(void *data)
{
	OwnFile *file = data;
	shadow_remove_file(file->shadow, file->real);
	g_free(file->real);
	g_free(file);
}

static Verdict open_own_file(Call *call, const char *shown, const GString *text, int flags, guint64 mode)
{
	Verdict verdict;
	Shadow *shadow = call->tracer->plan->shadow;
	if (!scratch_ready(call, &verdict))
		return verdict;
	char *real = shadow_add_file(shadow, shown, text->str, text->len);
	if (!real)
		return call_answer(call, -errno);
	OwnFile *file = g_new(OwnFile, 1);
	*file = (OwnFile){shadow, real};
	call->task->state = file;
	call->task->free_state = free_own_file;
	return become_openat(call, real, flags, mode);
}

/* "/proc/PID/NAME" or "/proc/PID/task/TID/NAME", without links. */
static gboolean parse_process_file(const char *path, pid_t *ret_pid, const char **ret_name)
{
	int pid, tid, length = 0, task = 0;
	if (sscanf(path, "/proc/%d/%n", &pid, &length) != 1 || !length || pid <= 0)
		return FALSE;
	if (sscanf(path + length, "task/%d/%n", &tid, &task) == 1 && task)
		length += task;
	*ret_pid = (pid_t) pid;
	*ret_name = path + length;
	return strchr(*ret_name, '/') == NULL;
}

static Verdict open_process_file(Call *call, const char *path, int flags, guint64 mode)
{
	const TraceStory *story = &call->tracer->plan->story;
	pid_t pid;
	const char *name;
	if (!story->process_file || !parse_process_file(path, &pid, &name))
		return CALL_PASS;
	g_autoptr(GString) text = g_string_new(NULL);
	const Caller caller = trace_caller(call);
	if (!story->process_file(pid, name, &caller, text, story->data))
		return CALL_PASS;
	return open_own_file(call, path, text, flags, mode);
}

static Verdict open_served(Call *call, int flags)
{
	Verdict verdict;
	return is_writing(flags) && !filter_ready(call, TRACE_WRITES, &verdict) ? verdict : call_persist(call);
}

Verdict open_special(Call *call, const char *path, int flags, guint64 mode)
{
	if (shadow_shows(call->tracer->plan->shadow, path))
		return open_shown(call, path, flags, mode);
	Verdict verdict;
	if (trace_serves(call, path))
		return open_served(call, flags);
	verdict = open_process_file(call, path, flags, mode);
	return verdict == CALL_PASS && call->astray ? become_openat(call, path, flags, mode) : verdict;
}

Verdict open_enter(Call *call)
{
	const SyscallRow *row = call->task->row;
	int n = row->path + 1;
	int flags = row->nr == SYS_creat ? O_CREAT | O_WRONLY | O_TRUNC : (int) call_argument(call, n);
	gboolean follow = !(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
	g_autofree char *path = special_argument(call, row->dirfd, row->path, follow);
	return path ? open_special(call, path, flags, call_argument(call, n + 1)) : CALL_PASS;
}

Verdict root_enter(Call *call)
{
	call->tracer->other_roots = TRUE;
	return CALL_PASS;
}

/* Nothing is really mounted there, nor would a mount be seen. */
Verdict mount_enter(Call *call)
{
	Verdict verdict;
	g_autofree char *shown = shown_path(call, &verdict);
	return shown ? call_answer(call, -EPERM) : verdict;
}

/* Names of sockets: there are none in the trees, nor can they be made. */
Verdict address_enter(Call *call)
{
	struct sockaddr_un address = {0};
	size_t size = MIN(call_argument(call, 2), sizeof address);
	char path[sizeof address.sun_path + 1] = "";
	if (size <= offsetof(struct sockaddr_un, sun_path) ||
	    trace_read(call->tracer, call->task->tid, call_argument(call, 1), &address, size) < 0 ||
	    address.sun_family != AF_UNIX || !address.sun_path[0])
		return CALL_PASS;
	memcpy(path, address.sun_path, sizeof address.sun_path);
	g_autofree char *special = trace_special_path(call, AT_FDCWD, path, TRUE);
	if (!special || !shadow_shows(call->tracer->plan->shadow, special))
		return CALL_PASS;
	if (call->task->row->nr == SYS_bind)
		return call_answer(call, -EPERM);
	const Caller caller = trace_caller(call);
	int r = shadow_prepare(call->tracer->plan->shadow, special, SHADOW_SEE, O_RDONLY, &caller);
	return call_answer(call, r < 0 ? r : -ECONNREFUSED);
}

Verdict getcwd_enter(Call *call)
{
	return CALL_WATCH;
}

/* Replaces a path of the shadow, `length` bytes at an address, by what is shown; the new length, or 0: it stays. */
static size_t show_result(Call *call, guint64 address, size_t length)
{
	char real[PATH_MAX + 1];
	if (length > PATH_MAX || trace_read(call->tracer, call->task->tid, address, real, length) < 0)
		return 0;
	real[length] = '\0';
	const char *shown = shadow_shown(call->tracer->plan->shadow, real);
	size_t n = shown ? strlen(shown) : 0;
	/* With the NUL that getcwd writes; readlink's buffer ends where the longer path did. */
	return n && trace_write(call->tracer, call->task->tid, address, shown, MIN(n + 1, length)) == 0 ? n : 0;
}

void getcwd_leave(Call *call)
{
	long length = call_result(call); /* with its NUL */
	size_t n = length > 1 ? show_result(call, call_argument(call, 0), (size_t) length - 1) : 0;
	if (n)
		call_set_result(call, (long) n + 1);
}

/* /proc/PID/fd/N, cwd … may name what is in the shadow. */
Verdict readlink_enter(Call *call)
{
	const SyscallRow *row = call->task->row;
	g_autofree char *path = special_argument(call, row->dirfd, row->path, FALSE);
	if (!path)
		return CALL_PASS;
	if (shadow_shows(call->tracer->plan->shadow, path))
		return prepare_and_redirect(call, path, SHADOW_SEE);
	return call->astray ? redirect_to(call, row->path, path) : CALL_WATCH;
}

void readlink_leave(Call *call)
{
	long length = call_result(call);
	int buffer = call->task->row->path + 1;
	size_t n = length > 0 ? show_result(call, call_argument(call, buffer), (size_t) length) : 0;
	if (n)
		call_set_result(call, (long) n);
}
