#include "daemon/daemonize.h"
#include "daemon/exit-codes.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child writes a byte here when it is ready; the end of the file tells that it died. */
static int ready_fd = -1;

static _Noreturn void wait_for_child(pid_t child, int fd)
{
	char byte;
	ssize_t n;
	int status = 0;

	while ((n = read(fd, &byte, 1)) < 0 && errno == EINTR)
		;
	if (n == 1)
		_exit(EXIT_OK);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_INTERNAL);
}

gboolean daemonize(GError **error)
{
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0 || (child = fork()) < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot go to the background: %s",
			    g_strerror(errno));
		return FALSE;
	}
	if (child > 0) {
		close(fds[1]);
		wait_for_child(child, fds[0]);
	}
	close(fds[0]);
	ready_fd = fds[1];
	setsid();
	if (chdir("/") < 0)
		g_debug("cannot change to /");
	return TRUE;
}

void daemonize_ready(void)
{
	int null = ready_fd < 0 ? -1 : open("/dev/null", O_RDWR | O_CLOEXEC);

	if (ready_fd < 0)
		return;
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	if (write(ready_fd, "", 1) != 1)
		g_debug("nobody waits for this daemon");
	close(ready_fd);
	ready_fd = -1;
}
