/* A session's life: mounting or adopting, its workers, its end. */
#include "daemon/fuse-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GREETING_SECONDS 10
#define PROBE_SECONDS    10
#define DRAIN_SECONDS    1
/* Interrupts a worker's read. The workers block every other signal. */
#define WAKE_SIGNAL SIGURG

/* libfuse's own words on the last failure, for the error that the user reads. */
static GPrivate last_message = G_PRIVATE_INIT(g_free);

static void keep_message(enum fuse_log_level level, const char *format, va_list args)
{
	g_autofree char *text = g_strdup_vprintf(format, args);

	g_strchomp(text);
	if (g_str_has_prefix(text, "fuse: "))
		memmove(text, text + strlen("fuse: "), strlen(text + strlen("fuse: ")) + 1);
	g_private_replace(&last_message, g_strdup(text));
	g_debug("libfuse: %s", text);
}

static const char *libfuse_message(void)
{
	const char *text = g_private_get(&last_message);

	/* What fusermount3 says goes to stderr. */
	return text ? text : "fusermount3 refused it";
}

static void end(FuseServer *server)
{
	gboolean is_first;

	g_mutex_lock(&server->lock);
	is_first = !server->has_ended;
	server->has_ended = TRUE;
	g_cond_broadcast(&server->greeted_cond);
	g_mutex_unlock(&server->lock);
	if (is_first && server->ended && !atomic_load(&server->stopping))
		server->ended(server->ended_data);
}

/* TRUE: the worker goes on. */
static gboolean goes_on(FuseServer *server, int received)
{
	if (received == -EINTR || received == -EAGAIN)
		return !atomic_load(&server->stopping) || (received == -EINTR && server->how == FUSE_STOP_DRAIN);
	if (received > 0)
		return !atomic_load(&server->stopping) || server->how == FUSE_STOP_DRAIN;
	if (received < 0 && received != -ECONNABORTED)
		g_warning("reading from /dev/fuse failed: %s", g_strerror(-received));
	return FALSE;
}

typedef struct Worker {
	FuseServer *server;
	unsigned index;
} Worker;

static void *work(void *data)
{
	Worker *worker = data;
	FuseServer *server = worker->server;
	struct fuse_buf buf = {0};
	int received;

	requests_take_slot(server, worker->index);
	g_free(worker);
	do {
		received = fuse_session_receive_buf(server->session, &buf);
		if (received > 0)
			fuse_session_process_buf(server->session, &buf);
	} while (goes_on(server, received));
	free(buf.mem);
	if (!atomic_load(&server->stopping))
		end(server);
	return NULL;
}

static void ignore(int signal)
{
}

static gboolean start_workers(FuseServer *server, unsigned threads, GError **error)
{
	struct sigaction wake = {.sa_handler = ignore};
	sigset_t all, before;
	int r = 0;

	sigaction(WAKE_SIGNAL, &wake, NULL);
	sigfillset(&all);
	sigdelset(&all, WAKE_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	server->workers = g_new0(pthread_t, threads);
	while (server->n_workers < threads) {
		Worker *worker = g_new(Worker, 1);

		*worker = (Worker){server, server->n_workers};
		r = pthread_create(&server->workers[server->n_workers], NULL, work, worker);
		if (r) {
			g_free(worker);
			break;
		}
		server->n_workers++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!server->n_workers) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(r), "cannot start a thread: %s", g_strerror(r));
		return FALSE;
	}
	return TRUE;
}

static gboolean wait_for_greeting(FuseServer *server, GError **error)
{
	gint64 deadline = g_get_monotonic_time() + GREETING_SECONDS * G_TIME_SPAN_SECOND;
	gboolean greeted;

	g_mutex_lock(&server->lock);
	while (!server->greeted && !server->has_ended)
		if (!g_cond_wait_until(&server->greeted_cond, &server->lock, deadline))
			break;
	greeted = server->greeted;
	g_mutex_unlock(&server->lock);
	if (!greeted)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
			    "FUSE is mounted, but the kernel has not greeted within %d seconds", GREETING_SECONDS);
	return greeted;
}

static struct fuse_session *new_session(FuseServer *server, gboolean for_all)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_session *session = NULL;

	if (!fuse_opt_add_arg(&args, "cgemud") &&
	    !fuse_opt_add_arg(&args, "-ofsname=cgemud,subtype=cgemud,default_permissions") &&
	    !(for_all && fuse_opt_add_arg(&args, "-oallow_other")))
		session = fuse_session_new(&args, &fuse_ops, sizeof fuse_ops, server);
	fuse_opt_free_args(&args);
	return session;
}

