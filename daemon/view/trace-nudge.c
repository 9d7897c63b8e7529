/*
 * gVisor forgets a signal that comes while its receiver is in a ptrace stop: the signal stays pending, and as long as
 * it does no other is noticed either. An interrupt from the tracer wakes the receiver's attention.
 *
 * The first stop of the command shows whether the kernel is one of these. There, tasks that have stopped are
 * interrupted NUDGE_INTERVAL later, once; programs take that for the EINTR of a SIGSTOP and SIGCONT, if they notice it
 * at all.
 */
#include "daemon/view/trace-engine.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <unistd.h>

#define NUDGE_INTERVAL 20000 /* microseconds */

/* Is ignored by default; the tracer takes it back at its delivery. */
#define PROBE SIGURG

static volatile sig_atomic_t time_is_up;

static void note_time(int signal)
{
	time_is_up = 1;
}

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

static void start_clock(void)
{
	struct sigaction action = {.sa_handler = note_time}; /* no SA_RESTART: it ends the wait */
	(void) sigaction(SIGALRM, &action, NULL);
	/* Periodic, since one may come just before the wait. */
	const struct itimerval interval = {{0, NUDGE_INTERVAL}, {0, NUDGE_INTERVAL}};
	(void) setitimer(ITIMER_REAL, &interval, NULL);
}

static void stop_clock(void)
{
	(void) setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}

void nudge_after_stop(Tracer *tracer, Task *task)
{
	if (!tracer->forgets_signals || task->nudge_due)
		return;
	if (tracer->nudges->len == 0)
		start_clock();
	task->nudge_due = TRUE;
	g_array_append_val(tracer->nudges, task->tid);
}

void nudge_if_due(Tracer *tracer)
{
	if (!time_is_up)
		return;
	time_is_up = 0;
	for (guint i = 0; i < tracer->nudges->len; i++) {
		Task *task = task_find(tracer, g_array_index(tracer->nudges, pid_t, i));
		if (!task)
			continue;
		task->nudge_due = FALSE;
		(void) ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL);
	}
	g_array_set_size(tracer->nudges, 0);
	stop_clock();
}
