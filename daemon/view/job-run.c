#include "daemon/view/job.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Start {
	const char *const *argv, *const *envp;
	int go[2];     /* the parent writes a byte when the child may run */
	int failed[2]; /* the child writes errno; closed by a successful exec */
} Start;

/* Only async-signal-safe calls. */
static G_GNUC_NORETURN void run_child(const Start *start)
{
	char byte;
	close(start->go[1]);
	if (read(start->go[0], &byte, 1) != 1)
		_exit(127);
	(void) execvpe(start->argv[0], (char *const *) start->argv, (char *const *) start->envp);
	int error = errno;
	(void) !write(start->failed[1], &error, sizeof error);
	_exit(error == ENOENT ? 127 : 126);
}

static void wait_for(pid_t pid, int *ret_status)
{
	for (;;) {
		pid_t ended = waitpid(pid, ret_status, WUNTRACED);
		if (ended < 0 && errno != EINTR)
			return;
		if (ended == pid && !WIFSTOPPED(*ret_status))
			return;
		if (ended == pid)
			job_command_stopped(WSTOPSIG(*ret_status));
	}
}

static gboolean fail(GError **error, int code, const char *what, const char *name)
{
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code), "cannot %s%s: %s", what, name, g_strerror(code));
	return FALSE;
}

/* Closes its ends of the pipes as the child is done with them. */
static gboolean run(Start *start, pid_t pid, const JobHook *hook, int *ret_status, GError **error)
{
	int code = 0;
	close(start->go[0]);
	close(start->failed[1]);
	job_begin(pid);
	gboolean ready = job_prepare(hook, pid, error);
	if (ready)
		(void) !write(start->go[1], "", 1);
	close(start->go[1]);
	wait_for(pid, ret_status);
	job_end();
	gboolean ran = read(start->failed[0], &code, sizeof code) != sizeof code;
	close(start->failed[0]);
	return ready && (ran || fail(error, code, "run ", start->argv[0]));
}

gboolean job_run(const char *const *argv, const char *const *envp, const JobHook *hook, int *ret_status, GError **error)
{
	Start start = {.argv = argv, .envp = envp};
	if (pipe2(start.go, O_CLOEXEC) < 0)
		return fail(error, errno, "make a pipe for the command", "");
	if (pipe2(start.failed, O_CLOEXEC) < 0) {
		int code = errno;
		close(start.go[0]);
		close(start.go[1]);
		return fail(error, code, "make a pipe for the command", "");
	}
	pid_t pid = fork();
	if (pid == 0)
		run_child(&start);
	if (pid > 0)
		return run(&start, pid, hook, ret_status, error);
	int code = errno;
	for (int i = 0; i < 2; i++) {
		close(start.go[i]);
		close(start.failed[i]);
	}
	return fail(error, code, "fork for the command", "");
}
