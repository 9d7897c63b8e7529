/*
 * Which namespaces this process may leave for new ones.
 */
#include "daemon/probe/sandbox.h"
#include "daemon/probe/subjects.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

static ProbeVerdict check_user_namespace(ProbeAttempt *attempt)
{
	int r = sandbox_enter_user_namespace();

	if (r < 0)
		return probe_saw_error(attempt, "unshare(CLONE_NEWUSER)", r);
	probe_saw(attempt, "became the owner of a user and a mount namespace as uid %u", getuid());
	return PROBE_YES;
}

static int note_private(ProbeAttempt *attempt)
{
	g_ptr_array_set_size(attempt->found, 0);
	g_ptr_array_set_size(attempt->missing, 0);
	probe_look_for(attempt, "private", sandbox_is_private());
	if (!sandbox_is_private())
		probe_saw(attempt, "the namespace is the same as before");
	return 0;
}

static ProbeVerdict check_mount_namespace(ProbeAttempt *attempt)
{
	ProbeVerdict verdict = sandbox_try(attempt, "unshare(CLONE_NEWNS)", note_private);

	return verdict == PROBE_YES && !sandbox_is_private() ? PROBE_PARTLY : verdict;
}

static ProbeVerdict try_unshare(ProbeAttempt *attempt, int flag, const char *what)
{
	if (unshare(flag) == 0) {
		probe_saw(attempt, "%s succeeded", what);
		return PROBE_YES;
	}
	probe_saw_error(attempt, what, -errno);
	if (errno != EPERM || sandbox_enter_user_namespace() < 0 || unshare(flag) < 0)
		return PROBE_NO;
	probe_saw(attempt, "works in a user namespace");
	return PROBE_PARTLY;
}

static ProbeVerdict check_pid_namespace(ProbeAttempt *attempt)
{
	return try_unshare(attempt, CLONE_NEWPID, "unshare(CLONE_NEWPID)");
}

static ProbeVerdict check_cgroup_namespace(ProbeAttempt *attempt)
{
	return try_unshare(attempt, CLONE_NEWCGROUP, "unshare(CLONE_NEWCGROUP)");
}

static ProbeVerdict check_chroot(ProbeAttempt *attempt)
{
	if (chroot("/") == 0) {
		probe_saw(attempt, "chroot(/) succeeded");
		return PROBE_YES;
	}
	probe_saw_error(attempt, "chroot", -errno);
	if (sandbox_enter_user_namespace() < 0 || chroot("/") < 0)
		return PROBE_NO;
	probe_saw(attempt, "works in a user namespace");
	return PROBE_PARTLY;
}

const ProbeCheck namespace_checks[] = {
	{"user-namespace", check_user_namespace, "unshare(CLONE_NEWUSER | CLONE_NEWNS), mapping the own user id",
	 "--exec can mount without privileges", "--exec can mount only with CAP_SYS_ADMIN"},
	{"mount-namespace", check_mount_namespace, "unshare(CLONE_NEWNS), comparing /proc/self/ns/mnt",
	 "--exec can mount where only its command sees it", "--exec cannot mount by itself",
	 "what --exec mounts is seen by others, too, or takes a user namespace"},
	{"pid-namespace", check_pid_namespace, "unshare(CLONE_NEWPID)", "a command can get process ids of its own",
	 "a command sees this machine's process ids", PROBE_FOR_EXEC_ALONE},
	{"cgroup-namespace", check_cgroup_namespace, "unshare(CLONE_NEWCGROUP)",
	 "native cgroup paths can be shown from the command's group down", "native cgroup paths are shown whole",
	 PROBE_FOR_EXEC_ALONE},
	{"chroot", check_chroot, "chroot(/)", "an overlay root can be entered where pivot_root fails",
	 "another root can be entered by pivot_root only", PROBE_FOR_EXEC_ALONE},
	{0},
};
