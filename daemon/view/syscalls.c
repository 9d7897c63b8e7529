/*
 * See syscalls.h. x86_64 only; other architectures have no trace view.
 */
#include "daemon/view/trace-engine.h"

#include <sys/syscall.h>

#define NO NO_ARGUMENT

const SyscallRow syscall_rows[] = {
	/* name     nr           features      dirfd path dirfd2 path2 at_flags flags  enter         leave */
	{"statfs", SYS_statfs, TRACE_STATFS, NO, 0, NO, NO, NO, 0, statfs_enter, statfs_leave},
	{"fstatfs", SYS_fstatfs, TRACE_STATFS, 0, NO, NO, NO, NO, 0, statfs_enter, statfs_leave},
	{0},
};

#define MAX_NR 1024

const SyscallRow *syscall_row(long nr)
{
	static const SyscallRow *by_nr[MAX_NR];
	static gsize filled;
	if (g_once_init_enter(&filled)) {
		for (const SyscallRow *row = syscall_rows; row->name; row++)
			by_nr[row->nr] = row;
		g_once_init_leave(&filled, 1);
	}
	return nr >= 0 && nr < MAX_NR ? by_nr[nr] : NULL;
}
