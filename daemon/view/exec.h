/*
 * `--exec -- CMD`: a private mount namespace in which the trees are shown, and the command in it.
 */
#pragma once

#include "config/config.h"
#include "daemon/layout.h"
#include "daemon/options.h"
#include "daemon/view/control-files.h"
#include "daemon/view/shown-mounts.h"

#include <sched.h>

/* exec-limits.c: the command's group. */
typedef struct ExecLimits {
	const Options *options;
	const char *group;    /* name of the group in each hierarchy; NULL: there are no limits, and no group */
	cpu_set_t *affinity;  /* NULL: any CPU */
	size_t affinity_size; /* bytes */
	char *cpu_list;       /* the same CPUs as a list, "0-1,4" */
	GPtrArray *directories;
	const ControlFiles *files; /* how groups are made; real files if nobody says otherwise */
} ExecLimits;

typedef enum ExecView {
	EXEC_VIEW_NAMESPACE = 1 << 0,
	EXEC_VIEW_TRACE = 1 << 1, /* in a namespace: only what mounting cannot show */
	EXEC_VIEW_PRELOAD = 1 << 2,
} ExecView;

/* What mounting does not show, and so is answered by the tracer on top of the namespace view. */
typedef enum ExecNeed {
	EXEC_NEED_STATFS = 1 << 0,  /* served files are FUSE's */
	EXEC_NEED_OPENAT2 = 1 << 1, /* the kernel lacks it */
	EXEC_NEED_PROCESS = 1 << 2, /* /proc/PID/mountinfo, mounts and cgroup name other groups than are shown */
	EXEC_NEED_FILES = 1 << 3,   /* of /proc that the kernel lacks: there is nothing to mount on */
	EXEC_NEED_FORKS = 1 << 4,   /* a limit of processes is for nothing if no fork is refused */
	EXEC_NEED_MEMORY = 1 << 5,  /* sysinfo tells the whole machine's */
	EXEC_NEED_WRITES = 1 << 6,  /* the kernel answers them otherwise than what serves the file */
} ExecNeed;

/* exec-serve.c: the FUSE session, in a process of its own that ends when the caller does. */
typedef struct ExecServer {
	pid_t pid;
	int channel; /* closed: the server ends */
	char *composite;
} ExecServer;

/* One run. */
typedef struct Exec {
	const Options *options;
	const Config *config;
	LayoutTree tree;
	unsigned views;         /* ExecView */
	gboolean may_fall_back; /* to the trace view alone, where mounting fails */
	ExecLimits limits;
	char *scratch;            /* a directory of its own */
	gboolean is_private;      /* mounts are seen by the command alone */
	gboolean has_own_cgroups; /* it is in a cgroup namespace */
	ExecServer server;
	char *composite;     /* a way to the whole tree that stays when its mount is hidden */
	ShownMounts *mounts; /* what has been mounted, as it is meant to be taken */
	unsigned needs;      /* ExecNeed */
	gboolean started;    /* what goes wrong from here on is the command's */
	int status;          /* of the command, as from waitpid(2) */
} Exec;

/* Returns the command's exit status, an exit code of cgemud, or ends by the signal that ended the command. */
int exec_run(const Options *options, const Config *config);

/* Parts of it, in the order in which they are used. */

/* Chooses the CPUs. Clear it also after a failure. */
gboolean exec_limits_init(ExecLimits *limits, const Options *options, GError **error);
void exec_limits_clear(ExecLimits *limits);

/* exec-plan.c: chooses the views; says on stderr what will be missing. */
gboolean exec_plan(Exec *exec, GError **error);
/* Prints the plan on stdout. In a namespace everything but the command is made ready for it. FALSE: it cannot be
 * carried out here. */
gboolean exec_explain(Exec *exec, GError **error);
/* exec.c: makes a namespace ready and runs the command in it, or explains what it would be run with. */
gboolean exec_run_mounted(Exec *exec, GError **error);

/* exec-needs.c: finds out, where everything is shown, what the tracer is needed for, and sets exec->needs. */
void exec_needs_find(Exec *exec);
/* One line on stdout for each. */
void exec_needs_explain(const Exec *exec);

/* exec-namespace.c: a private mount namespace, also a cgroup namespace where there are any. Says so in exec. */
gboolean exec_enter_namespace(Exec *exec, GError **error);
/* Where unshare() says yes and does nothing (gVisor of 2022) the mounts are everybody's, and are taken away again.
 * root: descriptor of the former root directory. */
void exec_undo_mounts(int root, const char *scratch);

/* exec-root.c: an overlay over / if its type is in [root] replace (or `choice` says so); the caller's root is then the
 * overlay, with all other mounts carried over. Must run in a private mount namespace. scratch: an empty directory. */
gboolean exec_replace_root(const Config *config, const char *choice, const char *scratch, GError **error);

gboolean exec_serve_start(ExecServer *server, const Exec *exec, const char *composite, GError **error);
void exec_serve_stop(ExecServer *server);
/* What a tracer learns: as limits_pids_fork(), births_tell_fork(), births_tell_end(). */
int exec_serve_ask_fork(const ExecServer *server, pid_t pid);
/* One write(2) to a file of the composite tree, of up to EXEC_SERVE_WRITE_MAX bytes. 0 or -errno. */
#define EXEC_SERVE_WRITE_MAX 4096
int exec_serve_ask_write(const ExecServer *server, const char *path, const Caller *caller, const char *text,
			 size_t size);
void exec_serve_tell_fork(const ExecServer *server, pid_t parent, pid_t tid);
void exec_serve_tell_end(const ExecServer *server, pid_t pid);

/* Makes the groups below the composite tree and sets their limits. */
gboolean exec_limits_apply(ExecLimits *limits, const Config *config, LayoutTree tree, const char *composite,
			   GError **error);
/* JobHook: moves the command into its groups and binds it to its CPUs. data: ExecLimits. */
gboolean exec_limits_take(pid_t command, void *data, GError **error);
/* sysinfo(2) tells so much more than the limit: the JVM takes a limit that is not below the machine's memory for none.
 */
#define EXEC_LIMITS_SPARE 4096
/* Bytes; 0 where that cannot be told. */
guint64 exec_limits_memory_used(const ExecLimits *limits);

/* exec-show.c: mounts everything from the composite tree on its place, and notes it in exec->mounts. */
gboolean exec_show(Exec *exec, const char *composite, GError **error);
/* The parts of this that do not depend on mounting. */
extern const char *const exec_proc_names[]; /* files that may be shown in /proc; ends with NULL */
gboolean exec_shows_proc(const Config *config, const ExecLimits *limits, const char *name);
/* Who reads the kernel's log gives up without it. */
#define EXEC_KMSG "/dev/kmsg"
extern const char *const exec_cpu_lists[]; /* files of /sys/devices/system/cpu that list CPUs; ends with NULL */
/* The command's group instead of each hierarchy's root in a layout's plan. */
void exec_show_group(const GPtrArray *plan, const char *group);

/* exec-command.c: runs the command to its end, in the namespace. */
gboolean exec_command_run(Exec *exec, GError **error);
/* exec-traced.c: the same, with the tracer for what exec->needs says. */
gboolean exec_traced_run(Exec *exec, GError **error);
/* The trace view alone: nothing is mounted. */
gboolean exec_trace_run(Exec *exec, GError **error);
/* exec-preload.c: the preload view, which needs what the trace view is made of. */
gboolean exec_preload_run(Exec *exec, GError **error);
/* Was the trace view built? */
gboolean exec_can_trace(void);
