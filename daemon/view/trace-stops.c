/*
 * What a stopped tracee has stopped for, and how it goes on.
 *
 * Kernels differ in one point: Linux (since 4.8) reports a filtered call's seccomp stop after its entry, so that the
 * next system call stop is its end; gVisor reports it before, so that an entry stop, in which the result register holds
 * -ENOSYS, comes between. The first traced call of the command tells which.
 */
#include "daemon/view/job.h"
#include "daemon/view/trace-engine.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ESRCH means that the tracee was killed meanwhile: its end is reported by waitpid(). */
static void resume(const Task *task, int signal)
{
	int request = task->awaited == AWAIT_NOTHING ? PTRACE_CONT : PTRACE_SYSCALL;
	(void) ptrace(request, task->tid, NULL, (void *) (long) signal);
}

static gboolean load_registers(Call *call)
{
	return ptrace(PTRACE_GETREGS, call->task->tid, NULL, &call->regs) == 0;
}

static void store_registers(Call *call)
{
	if (call->dirty)
		(void) ptrace(PTRACE_SETREGS, call->task->tid, NULL, &call->regs);
}

static void watch_end(Call *call, Awaited awaited)
{
	Task *task = call->task;
	task->awaited = awaited;
	task->entry_due = call->tracer->seccomp_first;
}

static void handle_hello(Call *call)
{
	if (!call->tracer->order_known)
		watch_end(call, AWAIT_LEAVE);
}

static void enter_call(Call *call)
{
	Task *task = call->task;
	task_forget_call(task);
	if (call->regs.orig_rax == FILTER_HELLO_NR) {
		handle_hello(call);
		return;
	}
	const SyscallRow *row = syscall_row((long) call->regs.orig_rax);
	/* A filter of the tracee's own may trace other calls; without a tracer they would fail, with this one they run.
	 */
	if (!row || !(row->features & call->tracer->plan->features))
		return;
	task->row = row;
	task->entry = call->regs;
	Verdict verdict;
	if (!task->process || !task->process->has_lost || filter_ready(call, TRACE_READS, &verdict))
		verdict = row->enter(call);
	switch (verdict) {
	case CALL_WATCH:
		watch_end(call, AWAIT_LEAVE);
		break;
	case CALL_RERUN:
		watch_end(call, AWAIT_RERUN);
		break;
	case CALL_PASS:
	case CALL_ANSWERED:
		task_forget_call(task);
		break;
	}
}

static void seccomp_stop(Tracer *tracer, Task *task)
{
	Call call = {.tracer = tracer, .task = task};
	if (load_registers(&call)) {
		enter_call(&call);
		store_registers(&call);
	}
	resume(task, 0);
}

/* The registers as they were, but at the system call instruction again. */
static void enter_again(Call *call)
{
	const Registers *entry = &call->task->entry;
	call->regs = *entry;
	call->regs.rax = entry->orig_rax;
	call->regs.rip -= 2;
	call->dirty = TRUE;
	task_forget_call(call->task);
}

static void end_rerun(Call *call)
{
	long result = call_result(call);
	void (*done)(Call *, long) = call->task->rerun;
	enter_again(call);
	done(call, result);
}

static void restore_arguments(Call *call)
{
	const Registers *entry = &call->task->entry;
	call->regs.rdi = entry->rdi;
	call->regs.rsi = entry->rsi;
	call->regs.rdx = entry->rdx;
	call->regs.r10 = entry->r10;
	call->regs.r8 = entry->r8;
	call->regs.r9 = entry->r9;
	/* The kernel may restart the call by the number in here. */
	call->regs.orig_rax = entry->orig_rax;
	call->dirty = TRUE;
}

static void leave_call(Call *call)
{
	Task *task = call->task;
	if (task->awaited == AWAIT_RERUN) {
		end_rerun(call);
		return;
	}
	if (task->persists && call_result(call) == -EINTR) {
		enter_again(call);
		return;
	}
	if (task->row && task->row->leave)
		task->row->leave(call);
	if (task->changed)
		restore_arguments(call);
	if (!task->row)
		nudge_probe(call->tracer, task); /* the hello call */
	task_forget_call(task);
}

