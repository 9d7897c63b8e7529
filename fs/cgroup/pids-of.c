#include "fs/cgroup/pids-of.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PF_KTHREAD = 0x00200000 }; /* include/linux/sched.h */

static char *read_proc(pid_t tid, const char *name)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/%s", tid, name);
	char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

static gboolean is_kernel_thread(pid_t tid)
{
	g_autofree char *stat = read_proc(tid, "stat");
	/* The name may hold anything, even ") R 1 (". */
	const char *fields = stat ? strrchr(stat, ')') : NULL;
	unsigned flags = 0;

	return fields && sscanf(fields, ") %*c %*d %*d %*d %*d %*d %u", &flags) == 1 && (flags & PF_KTHREAD);
}

/* The name in the first line is escaped and cannot hold a newline. */
static const char *find_value(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? at + strlen(key) : NULL;
}

int process_ids(pid_t tid, ProcessIds *ret)
{
	g_autofree char *status = read_proc(tid, "status");
	/* The first line is the name; it is escaped and cannot hold a newline. */
	const char *tgid = status ? find_value(status, "\nTgid:") : NULL;
	const char *uids = status ? find_value(status, "\nUid:") : NULL;
	ProcessIds ids = {0};

	if (!tgid)
		return -ESRCH;
	ids.pid = atoi(tgid);
	if (uids && sscanf(uids, "%u %*u %u", &ids.uid, &ids.saved_uid) != 2)
		return -ESRCH;
	ids.is_kernel_thread = is_kernel_thread(tid);
	*ret = ids;
	return 0;
}

/* Appends the numbers behind a key of /proc/PID/status; FALSE if there is no such line. */
static gboolean read_numbers(pid_t pid, const char *key, GArray *numbers)
{
	g_autofree char *status = read_proc(pid, "status");
	const char *at = status ? find_value(status, key) : NULL;

	while (at && *at && *at != '\n') {
		char *end;
		guint32 number = (guint32) strtoul(at, &end, 10);

		/* the line of groups ends with a space */
		if (end == at || memchr(at, '\n', (size_t) (end - at)))
			break;
		g_array_append_val(numbers, number);
		at = end;
	}
	return at != NULL;
}

GArray *process_groups(pid_t pid)
{
	GArray *groups = g_array_new(FALSE, FALSE, sizeof(gid_t));

	read_numbers(pid, "\nGroups:", groups);
	return groups;
}

/* The numbers of a process from the daemon's namespace downwards; NULL if unknown. */
static GArray *numbers_of(pid_t pid)
{
	GArray *numbers = g_array_new(FALSE, FALSE, sizeof(pid_t));

	if (read_numbers(pid, "\nNSpid:", numbers))
		return numbers;
	g_array_unref(numbers);
	return NULL;
}

/* A PID namespace below the daemon's: which one, and how many levels down. */
typedef struct PidNamespace {
	ino_t inode;
	guint level;
} PidNamespace;

static int open_namespace(const char *process)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/ns/pid", process);

	return open(path, O_RDONLY | O_CLOEXEC);
}

static ino_t inode_of(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* FALSE: the caller is in the daemon's own namespace, or nothing is known of it. */
static gboolean namespace_of(pid_t caller, PidNamespace *ret)
{
	g_autofree char *name = g_strdup_printf("%d", caller);
	int own = open_namespace("self"), its = caller > 0 ? open_namespace(name) : -1;
	ino_t own_inode = inode_of(own), inode = inode_of(its);
	GArray *numbers;

	if (own >= 0)
		close(own);
	if (its >= 0)
		close(its);
	if (!inode || inode == own_inode)
		return FALSE;
	numbers = numbers_of(caller);
	if (!numbers)
		return FALSE;
	*ret = (PidNamespace){inode, MAX(numbers->len, 1) - 1};
	g_array_unref(numbers);
	return TRUE;
}

/* Is the process in the namespace, or in one below it? Walks up from the process' own. */
static gboolean is_inside(pid_t pid, const PidNamespace *namespace, guint its_level)
{
	g_autofree char *name = g_strdup_printf("%d", pid);
	int fd = open_namespace(name);
	gboolean inside;

	for (guint level = its_level; fd >= 0 && level > namespace->level; level--) {
		int parent = ioctl(fd, NS_GET_PARENT);

		close(fd);
		fd = parent;
	}
	inside = inode_of(fd) == namespace->inode;
	if (fd >= 0)
		close(fd);
	return inside;
}

/* What the namespace calls the process; 0 if it does not see it. */
static pid_t number_in(pid_t pid, const PidNamespace *namespace)
{
	GArray *numbers = numbers_of(pid);
	pid_t number = 0;

	if (!numbers)
		return 0;
	if (numbers->len > namespace->level && is_inside(pid, namespace, numbers->len - 1))
		number = g_array_index(numbers, pid_t, namespace->level);
	g_array_unref(numbers);
	return number;
}

pid_t pid_from_caller(pid_t caller, pid_t pid)
{
	PidNamespace namespace;
	GDir *dir;
	const char *name;
	pid_t found = 0;

	if (!namespace_of(caller, &namespace))
		return pid;
	dir = g_dir_open("/proc", 0, NULL);
	while (dir && !found && (name = g_dir_read_name(dir))) {
		pid_t candidate = g_ascii_isdigit(*name) ? atoi(name) : 0;

		if (candidate > 0 && number_in(candidate, &namespace) == pid)
			found = candidate;
	}
	if (dir)
		g_dir_close(dir);
	return found;
}

void pids_to_caller(pid_t caller, GString *lines)
{
	g_auto(GStrv) pids = NULL;
	PidNamespace namespace;

	if (!lines->len || !namespace_of(caller, &namespace))
		return;
	pids = g_strsplit(lines->str, "\n", -1);
	g_string_truncate(lines, 0);
	for (char **pid = pids; *pid; pid++)
		if (**pid)
			g_string_append_printf(lines, "%d\n", number_in(atoi(*pid), &namespace));
}
