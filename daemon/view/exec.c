#include "daemon/view/exec.h"

#include "daemon/exit-codes.h"
#include "daemon/mounts.h"
#include "daemon/view/job.h"

#include "build-features.h"

#if defined HAVE_SECCOMP && defined __x86_64__
#define VIEW_TRACE
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

/* One line to a file of /proc/self; FALSE with errno. */
static gboolean write_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	gboolean ok = fd >= 0 && write(fd, line, strlen(line)) >= 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* The user stays who he is: newer gVisor lets nobody map root without a capability. */
static gboolean enter_user_namespace(void)
{
	g_autofree char *uids = g_strdup_printf("%u %u 1\n", getuid(), getuid());
	g_autofree char *gids = g_strdup_printf("%u %u 1\n", getgid(), getgid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return FALSE;
	(void) write_line("/proc/self/setgroups", "deny"); /* gVisor has no such file */
	return write_line("/proc/self/uid_map", uids) && write_line("/proc/self/gid_map", gids);
}

static gboolean enter_namespace(GError **error)
{
	if (unshare(CLONE_NEWNS) < 0 && !enter_user_namespace()) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
			    "cannot make a mount namespace, not in a user namespace either: %s (it takes CAP_SYS_ADMIN "
			    "or user.max_user_namespaces > 0)",
			    g_strerror(errno));
		return FALSE;
	}
	/* gVisor of 2022 has no propagation to turn off. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		g_debug("mounts stay shared: %s", g_strerror(errno));
	return TRUE;
}

#ifdef VIEW_TRACE
static gboolean statfs_matters(const struct statfs *answer, void *data)
{
	return answer->f_type == FUSE_SUPER_MAGIC;
}

/* What the kernel's cgroup and proc file systems answer (fs/libfs.c simple_statfs). */
static void show_statfs(const char *path, struct statfs *answer, void *data)
{
	const LayoutTree *tree = data;
	long type;
	if (mounts_is_below(path, "/proc"))
		type = PROC_SUPER_MAGIC;
	else if (!mounts_is_below(path, "/sys/fs/cgroup"))
		return;
	else if (*tree == LAYOUT_V2 || (*tree == LAYOUT_HYBRID && mounts_is_below(path, "/sys/fs/cgroup/unified")))
		type = CGROUP2_SUPER_MAGIC;
	else
		type = CGROUP_SUPER_MAGIC;
	*answer = (struct statfs){
		.f_type = type, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = 255, .f_flags = answer->f_flags};
}

static gboolean run_command(const Options *options, const Config *config, LayoutTree tree, int *ret_status,
			    GError **error)
{
	gboolean refuse = strcmp(config_string(config, "exec", "foreign-syscalls"), "refuse") == 0;
	const TracePlan plan = {
		.features = TRACE_STATFS,
		.foreign = refuse ? FOREIGN_REFUSE : FOREIGN_ALLOW,
		.story = {.statfs_matters = statfs_matters, .statfs = show_statfs, .data = &tree},
	};
	const char *const *argv = (const char *const *) options->command;
	if (options->view && strcmp(options->view, "namespace") == 0)
		return job_run(argv, (const char *const *) environ, ret_status, error);
	return trace_run(&plan, argv, (const char *const *) environ, ret_status, error);
}
#else
static gboolean run_command(const Options *options, const Config *config, LayoutTree tree, int *ret_status,
			    GError **error)
{
	return job_run((const char *const *) options->command, (const char *const *) environ, ret_status, error);
}
#endif

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
	if (options->cpus > 0 || options->memory || options->pids || options->cpuset)
		what = "--cpus, --memory, --cpuset and --pids are";
	else if (options->view && (strcmp(options->view, "trace") == 0 || strcmp(options->view, "preload") == 0))
		what = "--view=trace and --view=preload are";
	if (what)
		g_printerr("cgemud: %s not built yet\n", what);
	return what != NULL;
}

/* In the namespace: everything is shown and the command run. */
static gboolean run_inside(const Options *options, const Config *config, const char *scratch, int *ret_status,
			   GError **error)
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
	gboolean ok = exec_serve_start(&server, config, tree, composite, error) &&
		      exec_show(config, tree, composite, error) &&
		      run_command(options, config, tree, ret_status, error);
	exec_serve_stop(&server);
	return ok;
}

/* Where unshare() says yes and does nothing (gVisor of 2022) the mounts are everybody's, and are taken away again. */
static void undo_mounts(int root, const char *scratch)
{
	if (fchdir(root) < 0 || chroot(".") < 0)
		return;
	g_autoptr(GPtrArray) mounts = mounts_read(NULL);
	for (guint i = mounts ? mounts->len : 0; i > 0; i--) {
		const MountLine *line = mounts->pdata[i - 1];
		if (mounts_is_below(line->target, scratch) || mounts_is_below(line->target, "/sys/fs/cgroup") ||
		    mounts_is_below(line->target, "/proc/sys") ||
		    (mounts_is_below(line->target, "/proc") && strcmp(line->type, "fuse") == 0))
			(void) umount2(line->target, MNT_DETACH);
	}
}

static void explain(const Options *options)
{
	g_print("namespace: a private mount namespace, with the trees on /sys/fs/cgroup and /proc/sys\n");
	if (!options->view || strcmp(options->view, "namespace") != 0)
		g_print("trace: statfs and fstatfs tell the file system that is shown\n");
}

int exec_run(const Options *options, const Config *config)
{
	g_autoptr(GError) error = NULL;
	int status = 0, root, parent;
	if (refuse_unsupported(options))
		return EXIT_UNAVAILABLE;
	if (options->explain) {
		explain(options);
		return EXIT_OK;
	}
	g_autofree char *scratch = g_dir_make_tmp("cgemud-exec.XXXXXX", &error);
	if (!scratch) {
		g_printerr("cgemud: %s\n", error->message);
		return EXIT_UNAVAILABLE;
	}
	/* Also when the root has become another. */
	g_autofree char *directory = g_path_get_dirname(scratch), *name = g_path_get_basename(scratch);
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	parent = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	g_autofree char *before = g_file_read_link("/proc/self/ns/mnt", NULL);
	gboolean ok = enter_namespace(&error) && exec_replace_root(config, options->root, scratch, &error) &&
		      run_inside(options, config, scratch, &status, &error);
	g_autofree char *after = g_file_read_link("/proc/self/ns/mnt", NULL);
	if (g_strcmp0(before, after) == 0)
		undo_mounts(root, scratch);
	while (umount2(scratch, MNT_DETACH) == 0)
		;
	(void) unlinkat(parent, name, AT_REMOVEDIR);
	if (ok)
		return end_like(status);
	g_printerr("cgemud: %s\n", error->message);
	return status ? WEXITSTATUS(status) : EXIT_UNAVAILABLE;
}
