#include "daemon/view/exec.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static dev_t device_of(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? st.st_dev : 0;
}

static gboolean bind_file(const Exec *exec, const char *source, const char *target, const char *fstype, GError **error)
{
	if (mount(source, target, NULL, MS_BIND, NULL) == 0) {
		shown_mounts_add(exec->mounts, target, fstype, "rw", device_of(target));
		return TRUE;
	}
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot bind %s: %s", target, g_strerror(errno));
	return FALSE;
}

/* A kernel that never counts CPU time (gVisor) has only zeros in the first line. */
static gboolean stat_stands_still(void)
{
	g_autofree char *text = NULL;
	if (!g_file_get_contents("/proc/stat", &text, NULL, NULL) || strncmp(text, "cpu ", 4) != 0)
		return FALSE;
	const char *numbers = text + 4;
	return numbers[strspn(numbers, " 0")] == '\n';
}

const char *const exec_proc_names[] = {"cgroups", "cpuinfo", "diskstats", "filesystems", "loadavg", "meminfo",
				       "stat",    "swaps",   "uptime",    "vmstat",      NULL};

gboolean exec_shows_proc(const Config *config, const ExecLimits *limits, const char *name)
{
	/* What tells the size of the machine, and so depends on the limits. */
	static const char *const sized[] = {"cpuinfo", "meminfo", "stat", "swaps", "uptime", NULL};
	/* Groups must be those that are shown. */
	if (strcmp(name, "cgroups") == 0)
		return TRUE;
	if (strcmp(name, "stat") == 0 && stat_stands_still())
		return TRUE;
	return (limits->group && g_strv_contains(sized, name)) ||
	       g_strv_contains(config_list(config, "proc", "show"), name);
}

/* Files that the kernel lacks cannot be mounted on; they stay missing. */
static gboolean show_proc(const Exec *exec, const char *composite, GError **error)
{
	for (const char *const *name = exec_proc_names; *name; name++) {
		g_autofree char *target = g_build_filename("/proc", *name, NULL);
		g_autofree char *source = g_build_filename(composite, "proc", *name, NULL);
		if (!exec_shows_proc(exec->config, &exec->limits, *name) || access(target, F_OK) < 0 ||
		    access(source, F_OK) < 0)
			continue;
		if (!bind_file(exec, source, target, "proc", error))
			return FALSE;
	}
	return TRUE;
}

const char *const exec_cpu_lists[] = {"online", "possible", "present", NULL};

/* What the C library counts CPUs by, besides sched_getaffinity(2). */
static gboolean show_cpu_lists(const Exec *exec, GError **error)
{
	if (!exec->limits.cpu_list)
		return TRUE;
	g_autofree char *source = g_build_filename(exec->scratch, "cpus", NULL);
	g_autofree char *text = g_strconcat(exec->limits.cpu_list, "\n", NULL);
	if (!g_file_set_contents(source, text, -1, error))
		return FALSE;
	for (const char *const *name = exec_cpu_lists; *name; name++) {
		g_autofree char *target = g_build_filename("/sys/devices/system/cpu", *name, NULL);
		if (access(target, F_OK) == 0 && !bind_file(exec, source, target, "sysfs", error))
			return FALSE;
	}
	return TRUE;
}

void exec_show_group(const GPtrArray *plan, const char *group)
{
	for (guint i = 0; i < plan->len; i++) {
		LayoutStep *step = plan->pdata[i];
		if (step->kind != LAYOUT_BIND)
			continue;
		char *source = g_build_filename(step->source, group, NULL);
		g_free(step->source);
		step->source = source;
	}
}

static void note_tree(const Exec *exec, const GPtrArray *plan)
{
	for (guint i = 0; i < plan->len; i++) {
		const LayoutStep *step = plan->pdata[i];
		if (step->kind == LAYOUT_TMPFS)
			shown_mounts_add(exec->mounts, step->target, "tmpfs", "ro,mode=755", device_of(step->target));
		else if (step->kind == LAYOUT_BIND)
			shown_mounts_add_tree(exec->mounts, step->target, step->source, device_of(step->target));
	}
}

static gboolean show_tree(const Exec *exec, LayoutTree tree, const char *directory, const char *group,
			  const char *composite, GError **error)
{
	const Config *config = exec->config;
	gboolean with_native = config_bool(config, "mount", "native-cgroup");
	g_autoptr(NativeCgroups) native = with_native ? native_cgroups_read("/proc") : NULL;
	g_autoptr(GPtrArray) plan = layout_plan(tree, directory, config_list(config, "cgroup", "hierarchies"), native);
	if (group)
		exec_show_group(plan, group);
	if (!layout_apply(plan, composite, NULL, error))
		return FALSE;
	note_tree(exec, plan);
	return TRUE;
}

/* Its lines in mountinfo would stay before ours, and some programs take the first. What is locked (in a user namespace)
 * cannot be taken away. */
static void clear_place(const Exec *exec, const char *place)
{
	while (exec->is_private && umount2(place, MNT_DETACH) == 0)
		;
}

/* Below the tree of v2, so that mountinfo names it. From the first cgroup namespace the mount would change the options
 * that are in force for the whole machine. */
static void mount_native_v2(const Exec *exec)
{
	if (exec->tree != LAYOUT_V2 || !exec->has_own_cgroups || !config_bool(exec->config, "mount", "native-cgroup"))
		return;
	if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		g_info("the kernel refuses to mount cgroup2: %s", g_strerror(errno));
}

gboolean exec_show(Exec *exec, const char *composite, GError **error)
{
	exec->mounts = shown_mounts_new(NULL);
	if (exec->tree != LAYOUT_PROCSYS)
		clear_place(exec, "/sys/fs/cgroup");
	mount_native_v2(exec);
	return (exec->tree == LAYOUT_PROCSYS ||
		show_tree(exec, exec->tree, "/sys/fs/cgroup", exec->limits.group, composite, error)) &&
	       show_tree(exec, LAYOUT_PROCSYS, "/proc/sys", NULL, composite, error) &&
	       show_proc(exec, composite, error) && show_cpu_lists(exec, error);
}
