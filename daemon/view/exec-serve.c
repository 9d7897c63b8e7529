#include "daemon/view/exec.h"

#include "daemon/fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static FuseServer *start(Fs *fs, const Config *config, const char *composite, GError **error)
{
	FuseServer *fuse = fuse_start(fs, composite, "/", (unsigned) config_int(config, "fuse", "threads"), -1, error);
	if (!fuse || fuse_probe_sizes(fuse, composite, error))
		return fuse;
	(void) umount2(composite, MNT_DETACH);
	fuse_free(fuse);
	return NULL;
}

/* Empty when the server is ready, else why it is not. */
static void tell(int ready, const GError *error)
{
	if (error)
		(void) !write(ready, error->message, strlen(error->message));
	close(ready);
}

static void ignore_terminal(void)
{
	static const int signals[] = {SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU};
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		(void) signal(signals[i], SIG_IGN);
}

static int serve(const Exec *exec, const char *composite, int ready, int alive)
{
	g_autoptr(GError) error = NULL;
	unsigned trees = layout_fs_trees(exec->tree) | FS_TREE_PROCSYS | FS_TREE_PROC;
	Fs *fs = fs_new(exec->config, trees, &error);
	if (fs)
		fs->shown_root = exec->limits.group;
	FuseServer *fuse = fs ? start(fs, exec->config, composite, &error) : NULL;
	tell(ready, error);
	if (fuse) {
		char byte;
		while (read(alive, &byte, 1) < 0 && errno == EINTR)
			;
		(void) umount2(composite, MNT_DETACH);
		fuse_free(fuse);
	}
	if (fs)
		fs_free(fs);
	return fuse ? 0 : 1;
}

/* Reads until the child closes its end. */
static char *read_all(int fd)
{
	GString *text = g_string_new(NULL);
	char part[256];
	ssize_t n;
	while ((n = read(fd, part, sizeof part)) > 0)
		g_string_append_len(text, part, n);
	return g_string_free(text, FALSE);
}

gboolean exec_serve_start(ExecServer *server, const Exec *exec, const char *composite, GError **error)
{
	int ready[2], alive[2];
	*server = (ExecServer){.alive = -1};
	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(alive, O_CLOEXEC) < 0 || (server->pid = fork()) < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot start the FUSE server: %s",
			    g_strerror(errno));
		return FALSE;
	}
	if (server->pid == 0) {
		close(ready[0]);
		close(alive[1]);
		ignore_terminal();
		_exit(serve(exec, composite, ready[1], alive[0]));
	}
	close(ready[1]);
	close(alive[0]);
	server->alive = alive[1];
	server->composite = g_strdup(composite);
	g_autofree char *problem = read_all(ready[0]);
	close(ready[0]);
	if (problem[0] == '\0')
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", problem);
	exec_serve_stop(server);
	return FALSE;
}

void exec_serve_stop(ExecServer *server)
{
	if (server->pid <= 0)
		return;
	close(server->alive);
	while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
		;
	g_clear_pointer(&server->composite, g_free);
	server->pid = 0;
}