static FuseServer *server_new(Fs *fs, const char *root, int requests_fd, GError **error)
{
	FuseServer *server = g_new0(FuseServer, 1);
	Node *node;

	g_rw_lock_reader_lock(&fs->lock);
	node = tree_by_path(fs->tree, root);
	server->root = node && node->type == NODE_DIRECTORY ? node_ref(node) : NULL;
	g_rw_lock_reader_unlock(&fs->lock);
	server->fs = fs;
	server->fd = -1;
	g_mutex_init(&server->lock);
	g_cond_init(&server->greeted_cond);
	open_table_init(&server->files);
	fuse_poll_start(server);
	fuse_set_log_func(keep_message);
	if (!requests_open(server, requests_fd, error)) {
		fuse_free(server);
		return NULL;
	}
	if (server->root)
		return server;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no directory %s in the tree", root);
	fuse_free(server);
	return NULL;
}

static gboolean may_mount(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};

	return syscall(SYS_capget, &header, sets) == 0 && sets[0].effective & 1u << CAP_SYS_ADMIN;
}

/* fusermount3, which mounts for those who may not, allows a mount for everyone only where this file does. */
static gboolean fuse_conf_allows_all(void)
{
	g_autofree char *text = NULL;

	return g_file_get_contents("/etc/fuse.conf", &text, NULL, NULL) &&
	       g_regex_match_simple("^[ \\t]*user_allow_other[ \\t]*$", text, G_REGEX_MULTILINE, 0);
}

static gboolean mount_session(FuseServer *server, const char *mountpoint, GError **error)
{
	gboolean for_all = geteuid() == 0 || may_mount() || fuse_conf_allows_all();

	server->session = new_session(server, for_all);
	if (server->session && fuse_session_mount(server->session, mountpoint) == 0) {
		server->fd = fuse_session_fd(server->session);
		if (!for_all)
			g_message("%s can be seen by user %d alone: /etc/fuse.conf does not say user_allow_other",
				  mountpoint, (int) getuid());
		return TRUE;
	}
	if (server->session)
		fuse_session_destroy(g_steal_pointer(&server->session));
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "cannot mount FUSE on %s: %s", mountpoint,
		    libfuse_message());
	return FALSE;
}

/* Before any worker runs: libfuse answers EIO to whatever else it reads before the greeting. */
static void greet_again(FuseServer *server)
{
	struct fuse_buf buf = {0};

	if (fuse_session_receive_buf(server->session, &buf) > 0)
		fuse_session_process_buf(server->session, &buf);
	free(buf.mem);
}

static gboolean serve_session(FuseServer *server, unsigned threads, GError **error)
{
	int r = fuse_session_custom_io(server->session, &fuse_io, server->fd);

	if (r < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-r), "cannot use the session's descriptor: %s",
			    g_strerror(-r));
		return FALSE;
	}
	if (server->greet_again)
		greet_again(server);
	return start_workers(server, threads, error) && wait_for_greeting(server, error);
}

FuseServer *fuse_start(Fs *fs, const char *mountpoint, const char *root, unsigned threads, int requests, GError **error)
{
	FuseServer *server = server_new(fs, root, requests, error);

	if (!server)
		return NULL;
	if (!mount_session(server, mountpoint, error)) {
		fuse_free(server);
		return NULL;
	}
	if (!serve_session(server, threads, error)) {
		fuse_stop(server, FUSE_STOP_HAND_OVER);
		fuse_session_unmount(server->session);
		fuse_free(server);
		return NULL;
	}
	return server;
}

FuseServer *fuse_adopt(Fs *fs, int fd, int requests, const FuseGreeting *greeting, const char *root, unsigned threads,
		       GError **error)
{
	FuseServer *server = server_new(fs, root, requests, error);
	int flags = fcntl(fd, F_GETFL);

	if (!server) {
		close(fd);
		return NULL;
	}
	server->fd = fd;
	server->greeting = *greeting;
	server->greet_again = TRUE;
	server->touch.all_known = TRUE;
	fs->exact_sizes = greeting->exact_sizes;
	fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	requests_answer_lost(server);
	server->session = new_session(server, TRUE);
	if (!server->session) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot start a FUSE session: %s", libfuse_message());
		close(fd);
	} else if (serve_session(server, threads, error)) {
		return server;
	}
	fuse_free(server);
	return NULL;
}

int fuse_descriptor(const FuseServer *server)
{
	return server->fd;
}

int fuse_requests(const FuseServer *server)
{
	return server->requests_fd;
}

