#include "daemon/mount-check.h"
#include "daemon/mounts.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file without which clients fail, and which emulations of the controller lack. */
static const struct {
	const char *option; /* of a v1 mount; NULL: cgroup2 */
	const char *file;
} markers[] = {
	{"cpuacct", "cpuacct.usage_percpu"},
	{"memory", "memory.stat"},
	{"cpu", "cpu.stat"},
	{NULL, "cgroup.stat"},
};

static gboolean has_option(const char *options, const char *option)
{
	g_auto(GStrv) list = g_strsplit(options ? options : "", ",", -1);

	return g_strv_contains((const char *const *) list, option);
}

/* The first file that a cgroup mount should have and has not, or NULL. */
static const char *missing_file(const MountLine *line)
{
	gboolean is_v2 = g_str_equal(line->type, "cgroup2");

	for (size_t i = 0; i < G_N_ELEMENTS(markers); i++) {
		g_autofree char *path = g_build_filename(line->target, markers[i].file, NULL);
		gboolean applies = markers[i].option ? !is_v2 && has_option(line->options, markers[i].option) : is_v2;
		if (applies && access(path, F_OK) < 0)
			return markers[i].file;
	}
	return NULL;
}

static gboolean is_cgroup(const MountLine *line)
{
	return g_strcmp0(line->type, "cgroup") == 0 || g_strcmp0(line->type, "cgroup2") == 0;
}

static gboolean check_live(const char *directory, const GPtrArray *mounts, GError **error)
{
	const MountLine *live = NULL;

	for (guint i = 0; i < mounts->len; i++) {
		const MountLine *line = mounts->pdata[i];
		const char *missing;

		if (!is_cgroup(line) || !mounts_is_below(line->target, directory) ||
		    mounts_on(mounts, line->target) != line)
			continue;
		missing = missing_file(line);
		if (missing) {
			g_message("%s: the kernel's own %s there is incomplete (no %s) and gets covered", line->target,
				  line->type, missing);
			return TRUE;
		}
		live = live ? live : line;
	}
	if (!live)
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS,
		    "%s is the kernel's own, complete cgroup tree (%s on %s): nothing to emulate; --force covers it",
		    directory, live->type, live->target);
	return FALSE;
}

static void tell_covered(const char *directory, const GPtrArray *mounts)
{
	const MountLine *line = mounts_on(mounts, directory);
	g_autoptr(GDir) dir = NULL;

	if (line) {
		g_info("%s: covers a mounted %s", directory, line->type);
		return;
	}
	dir = g_dir_open(directory, 0, NULL);
	if (dir && g_dir_read_name(dir))
		g_info("%s: covers a directory that is not empty", directory);
}

gboolean mount_check_directory(const char *directory, GError **error)
{
	g_autoptr(GPtrArray) mounts = mounts_read(error);

	if (!mounts || !check_live(directory, mounts, error))
		return FALSE;
	tell_covered(directory, mounts);
	return TRUE;
}

/* A dead FUSE mount of ours, or (is_left) the tmpfs that it was bound into. */
static gboolean is_leaving(const MountLine *line, const char *directory, gboolean is_left)
{
	if (!mounts_is_below(line->target, directory) || g_strcmp0(line->source, "cgemud") != 0)
		return FALSE;
	if (g_strcmp0(line->type, "tmpfs") == 0)
		return is_left;
	return mounts_is_dead(line->target);
}

/* From the last mount to the first: what is on top goes first. */
gboolean mount_clear_dead(const char *directory, GError **error)
{
	g_autoptr(GPtrArray) mounts = mounts_read(error);
	gboolean is_left = FALSE;

	if (!mounts)
		return FALSE;
	for (guint i = mounts->len; i > 0; i--) {
		const MountLine *line = mounts->pdata[i - 1];

		if (!is_leaving(line, directory, is_left))
			continue;
		is_left = TRUE;
		if (!mounts_detach(line->target, error))
			return FALSE;
	}
	while (mounts_is_dead(directory))
		if (!mounts_detach(directory, error))
			return FALSE;
	return TRUE;
}
