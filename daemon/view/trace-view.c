#include "daemon/view/trace-view.h"

#include "daemon/mounts.h"
#include "daemon/view/births.h"
#include "daemon/view/process-files.h"
#include "daemon/view/shown-mounts.h"
#include "daemon/view/trace.h"
#include "fs/cgroup/limits.h"
#include "fs/fs.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

struct View {
	const Config *config;
	ControlFiles files;
	ExecLimits *limits;
	Fs *fs;
	Shadow *shadow;
	ShownMounts *mounts;
};

static gboolean bind(View *view, const char *target, const char *source, GError **error)
{
	shown_mounts_add_tree(view->mounts, target, source, shadow_device(view->shadow));
	return shadow_bind(view->shadow, target, source, error);
}

/* What a mount namespace would get by mounting. */
static gboolean show_step(View *view, const LayoutStep *step, GError **error)
{
	switch (step->kind) {
	case LAYOUT_TMPFS:
		shown_mounts_add(view->mounts, step->target, "tmpfs", "ro,mode=755", shadow_device(view->shadow));
		return shadow_add_directory(view->shadow, step->target, error);
	case LAYOUT_DIRECTORY:
		return shadow_add_directory(view->shadow, step->target, error);
	case LAYOUT_LINK:
		return shadow_add_link(view->shadow, step->target, step->source, error);
	case LAYOUT_BIND:
		return bind(view, step->target, step->source, error);
	case LAYOUT_CGROUP:
		break;
	}
	return TRUE;
}

static gboolean show_tree(View *view, LayoutTree tree, const char *directory, GError **error)
{
	const char *const *hierarchies = config_list(view->config, "cgroup", "hierarchies");
	g_autoptr(GPtrArray) plan = layout_plan(tree, directory, hierarchies, NULL);
	if (view->limits->group && tree != LAYOUT_PROCSYS)
		exec_show_group(plan, view->limits->group);
	for (guint i = 0; i < plan->len; i++)
		if (!show_step(view, plan->pdata[i], error))
			return FALSE;
	return TRUE;
}

