/*
 * The system calls that the tracer knows: one table from which the seccomp filter is made and calls are dispatched.
 */
#pragma once

#include <glib.h>

/* What a plan can ask the tracer for. A row is only filtered when one of its features is wanted. */
typedef enum TraceFeature {
	TRACE_STATFS = 1 << 0,  /* statfs and fstatfs tell the file system that is shown */
	TRACE_OPENAT2 = 1 << 1, /* openat2 is answered where the kernel lacks it */
	TRACE_PATHS = 1 << 2,   /* paths are redirected */
	TRACE_PROCESS = 1 << 3, /* /proc/PID/{mountinfo,mounts,cgroup} are rendered */
	TRACE_MEMORY = 1 << 4,  /* sysinfo fits the memory limit */
	TRACE_FORKS = 1 << 5,   /* new processes and threads may be refused */
	TRACE_FILES = 1 << 6,   /* single files are shown that cannot be mounted: looked at and opened for reading */
	/* Of what is shown; stopped only in processes that have opened such a thing, see trace-filters.c */
	TRACE_WRITES = 1 << 7, /* writing */
	TRACE_READS = 1 << 8,  /* reading what cannot be read */
	TRACE_POLLS = 1 << 9,  /* waiting for event files */
	TRACE_WAITS = 1 << 10, /* what follows once something waits for one */
	TRACE_SEEKS = 1 << 11, /* in what cannot seek: a FIFO */
	TRACE_EXECS = 1 << 12, /* programs named by a path that leads up from a directory that is shown */
} TraceFeature;

/* Those of filters that a process gets when it needs them. */
#define TRACE_ADDED   (TRACE_WRITES | TRACE_READS | TRACE_POLLS | TRACE_WAITS | TRACE_SEEKS | TRACE_EXECS)
#define TRACE_N_ADDED 6

typedef struct Call Call;

typedef enum Verdict {
	CALL_PASS,     /* run it, nothing more to see */
	CALL_WATCH,    /* run it and call `leave` when it returns */
	CALL_ANSWERED, /* not run: the result has been set */
	CALL_RERUN,    /* the registers hold another call; when it returns the original one is entered again */
} Verdict;

typedef enum SyscallFlag {
	SYSCALL_NOFOLLOW = 1 << 0, /* a symbolic link as last component is not followed */
	/* not stopped with a descriptor and AT_EMPTY_PATH as the only flag: the C library's fstat(2), which each file
	 * that is opened costs, and whose path, "", a filter cannot read */
	SYSCALL_BY_FD = 1 << 1,
} SyscallFlag;

/* Argument numbers count from 0; NO_ARGUMENT where a call has none of that class. */
#define NO_ARGUMENT (-1)

typedef struct SyscallRow {
	const char *name;
	int nr;
	unsigned features;
	signed char dirfd, path;   /* the path and the descriptor that it is relative to */
	signed char dirfd2, path2; /* the second ones, of rename and link */
	signed char at_flags;      /* AT_SYMLINK_NOFOLLOW, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH */
	unsigned flags;            /* SyscallFlag */
	Verdict (*enter)(Call *call);
	void (*leave)(Call *call);
	unsigned zero; /* set of 1 << argument: those that must be 0, else the call is not stopped (for TRACE_SEEKS it
			  is) */
} SyscallRow;

extern const SyscallRow syscall_rows[]; /* ends with name == NULL */

/* The row of a native (not 32-bit, not x32) call, or NULL. */
const SyscallRow *syscall_row(long nr);
