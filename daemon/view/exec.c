#include "daemon/view/exec.h"

#include "daemon/exit-codes.h"
#include "daemon/mounts.h"
#include "daemon/view/job.h"

#include "build-features.h"

#if defined HAVE_SECCOMP && defined __x86_64__
#define VIEW_TRACE
#include "daemon/view/trace-view.h"
#include "daemon/view/trace.h"
#endif

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#ifdef VIEW_TRACE
typedef struct Story {
	LayoutTree tree;
	const ExecLimits *limits;
} Story;

static gboolean statfs_matters(const struct statfs *answer, void *data)
{
	return answer->f_type == FUSE_SUPER_MAGIC;
}

/* What the kernel's cgroup and proc file systems answer (fs/libfs.c simple_statfs). */
static void show_statfs(const char *path, struct statfs *answer, void *data)
{
	const LayoutTree tree = ((const Story *) data)->tree;
	long type;
	if (mounts_is_below(path, "/proc"))
		type = PROC_SUPER_MAGIC;
	else if (!mounts_is_below(path, "/sys/fs/cgroup"))
		return;
	else if (tree == LAYOUT_V2 || (tree == LAYOUT_HYBRID && mounts_is_below(path, "/sys/fs/cgroup/unified")))
		type = CGROUP2_SUPER_MAGIC;
	else
		type = CGROUP_SUPER_MAGIC;
	*answer = (struct statfs){
		.f_type = type, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = 255, .f_flags = answer->f_flags};
}

/* A machine that is as large as the limit. */
static void show_sysinfo(const Caller *caller, struct sysinfo *answer, void *data)
{
	const ExecLimits *limits = ((const Story *) data)->limits;
	guint64 unit = MAX(answer->mem_unit, 1), total = limits->options->memory;
	if (answer->totalram * unit <= total)
		return;
	answer->totalram = total / unit;
	answer->freeram = (total - MIN(exec_limits_memory_used(limits), total)) / unit;
	answer->sharedram = answer->bufferram = answer->totalswap = answer->freeswap = 0;
}

static gboolean run_traced(const Options *options, const Config *config, LayoutTree tree, ExecLimits *limits,
			   int *ret_status, GError **error)
{
	Story story = {tree, limits};
	gboolean refuse = strcmp(config_string(config, "exec", "foreign-syscalls"), "refuse") == 0;
	const TracePlan plan = {
		.features = TRACE_STATFS | (options->memory ? TRACE_MEMORY : 0),
		.foreign = refuse ? FOREIGN_REFUSE : FOREIGN_ALLOW,
		.story = {.statfs_matters = statfs_matters,
			  .statfs = show_statfs,
			  .sysinfo = show_sysinfo,
			  .data = &story},
		.hook = {exec_limits_take, limits},
	};
	return trace_run(&plan, (const char *const *) options->command, (const char *const *) environ, ret_status,
			 error);
}
#endif

static gboolean run_command(const Options *options, const Config *config, LayoutTree tree, ExecLimits *limits,
			    int *ret_status, GError **error)
{
#ifdef VIEW_TRACE
	if (!options->view || strcmp(options->view, "namespace") != 0)
		return run_traced(options, config, tree, limits, ret_status, error);
#endif
	const JobHook hook = {exec_limits_take, limits};
	return job_run((const char *const *) options->command, (const char *const *) environ, &hook, ret_status, error);
}

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

static gboolean refuse_unsupported(const Options *options)
{
	const char *what = NULL;
	if (options->view && strcmp(options->view, "preload") == 0)
		what = "--view=preload is";

	if (what)
		g_printerr("cgemud: %s not built yet\n", what);
	return what != NULL;
}

/* In the namespace: everything is shown and the command run. */
static gboolean run_inside(const Options *options, const Config *config, ExecLimits *limits, const char *scratch,
			   int *ret_status, GError **error)
{
	const char *name = options->tree ? options->tree : config_string(config, "mount", "tree");
	LayoutTree tree = layout_tree(name, "/sys/fs/cgroup");
	ExecServer server = {0};
	/* A private mount, and in the new root a place of its own. */
	if (mount("cgemud", scratch, "tmpfs", 0, "mode=0755") < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot mount a tmpfs on %s: %s", scratch,
			    g_strerror(errno));
		return FALSE;
	}
	g_autofree char *composite = g_build_filename(scratch, "tree", NULL);
	g_mkdir_with_parents(composite, 0755);
	gboolean ok = exec_serve_start(&server, config, tree, limits->group, composite, error) &&
		      exec_limits_apply(limits, config, tree, composite, error) &&
		      exec_show(config, tree, limits, composite, scratch, error) &&
		      run_command(options, config, tree, limits, ret_status, error);
	exec_serve_stop(&server);
	return ok;
}

static void explain(const Options *options)
{
	g_print("namespace: a private mount namespace, with the trees on /sys/fs/cgroup and /proc/sys\n");
	if (!options->view || strcmp(options->view, "namespace") != 0)
		g_print("trace: statfs and fstatfs tell the file system that is shown\n");
}

#ifdef VIEW_TRACE
static int run_in_trace_view(const Options *options, const Config *config)
{
	g_autoptr(GError) error = NULL;
	ExecLimits limits;
	int status = 0;
	const char *name = options->tree ? options->tree : config_string(config, "mount", "tree");
	gboolean ok = exec_limits_init(&limits, options, &error) &&
		      trace_view_run(config, layout_tree(name, "/sys/fs/cgroup"), &limits, &status, &error);
	exec_limits_clear(&limits);
	if (ok)
		return end_like(status);
	g_printerr("cgemud: %s\n", error->message);
	return status ? WEXITSTATUS(status) : EXIT_UNAVAILABLE;
}
#endif

int exec_run(const Options *options, const Config *config)
{
	g_autoptr(GError) error = NULL;
	int status = 0, root, parent;
	if (refuse_unsupported(options))
		return EXIT_UNAVAILABLE;
#ifdef VIEW_TRACE
	if (options->view && strcmp(options->view, "trace") == 0 && !options->explain)
		return run_in_trace_view(options, config);
#endif
	if (options->explain) {
		explain(options);
		return EXIT_OK;
	}
	ExecLimits limits;
	g_autofree char *scratch =
		exec_limits_init(&limits, options, &error) ? g_dir_make_tmp("cgemud-exec.XXXXXX", &error) : NULL;
	if (!scratch) {
		g_printerr("cgemud: %s\n", error->message);
		exec_limits_clear(&limits);
		return EXIT_UNAVAILABLE;
	}
	/* Also when the root has become another. */
	g_autofree char *directory = g_path_get_dirname(scratch), *name = g_path_get_basename(scratch);
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	parent = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	g_autofree char *before = g_file_read_link("/proc/self/ns/mnt", NULL);
	gboolean ok = exec_enter_namespace(&error) && exec_replace_root(config, options->root, scratch, &error) &&
		      run_inside(options, config, &limits, scratch, &status, &error);
	exec_limits_clear(&limits);
	g_autofree char *after = g_file_read_link("/proc/self/ns/mnt", NULL);
	if (g_strcmp0(before, after) == 0)
		exec_undo_mounts(root, scratch);
	while (umount2(scratch, MNT_DETACH) == 0)
		;
	(void) unlinkat(parent, name, AT_REMOVEDIR);
	if (ok)
		return end_like(status);
	g_printerr("cgemud: %s\n", error->message);
	return status ? WEXITSTATUS(status) : EXIT_UNAVAILABLE;
}
