/*
 * epoll(7) on event files: their pipes are added instead, and what the kernel tells of these is told as theirs. Which
 * of the answers are theirs is known by the data that the program gave with them.
 */
#include "daemon/view/trace-engine.h"

#include <string.h>
#include <sys/epoll.h>

#define MAX_EVENTS 1024 /* of one answer; the others are seen as the kernel tells them */

static void remember(Call *call, int fd, guint64 event)
{
	struct epoll_event asked;
	Process *process = task_process(call->tracer, call->task);
	if (!event || trace_read(call->tracer, call->task->tid, event, &asked, sizeof asked) < 0)
		return;
	if (!process->awaited)
		process->awaited = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	gint64 data = (gint64) asked.data.u64;
	g_hash_table_replace(process->awaited, g_memdup2(&data, sizeof data), GINT_TO_POINTER(fd));
}

Verdict epoll_ctl_enter(Call *call)
{
	Verdict verdict;
	int fd = (int) call_argument(call, 2);
	TraceWait *wait = trace_wait(call, fd);
	if (!wait)
		return CALL_PASS;
	if (!trace_wait_ready(call, wait, fd, &verdict))
		return verdict;
	if (call_argument(call, 1) != EPOLL_CTL_DEL)
		remember(call, fd, call_argument(call, 3));
	call_set_argument(call, 2, (guint64) wait->pipe);
	return CALL_WATCH;
}

Verdict epoll_wait_enter(Call *call)
{
	return task_process(call->tracer, call->task)->awaited ? CALL_WATCH : CALL_PASS;
}

/* TRUE: the event is an event file's, and has been rewritten. */
static gboolean show_event(Call *call, struct epoll_event *event)
{
	gint64 data = (gint64) event->data.u64;
	gpointer fd;
	const Process *process = task_process(call->tracer, call->task);
	if (!(event->events & EPOLLERR) || !process->awaited ||
	    !g_hash_table_lookup_extended(process->awaited, &data, NULL, &fd))
		return FALSE;
	TraceWait *wait = trace_wait(call, GPOINTER_TO_INT(fd));
	if (!wait)
		return FALSE;
	event->events = (event->events & ~(guint32) EPOLLERR) | shadow_wait_news(wait->wait);
	shadow_wait_told(wait->wait);
	return TRUE;
}

void epoll_wait_leave(Call *call)
{
	long n = call_result(call);
	guint64 address = call_argument(call, 1);
	gboolean changed = FALSE;
	if (n <= 0)
		return;
	n = MIN(n, MAX_EVENTS);
	g_autofree struct epoll_event *events = g_new(struct epoll_event, n);
	if (trace_read(call->tracer, call->task->tid, address, events, (size_t) n * sizeof *events) < 0)
		return;
	for (long i = 0; i < n; i++)
		changed |= show_event(call, &events[i]);
	if (changed)
		(void) trace_write(call->tracer, call->task->tid, address, events, (size_t) n * sizeof *events);
}
