#include "daemon/view/exec.h"

#include "daemon/exit-codes.h"
#include "daemon/view/workdir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int end_like(int status)
{
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	/* The command has dumped its core, if any. */
	(void) setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	(void) signal(WTERMSIG(status), SIG_DFL);
	(void) raise(WTERMSIG(status));
	return 128 + WTERMSIG(status);
}

/* A private mount, and in the new root a place of its own. */
static gboolean mount_scratch(const char *scratch, GError **error)
{
	if (mount("cgemud", scratch, "tmpfs", 0, "mode=0755") == 0)
		return TRUE;
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot mount a tmpfs on %s: %s", scratch,
		    g_strerror(errno));
	return FALSE;
}

/* In the namespace: everything is shown and the command run. */
static gboolean run_inside(Exec *exec, GError **error)
{
	if (!mount_scratch(exec->scratch, error))
		return FALSE;
	g_autofree char *composite = g_build_filename(exec->scratch, "tree", NULL);
	g_mkdir_with_parents(composite, 0755);
	if (!exec_serve_start(&exec->server, exec, composite, error))
		return FALSE;
	/* Its mount will be hidden: what is shown holds on by itself. */
	int tree = open(composite, O_PATH | O_DIRECTORY | O_CLOEXEC);
	exec->composite = g_strdup_printf("/proc/self/fd/%d", tree);
	gboolean ok = exec_limits_apply(&exec->limits, exec->config, exec->tree, exec->composite, error) &&
		      exec_show(exec, composite, error);
	if (ok && exec->is_private)
		(void) umount2(exec->scratch, MNT_DETACH);
	if (ok)
		exec_needs_find(exec);
	if (ok && exec->options->explain)
		exec_needs_explain(exec);
	else
		ok = ok && exec_command_run(exec, error);
	close(tree);
	exec_serve_stop(&exec->server);
	return ok;
}

static gboolean run_in_namespace(Exec *exec, GError **error)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!exec_enter_namespace(exec, error)) {
		close(root);
		return FALSE;
	}
	gboolean ok =
		exec_replace_root(exec->config, exec->options->root, exec->scratch, error) && run_inside(exec, error);
	if (!exec->is_private)
		exec_undo_mounts(root, exec->scratch);
	while (umount2(exec->scratch, MNT_DETACH) == 0)
		;
	close(root);
	return ok;
}

gboolean exec_run_mounted(Exec *exec, GError **error)
{
	int lock;
	exec->scratch = workdir_make(NULL, 0700, &lock, error);
	if (!exec->scratch)
		return FALSE;
	/* Also when the root has become another. */
	g_autofree char *directory = g_path_get_dirname(exec->scratch), *name = g_path_get_basename(exec->scratch);
	int parent = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	gboolean ok = run_in_namespace(exec, error);
	(void) unlinkat(parent, name, AT_REMOVEDIR);
	close(parent);
	close(lock);
	return ok;
}

static gboolean run(Exec *exec, GError **error)
{
	g_autoptr(GError) problem = NULL;
	if (exec->views & EXEC_VIEW_PRELOAD)
		return exec_preload_run(exec, error);
	if (!(exec->views & EXEC_VIEW_NAMESPACE))
		return exec_trace_run(exec, error);
	if (exec_run_mounted(exec, &problem))
		return TRUE;
	if (exec->started || !exec->may_fall_back) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	g_printerr("cgemud: %s; going on without mounts, by tracing (--view=trace)\n", problem->message);
	exec_limits_clear(&exec->limits);
	return exec_limits_init(&exec->limits, exec->options, error) && exec_trace_run(exec, error);
}

static void exec_clear(Exec *exec)
{
	exec_limits_clear(&exec->limits);
	shown_mounts_free(exec->mounts);
	g_free(exec->composite);
	g_free(exec->scratch);
}

int exec_run(const Options *options, const Config *config)
{
	g_autoptr(GError) error = NULL;
	const char *tree = options->tree ? options->tree : config_string(config, "mount", "tree");
	Exec exec = {.options = options, .config = config, .tree = layout_tree(tree, "/sys/fs/cgroup")};
	gboolean ok = exec_limits_init(&exec.limits, options, &error) && exec_plan(&exec, &error);
	ok = ok && (options->explain ? exec_explain(&exec, &error) : run(&exec, &error));
	exec_clear(&exec);
	if (ok)
		return options->explain ? EXIT_OK : end_like(exec.status);
	g_printerr("cgemud: %s\n", error->message);
	return exec.status ? WEXITSTATUS(exec.status) : EXIT_UNAVAILABLE;
}
