#include "daemon/view/preload-serve.h"

#include "daemon/view/preload/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_LINKS  40
#define PATIENCE_S 10 /* for a client that has connected and does not ask */

/* A file that somebody has opened for writing alone: each message on the socket is one write(2). */
typedef struct Writer {
	int fd, number;
	char *shown;
	Caller caller;
	int result; /* of what nobody has asked after yet: the first that failed */
} Writer;

struct PreloadServer {
	View *view;
	int listener, stop[2];
	GThread *thread;
	GPtrArray *writers; /* Writer, owned */
	int n_writers;      /* so far */
};

/* A request under way. */
typedef struct Request {
	PreloadServer *server;
	Caller caller;
	const PreloadRequest *header;
	const char *path, *more;
	GString *reply;
	int fd; /* that goes with the reply; -1: none */
} Request;

static void free_writer(gpointer data)
{
	Writer *writer = data;
	close(writer->fd);
	g_free(writer->shown);
	g_free(writer);
}

/* Takes what has been written; FALSE: the writer has closed. */
static gboolean serve_writer(PreloadServer *server, Writer *writer)
{
	char data[PRELOAD_MAX_MORE];
	ssize_t n;
	while ((n = recv(writer->fd, data, sizeof data, MSG_DONTWAIT)) > 0) {
		int r = shadow_write(view_shadow(server->view), writer->shown, &writer->caller, data, (size_t) n);
		if (r < 0)
			g_info("writing to %s: %s", writer->shown, g_strerror(-r));
		if (writer->result == 0)
			writer->result = r;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void serve_writers(PreloadServer *server)
{
	for (guint i = server->writers->len; i-- > 0;)
		if (!serve_writer(server, server->writers->pdata[i]))
			g_ptr_array_remove_index(server->writers, i);
}

/* The text of a link in the shadow; NULL: it is none. */
static char *read_link(const PreloadServer *server, const char *shown)
{
	char text[PATH_MAX];
	g_autofree char *real = shadow_real(view_shadow(server->view), shown);
	ssize_t n = readlink(real, text, sizeof text);
	return n > 0 && n < (ssize_t) sizeof text ? g_strndup(text, (gsize) n) : NULL;
}

/* A path that is shown, with the links followed that are shown as well. */
static char *canonical(const Request *request, gboolean follow)
{
	g_autofree char *path = g_strdup(request->path);
	for (unsigned links = 0; links < MAX_LINKS; links++) {
		char *end = path, *target = NULL;
		while (!target && (end = strchr(end + 1, '/'))) {
			g_autofree char *part = g_strndup(path, (gsize) (end - path));
			target = read_link(request->server, part);
		}
		if (!end && follow)
			target = read_link(request->server, path);
		if (!target)
			break;
		g_autofree char *before = end ? g_strndup(path, (gsize) (end - path)) : g_strdup(path);
		g_autofree char *directory = g_path_get_dirname(before);
		g_autofree char *joined = g_build_filename(target[0] == '/' ? "/" : directory, target, end, NULL);
		g_free(target);
		g_free(path);
		path = g_canonicalize_filename(joined, "/");
	}
	return g_steal_pointer(&path);
}

static Shadow *shadow_of(const Request *request)
{
	return view_shadow(request->server->view);
}

static int greet(Request *request)
{
	Shadow *shadow = shadow_of(request);
	g_autofree char *root = shadow_real(shadow, "");
	g_string_append_len(request->reply, root, (gssize) strlen(root) + 1);
	const GPtrArray *places = shadow_places(shadow);
	for (guint i = 0; i < places->len; i++)
		g_string_append_len(request->reply, places->pdata[i], (gssize) strlen(places->pdata[i]) + 1);
	return 0;
}

static int see(Request *request)
{
	g_autofree char *path = canonical(request, !(request->header->number & AT_SYMLINK_NOFOLLOW));
	g_string_append_len(request->reply, path, (gssize) strlen(path) + 1);
	return shadow_prepare(shadow_of(request), path, SHADOW_SEE, O_RDONLY, &request->caller);
}

/* Without a name a writer that was inherited is not told of errors. */
static void name_writer(int fd, int number)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int length =
		snprintf(address.sun_path + 1, sizeof address.sun_path - 1, PRELOAD_WRITER, (int) getpid(), number);
	socklen_t size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + (size_t) length);
	if (bind(fd, (struct sockaddr *) &address, size) < 0)
		g_debug("naming a socket: %s", g_strerror(errno));
}

