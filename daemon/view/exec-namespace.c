/*
 * The mount namespace that the command runs in, in a user namespace where nothing else gives the right to mount.
 */
#include "daemon/view/exec.h"

#include "daemon/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* One line to a file of /proc/self; FALSE with errno. */
static gboolean write_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	gboolean ok = fd >= 0 && write(fd, line, strlen(line)) >= 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* The user stays who he is: newer gVisor lets nobody map root without a capability. */
static gboolean enter_user_namespace(void)
{
	g_autofree char *uids = g_strdup_printf("%u %u 1\n", getuid(), getuid());
	g_autofree char *gids = g_strdup_printf("%u %u 1\n", getgid(), getgid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return FALSE;
	(void) write_line("/proc/self/setgroups", "deny"); /* gVisor has no such file */
	return write_line("/proc/self/uid_map", uids) && write_line("/proc/self/gid_map", gids);
}

gboolean exec_enter_namespace(Exec *exec, GError **error)
{
	g_autofree char *before = g_file_read_link("/proc/self/ns/mnt", NULL);
	if (unshare(CLONE_NEWNS) < 0 && !enter_user_namespace()) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
			    "cannot make a mount namespace, not in a user namespace either: %s (it takes CAP_SYS_ADMIN "
			    "or user.max_user_namespaces > 0)",
			    g_strerror(errno));
		return FALSE;
	}
	/* gVisor of 2022 has no propagation to turn off. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		g_debug("mounts stay shared: %s", g_strerror(errno));
	/* The kernel's own groups are not those that are shown: /proc/self/cgroup then says "/" for each hierarchy. */
	exec->has_own_cgroups = unshare(CLONE_NEWCGROUP) == 0;
	g_autofree char *after = g_file_read_link("/proc/self/ns/mnt", NULL);
	exec->is_private = g_strcmp0(before, after) != 0;
	return TRUE;
}

void exec_undo_mounts(int root, const char *scratch)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/proc/sys", "/sys/devices/system/cpu"};
	if (fchdir(root) < 0 || chroot(".") < 0)
		return;
	g_autoptr(GPtrArray) mounts = mounts_read(NULL);
	for (guint i = mounts ? mounts->len : 0; i > 0; i--) {
		const MountLine *line = mounts->pdata[i - 1];
		gboolean ours = mounts_is_below(line->target, scratch) ||
				(mounts_is_below(line->target, "/proc") && strcmp(line->type, "fuse") == 0);
		for (size_t place = 0; place < G_N_ELEMENTS(places); place++)
			ours |= mounts_is_below(line->target, places[place]);
		if (ours)
			(void) umount2(line->target, MNT_DETACH);
	}
}