void fuse_get_greeting(const FuseServer *server, FuseGreeting *ret)
{
	*ret = server->greeting;
	ret->exact_sizes = server->fs->exact_sizes;
}

void fuse_on_end(FuseServer *server, void (*ended)(void *data), void *data)
{
	gboolean has_ended;

	g_mutex_lock(&server->lock);
	server->ended_data = data;
	server->ended = ended;
	has_ended = server->has_ended;
	g_mutex_unlock(&server->lock);
	if (has_ended)
		ended(data);
}

/* Only in the child of a process with threads: calls nothing but system calls. Exit status: what was seen. */
enum { PROBE_READ = 0, PROBE_EMPTY = 1, PROBE_FAILED = 2 };

static int read_probe(const char *path)
{
	char buf[16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof buf);

	return n < 0 ? PROBE_FAILED : n ? PROBE_READ : PROBE_EMPTY;
}

/* Runs read_probe() in a child, and gives it up for lost after a while. -errno, or what it saw. */
static int probe_in_child(const char *path)
{
	struct pollfd end = {.events = POLLIN};
	int pipe_fds[2], status = 0, r;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		_exit(read_probe(path));
	close(pipe_fds[1]);
	end.fd = pipe_fds[0];
	if (pid < 0) {
		close(pipe_fds[0]);
		return -EAGAIN;
	}
	do
		r = poll(&end, 1, PROBE_SECONDS * 1000);
	while (r < 0 && errno == EINTR);
	close(pipe_fds[0]);
	if (r == 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, r == 0 ? WNOHANG : 0) < 0 && errno == EINTR)
		;
	return r > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -ETIMEDOUT;
}

gboolean fuse_probe_sizes(FuseServer *server, const char *mountpoint, GError **error)
{
	g_autofree char *path = g_build_filename(mountpoint, FUSE_PROBE_NAME, NULL);
	int seen;

	atomic_store(&server->probing, TRUE);
	seen = probe_in_child(path);
	atomic_store(&server->probing, FALSE);
	if (seen < 0 || seen == PROBE_FAILED) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "FUSE is mounted on %s, but reading from it %s",
			    mountpoint, seen == -ETIMEDOUT ? "took too long" : "failed");
		return FALSE;
	}
	server->fs->exact_sizes = seen == PROBE_EMPTY;
	fuse_touch_start(server, mountpoint);
	g_debug("reads are %scut at the size of a file", seen == PROBE_EMPTY ? "" : "not ");
	return TRUE;
}

/* A worker that is just about to read misses the signal: it is sent again until the worker has ended. */
static void end_worker(pthread_t worker, gint64 deadline, FuseServer *server)
{
	struct timespec until;

	do {
		if (server->how == FUSE_STOP_DRAIN && g_get_monotonic_time() > deadline)
			server->how = FUSE_STOP_HAND_OVER;
		pthread_kill(worker, WAKE_SIGNAL);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 5000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
	} while (pthread_timedjoin_np(worker, NULL, &until) == ETIMEDOUT);
}

void fuse_stop(FuseServer *server, FuseStop how)
{
	gint64 deadline = g_get_monotonic_time() + DRAIN_SECONDS * G_TIME_SPAN_SECOND;

	if (server->stopped)
		return;
	server->stopped = TRUE;
	fuse_touch_stop(server);
	server->how = how;
	atomic_store(&server->stopping, TRUE);
	if (server->n_workers)
		fcntl(server->fd, F_SETFL, fcntl(server->fd, F_GETFL) | O_NONBLOCK);
	for (unsigned i = 0; i < server->n_workers; i++)
		end_worker(server->workers[i], deadline, server);
	fuse_poll_stop(server);
}

/* libfuse frees its name of the mount only while it unmounts. That is safe where nothing is mounted any more, which the
 * descriptor tells; else it might hit what lies below. */
static void forget_mountpoint(FuseServer *server)
{
	struct pollfd fd = {.fd = server->fd};

	if (poll(&fd, 1, 0) == 1 && fd.revents & POLLERR)
		fuse_session_unmount(server->session);
}

void fuse_free(FuseServer *server)
{
	if (!server)
		return;
	fuse_stop(server, FUSE_STOP_DRAIN);
	open_table_clear(&server->files, server->fs);
	if (server->session) {
		forget_mountpoint(server);
		fuse_session_destroy(server->session);
	}
	requests_close(server);
	g_clear_pointer(&server->root, node_unref);
	g_free(server->workers);
	g_cond_clear(&server->greeted_cond);
	g_mutex_clear(&server->lock);
	g_mutex_clear(&server->touch.lock);
	g_free(server);
}
