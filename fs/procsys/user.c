/*
 * user/: what a user may have of things that cost kernel memory. kernel/ucount.c
 */
#include "fs/procsys/kind.h"

/* clang-format off */
const Sysctl sysctl_user[] = {
	{ "max_cgroup_namespaces", 0644, "3830", UNSIGNED, "cgroup namespaces a user may have in a user namespace",
	  .machine = sysctl_machine_namespaces },
	{ "max_fanotify_groups",   0644, "128",  UNSIGNED, "fanotify groups of a user" },
	{ "max_fanotify_marks",    0644, "8192", UNSIGNED, "fanotify marks of a user" },
	{ "max_inotify_instances", 0644, "128",  UNSIGNED, "inotify descriptors of a user" },
	{ "max_inotify_watches",   0644, "8192", UNSIGNED, "inotify watches of a user" },
	{ "max_ipc_namespaces",    0644, "3830", UNSIGNED, "ipc namespaces a user may have in a user namespace",
	  .machine = sysctl_machine_namespaces },
	{ "max_mnt_namespaces",    0644, "3830", UNSIGNED, "mnt namespaces a user may have in a user namespace",
	  .machine = sysctl_machine_namespaces },
	{ "max_net_namespaces",    0644, "3830", UNSIGNED, "net namespaces a user may have in a user namespace",
	  .machine = sysctl_machine_namespaces },
	{ "max_pid_namespaces",    0644, "3830", UNSIGNED, "pid namespaces a user may have in a user namespace",
	  .machine = sysctl_machine_namespaces },
	{ "max_time_namespaces",   0644, "3830", UNSIGNED, "time namespaces a user may have in a user namespace",
	  .machine = sysctl_machine_namespaces },
	{ "max_user_namespaces",   0644, "3830", UNSIGNED, "user namespaces a user may have in a user namespace",
	  .machine = sysctl_machine_namespaces },
	{ "max_uts_namespaces",    0644, "3830", UNSIGNED, "uts namespaces a user may have in a user namespace",
	  .machine = sysctl_machine_namespaces },
	END
};
/* clang-format on */
