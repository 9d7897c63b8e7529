/*
 * The trace view: runs a command and changes the answers of some of its system calls, for it and all its descendants.
 *
 * A seccomp filter stops only the calls that the plan needs; everything else runs untouched. No privileges are needed.
 */
#pragma once

#include "daemon/view/filter.h"
#include "daemon/view/job.h"
#include "daemon/view/shadow.h"

#include <sys/statfs.h>
#include <sys/sysinfo.h>

/* What is answered instead of the kernel's own answers. NULL functions: the kernel's stays. Paths are absolute,
 * canonical, and as the tracer sees them. All are called from the thread that runs trace_run(). */
typedef struct TraceStory {
	/* Might this answer need a change? Spares finding out the path of most. */
	gboolean (*statfs_matters)(const struct statfs *answer, void *data);
	void (*statfs)(const char *path, struct statfs *answer, void *data);
	/* Content of /proc/PID/NAME; FALSE: the kernel's own. */
	gboolean (*process_file)(pid_t pid, const char *name, const Caller *caller, GString *out, void *data);
	/* Does this lead to what is served by way of a mount? */
	gboolean (*serves)(const char *path, void *data);
	/* With TRACE_WRITES: one write(2) to that. 0 or -errno. */
	int (*write)(const char *path, const Caller *caller, const char *text, size_t size, void *data);
	/* 0, or -errno: what the fork of a process is refused with. */
	int (*fork)(pid_t pid, void *data);
	/* A thread was made by the process `parent`; a process has ended. */
	void (*forked)(pid_t parent, pid_t tid, void *data);
	void (*ended)(pid_t pid, void *data);
	void (*sysinfo)(const Caller *caller, struct sysinfo *answer, void *data);
	void *data;
} TraceStory;

typedef struct TracePlan {
	unsigned features; /* TraceFeature */
	ForeignCalls foreign;
	TraceStory story;
	JobHook hook;
	Shadow *shadow; /* where paths lead that are shown; NULL for plans without TRACE_PATHS */
} TracePlan;

/* Runs argv (searched in PATH) with envp until it ends, in the caller's process group; *ret_status is as from
 * waitpid(2). What is left of its descendants is killed. Signals that the caller gets are passed on; when the command
 * is stopped from the terminal the caller stops too. FALSE: it could not be started, error is set
 * (G_IO_ERROR_NOT_FOUND: no such command). */
gboolean trace_run(const TracePlan *plan, const char *const *argv, const char *const *envp, int *ret_status,
		   GError **error);
