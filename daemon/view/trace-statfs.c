/*
 * Calls without paths to redirect. statfs, fstatfs and sysinfo: the kernel answers, then what does not fit the story is
 * changed in the tracee's buffer.
 */
#include "daemon/view/trace-engine.h"

#include <fcntl.h>

Verdict statfs_enter(Call *call)
{
	const TracePlan *plan = call->tracer->plan;
	Verdict verdict = plan->shadow && call->task->row->path != NO_ARGUMENT ? path_enter(call) : CALL_PASS;
	return verdict == CALL_PASS && plan->story.statfs ? call_persist(call) : verdict;
}

/* What the call was about; NULL if that cannot be told any more. */
static char *subject(const Call *call)
{
	const Task *task = call->task;
	if (task->row->path == NO_ARGUMENT)
		return trace_path_of_fd(call, (int) call_argument(call, task->row->dirfd));
	char path[PATH_MAX];
	if (trace_read_text(call->tracer, task->tid, call_argument(call, task->row->path), path) < 0)
		return NULL;
	return trace_path_of(call, AT_FDCWD, path, TRUE);
}

void statfs_leave(Call *call)
{
	const TraceStory *story = &call->tracer->plan->story;
	guint64 buffer = call_argument(call, 1);
	struct statfs answer;
	if (!story->statfs || call_result(call) != 0 ||
	    trace_read(call->tracer, call->task->tid, buffer, &answer, sizeof answer) < 0)
		return;
	if (story->statfs_matters && !story->statfs_matters(&answer, story->data))
		return;
	g_autofree char *path = subject(call);
	if (!path)
		return;
	story->statfs(path, &answer, story->data);
	(void) trace_write(call->tracer, call->task->tid, buffer, &answer, sizeof answer);
}

Verdict sysinfo_enter(Call *call)
{
	return call->tracer->plan->story.sysinfo ? CALL_WATCH : CALL_PASS;
}

void sysinfo_leave(Call *call)
{
	const TraceStory *story = &call->tracer->plan->story;
	guint64 buffer = call_argument(call, 0);
	struct sysinfo answer;
	if (call_result(call) != 0 || trace_read(call->tracer, call->task->tid, buffer, &answer, sizeof answer) < 0)
		return;
	const Caller caller = trace_caller(call);
	story->sysinfo(&caller, &answer, story->data);
	(void) trace_write(call->tracer, call->task->tid, buffer, &answer, sizeof answer);
}

Verdict fork_enter(Call *call)
{
	const TraceStory *story = &call->tracer->plan->story;
	int r = story->fork ? story->fork(task_process(call->tracer, call->task)->tgid, story->data) : 0;
	return r < 0 ? call_answer(call, r) : CALL_PASS;
}
