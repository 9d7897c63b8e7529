#include "daemon/serve.h"
#include "daemon/daemonize.h"
#include "daemon/exit-codes.h"
#include "daemon/hand-over.h"
#include "daemon/mount-check.h"
#include "daemon/mounts.h"
#include "daemon/notify.h"
#include "daemon/serve-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *ready_line(const Server *server)
{
	g_autofree char *size = NULL;

	if (server->tree == LAYOUT_V1 || server->tree == LAYOUT_HYBRID)
		size = g_strdup_printf(" (%u hierarchies)",
				       g_strv_length((char **) config_list(server->config, "cgroup", "hierarchies")));
	return g_strdup_printf("serving %s at %s%s", layout_tree_name(server->tree), server->directory,
			       size ? size : "");
}

static void announce(const Server *server)
{
	g_autofree char *line = ready_line(server);

	if (!server->options->daemonize)
		g_printerr("cgemud: %s; stop with Ctrl-C or `cgemud --unmount %s`\n", line, server->directory);
	notify_ready(line);
	daemonize_ready();
}

static gboolean on_end_signal(gpointer data)
{
	Server *server = data;

	g_main_loop_quit(server->loop);
	return G_SOURCE_CONTINUE;
}

static gboolean on_reload_signal(gpointer data)
{
	serve_reload(data);
	return G_SOURCE_CONTINUE;
}

static gboolean on_hand_over_signal(gpointer data)
{
	Server *server = data;
	g_autoptr(GError) error = NULL;

	if (!serve_can_hand_over(server)) {
		g_warning("a successor could not reach the kernel's own files below %s: restart cgemud instead",
			  server->directory);
	} else if (!hand_over_is_possible(&error)) {
		g_warning("no successor: %s", error->message);
	} else {
		server->hands_over = TRUE;
		g_main_loop_quit(server->loop);
	}
	return G_SOURCE_CONTINUE;
}

static gboolean quit(gpointer data)
{
	Server *server = data;

	g_message("%s: no longer mounted", server->directory);
	g_main_loop_quit(server->loop);
	return G_SOURCE_REMOVE;
}

/* From a worker. */
static void on_session_end(void *data)
{
	g_idle_add(quit, data);
}

/* A daemon whose tree stays locked does not come back from here, and the service manager restarts it. */
static void take_lock(void *data)
{
	Server *server = data;

	g_rw_lock_reader_lock(&server->fs->lock);
	g_rw_lock_reader_unlock(&server->fs->lock);
}

/* Without links; free it. NULL: errno says why. */
static char *find_directory(const Options *options, gboolean is_waiting)
{
	char *resolved = realpath(options->directory, NULL);

	if (resolved || errno != ENOENT || !options->mkdir || is_waiting)
		return resolved;
	return g_mkdir_with_parents(options->directory, 0755) == 0 ? realpath(options->directory, NULL) : NULL;
}

/* is_waiting: the directory may be on a session that nobody serves at the moment; asking it would wait for ever. */
static gboolean resolve_directory(Server *server, gboolean is_waiting, GError **error)
{
	g_autofree char *resolved = find_directory(server->options, is_waiting);
	const char *directory = resolved ? resolved : server->options->directory;
	struct stat st;

	/* On a mount whose daemon is gone nothing can be resolved: it is cleared away first. */
	if (!resolved && errno != ENOTCONN && errno != ECONNABORTED) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot mount on %s: %s", directory,
			    g_strerror(errno));
		return FALSE;
	}
	server->directory = g_strdup(directory);
	if (resolved && !is_waiting && stat(resolved, &st) == 0 && !S_ISDIR(st.st_mode)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY, "cannot mount on %s: not a directory",
			    directory);
		return FALSE;
	}
	return TRUE;
}

/* The trees are built before anything is mounted: what they open of the kernel's own files must not be ours. */
static gboolean start_anew(Server *server, GError **error)
{
	const Options *options = server->options;

	server->record = mount_record_new(server->directory, layout_tree_name(server->tree), error);
	if (!server->record || !mount_clear_dead(server->directory, error))
		return FALSE;
	if (!options->force && !mount_check_directory(server->directory, error))
		return FALSE;
	return serve_build_trees(server, -1, error) && serve_mount(server, error);
}

/* FALSE without an error: there was nothing that could be gone on with. */
static gboolean go_on(Server *server, HandOver *taken, GError **error)
{
	if (taken->session < 0)
		return FALSE;
	if (serve_adopt(server, taken, error))
		return TRUE;
	/* Clients would wait on a session that is kept for nobody. */
	hand_over_discard(taken);
	return FALSE;
}

