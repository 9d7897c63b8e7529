#include "daemon/view/exec.h"

#include "daemon/fuse.h"
#include "daemon/view/births.h"
#include "fs/cgroup/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
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

/* What the caller, if it traces the command, sends. */
typedef struct Message {
	enum { ASK_FORK, ASK_WRITE, TELL_FORK, TELL_END } kind;
	pid_t pid, tid;
	/* Of ASK_WRITE: */
	Caller caller;
	size_t path_size; /* with its NUL; the rest of text is what is written */
	size_t size;
	char text[PATH_MAX + EXEC_SERVE_WRITE_MAX];
} Message;

#define MESSAGE_SIZE(n) (offsetof(Message, text) + (n))

static void answer(int channel, int result)
{
	(void) send(channel, &result, sizeof result, MSG_NOSIGNAL);
}

static void take_message(Fs *fs, const Message *message, int channel)
{
	switch (message->kind) {
	case ASK_FORK:
		answer(channel, limits_pids_fork(fs, message->pid));
		break;
	case ASK_WRITE:
		answer(channel, control_files_store(fs, message->text, &message->caller,
						    message->text + message->path_size, message->size));
		break;
	case TELL_FORK:
		births_tell_fork(fs, message->pid, message->tid);
		break;
	case TELL_END:
		births_tell_end(fs, message->pid);
		break;
	}
}

static void take_messages(Fs *fs, int channel)
{
	Message message;
	for (;;) {
		ssize_t n = recv(channel, &message, sizeof message, 0);
		if (n >= (ssize_t) MESSAGE_SIZE(0))
			take_message(fs, &message, channel);
		else if (n >= 0 || errno != EINTR)
			return;
	}
}

static int serve(const Exec *exec, const char *composite, int ready, int channel)
{
	g_autoptr(GError) error = NULL;
	unsigned trees = layout_fs_trees(exec->tree) | FS_TREE_PROCSYS | FS_TREE_PROC;
	Fs *fs = fs_new(exec->config, trees, &error);
	if (fs)
		fs->shown_root = exec->limits.group;
	FuseServer *fuse = fs ? start(fs, exec->config, composite, &error) : NULL;
	tell(ready, error);
	if (fuse) {
		take_messages(fs, channel);
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
	int ready[2], channel[2];
	*server = (ExecServer){.channel = -1};
	if (pipe2(ready, O_CLOEXEC) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0 ||
	    (server->pid = fork()) < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot start the FUSE server: %s",
			    g_strerror(errno));
		return FALSE;
	}
	if (server->pid == 0) {
		close(ready[0]);
		close(channel[1]);
		ignore_terminal();
		_exit(serve(exec, composite, ready[1], channel[0]));
	}
	close(ready[1]);
	close(channel[0]);
	server->channel = channel[1];
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
	close(server->channel);
	while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
		;
	g_clear_pointer(&server->composite, g_free);
	server->pid = 0;
}

static gboolean tell_server(const ExecServer *server, const Message *message, size_t text_size)
{
	size_t size = MESSAGE_SIZE(text_size);
	return send(server->channel, message, size, MSG_NOSIGNAL) == (ssize_t) size;
}

/* `otherwise`: the answer of a server that is gone. */
static int ask_server(const ExecServer *server, const Message *message, size_t text_size, int otherwise)
{
	int answer = 0;
	ssize_t n;
	if (!tell_server(server, message, text_size))
		return otherwise;
	while ((n = recv(server->channel, &answer, sizeof answer, 0)) < 0 && errno == EINTR)
		;
	return n == sizeof answer ? answer : otherwise;
}

int exec_serve_ask_fork(const ExecServer *server, pid_t pid)
{
	return ask_server(server, &(Message){.kind = ASK_FORK, .pid = pid}, 0, 0);
}

int exec_serve_ask_write(const ExecServer *server, const char *path, const Caller *caller, const char *text,
			 size_t size)
{
	Message message = {.kind = ASK_WRITE, .caller = *caller, .path_size = strlen(path) + 1, .size = size};
	if (message.path_size > PATH_MAX)
		return -ENAMETOOLONG;
	if (size > EXEC_SERVE_WRITE_MAX)
		return -E2BIG;
	memcpy(message.text, path, message.path_size);
	memcpy(message.text + message.path_size, text, size);
	return ask_server(server, &message, message.path_size + size, -ENODEV);
}

void exec_serve_tell_fork(const ExecServer *server, pid_t parent, pid_t tid)
{
	(void) tell_server(server, &(Message){.kind = TELL_FORK, .pid = parent, .tid = tid}, 0);
}

void exec_serve_tell_end(const ExecServer *server, pid_t pid)
{
	(void) tell_server(server, &(Message){.kind = TELL_END, .pid = pid}, 0);
}
