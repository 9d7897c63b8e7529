/*
 * What the tracer is needed for on top of the namespace view: found out where everything is shown, by asking the kernel
 * what the command would ask.
 */
#include "daemon/view/exec.h"

#include "fs/fs.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The line of /proc/self/cgroup that names a controller, or (none: "") is v2's; NULL: there is none. */
static const char *find_line(char **lines, const char *controller)
{
	for (; *lines; lines++) {
		g_auto(GStrv) parts = g_strsplit(*lines, ":", 3);
		if (g_strv_length(parts) != 3)
			continue;
		g_auto(GStrv) names = g_strsplit(parts[1], ",", -1);
		if (*controller ? g_strv_contains((const char *const *) names, controller) : !*parts[1])
			return *lines;
	}
	return NULL;
}

static char *why_not(char **lines, const char *controller)
{
	const char *line = find_line(lines, controller);
	const char *what = *controller ? controller : "v2";
	if (!line)
		return g_strdup_printf("/proc/self/cgroup has no line of %s", what);
	if (!g_str_has_suffix(line, ":/"))
		return g_strdup_printf("/proc/self/cgroup names a group of %s that is not shown", what);
	return NULL;
}

/* As shown_mounts_objection(), of the kernel's own /proc/self/cgroup. */
static char *objection_to_groups(LayoutTree tree)
{
	static const char *const looked_for[] = {"cpu", "cpuacct", "cpuset", "memory", "devices", "pids", NULL};
	g_autofree char *text = NULL;
	if (!g_file_get_contents("/proc/self/cgroup", &text, NULL, NULL))
		return NULL;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	char *why = NULL;
	for (const char *const *name = looked_for; tree != LAYOUT_V2 && !why && *name; name++)
		why = why_not(lines, *name);
	if (!why && tree != LAYOUT_V1)
		why = why_not(lines, "");
	/* The first line decides for some. */
	if (!why && tree == LAYOUT_V2 && !g_str_has_prefix(text, "0:"))
		why = g_strdup("/proc/self/cgroup begins with hierarchies of v1");
	return why;
}

static char *objection_to_process_files(const Exec *exec)
{
	if (exec->tree == LAYOUT_PROCSYS)
		return NULL;
	char *why = shown_mounts_objection(exec->mounts);
	return why ? why : objection_to_groups(exec->tree);
}

static gboolean lacks_kmsg(void)
{
	return access(EXEC_KMSG, F_OK) < 0;
}

/* Names of files that the kernel lacks, and that so cannot be mounted; NULL: none. */
static char *missing_files(const Exec *exec, gboolean with_kmsg)
{
	GString *names = g_string_new(NULL);
	for (const char *const *name = exec_proc_names; *name; name++) {
		g_autofree char *path = g_build_filename("/proc", *name, NULL);
		g_autofree char *served = g_build_filename(exec->composite, "proc", *name, NULL);
		if (access(path, F_OK) < 0 && access(served, F_OK) == 0)
			g_string_append_printf(names, "%s%s", names->len ? ", " : "", path);
	}
	if (with_kmsg && lacks_kmsg())
		g_string_append_printf(names, "%s%s", names->len ? ", " : "", EXEC_KMSG);
	return g_string_free(names, names->len == 0);
}

/* A file that refuses nonsense with EINVAL. */
static char *strict_file(const Exec *exec)
{
	const char *const *hierarchies = config_list(exec->config, "cgroup", "hierarchies");
	if (layout_fs_trees(exec->tree) & FS_TREE_V2)
		return g_build_filename(exec->composite, "v2", "cgroup.subtree_control", NULL);
	if (exec->tree == LAYOUT_PROCSYS || !hierarchies[0])
		return NULL;
	return g_build_filename(exec->composite, "v1", layout_hierarchy_name(hierarchies[0]), "cgroup.clone_children",
				NULL);
}

/* There are kernels (gVisor) that make the same error of every one, and an error of a signal that comes meanwhile. */
static gboolean writes_go_wrong(const Exec *exec)
{
	g_autofree char *path = strict_file(exec);
	return path && control_files_real.write(path, "nonsense", NULL) == -EIO;
}

static void find_reasons_to_stop_opens(Exec *exec)
{
	g_autofree char *objection = objection_to_process_files(exec);
	g_autofree char *files = missing_files(exec, config_bool(exec->config, "exec", "kmsg"));
	if (files)
		exec->needs |= EXEC_NEED_FILES;
	if (writes_go_wrong(exec))
		exec->needs |= EXEC_NEED_WRITES;
	if (!objection && !(exec->needs & (EXEC_NEED_FILES | EXEC_NEED_WRITES)))
		return;
	/* Where they are stopped anyway the rest comes for little; it tells of groups that processes move to. */
	exec->needs |= EXEC_NEED_PROCESS | EXEC_NEED_FORKS;
	if (lacks_kmsg())
		exec->needs |= EXEC_NEED_FILES;
}

void exec_needs_find(Exec *exec)
{
	exec->needs = EXEC_NEED_STATFS;
	if (syscall(SYS_openat2, -1, NULL, NULL, 0) < 0 && errno == ENOSYS)
		exec->needs |= EXEC_NEED_OPENAT2;
	if (exec->options->memory)
		exec->needs |= EXEC_NEED_MEMORY;
	if (exec->options->pids)
		exec->needs |= EXEC_NEED_FORKS;
	find_reasons_to_stop_opens(exec);
}

static void explain(const Exec *exec, ExecNeed need, const char *what, const char *why)
{
	if (!(exec->needs & need))
		return;
	if (exec->views & EXEC_VIEW_TRACE)
		g_print("view: trace, of %s (%s)\n", what, why);
	else
		g_print("not shown: %s (%s)\n", what, why);
}

void exec_needs_explain(const Exec *exec)
{
	g_autofree char *objection = objection_to_process_files(exec), *files = missing_files(exec, TRUE);
	g_autofree char *which = g_strdup_printf("the kernel has no %s, nor a place to mount it on", files);
	explain(exec, EXEC_NEED_STATFS, "statfs and fstatfs", "files that are served would say that they are FUSE's");
	explain(exec, EXEC_NEED_OPENAT2, "openat2", "the kernel lacks it");
	explain(exec, EXEC_NEED_PROCESS, "calls that open, for /proc/PID/mountinfo, mounts and cgroup",
		objection ? objection : "they are stopped anyway");
	explain(exec, EXEC_NEED_FILES, "calls that open or look for a file", which);
	explain(exec, EXEC_NEED_WRITES, "writes of those who open what is served for writing",
		"the kernel makes EIO of each error, and of a signal");
	explain(exec, EXEC_NEED_FORKS, "fork and clone", "what pids.max does not allow is refused");
	explain(exec, EXEC_NEED_MEMORY, "sysinfo", "it would tell the memory of the whole machine");
}