static gboolean start(Server *server, HandOver *taken, GError **error)
{
	const Options *options = server->options;
	const char *name = options->tree ? options->tree : config_string(server->config, "mount", "tree");
	g_autoptr(GError) reason = NULL;

	if (!resolve_directory(server, taken->session >= 0, error)) {
		hand_over_discard(taken);
		return FALSE;
	}
	server->tree = layout_tree(name, server->directory);
	if (go_on(server, taken, &reason))
		return TRUE;
	if (reason) {
		g_propagate_error(error, g_steal_pointer(&reason));
		return FALSE;
	}
	return start_anew(server, error);
}

/* What would end a process that does not handle it yet waits until it does, also over a hand-over. */
static void hold_signals(int how, gboolean with_end)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGUSR2);
	if (with_end) {
		sigaddset(&signals, SIGTERM);
		sigaddset(&signals, SIGINT);
	}
	pthread_sigmask(how, &signals, NULL);
}

static void run(Server *server)
{
	server->loop = g_main_loop_new(NULL, FALSE);
	g_unix_signal_add(SIGTERM, on_end_signal, server);
	g_unix_signal_add(SIGINT, on_end_signal, server);
	g_unix_signal_add(SIGHUP, on_reload_signal, server);
	g_unix_signal_add(SIGUSR2, on_hand_over_signal, server);
	hold_signals(SIG_UNBLOCK, TRUE);
	notify_start_watchdog(take_lock, server);
	fuse_on_end(server->fuse, on_session_end, server);
	state_file_follow(server->state);
	announce(server);
	g_main_loop_run(server->loop);
}

/* Returns only on failure. Requests that come meanwhile wait for the successor. */
static void hand_over(Server *server)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) lost = NULL;
	HandOver left = {fuse_descriptor(server->fuse), fuse_requests(server->fuse), -1};

	hold_signals(SIG_BLOCK, TRUE);
	g_message("%s: a new process goes on", server->directory);
	notify_reloading();
	fuse_stop(server->fuse, FUSE_STOP_HAND_OVER);
	fs_rest(server->fs);
	if (server->state)
		left.groups = state_file_hand_over(server->state, &lost);
	if (lost)
		g_warning("changes of groups since they were last saved are lost: %s", lost->message);
	hand_over_exec(&left, &error);
	if (left.groups >= 0)
		close(left.groups);
	g_printerr("cgemud: %s\n", error->message);
}

/* Of a run that failed to begin there is nothing new. */
static void save_groups(Server *server)
{
	g_autoptr(GError) error = NULL;

	if (server->loop && !state_file_save(server->state, &error))
		g_warning("groups are lost: %s", error->message);
}

/* Unmounting comes first: then no new request can arrive while the last are answered. */
static gboolean stop(Server *server, GError **error)
{
	gboolean ok = !server->record || mount_record_undo(server->record, error);

	if (server->fuse)
		hand_over_forget();
	fuse_free(server->fuse);
	save_groups(server);
	state_file_free(server->state);
	fs_free(server->fs);
	backing_bases_remove(&server->backing);
	mount_record_free(server->record);
	g_clear_pointer(&server->loop, g_main_loop_unref);
	config_free(server->own_config);
	config_free(server->old_config);
	g_free(server->directory);
	return ok;
}

static int exit_code_for(const GError *error)
{
	return error->domain == CONFIG_ERROR ? EXIT_CONFIG : EXIT_UNAVAILABLE;
}

int serve_run(const Options *options, Config *config)
{
	Server server = {.options = options, .config = config};
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) stop_error = NULL;
	HandOver taken = hand_over_take();
	int code = EXIT_OK;

	hold_signals(SIG_BLOCK, FALSE);
	if (taken.session < 0 && options->daemonize && !daemonize(&error)) {
		g_printerr("cgemud: %s\n", error->message);
		return EXIT_INTERNAL;
	}
	if (start(&server, &taken, &error)) {
		run(&server);
		if (server.hands_over) {
			hand_over(&server);
			code = EXIT_INTERNAL;
		}
		notify_stopping();
	} else {
		g_printerr("cgemud: %s\n", error->message);
		code = exit_code_for(error);
	}
	if (!stop(&server, &stop_error)) {
		g_printerr("cgemud: %s\n", stop_error->message);
		return code ? code : EXIT_INTERNAL;
	}
	return code;
}
