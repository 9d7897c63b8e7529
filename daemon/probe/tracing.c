/*
 * What can be intercepted, and how a tracer gets at the memory and registers of what it traces.
 */
#include "daemon/probe/attempt.h"
#include "daemon/probe/subjects.h"
#include "daemon/probe/tracee.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Changed in a tracee's copy of the memory only. */
static volatile int witness = 1;

static ProbeVerdict check_filter(ProbeAttempt *attempt)
{
	int r = tracee_filter_getppid(SECCOMP_RET_ERRNO | EDOM, 0);

	if (r < 0)
		return probe_saw_error(attempt, "seccomp(SECCOMP_SET_MODE_FILTER)", r);
	if (syscall(SYS_getppid) >= 0 || errno != EDOM) {
		probe_saw(attempt, "a filter is accepted and has no effect");
		return PROBE_NO;
	}
	probe_saw(attempt, "a filter answers getppid() with EDOM");
	return PROBE_YES;
}

static int call_filtered(void)
{
	if (tracee_filter_getppid(SECCOMP_RET_TRACE, 0) < 0)
		return 1;
	syscall(SYS_getppid);
	return 0;
}

static int do_nothing(void)
{
	return 0;
}

/* The tracee waits in the kernel for its release; from there it is seized. */
static pid_t start_seized(ProbeAttempt *attempt, TraceeMain main, unsigned long options)
{
	pid_t pid = tracee_start(main);

	if (pid < 0) {
		probe_saw_error(attempt, "fork", pid);
		return pid;
	}
	if (ptrace(PTRACE_SEIZE, pid, NULL, options) == 0)
		return pid;
	probe_saw_error(attempt, "ptrace(PTRACE_SEIZE)", -errno);
	tracee_end(pid);
	return -EPERM;
}

/* Lets the tracee run until a stop of this event, or its end. */
static gboolean wait_for_event(pid_t pid, unsigned event)
{
	int status;

	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
		int signal = WSTOPSIG(status);

		if ((unsigned) status >> 16 == event)
			return TRUE;
		ptrace(PTRACE_CONT, pid, NULL, (unsigned) status >> 16 || signal == SIGTRAP ? 0 : (long) signal);
	}
	return FALSE;
}

static ProbeVerdict check_trace(ProbeAttempt *attempt)
{
	pid_t pid = start_seized(attempt, call_filtered, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL);
	gboolean stopped;

	if (pid < 0)
		return PROBE_NO;
	tracee_release(pid);
	stopped = wait_for_event(pid, PTRACE_EVENT_SECCOMP);
	tracee_end(pid);
	probe_saw(attempt, stopped ? "a filtered getppid() stops in the tracer" : "a filtered getppid() does not stop");
	return stopped ? PROBE_YES : PROBE_NO;
}

static ProbeVerdict check_notify(ProbeAttempt *attempt)
{
	int listener = tracee_filter_getppid(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);

	if (listener < 0)
		return probe_saw_error(attempt, "seccomp(SECCOMP_FILTER_FLAG_NEW_LISTENER)", listener);
	probe_saw(attempt, "a filter with a listener is accepted");
	return PROBE_YES;
}

static ProbeVerdict check_ptrace(ProbeAttempt *attempt)
{
	pid_t pid = start_seized(attempt, do_nothing, 0);
	gboolean stopped;

	if (pid < 0)
		return PROBE_NO;
	stopped = ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && wait_for_event(pid, PTRACE_EVENT_STOP);
	tracee_end(pid);
	probe_saw(attempt, stopped ? "a child is seized and interrupted" : "a child is seized but does not stop");
	return stopped ? PROBE_YES : PROBE_NO;
}

static ProbeVerdict check_syscall_info(ProbeAttempt *attempt)
{
	struct __ptrace_syscall_info info;
	pid_t pid = start_seized(attempt, call_filtered, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL);
	long size = -1;

	if (pid < 0)
		return PROBE_NO;
	tracee_release(pid);
	if (wait_for_event(pid, PTRACE_EVENT_SECCOMP)) {
		size = ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
		if (size < 0)
			probe_saw_error(attempt, "PTRACE_GET_SYSCALL_INFO", -errno);
	} else {
		probe_saw(attempt, "no stop to ask at");
	}
	tracee_end(pid);
	if (size <= 0 || info.op != PTRACE_SYSCALL_INFO_SECCOMP || info.seccomp.nr != SYS_getppid)
		return PROBE_NO;
	probe_saw(attempt, "names the call and its arguments");
	return PROBE_YES;
}

