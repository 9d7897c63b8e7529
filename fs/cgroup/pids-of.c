#include "fs/cgroup/pids-of.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

pid_t pid_from_caller(pid_t caller, pid_t pid)
{
	return pid;
}