static int add_writer(Request *request, const char *path)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	(void) shutdown(pair[1], SHUT_RD);
	Writer *writer = g_new(Writer, 1);
	*writer = (Writer){pair[0], request->server->n_writers++, g_strdup(path), request->caller, 0};
	name_writer(pair[1], writer->number);
	g_ptr_array_add(request->server->writers, writer);
	request->fd = pair[1];
	return 0;
}

static int open_path(Request *request)
{
	int flags = request->header->number;
	struct stat st;
	g_autofree char *path = canonical(request, !(flags & O_NOFOLLOW));
	g_autofree char *real = shadow_real(shadow_of(request), path);
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return -EOPNOTSUPP;
	int r = shadow_prepare(shadow_of(request), path, SHADOW_READ, flags & ~(O_CREAT | O_EXCL), &request->caller);
	if (r >= 0 && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (r == -ENOENT && flags & O_CREAT)
		return shadow_create(shadow_of(request), path);
	if (r < 0)
		return r;
	g_string_append_len(request->reply, path, (gssize) strlen(path) + 1);
	if (flags & O_PATH || (flags & O_ACCMODE) != O_WRONLY || stat(real, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return access(real, W_OK) < 0 ? -errno : add_writer(request, path);
}

static int rename_path(Request *request)
{
	if (request->header->more_size == 0 || request->more[request->header->more_size - 1] != '\0')
		return -EINVAL;
	return shadow_rename(shadow_of(request), request->path, request->more, &request->caller);
}

static int write_path(Request *request)
{
	g_autofree char *path = canonical(request, TRUE);
	return shadow_write(shadow_of(request), path, &request->caller, request->more, request->header->more_size);
}

static int result_of_writer(const Request *request)
{
	const GPtrArray *writers = request->server->writers;
	for (guint i = 0; i < writers->len; i++) {
		Writer *writer = writers->pdata[i];
		if (writer->number != request->header->number)
			continue;
		int result = writer->result;
		writer->result = 0;
		return result;
	}
	return 0;
}

static int show_statfs(Request *request)
{
	struct statfs answer;
	if (request->header->more_size != sizeof answer)
		return -EINVAL;
	g_autofree char *path = canonical(request, TRUE);
	memcpy(&answer, request->more, sizeof answer);
	view_show_statfs(request->server->view, path, &answer);
	g_string_append_len(request->reply, (const char *) &answer, sizeof answer);
	return 0;
}

static int show_sysinfo(Request *request)
{
	struct sysinfo answer;
	if (request->header->more_size != sizeof answer)
		return -EINVAL;
	memcpy(&answer, request->more, sizeof answer);
	view_show_sysinfo(request->server->view, &request->caller, &answer);
	g_string_append_len(request->reply, (const char *) &answer, sizeof answer);
	return 0;
}

static int show_process_file(Request *request)
{
	int pid, length = 0;
	g_autoptr(GString) text = g_string_new(NULL);
	if (sscanf(request->path, "/proc/%d/%n", &pid, &length) != 1 || !length ||
	    !view_show_process_file(request->server->view, pid, request->path + length, &request->caller, text))
		return -ENOENT;
	request->fd = memfd_create("cgemud", MFD_CLOEXEC);
	if (request->fd < 0 || write(request->fd, text->str, text->len) != (ssize_t) text->len)
		return -errno;
	return lseek(request->fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

static int act(Request *request)
{
	Shadow *shadow = shadow_of(request);
	switch ((PreloadAction) request->header->action) {
	case PRELOAD_HELLO:
		return greet(request);
	case PRELOAD_SEE:
		return see(request);
	case PRELOAD_OPEN:
		return open_path(request);
	case PRELOAD_MKDIR:
		return shadow_make_directory(shadow, request->path, (mode_t) request->header->number & 0755,
					     &request->caller);
	case PRELOAD_RMDIR:
		return shadow_remove_directory(shadow, request->path, &request->caller);
	case PRELOAD_UNLINK:
		return shadow_unlink(shadow, request->path);
	case PRELOAD_RENAME:
		return rename_path(request);
	case PRELOAD_WRITE:
		return write_path(request);
	case PRELOAD_STATFS:
		return show_statfs(request);
	case PRELOAD_SYSINFO:
		return show_sysinfo(request);
	case PRELOAD_PROCESS:
		return show_process_file(request);
	case PRELOAD_RESULT:
		return result_of_writer(request);
	}
	return -ENOSYS;
}

static void reply(int connection, const Request *request, int result)
{
	PreloadReply head = {result};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.align = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
	struct iovec parts[] = {{&head, sizeof head}, {request->reply->str, request->reply->len}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	if (request->fd >= 0 && result >= 0) {
		memcpy(CMSG_DATA(&control.align), &request->fd, sizeof request->fd);
		message.msg_control = &control;
		message.msg_controllen = sizeof control;
	}
	(void) sendmsg(connection, &message, MSG_NOSIGNAL);
}

/* A message's parts; FALSE: it is none of the library's. */
static gboolean parse(Request *request, const char *data, size_t size)
{
	const PreloadRequest *header = (const void *) data;
	if (size < sizeof *header || size != sizeof *header + (size_t) header->path_size + header->more_size)
		return FALSE;
	request->header = header;
	request->path = data + sizeof *header;
	request->more = request->path + header->path_size;
	if (header->path_size == 0) {
		request->path = "/";
		return header->action == PRELOAD_HELLO || header->action == PRELOAD_SYSINFO ||
		       header->action == PRELOAD_RESULT;
	}
	return request->path[header->path_size - 1] == '\0' && request->path[0] == '/';
}

static void serve_connection(PreloadServer *server, int connection)
{
	_Alignas(PreloadRequest) char data[sizeof(PreloadRequest) + PATH_MAX + PRELOAD_MAX_MORE];
	struct ucred peer;
	socklen_t size = sizeof peer;
	struct timeval patience = {.tv_sec = PATIENCE_S};
	(void) setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	ssize_t n = recv(connection, data, sizeof data, 0);
	Request request = {.server = server, .fd = -1};
	if (n < 0 || !parse(&request, data, (size_t) n) ||
	    getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return;
	request.caller = (Caller){request.header->pid, peer.uid, peer.gid};
	request.reply = g_string_new(NULL);
	/* What was written before must have been done before. */
	serve_writers(server);
	int result = act(&request);
	reply(connection, &request, result);
	if (request.fd >= 0)
		close(request.fd);
	g_string_free(request.reply, TRUE);
}

/* FALSE: it is to end. */
static gboolean wait_and_serve(PreloadServer *server)
{
	guint n = server->writers->len + 2;
	g_autofree struct pollfd *fds = g_new0(struct pollfd, n);
	fds[0] = (struct pollfd){.fd = server->stop[0], .events = POLLIN};
	fds[1] = (struct pollfd){.fd = server->listener, .events = POLLIN};
	for (guint i = 2; i < n; i++)
		fds[i] = (struct pollfd){.fd = ((Writer *) server->writers->pdata[i - 2])->fd, .events = POLLIN};
	if (poll(fds, n, -1) < 0)
		return errno == EINTR;
	serve_writers(server);
	int connection = fds[1].revents ? accept4(server->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
	if (connection >= 0) {
		serve_connection(server, connection);
		close(connection);
	}
	return !fds[0].revents;
}

static gpointer serve(gpointer data)
{
	while (wait_and_serve(data))
		;
	return NULL;
}

static gboolean start_listening(PreloadServer *server, const char *path, GError **error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	g_strlcpy(address.sun_path, path, sizeof address.sun_path);
	server->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (server->listener >= 0 && strlen(path) < sizeof address.sun_path &&
	    bind(server->listener, (struct sockaddr *) &address, sizeof address) == 0 &&
	    listen(server->listener, SOMAXCONN) == 0 && pipe2(server->stop, O_CLOEXEC) == 0)
		return TRUE;
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot listen on %s: %s", path,
		    g_strerror(errno));
	return FALSE;
}

/* Signals are the first thread's, which passes them on. */
static GThread *start_thread(PreloadServer *server)
{
	sigset_t all, former;
	sigfillset(&all);
	(void) pthread_sigmask(SIG_SETMASK, &all, &former);
	GThread *thread = g_thread_new("preload", serve, server);
	(void) pthread_sigmask(SIG_SETMASK, &former, NULL);
	return thread;
}

PreloadServer *preload_serve_start(View *view, const char *path, GError **error)
{
	PreloadServer *server = g_new(PreloadServer, 1);
	*server = (PreloadServer){.view = view, .listener = -1, .stop = {-1, -1}};
	server->writers = g_ptr_array_new_with_free_func(free_writer);
	if (start_listening(server, path, error)) {
		server->thread = start_thread(server);
		return server;
	}
	preload_serve_stop(server);
	return NULL;
}

void preload_serve_stop(PreloadServer *server)
{
	if (!server)
		return;
	if (server->stop[1] >= 0)
		close(server->stop[1]);
	if (server->thread)
		g_thread_join(server->thread);
	if (server->stop[0] >= 0)
		close(server->stop[0]);
	if (server->listener >= 0)
		close(server->listener);
	g_ptr_array_unref(server->writers);
	g_free(server);
}
