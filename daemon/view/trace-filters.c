/*
 * Filters that a process gets on top of the first one.
 *
 * A filter cannot know descriptors, and to stop all writes, reads and polls of all programs would cost too much. So
 * these calls are only stopped in a process that has opened something shown for which they matter, and in those that it
 * makes.
 */
#include "daemon/view/trace-engine.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static const TraceFeature added_features[TRACE_N_ADDED] = {TRACE_WRITES, TRACE_READS, TRACE_POLLS,
							   TRACE_WAITS,  TRACE_SEEKS, TRACE_EXECS};

gboolean filters_build(Tracer *tracer, unsigned features, GError **error)
{
	for (unsigned i = 0; i < TRACE_N_ADDED; i++)
		if (features & added_features[i] &&
		    !filter_build(added_features[i], FOREIGN_ALLOW, &tracer->added[i], error))
			return FALSE;
	return TRUE;
}

void filters_clear(Tracer *tracer)
{
	for (unsigned i = 0; i < TRACE_N_ADDED; i++)
		g_free(tracer->added[i].filter);
}

static const struct sock_fprog *program_of(const Tracer *tracer, unsigned feature)
{
	unsigned i = 0;
	while (added_features[i] != feature)
		i++;
	return &tracer->added[i];
}

static void mark_process(Call *call, unsigned feature)
{
	GHashTableIter iter;
	gpointer value;
	const Process *process = task_process(call->tracer, call->task);
	g_hash_table_iter_init(&iter, call->tracer->tasks);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (((Task *) value)->process == process)
			((Task *) value)->added |= feature;
}

static void filter_added(Call *call, long result)
{
	Task *task = call->task;
	task->filter_result = result;
	if (result == 0)
		mark_process(call, task->adding);
}

static void privileges_given_up(Call *call, long result)
{
	call->task->filter_result = result;
}

/* Threads that have filters of their own cannot get this one from another thread; the caller then has it alone. */
static Verdict add_filter(Call *call, TraceFeature feature, guint64 flags)
{
	Tracer *tracer = call->tracer;
	const struct sock_fprog *added = program_of(tracer, feature);
	guint64 at = call->task->scratch, code = at + sizeof(struct sock_fprog);
	struct sock_fprog program = {.len = added->len, .filter = (struct sock_filter *) code};
	if (trace_write(tracer, call->task->tid, at, &program, sizeof program) < 0 ||
	    trace_write(tracer, call->task->tid, code, added->filter, added->len * sizeof *added->filter) < 0)
		return call_answer(call, -EFAULT);
	call->task->adding = feature;
	return call_rerun(call, SYS_seccomp, (const guint64[6]){SECCOMP_SET_MODE_FILTER, flags, at}, filter_added);
}

gboolean filter_ready(Call *call, TraceFeature feature, Verdict *ret_verdict)
{
	Task *task = call->task;
	long last = task->filter_result;
	if (task->added & feature || !(call->tracer->plan->features & feature))
		return TRUE;
	if (!scratch_ready(call, ret_verdict))
		return FALSE;
	task->filter_result = 0;
	if (last == -EACCES)
		*ret_verdict =
			call_rerun(call, SYS_prctl, (const guint64[6]){PR_SET_NO_NEW_PRIVS, 1}, privileges_given_up);
	else if (last < 0 && feature == TRACE_WRITES)
		*ret_verdict = call_answer(call, last);
	else if (last < 0) /* without the others something is seen less well, but not lost */
		return (task->added |= feature) != 0;
	else
		*ret_verdict = add_filter(call, feature, last > 0 ? 0 : SECCOMP_FILTER_FLAG_TSYNC);
	return FALSE;
}
