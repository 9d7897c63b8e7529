#include "daemon/probe/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static gboolean is_private;

gboolean sandbox_is_private(void)
{
	return is_private;
}

static char *mount_namespace_name(void)
{
	return g_file_read_link("/proc/self/ns/mnt", NULL);
}

int sandbox_enter_mount_namespace(void)
{
	g_autofree char *before = mount_namespace_name(), *after = NULL;

	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	after = mount_namespace_name();
	is_private = before && after && !g_str_equal(before, after);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 && is_private)
		return -errno;
	return 0;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

int sandbox_enter_user_namespace(void)
{
	g_autofree char *users = g_strdup_printf("%u %u 1", getuid(), getuid());
	g_autofree char *groups = g_strdup_printf("%u %u 1", getgid(), getgid());
	int r;

	if (unshare(CLONE_NEWUSER) < 0)
		return -errno;
	/* gVisor has no such file, and then nothing to deny. */
	write_file("/proc/self/setgroups", "deny");
	r = write_file("/proc/self/uid_map", users);
	if (r == 0)
		r = write_file("/proc/self/gid_map", groups);
	if (r < 0)
		return r;
	unshare(CLONE_NEWCGROUP);
	return sandbox_enter_mount_namespace();
}

static gboolean is_denied(int error)
{
	return error == -EPERM || error == -EACCES;
}

ProbeVerdict sandbox_try(ProbeAttempt *attempt, const char *what, int (*action)(ProbeAttempt *attempt))
{
	int r = sandbox_enter_mount_namespace();

	if (r == 0)
		r = action(attempt);
	if (r == 0) {
		probe_saw(attempt, "%s succeeded", what);
		return PROBE_YES;
	}
	probe_saw_error(attempt, what, r);
	if (!is_denied(r))
		return PROBE_NO;
	r = sandbox_enter_user_namespace();
	if (r == 0)
		r = action(attempt);
	if (r < 0)
		return probe_saw_error(attempt, "in a user namespace", r);
	probe_saw(attempt, "works in a user namespace");
	return PROBE_PARTLY;
}
