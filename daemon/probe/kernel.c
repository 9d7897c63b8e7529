/*
 * Which kernel this is, for people and as background; plans rest on what works, not on this.
 */
#include "daemon/probe/kernel.h"
#include "daemon/probe/attempt.h"
#include "daemon/probe/subjects.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SYSLOG_ACTION_READ_ALL    3
#define SYSLOG_ACTION_SIZE_BUFFER 10

static char *read_kernel_log(void)
{
	int size = klogctl(SYSLOG_ACTION_SIZE_BUFFER, NULL, 0), length;
	g_autofree char *log = NULL;

	if (size <= 0)
		return NULL;
	log = g_malloc((gsize) size + 1);
	length = klogctl(SYSLOG_ACTION_READ_ALL, log, size);
	if (length < 0)
		return NULL;
	log[length] = '\0';
	return g_steal_pointer(&log);
}

gboolean kernel_is_gvisor(void)
{
	g_autofree char *log = NULL;

	if (access("/proc/sentry-meminfo", F_OK) == 0)
		return TRUE;
	log = read_kernel_log();
	return log && strstr(log, "Starting gVisor");
}

static ProbeVerdict check_linux(ProbeAttempt *attempt)
{
	struct utsname name;

	uname(&name);
	if (kernel_is_gvisor()) {
		probe_saw(attempt, "gVisor (its log says so), which calls itself %s %s", name.sysname, name.release);
		return PROBE_NO;
	}
	probe_saw(attempt, "%s %s %s", name.sysname, name.release, name.machine);
	return PROBE_YES;
}

static ProbeVerdict check_kmsg(ProbeAttempt *attempt)
{
	char record[8192];
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t length;

	if (fd < 0 && (errno == EPERM || errno == EACCES)) {
		probe_saw(attempt, "exists");
		probe_saw_error(attempt, "open", -errno);
		return PROBE_PARTLY;
	}
	if (fd < 0)
		return probe_saw_error(attempt, "open", -errno);
	if (lseek(fd, 0, SEEK_END) < 0)
		return probe_saw_error(attempt, "lseek to its end", -errno);
	length = read(fd, record, sizeof record);
	if (length == 0) {
		probe_saw(attempt, "opens, but reads as empty instead of waiting");
		return PROBE_PARTLY;
	}
	probe_saw(attempt, "opens, seeks to its end and waits there");
	return PROBE_YES;
}

const ProbeCheck kernel_checks[] = {
	{"linux-kernel", check_linux, "uname, and the kernel's log", "all views were made for this",
	 "a kernel in user space, with parts of Linux missing: the checks below say which"},
	{"kmsg", check_kmsg, "open /dev/kmsg, seek to its end, read", "the kubelet's out-of-memory watcher starts",
	 "the kubelet does not start without one", "there is one, but not for this user"},
	{0},
};
