/*
 * Inside the trace view: tasks, the calls they are in, and what the parts of the tracer need of each other.
 */
#pragma once

#include "daemon/view/shadow-waits.h"
#include "daemon/view/trace.h"

#include <limits.h>
#include <sys/types.h>
#include <sys/user.h>

typedef struct user_regs_struct Registers;

typedef struct Tracer Tracer;
typedef struct Process Process;

/* What the next system call stop of a task means. */
typedef enum Awaited {
	AWAIT_NOTHING, /* it runs freely */
	AWAIT_LEAVE,   /* the end of the call in task->row */
	AWAIT_RERUN,   /* the end of a call of ours, after which the original one is entered again */
} Awaited;

/* A thread. */
typedef struct Task {
	pid_t tid;
	Process *process; /* NULL until somebody asks, see task_process() */
	gboolean claimed; /* its parent's clone event has been seen */
	gboolean execed;
	Awaited awaited;
	gboolean entry_due; /* an entry stop comes before the end: kernels that report the seccomp stop first */
	const SyscallRow *row;
	Registers entry;                        /* at the seccomp stop, before any change */
	gboolean changed;                       /* argument registers were changed and are put back at the end */
	gboolean persists;                      /* see call_persist() */
	unsigned added;                         /* TraceFeature: has the filters for these, see trace-filters.c */
	TraceFeature adding;                    /* the filter that a call of ours is to give it */
	long filter_result;                     /* of the last call that was to give it one */
	gboolean holds;                         /* it, or who made it, has opened a file of a group */
	int waits_for;                          /* the descriptor of the event file whose pipe is being opened */
	guint64 scratch;                        /* TRACE_SCRATCH_SIZE bytes mapped in its memory, or 0 */
	void (*rerun)(Call *call, long result); /* takes the result of the call of ours */
	void *state;                            /* what `enter` leaves for `leave`; free_state frees it */
	GDestroyNotify free_state;
} Task;

/* A thread group. */
struct Process {
	unsigned n_tasks;
	pid_t tgid;
	GArray *free_scratch; /* guint64: left by threads that ended */
	GHashTable *waits;    /* fd → TraceWait, see trace-waits.c; NULL: none */
	GHashTable *awaited;  /* gint64: what epoll(7) tells of an event file → fd; NULL: nothing */
	gboolean has_lost;    /* a group has been removed of which it holds files open */
};

struct Tracer {
	const TracePlan *plan;
	pid_t command;
	gboolean ended; /* the command has */
	int status;
	GHashTable *tasks;     /* tid → Task, owned */
	GHashTable *processes; /* tgid → Process, owned */
	GHashTable *orphans;   /* tids of unclaimed tasks that have ended: their clone event may still come */
	gboolean order_known, seccomp_first;
	enum { PROBE_NONE, PROBE_SENT, PROBE_DONE } probe;
	gboolean forgets_signals;     /* see trace-nudge.c */
	gboolean no_readv, no_writev; /* the kernel lacks process_vm_readv, process_vm_writev */
	gboolean no_openat2;          /* the kernel lacks it */
	gboolean other_roots;         /* a tracee may have another root directory than the tracer */
	GHashTable *directories;      /* see trace-paths.c */
	gint64 directories_end;
	struct sock_fprog added[TRACE_N_ADDED]; /* as in trace-filters.c */
};

/* A system call at one of its stops. */
struct Call {
	Tracer *tracer;
	Task *task;
	Registers regs;
	gboolean dirty;  /* regs must be written back */
	gboolean astray; /* the kernel would take the path that was looked at last for another */
};

/* trace-tasks.c */
Task *task_find(Tracer *tracer, pid_t tid);
Task *task_add(Tracer *tracer, pid_t tid);
/* Its thread has ended, or has become another by exec. */
void task_remove(Tracer *tracer, pid_t tid);
Process *task_process(Tracer *tracer, Task *task);
/* Forgets the call it is in. */
void task_forget_call(Task *task);
void tracer_init(Tracer *tracer, const TracePlan *plan);
void tracer_clear(Tracer *tracer);

/* trace-stops.c: handles one waitpid() status of a stopped tracee and lets it go on. */
void trace_handle_stop(Tracer *tracer, pid_t tid, int status);

/* trace-nudge.c: for kernels that forget signals. */
void nudge_probe(Tracer *tracer, const Task *task); /* task is stopped */
gboolean nudge_is_probe(const Task *task, int signal);
void nudge(const Tracer *tracer, const Task *task); /* task is stopped */

/* trace-memory.c: all of `size` or -errno. Text is NUL-terminated and at most PATH_MAX long with its NUL:
 * -ENAMETOOLONG. */
int trace_read(Tracer *tracer, pid_t tid, guint64 address, void *data, size_t size);
int trace_read_text(Tracer *tracer, pid_t tid, guint64 address, char text[PATH_MAX]);
int trace_write(Tracer *tracer, pid_t tid, guint64 address, const void *data, size_t size);

/* trace-call.c: arguments and results at a stop. */
guint64 call_argument(const Call *call, int n);
void call_set_argument(Call *call, int n, guint64 value);
guint64 call_original_argument(const Call *call, int n); /* as it was at the seccomp stop */
long call_result(const Call *call);
void call_set_result(Call *call, long value);
/* At the seccomp stop: another call is run in its place, with the arguments as they are then. */
void call_become(Call *call, long nr);
/* At the seccomp stop: the call is not run and answers `result` (-errno: fails). */
Verdict call_answer(Call *call, long result);
/* At the seccomp stop: runs another call instead, whose result `done` takes; then the original is entered again. */
Verdict call_rerun(Call *call, long nr, const guint64 arguments[6], void (*done)(Call *call, long result));

