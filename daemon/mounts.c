#include "daemon/mounts.h"

#include <errno.h>
#include <libmount/libmount.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

static void free_line(gpointer data)
{
	MountLine *line = data;

	g_free(line->target);
	g_free(line->type);
	g_free(line->source);
	g_free(line->options);
	g_free(line);
}

static MountLine *copy_line(struct libmnt_fs *fs)
{
	MountLine *line = g_new0(MountLine, 1);

	line->id = mnt_fs_get_id(fs);
	line->target = g_strdup(mnt_fs_get_target(fs));
	line->type = g_strdup(mnt_fs_get_fstype(fs));
	line->source = g_strdup(mnt_fs_get_source(fs));
	line->options = g_strdup(mnt_fs_get_fs_options(fs));
	return line;
}

GPtrArray *mounts_read(GError **error)
{
	struct libmnt_table *table = mnt_new_table_from_file("/proc/self/mountinfo");
	struct libmnt_iter *iter;
	struct libmnt_fs *fs;
	GPtrArray *lines;

	if (!table) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot read /proc/self/mountinfo: %s",
			    g_strerror(errno));
		return NULL;
	}
	lines = g_ptr_array_new_with_free_func(free_line);
	iter = mnt_new_iter(MNT_ITER_FORWARD);
	while (mnt_table_next_fs(table, iter, &fs) == 0)
		if (mnt_fs_get_target(fs))
			g_ptr_array_add(lines, copy_line(fs));
	mnt_free_iter(iter);
	mnt_unref_table(table);
	return lines;
}

const MountLine *mounts_on(const GPtrArray *mounts, const char *target)
{
	for (guint i = mounts->len; i > 0; i--) {
		const MountLine *line = mounts->pdata[i - 1];
		if (g_str_equal(line->target, target))
			return line;
	}
	return NULL;
}

gboolean mounts_is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return g_str_has_prefix(path, dir) && (!path[len] || path[len] == '/' || g_str_equal(dir, "/"));
}

/* Attributes may be cached; statfs(2) always asks the daemon. */
gboolean mounts_is_dead(const char *path)
{
	struct statfs st;

	return statfs(path, &st) < 0 && (errno == ENOTCONN || errno == ECONNABORTED);
}

/* What fusermount3 mounted for a user, only it may take away. */
static gboolean detach_as_user(const char *target)
{
	const char *argv[] = {"fusermount3", "-u", "-z", "-q", "--", target, NULL};
	int status = 0;

	return g_spawn_sync(NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
			    NULL, NULL, &status, NULL) &&
	       g_spawn_check_wait_status(status, NULL);
}

gboolean mounts_detach(const char *target, GError **error)
{
	int r = umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 ? errno : 0;

	if (!r || (r == EPERM && detach_as_user(target)))
		return TRUE;
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(r), "cannot unmount %s: %s", target, g_strerror(r));
	return FALSE;
}

gboolean mounts_can_bind(const char *dir)
{
	if (mount(dir, dir, NULL, MS_BIND, NULL) < 0)
		return FALSE;
	umount2(dir, MNT_DETACH);
	return TRUE;
}