static ssize_t transfer(pid_t pid, int *value, gboolean write)
{
	struct iovec local = {value, sizeof *value}, remote = {(void *) &witness, sizeof witness};

	return write ? process_vm_writev(pid, &local, 1, &remote, 1, 0)
		     : process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

static ProbeVerdict check_process_vm(ProbeAttempt *attempt)
{
	pid_t pid = tracee_start(do_nothing);
	int value = 42, back = 0;
	gboolean reads, writes;

	if (pid < 0)
		return probe_saw_error(attempt, "fork", pid);
	reads = transfer(pid, &back, FALSE) == sizeof back && back == 1;
	if (!reads)
		probe_saw_error(attempt, "process_vm_readv", -errno);
	writes = transfer(pid, &value, TRUE) == sizeof value;
	if (!writes)
		probe_saw_error(attempt, "process_vm_writev", -errno);
	if (writes && transfer(pid, &back, FALSE) == sizeof back && back == 42 && witness == 1)
		probe_saw(attempt, "reads and writes a child's memory");
	tracee_end(pid);
	return reads && writes ? PROBE_YES : reads || writes ? PROBE_PARTLY : PROBE_NO;
}

static ProbeVerdict check_proc_mem(ProbeAttempt *attempt)
{
	pid_t pid = tracee_start(do_nothing);
	g_autofree char *path = g_strdup_printf("/proc/%d/mem", pid);
	int fd, value = 42, back = 0;
	gboolean reads, writes;

	if (pid < 0)
		return probe_saw_error(attempt, "fork", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	reads = pread(fd, &back, sizeof back, (off_t) (gsize) &witness) == sizeof back && back == 1;
	if (!reads)
		probe_saw_error(attempt, "pread of /proc/PID/mem", -errno);
	writes = pwrite(fd, &value, sizeof value, (off_t) (gsize) &witness) == sizeof value;
	if (!writes)
		probe_saw_error(attempt, "pwrite to /proc/PID/mem", -errno);
	if (fd >= 0)
		close(fd);
	tracee_end(pid);
	if (reads && writes)
		probe_saw(attempt, "reads and writes a child's memory");
	return reads && writes ? PROBE_YES : reads || writes ? PROBE_PARTLY : PROBE_NO;
}

static ProbeVerdict check_openat2(ProbeAttempt *attempt)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
	long fd = syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how);

	if (fd < 0)
		return probe_saw_error(attempt, "openat2", -errno);
	close((int) fd);
	probe_saw(attempt, "openat2(/, RESOLVE_NO_MAGICLINKS) succeeded");
	return PROBE_YES;
}

static ProbeVerdict check_pidfd_getfd(ProbeAttempt *attempt)
{
	pid_t pid = tracee_start(do_nothing);
	long pidfd, fd;

	if (pid < 0)
		return probe_saw_error(attempt, "fork", pid);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		probe_saw_error(attempt, "pidfd_open", -errno);
	fd = pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, STDERR_FILENO, 0);
	if (pidfd >= 0 && fd < 0)
		probe_saw_error(attempt, "pidfd_getfd", -errno);
	tracee_end(pid);
	if (fd < 0)
		return PROBE_NO;
	probe_saw(attempt, "took a descriptor from a child");
	return PROBE_YES;
}

static ProbeVerdict check_memfd(ProbeAttempt *attempt)
{
	int fd = memfd_create("cgemud-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return probe_saw_error(attempt, "memfd_create", -errno);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
		probe_saw_error(attempt, "F_ADD_SEALS", -errno);
		return PROBE_PARTLY;
	}
	probe_saw(attempt, "a memfd is made and sealed");
	return PROBE_YES;
}

const ProbeCheck tracing_checks[] = {
	{"seccomp-filter", check_filter, "let a filter answer getppid()",
	 "calls can be told apart without stopping each", "no seccomp: no trace view"},
	{"seccomp-trace", check_trace, "SECCOMP_RET_TRACE for getppid(), seen by PTRACE_O_TRACESECCOMP",
	 "the trace view works, and costs nothing for calls that it leaves alone", "no trace view"},
	{"seccomp-notify", check_notify, "a filter with a user notification listener",
	 "calls could be answered without ptrace", "calls are answered through ptrace"},
	{"ptrace", check_ptrace, "PTRACE_SEIZE and PTRACE_INTERRUPT on a child", "processes can be traced",
	 "nothing can be traced: is this inside strace, gdb or a sandbox that forbids it?"},
	{"ptrace-syscall-info", check_syscall_info, "PTRACE_GET_SYSCALL_INFO at a seccomp stop",
	 "calls are read in one step on every architecture", "calls are read from the registers"},
	{"process-vm", check_process_vm, "process_vm_readv and process_vm_writev on a child",
	 "paths are read and written in one call", "paths are read through /proc/PID/mem or word by word"},
	{"proc-mem", check_proc_mem, "pread of and pwrite to /proc/PID/mem of a child",
	 "memory can be read and written without process_vm_*", "memory is written word by word, with PTRACE_POKEDATA"},
	{"openat2", check_openat2, "openat2 with RESOLVE_NO_MAGICLINKS",
	 "libcontainer opens cgroup files without looking at the file system's type",
	 "libcontainer since 1.0.0-rc93 and podman accept only files whose fstatfs says cgroup"},
	{"pidfd-getfd", check_pidfd_getfd, "pidfd_open and pidfd_getfd on a child",
	 "eventfds given to cgroup.event_control can be signalled",
	 "eventfds given to cgroup.event_control stay silent"},
	{"memfd", check_memfd, "memfd_create, and seals on it", "rewritten /proc files can be handed out",
	 "rewritten /proc files need a writable directory"},
	{0},
};
