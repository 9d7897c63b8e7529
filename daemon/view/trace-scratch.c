/*
 * Room for rewritten arguments in a tracee's memory. It is mapped there by a call of the tracee's own: below the stack
 * pointer, where other tracers write, lie live data of Go programs.
 */
#include "daemon/view/trace-engine.h"

#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

static void mapped(Call *call, long result)
{
	/* A failure shows when the call is entered again. */
	call->task->scratch = result < 0 && result > -4096 ? G_MAXUINT64 : (guint64) result;
}

gboolean scratch_ready(Call *call, Verdict *ret_verdict)
{
	Task *task = call->task;
	if (task->scratch == G_MAXUINT64) {
		task->scratch = 0;
		*ret_verdict = CALL_PASS;
		return FALSE;
	}
	if (task->scratch)
		return TRUE;
	GArray *left = task_process(call->tracer, task)->free_scratch;
	if (left->len > 0) {
		task->scratch = g_array_index(left, guint64, left->len - 1);
		g_array_set_size(left, left->len - 1);
		return TRUE;
	}
	*ret_verdict = call_rerun(call, SYS_mmap,
				  (const guint64[6]){0, TRACE_SCRATCH_SIZE, PROT_READ | PROT_WRITE,
						     MAP_PRIVATE | MAP_ANONYMOUS, (guint64) -1, 0},
				  mapped);
	return FALSE;
}

/* Does the call by which `parent` is making a child give it a copy of the memory? */
static gboolean copies_memory(Tracer *tracer, const Task *parent, int event)
{
	Registers regs;
	if (event == PTRACE_EVENT_VFORK) /* shared, but the parent sleeps until the child has left it */
		return TRUE;
	if (event != PTRACE_EVENT_FORK || ptrace(PTRACE_GETREGS, parent->tid, NULL, &regs) < 0)
		return FALSE;
	guint64 flags = 0;
	if (regs.orig_rax == SYS_clone)
		flags = regs.rdi;
	else if (regs.orig_rax == SYS_clone3 && trace_read(tracer, parent->tid, regs.rdi, &flags, sizeof flags) < 0)
		return FALSE;
	return !(flags & CLONE_VM);
}

void scratch_inherit(Tracer *tracer, const Task *parent, Task *child, int event)
{
	/* The event may come after the child's exec, whose memory is new. */
	if (parent->scratch && !child->execed && !child->scratch && copies_memory(tracer, parent, event))
		child->scratch = parent->scratch;
}
