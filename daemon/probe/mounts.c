/*
 * What may be mounted, and where.
 */
#include "daemon/probe/sandbox.h"
#include "daemon/probe/subjects.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *make_directory_once(ProbeAttempt *attempt, const char *name)
{
	g_autofree char *path = attempt->scratch ? g_build_filename(attempt->scratch, name, NULL) : NULL;

	if (path && g_file_test(path, G_FILE_TEST_IS_DIR))
		return g_steal_pointer(&path);
	return probe_make_directory(attempt, name);
}

/* Mounts and looks at the result: a success that mounts nothing is none. */
static int mount_and_verify(const char *type, const char *target, const char *options, long magic)
{
	struct statfs fs;

	if (mount(type, target, type, 0, options) < 0)
		return -errno;
	if (statfs(target, &fs) < 0 || fs.f_type != magic)
		return -ENXIO;
	return 0;
}

static int try_tmpfs(ProbeAttempt *attempt)
{
	g_autofree char *target = make_directory_once(attempt, "tmpfs");
	int r = target ? mount_and_verify("tmpfs", target, "size=64k", TMPFS_MAGIC) : -ENOENT;

	if (target)
		umount2(target, MNT_DETACH);
	return r;
}

static ProbeVerdict check_tmpfs(ProbeAttempt *attempt)
{
	return sandbox_try(attempt, "mount(tmpfs)", try_tmpfs);
}

static gboolean is_same_file(const char *a, const char *b)
{
	struct stat first, second;

	return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

static int bind_and_verify(const char *source, const char *target)
{
	int r = 0;

	if (mount(source, target, NULL, MS_BIND, NULL) < 0)
		return -errno;
	if (!is_same_file(source, target))
		r = -ENXIO;
	umount2(target, MNT_DETACH);
	return r;
}

static int try_bind(ProbeAttempt *attempt)
{
	g_autofree char *source = make_directory_once(attempt, "source");
	g_autofree char *target = make_directory_once(attempt, "target");

	return source && target ? bind_and_verify(source, target) : -ENOENT;
}

static ProbeVerdict check_bind(ProbeAttempt *attempt)
{
	return sandbox_try(attempt, "mount(MS_BIND)", try_bind);
}

/* The file that is bound has the same content, for those who see it where the mount namespace is not private. */
static int try_bind_over_proc(ProbeAttempt *attempt)
{
	g_autofree char *version = NULL, *source = NULL;

	if (!g_file_get_contents("/proc/version", &version, NULL, NULL))
		return -ENOENT;
	source = attempt->scratch ? g_build_filename(attempt->scratch, "version", NULL) : NULL;
	if (!source || !g_file_test(source, G_FILE_TEST_EXISTS)) {
		g_free(source);
		source = probe_make_file(attempt, "version", version);
	}
	return source ? bind_and_verify(source, "/proc/version") : -ENOENT;
}

static ProbeVerdict check_bind_over_proc(ProbeAttempt *attempt)
{
	return sandbox_try(attempt, "bind over /proc/version", try_bind_over_proc);
}

/* A tmpfs with the directories upper, work and root, in which an overlay of / is mounted. */
static int mount_overlay_root(const char *tmpfs)
{
	g_autofree char *upper = g_build_filename(tmpfs, "upper", NULL);
	g_autofree char *work = g_build_filename(tmpfs, "work", NULL);
	g_autofree char *root = g_build_filename(tmpfs, "root", NULL);
	g_autofree char *options = g_strdup_printf("lowerdir=/,upperdir=%s,workdir=%s", upper, work);
	int r = mount_and_verify("tmpfs", tmpfs, "size=1m", TMPFS_MAGIC);

	if (r < 0)
		return r;
	if (mkdir(upper, 0755) < 0 || mkdir(work, 0755) < 0 || mkdir(root, 0755) < 0)
		return -errno;
	return mount_and_verify("overlay", root, options, OVERLAYFS_SUPER_MAGIC);
}

static void unmount_overlay_root(const char *tmpfs)
{
	g_autofree char *root = g_build_filename(tmpfs, "root", NULL);

	umount2(root, MNT_DETACH);
	umount2(tmpfs, MNT_DETACH);
}

static int try_overlay_root(ProbeAttempt *attempt)
{
	g_autofree char *tmpfs = make_directory_once(attempt, "overlay");
	g_autofree char *inside = tmpfs ? g_build_filename(tmpfs, "root/etc", NULL) : NULL;
	int r = tmpfs ? mount_overlay_root(tmpfs) : -ENOENT;

	if (r == 0 && g_file_test("/etc", G_FILE_TEST_IS_DIR) && !g_file_test(inside, G_FILE_TEST_IS_DIR))
		r = -ENXIO;
	if (tmpfs)
		unmount_overlay_root(tmpfs);
	return r;
}

static ProbeVerdict check_overlay_root(ProbeAttempt *attempt)
{
	return sandbox_try(attempt, "overlay over /", try_overlay_root);
}

static int pivot_into(const char *root)
{
	struct statfs fs;

	if (chdir(root) < 0 || mkdir("old-root", 0700) < 0)
		return -errno;
	if (syscall(SYS_pivot_root, ".", "old-root") < 0 || chdir("/") < 0)
		return -errno;
	if (umount2("/old-root", MNT_DETACH) < 0)
		return -errno;
	return statfs("/", &fs) == 0 && fs.f_type == OVERLAYFS_SUPER_MAGIC ? 0 : -ENXIO;
}

/* Where the namespace is shared, pivot_root would change the root of everybody. */
static int try_pivot_root(ProbeAttempt *attempt)
{
	g_autofree char *tmpfs = make_directory_once(attempt, "overlay");
	g_autofree char *root = tmpfs ? g_build_filename(tmpfs, "root", NULL) : NULL;
	int r;

	if (!sandbox_is_private())
		return -EOPNOTSUPP;
	r = tmpfs ? mount_overlay_root(tmpfs) : -ENOENT;
	if (r == 0)
		r = pivot_into(root);
	if (r < 0 && tmpfs)
		unmount_overlay_root(tmpfs);
	return r;
}

static ProbeVerdict check_pivot_root(ProbeAttempt *attempt)
{
	return sandbox_try(attempt, "pivot_root", try_pivot_root);
}

const ProbeCheck mount_checks[] = {
	{"mount-tmpfs", check_tmpfs, "mount a tmpfs on a scratch directory",
	 "/sys/fs/cgroup can be a real tmpfs, as cgroup v1 clients expect", "nothing can be mounted",
	 PROBE_FOR_EXEC_ALONE},
	{"mount-bind", check_bind, "bind one scratch directory over another",
	 "one FUSE session can be shown in many places", "each place needs a FUSE session of its own",
	 PROBE_FOR_EXEC_ALONE},
	{"mount-bind-proc", check_bind_over_proc, "bind a file over /proc/version",
	 "single files of /proc can be replaced", "files of /proc cannot be replaced", PROBE_FOR_EXEC_ALONE},
	{"mount-overlay-root", check_overlay_root, "mount an overlay of / with its upper layer on a tmpfs",
	 "the root can be shown as an overlay, natively", "the root's type cannot be changed", PROBE_FOR_EXEC_ALONE},
	{"pivot-root", check_pivot_root, "pivot_root into such an overlay, in a private mount namespace",
	 "mountinfo itself says that the root is an overlay", "an overlay root is entered by chroot",
	 PROBE_FOR_EXEC_ALONE},
	{0},
};
