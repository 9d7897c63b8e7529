#include "daemon/view/job.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/wait.h>
#include <unistd.h>

static G_GNUC_NORETURN void run_child(const char *const *argv, const char *const *envp, int failed)
{
	(void) execvpe(argv[0], (char *const *) argv, (char *const *) envp);
	int error = errno;
	(void) !write(failed, &error, sizeof error);
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

gboolean job_run(const char *const *argv, const char *const *envp, int *ret_status, GError **error)
{
	int failed[2], code = 0;
	pid_t pid = pipe2(failed, O_CLOEXEC) < 0 ? -1 : fork();
	if (pid < 0) {
		code = errno;
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code), "cannot fork for the command: %s",
			    g_strerror(code));
		return FALSE;
	}
	if (pid == 0)
		run_child(argv, envp, failed[1]);
	close(failed[1]);
	job_begin(pid);
	wait_for(pid, ret_status);
	job_end();
	gboolean ok = read(failed[0], &code, sizeof code) != sizeof code;
	close(failed[0]);
	if (!ok)
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code), "cannot run %s: %s", argv[0],
			    g_strerror(code));
	return ok;
}
