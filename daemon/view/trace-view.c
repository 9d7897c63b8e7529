#include "daemon/view/trace-view.h"

#include "daemon/mounts.h"
#include "daemon/view/shown-mounts.h"
#include "daemon/view/trace.h"
#include "fs/fs.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

typedef struct View {
	const Config *config;
	Fs *fs;
	Shadow *shadow;
	ShownMounts *mounts;
} View;

static const char *type_of(const char *source)
{
	return g_str_has_prefix(source, "/v1/") ? "cgroup" : g_str_has_prefix(source, "/v2") ? "cgroup2" : "proc";
}

/* As the kernel names a hierarchy: its controllers, or "name=". */
static char *options_of(const char *source)
{
	g_auto(GStrv) names = g_strsplit(source, "/", 4);
	if (strcmp(type_of(source), "cgroup") != 0)
		return g_strdup("rw");
	gboolean is_named = strcmp(names[2], "systemd") == 0;
	return g_strconcat(is_named ? "rw,xattr,name=" : "rw,", names[2], NULL);
}

static gboolean bind(View *view, const char *target, const char *source, GError **error)
{
	g_autofree char *options = options_of(source);
	shown_mounts_add(view->mounts, target, type_of(source), options);
	return shadow_bind(view->shadow, target, source, error);
}

/* What a mount namespace would get by mounting. */
static gboolean show_step(View *view, const LayoutStep *step, GError **error)
{
	switch (step->kind) {
	case LAYOUT_TMPFS:
		shown_mounts_add(view->mounts, step->target, "tmpfs", "ro,mode=755");
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
	for (guint i = 0; i < plan->len; i++)
		if (!show_step(view, plan->pdata[i], error))
			return FALSE;
	return TRUE;
}

static gboolean show_proc(View *view, GError **error)
{
	return bind(view, "/proc/cgroups", "/proc/cgroups", error);
}

static gboolean show_all(View *view, LayoutTree tree, GError **error)
{
	return (tree == LAYOUT_PROCSYS || show_tree(view, tree, "/sys/fs/cgroup", error)) &&
	       show_tree(view, LAYOUT_PROCSYS, "/proc/sys", error) && show_proc(view, error);
}

static gboolean statfs_matters(const struct statfs *answer, void *data)
{
	return shown_mounts_matter(((View *) data)->mounts, answer);
}

static void show_statfs(const char *path, struct statfs *answer, void *data)
{
	shown_mounts_statfs(((View *) data)->mounts, path, answer);
}

static gboolean show_mounts(const View *view, pid_t pid, gboolean info, GString *out)
{
	g_autoptr(MountTable) table = NULL;
	if (shown_mounts_read(view->mounts, pid, &table) < 0)
		return FALSE;
	if (info)
		mount_table_show_mountinfo(table, out);
	else
		mount_table_show_mounts(table, out);
	return TRUE;
}

/* A file of the composite tree. */
static gboolean show_file(const View *view, const char *path, const Caller *caller, GString *out)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);
	g_autoptr(Node) node = node_ref(view->fs->tree->root);
	Handle *handle;
	for (char **name = names; *name; name++) {
		Node *child;
		if (fs_lookup(view->fs, node, *name, &child) < 0)
			return FALSE;
		node_unref(node);
		node = child;
	}
	if (fs_open(view->fs, node, O_RDONLY, caller, &handle) < 0)
		return FALSE;
	int r = fs_read(view->fs, handle, caller, 0, G_MAXSSIZE, out);
	fs_close(view->fs, handle);
	return r == 0;
}

static gboolean show_process_file(pid_t pid, const char *name, const Caller *caller, GString *out, void *data)
{
	const View *view = data;
	if (strcmp(name, "mountinfo") == 0 || strcmp(name, "mounts") == 0)
		return show_mounts(view, pid, strcmp(name, "mountinfo") == 0, out);
	if (strcmp(name, "cgroup") != 0)
		return FALSE;
	g_autofree char *path = g_strdup_printf("proc/%d/cgroup", (int) pid);
	return show_file(view, path, caller, out);
}

static gboolean run(const Options *options, View *view, int *ret_status, GError **error)
{
	gboolean refuse = strcmp(config_string(view->config, "exec", "foreign-syscalls"), "refuse") == 0;
	const TracePlan plan = {
		.features = TRACE_STATFS | TRACE_PATHS | TRACE_WRITES,
		.foreign = refuse ? FOREIGN_REFUSE : FOREIGN_ALLOW,
		.shadow = view->shadow,
		.story = {.statfs_matters = statfs_matters,
			  .statfs = show_statfs,
			  .process_file = show_process_file,
			  .data = view},
	};
	return trace_run(&plan, (const char *const *) options->command, (const char *const *) environ, ret_status,
			 error);
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

gboolean trace_view_run(const Options *options, const Config *config, LayoutTree tree, int *ret_status, GError **error)
{
	unsigned trees = layout_fs_trees(tree) | FS_TREE_PROCSYS | FS_TREE_PROC;
	View view = {.config = config, .fs = fs_new(config, trees, error)};
	gboolean ok = FALSE;
	if (view.fs)
		view.shadow = shadow_new(view.fs, error);
	if (view.shadow) {
		view.mounts = shown_mounts_new(shadow_device(view.shadow), root_type(options, config));
		ok = show_all(&view, tree, error) && run(options, &view, ret_status, error);
	}
	shown_mounts_free(view.mounts);
	shadow_free(view.shadow);
	fs_free(view.fs);
	return ok;
}
