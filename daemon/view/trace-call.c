/*
 * Arguments and results of an x86_64 system call at its stops.
 */
#include "daemon/view/trace-engine.h"

#include <sys/syscall.h>

static unsigned long long *argument_register(Registers *regs, int n)
{
	unsigned long long *registers[] = {&regs->rdi, &regs->rsi, &regs->rdx, &regs->r10, &regs->r8, &regs->r9};
	return registers[n];
}

guint64 call_argument(const Call *call, int n)
{
	return *argument_register((Registers *) &call->regs, n);
}

guint64 call_original_argument(const Call *call, int n)
{
	return *argument_register(&call->task->entry, n);
}

void call_set_argument(Call *call, int n, guint64 value)
{
	*argument_register(&call->regs, n) = value;
	call->dirty = TRUE;
	call->task->changed = TRUE;
}

long call_result(const Call *call)
{
	return (long) call->regs.rax;
}

void call_set_result(Call *call, long value)
{
	call->regs.rax = (unsigned long long) value;
	call->dirty = TRUE;
}

void call_become(Call *call, long nr)
{
	call->regs.orig_rax = (unsigned long long) nr;
	call->dirty = TRUE;
	call->task->changed = TRUE;
}

Verdict call_answer(Call *call, long result)
{
	call->regs.orig_rax = (unsigned long long) -1;
	call_set_result(call, result);
	return CALL_ANSWERED;
}

Verdict call_rerun(Call *call, long nr, const guint64 arguments[6], void (*done)(Call *call, long result))
{
	call->regs.orig_rax = (unsigned long long) nr;
	for (int i = 0; i < 6; i++)
		*argument_register(&call->regs, i) = arguments[i];
	call->dirty = TRUE;
	call->task->rerun = done;
	return CALL_RERUN;
}

Verdict call_persist(Call *call)
{
	call->task->persists = TRUE;
	return CALL_WATCH;
}
