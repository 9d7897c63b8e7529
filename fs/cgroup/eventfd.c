#include "fs/cgroup/eventfd.h"

#include "fs/cgroup/pids-of.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *read_info(const char *process, const char *number)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/fdinfo/%s", process, number);
	char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

/* Of a line "KEY: NUMBER"; 0 if there is none. */
static guint64 info_value(const char *info, const char *key)
{
	const char *at = info ? strstr(info, key) : NULL;

	return at ? g_ascii_strtoull(at + strlen(key), NULL, 10) : 0;
}

int descriptor_path(pid_t tid, unsigned number, char **ret_path)
{
	g_autofree char *link = g_strdup_printf("/proc/%d/fd/%u", tid, number);
	char *path = g_file_read_link(link, NULL);

	if (!path)
		return -EBADF;
	*ret_path = path;
	return 0;
}

static gboolean is_eventfd(const char *path)
{
	return strstr(path, "[eventfd]") != NULL;
}

/* -1 and errno */
static int copy_descriptor(pid_t tid, unsigned number)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/fd/%u", tid, number);
	ProcessIds ids;
	int pidfd = process_ids(tid, &ids) == 0 ? (int) syscall(SYS_pidfd_open, ids.pid, 0) : -1;
	int fd = pidfd >= 0 ? (int) syscall(SYS_pidfd_getfd, pidfd, number, 0) : -1;

	if (pidfd >= 0)
		close(pidfd);
	if (fd < 0)
		fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd;
}

/* What was looked at need not be what was copied. */
static gboolean own_is_eventfd(int fd)
{
	g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
	g_autofree char *path = g_file_read_link(link, NULL);

	return path && is_eventfd(path);
}

int eventfd_take(pid_t tid, unsigned number, int *ret)
{
	g_autofree char *path = NULL;
	int fd, r = descriptor_path(tid, number, &path);

	if (r < 0)
		return r;
	if (!is_eventfd(path))
		return -EINVAL;
	fd = copy_descriptor(tid, number);
	if (fd < 0)
		return -EOPNOTSUPP;
	if (!own_is_eventfd(fd)) {
		close(fd);
		return -EINVAL;
	}
	*ret = fd;
	return 0;
}

void eventfd_signal(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	guint64 one = 1;

	if (poll(&ready, 1, 0) == 1 && ready.revents & POLLOUT && write(fd, &one, sizeof one) < 0)
		g_debug("an event could not be sent: %s", g_strerror(errno));
}

static gboolean process_has_eventfd(const char *process, guint64 id)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/fdinfo", process);
	GDir *dir = g_dir_open(path, 0, NULL);
	gboolean has = FALSE;
	const char *number;

	while (dir && !has && (number = g_dir_read_name(dir))) {
		g_autofree char *info = read_info(process, number);

		/* The first there can be is 0. */
		has = info && strstr(info, "eventfd-id:") && info_value(info, "eventfd-id:") == id;
	}
	if (dir)
		g_dir_close(dir);
	return has;
}

gboolean eventfd_is_open_elsewhere(int fd)
{
	g_autofree char *number = g_strdup_printf("%d", fd);
	g_autofree char *info = read_info("self", number);
	guint64 id = info_value(info, "eventfd-id:");
	GDir *dir;
	gboolean open = FALSE;
	const char *name;

	if (!info || !strstr(info, "eventfd-id:"))
		return TRUE;
	dir = g_dir_open("/proc", 0, NULL);
	while (dir && !open && (name = g_dir_read_name(dir)))
		open = g_ascii_isdigit(*name) && atoi(name) != getpid() && process_has_eventfd(name, id);
	if (dir)
		g_dir_close(dir);
	return open;
}
