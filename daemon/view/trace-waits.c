/*
 * Event files that a traced process has open, and the pipes that it waits for instead of them (see shadow-waits.h).
 */
#include "daemon/view/trace-engine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NO_PIPE = -1, NEVER = -2 };

static void free_wait(gpointer data)
{
	TraceWait *wait = data;
	shadow_wait_free(wait->wait);
	g_free(wait);
}

void trace_waits_forget(Process *process)
{
	g_clear_pointer(&process->waits, g_hash_table_unref);
	g_clear_pointer(&process->awaited, g_hash_table_unref);
}

void trace_wait_add(Call *call, int fd, ShadowWait *wait)
{
	Process *process = task_process(call->tracer, call->task);
	TraceWait *added = g_new(TraceWait, 1);
	*added = (TraceWait){wait, NO_PIPE};
	if (!process->waits)
		process->waits = g_hash_table_new_full(NULL, NULL, NULL, free_wait);
	g_hash_table_replace(process->waits, GINT_TO_POINTER(fd), added);
}

static TraceWait *find(Call *call, int fd)
{
	const Process *process = task_process(call->tracer, call->task);
	return process->waits ? g_hash_table_lookup(process->waits, GINT_TO_POINTER(fd)) : NULL;
}

/* Those that were inherited, or duplicated, are met here for the first time. */
TraceWait *trace_wait(Call *call, int fd)
{
	g_autofree char *shown = fd >= 0 ? trace_shown_fd(call, fd) : NULL;
	if (!shown)
		return NULL;
	TraceWait *wait = find(call, fd);
	if (wait && strcmp(shadow_wait_shown(wait->wait), shown) == 0)
		return wait;
	const Caller caller = trace_caller(call);
	ShadowWait *new = shadow_wait_new(call->tracer->plan->shadow, shown, &caller);
	if (!new)
		return NULL;
	trace_wait_add(call, fd, new);
	return find(call, fd);
}

/* Programs close descriptors that they do not know of. */
static gboolean has_pipe(const Call *call, TraceWait *wait)
{
	g_autofree char *shown = wait->pipe >= 0 ? trace_shown_fd(call, wait->pipe) : NULL;
	const char *pipe = shown ? shadow_wait_pipe_shown(wait->wait) : NULL;
	return pipe && strcmp(shown, pipe) == 0;
}

static void opened(Call *call, long result)
{
	TraceWait *wait = find(call, call->task->waits_for);
	if (!wait)
		return;
	/* News have come in between: once more. */
	wait->pipe = result >= 0 ? (int) result : result == -ENXIO ? NO_PIPE : NEVER;
	if (result >= 0)
		shadow_wait_begin(wait->wait);
}

static Verdict open_pipe(Call *call, TraceWait *wait, int fd)
{
	Task *task = call->task;
	const char *path = shadow_wait_pipe(wait->wait);
	int r = path ? trace_write(call->tracer, task->tid, task->scratch, path, strlen(path) + 1) : -errno;
	if (r < 0) {
		wait->pipe = NEVER;
		return CALL_PASS;
	}
	task->waits_for = fd;
	return call_rerun(call, SYS_openat,
			  (const guint64[6]){(guint64) AT_FDCWD, task->scratch, O_WRONLY | O_NONBLOCK | O_CLOEXEC},
			  opened);
}

gboolean trace_wait_ready(Call *call, TraceWait *wait, int fd, Verdict *ret_verdict)
{
	*ret_verdict = CALL_PASS;
	if (!filter_ready(call, TRACE_WAITS, ret_verdict) || wait->pipe == NEVER)
		return FALSE;
	if (has_pipe(call, wait))
		return TRUE;
	if (scratch_ready(call, ret_verdict))
		*ret_verdict = open_pipe(call, wait, fd);
	return FALSE;
}

static void pipe_closed(Call *call, long result)
{
	const Process *process = task_process(call->tracer, call->task);
	if (process->waits)
		g_hash_table_remove(process->waits, GINT_TO_POINTER(call->task->waits_for));
}

/* Its pipe goes with it. */
Verdict close_enter(Call *call)
{
	int fd = (int) call_argument(call, 0);
	TraceWait *wait = find(call, fd);
	if (!wait)
		return CALL_PASS;
	call->task->waits_for = fd;
	if (has_pipe(call, wait))
		return call_rerun(call, SYS_close, (const guint64[6]){(guint64) wait->pipe}, pipe_closed);
	pipe_closed(call, 0);
	return CALL_PASS;
}