/* CALL_WATCH for a call that no signal breaks off: gVisor lets them break off what is asked of FUSE, Linux does not,
 * nor would the file system that is shown. */
Verdict call_persist(Call *call);

/* trace-scratch.c */
#define TRACE_SCRATCH_SIZE (2 * PATH_MAX)
/* TRUE: task->scratch can be used. FALSE: *ret_verdict is what `enter` must answer. */
gboolean scratch_ready(Call *call, Verdict *ret_verdict);
/* A forked child has a copy of its parent's. */
void scratch_inherit(Tracer *tracer, const Task *parent, Task *child, int event);

/* trace-paths.c: absolute canonical paths as the tracee is shown them; free them. NULL: there is no such thing (or it
 * has no path), errno is set. */
char *trace_path_of_fd(const Call *call, int fd);
char *trace_path_of(const Call *call, int dirfd, const char *path, gboolean follow);
/* 0 or -errno, by the rules of openat2(2): RESOLVE_*. */
int trace_resolve(const Call *call, int dirfd, const char *path, gboolean follow, guint64 resolve, char **ret);
/* The same for what may be shown otherwise than it is: below a shown place, or in /proc. NULL: an ordinary path, which
 * mostly is found out without following it. */
char *trace_special_path(Call *call, int dirfd, const char *path, gboolean follow);
/* A link, or a directory above others, has changed. */
void trace_paths_forget(Tracer *tracer);
/* Is it served by the story? */
gboolean trace_serves(const Call *call, const char *path);
/* The shown path of a descriptor that lies in the shadow, or NULL. */
char *trace_shown_fd(const Call *call, int fd);

/* trace-redirect.c */
/* Who makes the call, as the trees want to know it. */
Caller trace_caller(const Call *call);
/* Argument n becomes `path`, which must be shorter than PATH_MAX; the original one comes back when the call ends. */
Verdict redirect_to(Call *call, int n, const char *path);
/* trace-kmsg.c: opens the kernel's log, or what stands for it. */
Verdict open_silent(Call *call, const char *shown, int flags, guint64 mode);
/* Opens a real file in the shown one's place. */
Verdict become_openat(Call *call, const char *real, int flags, guint64 mode);
/* Opens what a special path leads to: `flags` and `mode` are those of openat(2), which the call is or becomes.
 * CALL_PASS: the path is nothing special. */
Verdict open_special(Call *call, const char *path, int flags, guint64 mode);

/* trace-filters.c: TRUE: the calls of one of TRACE_ADDED are stopped in this process. FALSE: *ret_verdict is what
 * `enter` must answer. */
gboolean filter_ready(Call *call, TraceFeature feature, Verdict *ret_verdict);
gboolean filters_build(Tracer *tracer, unsigned features, GError **error);
void filters_clear(Tracer *tracer);

/* trace-waits.c: an event file that a process has open. */
typedef struct TraceWait {
	ShadowWait *wait;
	int pipe; /* the process's descriptor of what it waits for instead; -1: none yet, -2: there can be none */
} TraceWait;

/* NULL: the descriptor is no event file's. */
TraceWait *trace_wait(Call *call, int fd);
/* TRUE: wait->pipe is open. FALSE: *ret_verdict is what `enter` must answer. */
gboolean trace_wait_ready(Call *call, TraceWait *wait, int fd, Verdict *ret_verdict);
/* From now on the call's process is known to have it open as fd; takes it. */
void trace_wait_add(Call *call, int fd, ShadowWait *wait);
void trace_waits_forget(Process *process);

/* trace-reads.c: what a group leaves behind that is about to be removed. FALSE: *ret_verdict is what `enter` must
 * answer. */
gboolean removal_ready(Call *call, const char *shown, Verdict *ret_verdict);

/* Handlers named in the table. */
Verdict statfs_enter(Call *call);
void statfs_leave(Call *call);
Verdict sysinfo_enter(Call *call);
void sysinfo_leave(Call *call);
Verdict fork_enter(Call *call);
Verdict root_enter(Call *call);
Verdict path_enter(Call *call);
Verdict statx_enter(Call *call);
Verdict chdir_enter(Call *call);
Verdict open_enter(Call *call);
Verdict openat2_enter(Call *call);
Verdict mkdir_enter(Call *call);
Verdict rmdir_enter(Call *call);
Verdict unlink_enter(Call *call);
Verdict rename_enter(Call *call);
Verdict link_enter(Call *call);
Verdict truncate_enter(Call *call);
Verdict watch_enter(Call *call);
Verdict getcwd_enter(Call *call);
void getcwd_leave(Call *call);
Verdict readlink_enter(Call *call);
void readlink_leave(Call *call);
Verdict rewind_enter(Call *call);
Verdict seek_enter(Call *call);
Verdict write_enter(Call *call);
Verdict writev_enter(Call *call);
Verdict copy_enter(Call *call);
void open_leave(Call *call);
Verdict mount_enter(Call *call);
Verdict address_enter(Call *call);
Verdict read_enter(Call *call);
Verdict poll_enter(Call *call);
void poll_leave(Call *call);
Verdict select_enter(Call *call);
void select_leave(Call *call);
Verdict epoll_ctl_enter(Call *call);
Verdict epoll_wait_enter(Call *call);
void epoll_wait_leave(Call *call);
Verdict close_enter(Call *call);
