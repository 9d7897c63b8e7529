/*
 * The seccomp filter of a traced command, made from the table of system calls.
 */
#pragma once

#include "daemon/view/syscalls.h"

#include <linux/filter.h>

/* What becomes of 32-bit and x32 calls, whose numbers and structures differ. */
typedef enum ForeignCalls { FOREIGN_ALLOW, FOREIGN_REFUSE } ForeignCalls;

/* The call by which a new child tells the tracer that its filter is in place: it has no effect, and no other program
 * has a reason to make it with this argument. From its stops the tracer learns their order. */
#define FILTER_HELLO_NR       SYS_sched_get_priority_min
#define FILTER_HELLO_ARGUMENT 0x43674d75

/* All calls of the table that have one of `features` stop with SECCOMP_RET_TRACE; refused foreign calls answer ENOSYS;
 * every other call runs freely. Free ret->filter with g_free(). FALSE: error is set. */
gboolean filter_build(unsigned features, ForeignCalls foreign, struct sock_fprog *ret, GError **error);

/* Installs it in the calling process; async-signal-safe. Gives up new privileges where the kernel demands that of
 * callers without CAP_SYS_ADMIN. 0 or -errno. */
int filter_install(const struct sock_fprog *program);
