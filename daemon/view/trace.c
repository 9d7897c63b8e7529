/*
 * Starting a traced command, and waiting for it and its descendants.
 */
#include "daemon/view/trace-engine.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACE_OPTIONS                                                                                                  \
	(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP | \
	 PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)

/* What a child that could not start tells its parent. */
typedef struct Failure {
	enum { FAILED_FILTER, FAILED_EXEC } step;
	int error;
} Failure;

typedef struct Start {
	const struct sock_fprog *filter;
	const char *const *argv, *const *envp;
	int go[2];     /* the parent writes a byte when it traces the child */
	int failed[2]; /* the child writes a Failure; closed by a successful exec */
} Start;

/* In the child: only async-signal-safe calls. */
static G_GNUC_NORETURN void run_child(const Start *start)
{
	char byte;
	close(start->go[1]);
	close(start->failed[0]);
	if (read(start->go[0], &byte, 1) != 1)
		_exit(127);
	Failure failure = {.step = FAILED_FILTER, .error = -filter_install(start->filter)};
	if (failure.error == 0) {
		(void) syscall(FILTER_HELLO_NR, FILTER_HELLO_ARGUMENT);
		(void) execvpe(start->argv[0], (char *const *) start->argv, (char *const *) start->envp);
		failure = (Failure){.step = FAILED_EXEC, .error = errno};
	}
	(void) !write(start->failed[1], &failure, sizeof failure);
	_exit(failure.error == ENOENT ? 127 : 126);
}

static void close_pair(int fds[2])
{
	for (int i = 0; i < 2; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static gboolean fail(GError **error, int code, const char *what)
{
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code), "%s: %s", what, g_strerror(code));
	return FALSE;
}

/* Forks the child and seizes it; it waits for start->go. */
static gboolean start_child(Start *start, pid_t *ret, GError **error)
{
	if (pipe2(start->go, O_CLOEXEC) < 0 || pipe2(start->failed, O_CLOEXEC) < 0)
		return fail(error, errno, "cannot make a pipe for the command");
	pid_t pid = fork();
	if (pid < 0)
		return fail(error, errno, "cannot fork for the command");
	if (pid == 0)
		run_child(start);
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *) TRACE_OPTIONS) == 0) {
		*ret = pid;
		return TRUE;
	}
	int code = errno;
	close_pair(start->go);
	(void) waitpid(pid, NULL, 0);
	return fail(error, code,
		    "cannot trace the command with ptrace (a seccomp profile, kernel.yama.ptrace_scope=3, or another "
		    "tracer may forbid it; --view=namespace or preload do without)");
}

static void task_ended(Tracer *tracer, pid_t tid, int status)
{
	const Task *task = task_find(tracer, tid);
	if (!task || !task->claimed)
		g_hash_table_add(tracer->orphans, GINT_TO_POINTER(tid));
	const TraceStory *story = &tracer->plan->story;
	gboolean is_process = !task || !task->process || task->process->tgid == tid;
	task_remove(tracer, tid);
	if (is_process && story->ended)
		story->ended(tid, story->data);
	if (is_process && tracer->plan->shadow)
		shadow_process_ended(tracer->plan->shadow);
	if (tid == tracer->command) {
		tracer->ended = TRUE;
		tracer->status = status;
	}
}

static void wait_for_command(Tracer *tracer)
{
	while (!tracer->ended) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL);
		if (tid < 0 && errno != EINTR)
			return;
		if (tid > 0 && WIFSTOPPED(status))
			trace_handle_stop(tracer, tid, status);
		else if (tid > 0)
			task_ended(tracer, tid, status);
	}
}

static void kill_rest(Tracer *tracer)
{
	GHashTableIter iter;
	gpointer tid;
	g_hash_table_iter_init(&iter, tracer->tasks);
	while (g_hash_table_iter_next(&iter, &tid, NULL))
		(void) kill(GPOINTER_TO_INT(tid), SIGKILL);
}

static gboolean check_start(const Start *start, GError **error)
{
	Failure failure;
	if (read(start->failed[0], &failure, sizeof failure) != sizeof failure)
		return TRUE;
	if (failure.step == FAILED_FILTER)
		return fail(error, failure.error, "cannot install the filter of system calls that --exec traces");
	g_autofree char *what = g_strdup_printf("cannot run %s", start->argv[0]);
	return fail(error, failure.error, what);
}

static gboolean run(Tracer *tracer, Start *start, int *ret_status, GError **error)
{
	if (!start_child(start, &tracer->command, error))
		return FALSE;
	task_add(tracer, tracer->command)->claimed = TRUE;
	job_begin(tracer->command);
	/* A child that is not told to go ends at once. */
	gboolean ready = job_prepare(&tracer->plan->hook, tracer->command, error);
	if (ready)
		(void) !write(start->go[1], "", 1);
	close_pair(start->go);
	close(start->failed[1]);
	start->failed[1] = -1;
	wait_for_command(tracer);
	job_end();
	kill_rest(tracer);
	*ret_status = tracer->status;
	return ready && check_start(start, error);
}

gboolean trace_run(const TracePlan *plan, const char *const *argv, const char *const *envp, int *ret_status,
		   GError **error)
{
	struct sock_fprog filter = {0};
	Tracer tracer;
	tracer_init(&tracer, plan);
	tracer.no_openat2 = syscall(SYS_openat2, -1, NULL, NULL, 0) < 0 && errno == ENOSYS;
	unsigned left_out = TRACE_ADDED | (tracer.no_openat2 ? 0 : TRACE_OPENAT2);
	Start start = {.filter = &filter, .argv = argv, .envp = envp, .go = {-1, -1}, .failed = {-1, -1}};
	gboolean ok = filter_build(plan->features & ~left_out, plan->foreign, &filter, error) &&
		      filters_build(&tracer, plan->features, error) && run(&tracer, &start, ret_status, error);
	tracer_clear(&tracer);
	close_pair(start.go);
	close_pair(start.failed);
	g_free(filter.filter);
	return ok;
}
