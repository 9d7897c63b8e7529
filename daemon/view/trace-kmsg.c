/*
 * /dev/kmsg where there is none: a FIFO, in which nothing ever is, since what reads the kernel's log goes on waiting
 * for the next line. It is taken for a file that can seek: to its end, from where the kubelet begins to read.
 */
#include "daemon/view/trace-engine.h"

#include <fcntl.h>

Verdict open_silent(Call *call, const char *shown, int flags, guint64 mode)
{
	Verdict verdict;
	/* What is written must not come back as what the kernel has said. */
	if ((flags & O_ACCMODE) != O_RDONLY)
		return become_openat(call, "/dev/null", flags & ~(O_CREAT | O_EXCL | O_TRUNC), mode);
	if (!filter_ready(call, TRACE_SEEKS, &verdict))
		return verdict;
	g_autofree char *real = shadow_real(call->tracer->plan->shadow, shown);
	return become_openat(call, real, flags, mode);
}

Verdict seek_enter(Call *call)
{
	const TracePlan *plan = call->tracer->plan;
	g_autofree char *shown = trace_shown_fd(call, (int) call_argument(call, 0));
	if (shown && shadow_is_silent(plan->shadow, shown))
		return call_answer(call, 0);
	gboolean rewinds = call_argument(call, 1) == 0 && call_argument(call, 2) == SEEK_SET;
	return rewinds && plan->features & TRACE_PATHS ? rewind_enter(call) : CALL_PASS;
}
