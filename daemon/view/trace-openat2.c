/*
 * openat2(2): what it opens may be shown, and there are kernels that lack it (gVisor), for which it becomes openat(2)
 * once its rules have been checked. Others can change a path between the check and the call.
 */
#include "daemon/view/trace-engine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif

#define FLAGS_KNOWN                                                                                                    \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_ASYNC |      \
	 O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE | 0100000)
#define RESOLVE_KNOWN                                                                                                  \
	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT |           \
	 RESOLVE_CACHED)

/* A later version of the structure is fine as long as what is new in it is zero. */
static int read_how(const Call *call, struct open_how *ret)
{
	char rest[4096];
	guint64 address = call_argument(call, 2);
	size_t size = call_argument(call, 3);
	if (size < sizeof *ret)
		return -EINVAL;
	if (size > sizeof rest)
		return -E2BIG;
	int r = trace_read(call->tracer, call->task->tid, address, ret, sizeof *ret);
	if (r == 0)
		r = trace_read(call->tracer, call->task->tid, address + sizeof *ret, rest, size - sizeof *ret);
	for (size_t i = 0; r == 0 && i < size - sizeof *ret; i++)
		if (rest[i])
			return -E2BIG;
	return r;
}

/* fs/open.c build_open_flags() */
static int check_how(const struct open_how *how)
{
	gboolean creates = how->flags & O_CREAT || (how->flags & O_TMPFILE) == O_TMPFILE;
	if (how->flags & ~(guint64) FLAGS_KNOWN || how->resolve & ~(guint64) RESOLVE_KNOWN)
		return -EINVAL;
	if (creates ? how->mode & ~07777ULL : how->mode)
		return -EINVAL;
	if (how->resolve & RESOLVE_BENEATH && how->resolve & RESOLVE_IN_ROOT)
		return -EINVAL;
	if (how->flags & O_PATH && how->flags & ~(guint64) (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
		return -EINVAL;
	return 0;
}

static int check_device(const Call *call, int dirfd, const char *path, const char *found)
{
	struct stat from, to;
	g_autofree char *start = trace_path_of(call, dirfd, path[0] == '/' ? "/" : ".", TRUE);
	if (!start || stat(start, &from) < 0 || stat(found, &to) < 0)
		return 0;
	return from.st_dev == to.st_dev ? 0 : -EXDEV;
}

static Verdict open_by_rules(Call *call, const char *path, const struct open_how *how)
{
	int dirfd = (int) call_argument(call, 0), flags = (int) how->flags;
	gboolean follow = !(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
	g_autofree char *found = NULL;
	int r = check_how(how);
	if (r == 0)
		r = trace_resolve(call, dirfd, path, follow, how->resolve, &found);
	if (r < 0)
		return call_answer(call, r);
	const Shadow *shadow = call->tracer->plan->shadow;
	Verdict verdict = shadow ? open_special(call, found, flags, how->mode) : CALL_PASS;
	gboolean decided = verdict != CALL_PASS && !call->task->persists;
	if (decided || !call->tracer->no_openat2)
		return verdict;
	r = how->resolve & RESOLVE_NO_XDEV ? check_device(call, dirfd, path, found) : 0;
	if (r < 0)
		return call_answer(call, r);
	if (how->resolve & RESOLVE_IN_ROOT) {
		verdict = redirect_to(call, 1, found);
		if (verdict != CALL_WATCH)
			return verdict;
	}
	call_set_argument(call, 2, how->flags);
	call_set_argument(call, 3, how->mode);
	call_become(call, SYS_openat);
	return CALL_WATCH;
}

Verdict openat2_enter(Call *call)
{
	struct open_how how;
	char path[PATH_MAX];
	int r = trace_read_text(call->tracer, call->task->tid, call_argument(call, 1), path);
	if (r == 0)
		r = read_how(call, &how);
	if (r == 0)
		return open_by_rules(call, path, &how);
	return call->tracer->no_openat2 ? call_answer(call, r) : CALL_PASS;
}
