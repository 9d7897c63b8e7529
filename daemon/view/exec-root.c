/*
 * A root whose type clients refuse (9p) is covered by an overlay: then statfs and mountinfo say so by themselves.
 *
 * The overlay's lower layer is the root file system alone, so every other mount is bound into it, and the overlay
 * becomes the root by pivot_root, or by chroot where the kernel cannot (gVisor of 2022, whose root is its own parent).
 */
#include "daemon/mounts.h"
#include "daemon/view/exec.h"

#include "fs/proc/magic.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static gboolean fail(GError **error, const char *what, const char *path)
{
	int code = errno;
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code), "cannot %s %s: %s", what, path, g_strerror(code));
	return FALSE;
}

static gboolean is_wanted(const Config *config, const char *choice)
{
	if (choice)
		return strcmp(choice, "overlay") == 0;
	const char *const *replaced = config_list(config, "root", "replace");
	struct statfs st;
	const char *type = statfs("/", &st) == 0 ? magic_to_fstype((guint64) st.f_type) : NULL;
	if (type && g_strv_contains(replaced, type))
		return TRUE;
	/* Over 9p2000.L statfs passes on the type that the server has, but the mount table says 9p. */
	g_autoptr(GPtrArray) mounts = mounts_read(NULL);
	const MountLine *root = mounts ? mounts_on(mounts, "/") : NULL;
	return root && g_strv_contains(replaced, root->type);
}

/* upper and work lie on a tmpfs, or in the directory that the user names. */
static char *make_options(const Config *config, const char *scratch, GError **error)
{
	const char *upper = config_string(config, "root", "upper");
	if (upper[0] == '\0') {
		if (mount("cgemud", scratch, "tmpfs", 0, "mode=0755") < 0) {
			fail(error, "mount a tmpfs on", scratch);
			return NULL;
		}
		upper = scratch;
	}
	g_autofree char *data = g_build_filename(upper, "upper", NULL);
	g_autofree char *work = g_build_filename(upper, "work", NULL);
	if ((mkdir(data, 0755) < 0 && errno != EEXIST) || (mkdir(work, 0755) < 0 && errno != EEXIST)) {
		fail(error, "make the overlay's directories in", upper);
		return NULL;
	}
	return g_strdup_printf("lowerdir=/,upperdir=%s,workdir=%s", data, work);
}

/* Every mount but the root and what lies below scratch. Parents come first in the table, so one by one is complete. */
static gboolean carry_over(const char *merged, const char *scratch, GError **error)
{
	g_autoptr(GPtrArray) mounts = mounts_read(error);
	const char *with_all_below = NULL;
	for (guint i = 0; mounts && i < mounts->len; i++) {
		const MountLine *line = mounts->pdata[i];
		if (strcmp(line->target, "/") == 0 || mounts_is_below(line->target, scratch) ||
		    (with_all_below && mounts_is_below(line->target, with_all_below)))
			continue;
		g_autofree char *target = g_strconcat(merged, line->target, NULL);
		if (mount(line->target, target, NULL, MS_BIND, NULL) == 0)
			continue;
		/* In a user namespace what lies below must not come to light, and so comes along. */
		if (errno == EINVAL && mount(line->target, target, NULL, MS_BIND | MS_REC, NULL) == 0)
			with_all_below = line->target;
		/* What is hidden below another mount is not there to be carried. */
		else if (errno != ENOENT && errno != ENOTDIR)
			return fail(error, "carry over the mount on", line->target);
	}
	return mounts != NULL;
}

/* `scratch` stays reachable in the new root: its tmpfs holds the upper layer whether it is mounted or not. */
static gboolean enter(const char *merged, GError **error)
{
	if (chdir(merged) < 0)
		return fail(error, "enter", merged);
	if (syscall(SYS_pivot_root, ".", ".") == 0) {
		(void) umount2(".", MNT_DETACH);
		return chdir("/") == 0 || fail(error, "enter", "/");
	}
	return (chroot(".") == 0 && chdir("/") == 0) || fail(error, "chroot to", merged);
}

gboolean exec_replace_root(const Config *config, const char *choice, const char *scratch, GError **error)
{
	if (!is_wanted(config, choice))
		return TRUE;
	g_autofree char *directory = g_get_current_dir();
	g_autofree char *options = make_options(config, scratch, error);
	g_autofree char *merged = g_build_filename(scratch, "root", NULL);
	if (!options)
		return FALSE;
	if (mkdir(merged, 0755) < 0 && errno != EEXIST)
		return fail(error, "make", merged);
	if (mount("overlay", merged, "overlay", 0, options) < 0)
		return fail(error, "mount an overlay over the root on", merged);
	if (!carry_over(merged, scratch, error) || !enter(merged, error))
		return FALSE;
	return chdir(directory) == 0 || fail(error, "return to", directory);
}
