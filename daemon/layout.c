#include "daemon/layout.h"

#include "fs/fs.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned fs_trees;
	const char *root;
} trees[] = {
	[LAYOUT_V1] = {"v1", FS_TREE_V1, "/v1"},
	[LAYOUT_V2] = {"v2", FS_TREE_V2, "/v2"},
	[LAYOUT_HYBRID] = {"hybrid", FS_TREE_V1 | FS_TREE_V2, "/v1"},
	[LAYOUT_PROCSYS] = {"procsys", FS_TREE_PROCSYS, "/procsys"},
};

LayoutTree layout_tree(const char *name, const char *directory)
{
	for (size_t i = 0; i < G_N_ELEMENTS(trees); i++)
		if (g_str_equal(trees[i].name, name))
			return (LayoutTree) i;
	return g_str_has_suffix(directory, "/proc/sys") ? LAYOUT_PROCSYS : LAYOUT_V1;
}

const char *layout_tree_name(LayoutTree tree)
{
	return trees[tree].name;
}

unsigned layout_fs_trees(LayoutTree tree)
{
	return trees[tree].fs_trees;
}

const char *layout_root(LayoutTree tree)
{
	return trees[tree].root;
}

const char *layout_hierarchy_name(const char *hierarchy)
{
	return g_str_has_prefix(hierarchy, "name=") ? hierarchy + strlen("name=") : hierarchy;
}

static void free_step(gpointer data)
{
	LayoutStep *step = data;

	g_free(step->target);
	g_free(step->source);
	g_free(step);
}

/* Both strings become the plan's. */
static void add(GPtrArray *plan, LayoutKind kind, char *target, char *source)
{
	LayoutStep *step = g_new(LayoutStep, 1);

	*step = (LayoutStep){kind, target, source};
	g_ptr_array_add(plan, step);
}

static void plan_hierarchy(GPtrArray *plan, const char *directory, const char *hierarchy, const NativeCgroups *native)
{
	const char *name = layout_hierarchy_name(hierarchy);
	g_autofree char *target = g_build_filename(directory, name, NULL);
	g_autoptr(GPtrArray) mounts = native ? native_cgroups_mounts(native, hierarchy) : NULL;
	g_auto(GStrv) controllers = g_strsplit(name, ",", -1);

	add(plan, LAYOUT_DIRECTORY, g_strdup(target), NULL);
	for (guint i = 0; mounts && i < mounts->len; i++)
		add(plan, LAYOUT_CGROUP, g_strdup(target), g_strdup(mounts->pdata[i]));
	add(plan, LAYOUT_BIND, g_strdup(target), g_build_filename("/v1", name, NULL));
	for (char **controller = controllers; controllers[1] && *controller; controller++)
		add(plan, LAYOUT_LINK, g_build_filename(directory, *controller, NULL), g_strdup(name));
}

GPtrArray *layout_plan(LayoutTree tree, const char *directory, const char *const *hierarchies,
		       const NativeCgroups *native)
{
	GPtrArray *plan = g_ptr_array_new_with_free_func(free_step);

	if (tree == LAYOUT_V2 || tree == LAYOUT_PROCSYS) {
		add(plan, LAYOUT_BIND, g_strdup(directory), g_strdup(trees[tree].root));
		return plan;
	}
	add(plan, LAYOUT_TMPFS, g_strdup(directory), NULL);
	for (; *hierarchies; hierarchies++)
		plan_hierarchy(plan, directory, *hierarchies, native);
	if (tree == LAYOUT_HYBRID) {
		char *unified = g_build_filename(directory, "unified", NULL);
		add(plan, LAYOUT_DIRECTORY, unified, NULL);
		add(plan, LAYOUT_BIND, g_strdup(unified), g_strdup("/v2"));
	}
	return plan;
}

/* 0 or errno. */
static int do_mount(const LayoutStep *step, const char *composite)
{
	g_autofree char *source = NULL;

	switch (step->kind) {
	case LAYOUT_TMPFS:
		return mount("cgemud", step->target, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755") ? errno : 0;
	case LAYOUT_DIRECTORY:
		return mkdir(step->target, 0755) ? errno : 0;
	case LAYOUT_LINK:
		return symlink(step->source, step->target) ? errno : 0;
	case LAYOUT_CGROUP:
		return mount("cgroup", step->target, "cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, step->source) ? errno
													       : 0;
	case LAYOUT_BIND:
		source = g_build_filename(composite, step->source, NULL);
		return mount(source, step->target, NULL, MS_BIND, NULL) ? errno : 0;
	}
	return EINVAL;
}

/* Directories and links lie on the layout's own tmpfs, and go with it. */
static gboolean is_mount(LayoutKind kind)
{
	return kind == LAYOUT_TMPFS || kind == LAYOUT_CGROUP || kind == LAYOUT_BIND;
}

static gboolean apply_step(const LayoutStep *step, const char *composite, MountRecord *record, GError **error)
{
	static const char *const verbs[] = {
		[LAYOUT_TMPFS] = "mount a tmpfs on",  [LAYOUT_DIRECTORY] = "make the directory",
		[LAYOUT_LINK] = "make the link",      [LAYOUT_CGROUP] = "mount the kernel's cgroup file system on",
		[LAYOUT_BIND] = "bind the tree onto",
	};
	int r = do_mount(step, composite);

	if (r && step->kind == LAYOUT_CGROUP) {
		g_info("%s: the kernel refuses to mount its own cgroup file system (%s): %s", step->target,
		       step->source, g_strerror(r));
		return TRUE;
	}
	if (r) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(r), "cannot %s %s: %s", verbs[step->kind],
			    step->target, g_strerror(r));
		return FALSE;
	}
	return !record || !is_mount(step->kind) || mount_record_add_mount(record, step->target, error);
}

gboolean layout_apply(const GPtrArray *plan, const char *composite, MountRecord *record, GError **error)
{
	for (guint i = 0; i < plan->len; i++)
		if (!apply_step(plan->pdata[i], composite, record, error))
			return FALSE;
	return TRUE;
}
