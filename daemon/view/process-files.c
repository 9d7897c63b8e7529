#include "daemon/view/process-files.h"

#include <string.h>
#include <unistd.h>

static gboolean show_setgroups(pid_t pid, GString *out)
{
	g_autofree char *native = g_strdup_printf("/proc/%d/setgroups", (int) pid);
	g_autofree char *process = g_path_get_dirname(native);
	if (access(native, F_OK) == 0 || access(process, F_OK) < 0)
		return FALSE;
	g_string_append(out, "allow\n");
	return TRUE;
}

gboolean process_files_show(const ShownMounts *mounts, pid_t pid, const char *name, GString *out)
{
	return strcmp(name, "setgroups") == 0 ? show_setgroups(pid, out) : shown_mounts_show(mounts, pid, name, out);
}
