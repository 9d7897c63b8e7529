/*
 * gVisor forgets a signal that comes while its receiver is in a ptrace stop: the signal stays pending, and as long as
 * it does no other is noticed either. An interrupt from the tracer wakes the receiver's attention.
 *
 * The first stop of the command shows whether the kernel is one of these. There, a task is interrupted before it goes
 * on from the end of a call or from an event; it stops once more, before it runs any code. Not later: an interrupt in
 * the middle of a request to FUSE would end that with EINTR.
 */
#include "daemon/view/trace-engine.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <unistd.h>

/* Is ignored by default; the tracer takes it back at its delivery. */
#define PROBE SIGURG

void nudge_probe(Tracer *tracer, const Task *task)
{
	tracer->probe = PROBE_SENT;
	if (kill(task->tid, PROBE) < 0)
		tracer->probe = PROBE_NONE;
}

gboolean nudge_is_probe(const Task *task, int signal)
{
	siginfo_t info;
	return signal == PROBE && ptrace(PTRACE_GETSIGINFO, task->tid, NULL, &info) == 0 && info.si_code == SI_USER &&
	       info.si_pid == getpid();
}

void nudge(const Tracer *tracer, const Task *task)
{
	if (tracer->forgets_signals)
		(void) ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL);
}