static gboolean show_proc(View *view, GError **error)
{
	for (const char *const *name = exec_proc_names; *name; name++) {
		g_autofree char *path = g_build_filename("/proc", *name, NULL);
		/* Nothing needs to be there to be mounted on. */
		gboolean missing = access(path, F_OK) < 0;
		if ((missing || exec_shows_proc(view->config, view->limits, *name)) && !bind(view, path, path, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean show_cpu_lists(View *view, GError **error)
{
	if (!view->limits->cpu_list)
		return TRUE;
	g_autofree char *text = g_strconcat(view->limits->cpu_list, "\n", NULL);
	for (const char *const *name = exec_cpu_lists; *name; name++) {
		g_autofree char *path = g_build_filename("/sys/devices/system/cpu", *name, NULL);
		shown_mounts_add(view->mounts, path, "sysfs", "rw", shadow_device(view->shadow));
		if (!shadow_add_text(view->shadow, path, text, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean show_all(View *view, LayoutTree tree, GError **error)
{
	return (access(EXEC_KMSG, F_OK) == 0 || shadow_add_silent(view->shadow, EXEC_KMSG, error)) &&
	       (tree == LAYOUT_PROCSYS || show_tree(view, tree, "/sys/fs/cgroup", error)) &&
	       show_tree(view, LAYOUT_PROCSYS, "/proc/sys", error) && show_proc(view, error) &&
	       show_cpu_lists(view, error);
}

static gboolean statfs_matters(const struct statfs *answer, void *data)
{
	return shown_mounts_matter(((View *) data)->mounts, answer);
}

static void show_statfs(const char *path, struct statfs *answer, void *data)
{
	shown_mounts_statfs(((View *) data)->mounts, path, answer);
}

static gboolean show_process_file(pid_t pid, const char *name, const Caller *caller, GString *out, void *data)
{
	const View *view = data;
	if (strcmp(name, "cgroup") != 0)
		return process_files_show(view->mounts, pid, name, out);
	g_autofree char *path = g_strdup_printf("/proc/%d/cgroup", (int) pid);
	return control_files_show(view->fs, path, caller, out) == 0;
}

/* sysinfo(2) says what the shown meminfo does. */
static guint64 meminfo_bytes(const char *meminfo, const char *name)
{
	const char *line = strstr(meminfo, name);
	return line ? g_ascii_strtoull(line + strlen(name), NULL, 10) * 1024 : 0;
}

static void show_sysinfo(const Caller *caller, struct sysinfo *answer, void *data)
{
	const View *view = data;
	g_autoptr(GString) text = g_string_new("\n");
	if (control_files_show(view->fs, "/proc/meminfo", caller, text) < 0)
		return;
	guint64 unit = MAX(answer->mem_unit, 1), spare = view->limits->options->memory ? EXEC_LIMITS_SPARE : 0;
	answer->totalram = (meminfo_bytes(text->str, "\nMemTotal:") + spare) / unit;
	answer->freeram = meminfo_bytes(text->str, "\nMemFree:") / unit;
	answer->sharedram = meminfo_bytes(text->str, "\nShmem:") / unit;
	answer->bufferram = meminfo_bytes(text->str, "\nBuffers:") / unit;
	answer->totalswap = meminfo_bytes(text->str, "\nSwapTotal:") / unit;
	answer->freeswap = meminfo_bytes(text->str, "\nSwapFree:") / unit;
}

static int allow_fork(pid_t pid, void *data)
{
	return limits_pids_fork(((View *) data)->fs, pid);
}

static void tell_fork(pid_t parent, pid_t tid, void *data)
{
	births_tell_fork(((View *) data)->fs, parent, tid);
}

static void tell_end(pid_t pid, void *data)
{
	births_tell_end(((View *) data)->fs, pid);
}

static gboolean run(View *view, int *ret_status, GError **error)
{
	gboolean refuse = strcmp(config_string(view->config, "exec", "foreign-syscalls"), "refuse") == 0;
	const TracePlan plan = {
		.features = TRACE_STATFS | TRACE_PATHS | TRACE_ADDED | TRACE_FORKS |
			    (view->limits->group ? TRACE_MEMORY : 0),
		.foreign = refuse ? FOREIGN_REFUSE : FOREIGN_ALLOW,
		.shadow = view->shadow,
		.story = {.statfs_matters = statfs_matters,
			  .statfs = show_statfs,
			  .process_file = show_process_file,
			  .sysinfo = show_sysinfo,
			  .fork = allow_fork,
			  .forked = tell_fork,
			  .ended = tell_end,
			  .data = view},
		.hook = {exec_limits_take, view->limits},
	};
	return trace_run(&plan, (const char *const *) view->limits->options->command, (const char *const *) environ,
			 ret_status, error);
}

/* What the root file system is shown as; NULL: as it is. */
static const char *root_type(const Options *options, const Config *config)
{
	const char *const *replaced = config_list(config, "root", "replace");
	if (options->root)
		return strcmp(options->root, "overlay") == 0 ? "overlay" : NULL;
	g_autoptr(GPtrArray) mounts = mounts_read(NULL);
	const MountLine *root = mounts ? mounts_on(mounts, "/") : NULL;
	return root && g_strv_contains(replaced, root->type) ? "overlay" : NULL;
}

static gboolean start_tree(View *view, LayoutTree tree, GError **error)
{
	const char *type = root_type(view->limits->options, view->config);
	view->fs = fs_new(view->config, layout_fs_trees(tree) | FS_TREE_PROCSYS | FS_TREE_PROC, error);
	if (!view->fs)
		return FALSE;
	view->fs->shown_root = view->limits->group;
	view->shadow = shadow_new(view->fs, error);
	if (!view->shadow)
		return FALSE;
	view->mounts = shown_mounts_new(type);
	return TRUE;
}

View *view_open(const Config *config, LayoutTree tree, ExecLimits *limits, GError **error)
{
	View *view = g_new0(View, 1);
	view->config = config;
	view->limits = limits;
	gboolean ok = start_tree(view, tree, error);
	view->files = (ControlFiles){control_files_make, control_files_write, control_files_read, view->fs};
	limits->files = &view->files;
	if (ok && exec_limits_apply(limits, config, tree, "/", error) && show_all(view, tree, error))
		return view;
	view_close(view);
	return NULL;
}

void view_close(View *view)
{
	if (!view)
		return;
	view->limits->files = &control_files_real;
	shown_mounts_free(view->mounts);
	shadow_free(view->shadow);
	fs_free(view->fs);
	g_free(view);
}

Shadow *view_shadow(const View *view)
{
	return view->shadow;
}

void view_show_statfs(const View *view, const char *path, struct statfs *answer)
{
	if (shown_mounts_matter(view->mounts, answer))
		shown_mounts_statfs(view->mounts, path, answer);
}

void view_show_sysinfo(const View *view, const Caller *caller, struct sysinfo *answer)
{
	if (view->limits->options->memory)
		show_sysinfo(caller, answer, (void *) view);
}

gboolean view_show_process_file(const View *view, pid_t pid, const char *name, const Caller *caller, GString *out)
{
	return show_process_file(pid, name, caller, out, (void *) view);
}

gboolean trace_view_run(const Config *config, LayoutTree tree, ExecLimits *limits, int *ret_status, GError **error)
{
	View *view = view_open(config, tree, limits, error);
	gboolean ok = view && run(view, ret_status, error);
	view_close(view);
	return ok;
}
