#include "daemon/view/exec.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* A kernel that never counts CPU time (gVisor) has only zeros in the first line. */
static gboolean stat_stands_still(void)
{
	g_autofree char *text = NULL;
	if (!g_file_get_contents("/proc/stat", &text, NULL, NULL) || strncmp(text, "cpu ", 4) != 0)
		return FALSE;
	const char *numbers = text + 4;
	return numbers[strspn(numbers, " 0")] == '\n';
}

static gboolean wanted(const Config *config, const char *name)
{
	/* Groups must be those that are shown. */
	if (strcmp(name, "cgroups") == 0)
		return TRUE;
	if (strcmp(name, "stat") == 0 && stat_stands_still())
		return TRUE;
	return g_strv_contains(config_list(config, "proc", "show"), name);
}

/* Files that the kernel lacks cannot be mounted on; they stay missing. */
static gboolean show_proc(const Config *config, const char *composite, GError **error)
{
	static const char *const names[] = {"cgroups", "cpuinfo", "diskstats", "filesystems", "loadavg",
					    "meminfo", "stat",    "swaps",     "uptime",      "vmstat"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *target = g_build_filename("/proc", names[i], NULL);
		g_autofree char *source = g_build_filename(composite, "proc", names[i], NULL);
		if (!wanted(config, names[i]) || access(target, F_OK) < 0 || access(source, F_OK) < 0)
			continue;
		if (mount(source, target, NULL, MS_BIND, NULL) < 0) {
			g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot bind %s: %s", target,
				    g_strerror(errno));
			return FALSE;
		}
	}
	return TRUE;
}

static gboolean show_tree(const Config *config, LayoutTree tree, const char *directory, const char *composite,
			  GError **error)
{
	gboolean with_native = config_bool(config, "mount", "native-cgroup");
	g_autoptr(NativeCgroups) native = with_native ? native_cgroups_read("/proc") : NULL;
	g_autoptr(GPtrArray) plan = layout_plan(tree, directory, config_list(config, "cgroup", "hierarchies"), native);
	return layout_apply(plan, composite, NULL, error);
}

gboolean exec_show(const Config *config, LayoutTree tree, const char *composite, GError **error)
{
	return (tree == LAYOUT_PROCSYS || show_tree(config, tree, "/sys/fs/cgroup", composite, error)) &&
	       show_tree(config, LAYOUT_PROCSYS, "/proc/sys", composite, error) && show_proc(config, composite, error);
}
