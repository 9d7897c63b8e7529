#include "fs/procsys/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *prefix;
	const char *file; /* below /proc/PID/ns */
} namespaces[] = {
	{"net/", "net"},       {"kernel/hostname", "uts"}, {"kernel/domainname", "uts"}, {"kernel/msg", "ipc"},
	{"kernel/sem", "ipc"}, {"kernel/shm", "ipc"},      {"kernel/auto_", "ipc"},      {"fs/mqueue/", "ipc"},
};

static const char *namespace_of(const char *path)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(namespaces); i++)
		if (g_str_has_prefix(path, namespaces[i].prefix))
			return namespaces[i].file;
	return NULL;
}

/* An older gVisor gives every process' link another inode, whatever namespace it is in: then nothing can be told. */
static gboolean has_identity(const char *link, const struct stat *st)
{
	g_autofree char *target = g_file_read_link(link, NULL);
	const char *number = target ? strchr(target, '[') : NULL;

	return number && g_ascii_strtoull(number + 1, NULL, 10) == st->st_ino;
}

/* The namespace of the process, or -1 where it is the daemon's own or cannot be told. */
static int open_other(pid_t pid, const char *path)
{
	const char *name = namespace_of(path);
	g_autofree char *own = NULL, *other = NULL;
	struct stat own_st, other_st;
	int fd;

	if (!name || pid <= 0)
		return -1;
	own = g_strdup_printf("/proc/self/ns/%s", name);
	other = g_strdup_printf("/proc/%d/ns/%s", pid, name);
	fd = open(other, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (stat(own, &own_st) == 0 && has_identity(own, &own_st) && fstat(fd, &other_st) == 0 &&
	    (own_st.st_ino != other_st.st_ino || own_st.st_dev != other_st.st_dev))
		return fd;
	close(fd);
	return -1;
}

gboolean namespace_differs(pid_t pid, const char *path)
{
	int fd = open_other(pid, path);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

typedef struct Visit {
	int fd;
	int (*function)(gpointer data);
	gpointer data;
	int result;
} Visit;

/* The thread ends with the visit, so that there is no way back to fail on. */
static gpointer visit(gpointer data)
{
	Visit *v = data;

	v->result = setns(v->fd, 0) < 0 ? -errno : v->function(v->data);
	return NULL;
}

int namespace_call(pid_t pid, const char *path, int (*function)(gpointer data), gpointer data)
{
	Visit v = {.fd = open_other(pid, path), .function = function, .data = data, .result = -EAGAIN};
	GThread *thread;

	if (v.fd < 0)
		return function(data);
	thread = g_thread_try_new("namespace", visit, &v, NULL);
	if (thread)
		g_thread_join(thread);
	close(v.fd);
	return v.result;
}