/* At the first system call stop after the hello call. */
static gboolean learn_order(Call *call)
{
	call->tracer->order_known = TRUE;
	call->tracer->seccomp_first = call_result(call) == -ENOSYS;
	return call->tracer->seccomp_first;
}

static void syscall_stop(Tracer *tracer, Task *task)
{
	Call call = {.tracer = tracer, .task = task};
	if (task->entry_due) {
		task->entry_due = FALSE;
	} else if (task->awaited != AWAIT_NOTHING && load_registers(&call)) {
		if (tracer->order_known || !learn_order(&call))
			leave_call(&call);
		store_registers(&call);
		if (task->awaited == AWAIT_NOTHING)
			nudge(tracer, task);
	}
	resume(task, 0);
}

/* A new task, told by its parent's stop. Its own first stop, even its end, may have come before. */
static void clone_event(Tracer *tracer, Task *parent, int event)
{
	unsigned long tid;
	const TraceStory *story = &tracer->plan->story;
	if (ptrace(PTRACE_GETEVENTMSG, parent->tid, NULL, &tid) < 0)
		return;
	if (story->forked)
		story->forked(task_process(tracer, parent)->tgid, (pid_t) tid, story->data);
	if (g_hash_table_remove(tracer->orphans, GINT_TO_POINTER((int) tid)))
		return;
	Task *child = task_find(tracer, (pid_t) tid);
	if (!child)
		child = task_add(tracer, (pid_t) tid);
	child->claimed = TRUE;
	child->added |= parent->added;
	child->holds |= parent->holds;
	scratch_inherit(tracer, parent, child, event);
}

/* After an exec the thread has its leader's number, whichever it was, and new memory. */
static void exec_event(Tracer *tracer, Task *task)
{
	unsigned long former;
	if (ptrace(PTRACE_GETEVENTMSG, task->tid, NULL, &former) == 0 && (pid_t) former != task->tid)
		task_remove(tracer, (pid_t) former);
	if (task->process) {
		g_array_set_size(task->process->free_scratch, 0);
		trace_waits_forget(task->process);
	}
	task_forget_call(task);
	task->scratch = 0;
	task->execed = TRUE;
	if (tracer->probe == PROBE_SENT) { /* the signal that was sent before the exec has not shown up */
		tracer->probe = PROBE_DONE;
		tracer->forgets_signals = TRUE;
	}
}

static gboolean is_stopping(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/* PTRACE_EVENT_STOP: a group stop, in which the task must stay until SIGCONT, or the first stop of a new one. */
static void event_stop(Tracer *tracer, Task *task, int signal)
{
	if (!is_stopping(signal)) {
		resume(task, 0);
		return;
	}
	if (ptrace(PTRACE_LISTEN, task->tid, NULL, NULL) < 0)
		resume(task, 0);
	if (task->tid == tracer->command)
		job_command_stopped(signal);
}

/* A signal on its way to the task, which gets it unless it is our own. */
static void signal_stop(Tracer *tracer, const Task *task, int signal)
{
	gboolean is_probe = nudge_is_probe(task, signal);
	if (is_probe && tracer->probe == PROBE_SENT)
		tracer->probe = PROBE_DONE;
	resume(task, is_probe ? 0 : signal);
}

void trace_handle_stop(Tracer *tracer, pid_t tid, int status)
{
	Task *task = task_find(tracer, tid);
	if (!task)
		task = task_add(tracer, tid);
	int signal = WSTOPSIG(status), event = status >> 16;
	switch (event) {
	case PTRACE_EVENT_SECCOMP:
		seccomp_stop(tracer, task);
		break;
	case PTRACE_EVENT_STOP:
		event_stop(tracer, task, signal);
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		clone_event(tracer, task, event);
		nudge(tracer, task);
		resume(task, 0);
		break;
	case PTRACE_EVENT_EXEC:
		exec_event(tracer, task);
		nudge(tracer, task);
		resume(task, 0);
		break;
	default:
		if (signal == (SIGTRAP | 0x80))
			syscall_stop(tracer, task);
		else if (event)
			resume(task, 0);
		else
			signal_stop(tracer, task, signal);
	}
}
