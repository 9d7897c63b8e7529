/*
 * See syscalls.h. x86_64 only; other architectures have no trace view.
 */
#include "daemon/view/trace-engine.h"

#include <sys/syscall.h>

#define NO NO_ARGUMENT

/* Newer than some headers. */
#define NR_fchmodat2     452
#define NR_setxattrat    463
#define NR_getxattrat    464
#define NR_listxattrat   465
#define NR_removexattrat 466

#define ROOTS (TRACE_STATFS | TRACE_PATHS)
#define LOOKS (TRACE_PATHS | TRACE_FILES)
#define OPENS (LOOKS | TRACE_PROCESS)

/* clang-format off */
const SyscallRow syscall_rows[] = {
	/* name, nr, features, dirfd, path, dirfd2, path2, at_flags, flags, enter, leave, zero */
	{"statfs", SYS_statfs, TRACE_STATFS, NO, 0, NO, NO, NO, 0, statfs_enter, statfs_leave, 0},
	{"fstatfs", SYS_fstatfs, TRACE_STATFS, 0, NO, NO, NO, NO, 0, statfs_enter, statfs_leave, 0},
	{"sysinfo", SYS_sysinfo, TRACE_MEMORY, NO, NO, NO, NO, NO, 0, sysinfo_enter, sysinfo_leave, 0},
	{"chroot", SYS_chroot, ROOTS, NO, 0, NO, NO, NO, 0, root_enter, NULL, 0},
	{"pivot_root", SYS_pivot_root, ROOTS, NO, 0, NO, 1, NO, 0, root_enter, NULL, 0},
	{"setns", SYS_setns, ROOTS, 0, NO, NO, NO, NO, 0, root_enter, NULL, 0},
	{"fork", SYS_fork, TRACE_FORKS, NO, NO, NO, NO, NO, 0, fork_enter, NULL, 0},
	{"vfork", SYS_vfork, TRACE_FORKS, NO, NO, NO, NO, NO, 0, fork_enter, NULL, 0},
	{"clone", SYS_clone, TRACE_FORKS, NO, NO, NO, NO, NO, 0, fork_enter, NULL, 0},
	{"clone3", SYS_clone3, TRACE_FORKS, NO, NO, NO, NO, NO, 0, fork_enter, NULL, 0},

	{"open", SYS_open, OPENS, NO, 0, NO, NO, NO, 0, open_enter, open_leave, 0},
	{"creat", SYS_creat, OPENS, NO, 0, NO, NO, NO, 0, open_enter, open_leave, 0},
	{"openat", SYS_openat, OPENS, 0, 1, NO, NO, NO, 0, open_enter, open_leave, 0},
	{"openat2", SYS_openat2, OPENS | TRACE_OPENAT2, 0, 1, NO, NO, NO, 0, openat2_enter, open_leave, 0},
	{"stat", SYS_stat, LOOKS, NO, 0, NO, NO, NO, 0, path_enter, NULL, 0},
	{"lstat", SYS_lstat, LOOKS, NO, 0, NO, NO, NO, SYSCALL_NOFOLLOW, path_enter, NULL, 0},
	{"newfstatat", SYS_newfstatat, LOOKS, 0, 1, NO, NO, 3, SYSCALL_BY_FD, path_enter, NULL, 0},
	{"statx", SYS_statx, LOOKS, 0, 1, NO, NO, 2, SYSCALL_BY_FD, statx_enter, NULL, 0},
	{"access", SYS_access, LOOKS, NO, 0, NO, NO, NO, 0, path_enter, NULL, 0},
	{"faccessat", SYS_faccessat, LOOKS, 0, 1, NO, NO, NO, 0, path_enter, NULL, 0},
	{"faccessat2", SYS_faccessat2, LOOKS, 0, 1, NO, NO, 3, 0, path_enter, NULL, 0},
	{"chdir", SYS_chdir, TRACE_PATHS, NO, 0, NO, NO, NO, 0, chdir_enter, NULL, 0},
	{"execve", SYS_execve, TRACE_EXECS, NO, 0, NO, NO, NO, 0, path_enter, NULL, 0},
	{"execveat", SYS_execveat, TRACE_EXECS, 0, 1, NO, NO, 4, 0, path_enter, NULL, 0},
	{"chmod", SYS_chmod, TRACE_PATHS, NO, 0, NO, NO, NO, 0, path_enter, NULL, 0},
	{"fchmodat", SYS_fchmodat, TRACE_PATHS, 0, 1, NO, NO, NO, 0, path_enter, NULL, 0},
	{"chown", SYS_chown, TRACE_PATHS, NO, 0, NO, NO, NO, 0, path_enter, NULL, 0},
	{"lchown", SYS_lchown, TRACE_PATHS, NO, 0, NO, NO, NO, SYSCALL_NOFOLLOW, path_enter, NULL, 0},
	{"fchownat", SYS_fchownat, TRACE_PATHS, 0, 1, NO, NO, 4, 0, path_enter, NULL, 0},
	{"utime", SYS_utime, TRACE_PATHS, NO, 0, NO, NO, NO, 0, path_enter, NULL, 0},
	{"utimes", SYS_utimes, TRACE_PATHS, NO, 0, NO, NO, NO, 0, path_enter, NULL, 0},
	{"futimesat", SYS_futimesat, TRACE_PATHS, 0, 1, NO, NO, NO, 0, path_enter, NULL, 0},
	{"utimensat", SYS_utimensat, TRACE_PATHS, 0, 1, NO, NO, 3, 0, path_enter, NULL, 0},
	{"getxattr", SYS_getxattr, TRACE_PATHS, NO, 0, NO, NO, NO, 0, path_enter, NULL, 0},
	{"lgetxattr", SYS_lgetxattr, TRACE_PATHS, NO, 0, NO, NO, NO, SYSCALL_NOFOLLOW, path_enter, NULL, 0},
	{"listxattr", SYS_listxattr, TRACE_PATHS, NO, 0, NO, NO, NO, 0, path_enter, NULL, 0},
	{"llistxattr", SYS_llistxattr, TRACE_PATHS, NO, 0, NO, NO, NO, SYSCALL_NOFOLLOW, path_enter, NULL, 0},
	{"setxattr", SYS_setxattr, TRACE_PATHS, NO, 0, NO, NO, NO, 0, path_enter, NULL, 0},
	{"lsetxattr", SYS_lsetxattr, TRACE_PATHS, NO, 0, NO, NO, NO, SYSCALL_NOFOLLOW, path_enter, NULL, 0},
	{"removexattr", SYS_removexattr, TRACE_PATHS, NO, 0, NO, NO, NO, 0, path_enter, NULL, 0},
	{"lremovexattr", SYS_lremovexattr, TRACE_PATHS, NO, 0, NO, NO, NO, SYSCALL_NOFOLLOW, path_enter, NULL, 0},
	{"setxattrat", NR_setxattrat, TRACE_PATHS, 0, 1, NO, NO, 2, 0, path_enter, NULL, 0},
	{"getxattrat", NR_getxattrat, TRACE_PATHS, 0, 1, NO, NO, 2, 0, path_enter, NULL, 0},
	{"listxattrat", NR_listxattrat, TRACE_PATHS, 0, 1, NO, NO, 2, 0, path_enter, NULL, 0},
	{"removexattrat", NR_removexattrat, TRACE_PATHS, 0, 1, NO, NO, 2, 0, path_enter, NULL, 0},
	{"fchmodat2", NR_fchmodat2, TRACE_PATHS, 0, 1, NO, NO, 3, 0, path_enter, NULL, 0},
	{"name_to_handle_at", SYS_name_to_handle_at, TRACE_PATHS, 0, 1, NO, NO, NO, SYSCALL_NOFOLLOW, path_enter, NULL, 0},
	{"fanotify_mark", SYS_fanotify_mark, TRACE_PATHS, 3, 4, NO, NO, NO, 0, path_enter, NULL, 0},
	{"open_tree", SYS_open_tree, TRACE_PATHS, 0, 1, NO, NO, 2, 0, mount_enter, NULL, 0},
	{"mount", SYS_mount, TRACE_PATHS, NO, 1, NO, NO, NO, 0, mount_enter, NULL, 0},
	{"umount2", SYS_umount2, TRACE_PATHS, NO, 0, NO, NO, NO, 0, mount_enter, NULL, 0},
	{"move_mount", SYS_move_mount, TRACE_PATHS, 2, 3, NO, NO, NO, 0, mount_enter, NULL, 0},
	{"mount_setattr", SYS_mount_setattr, TRACE_PATHS, 0, 1, NO, NO, 2, 0, mount_enter, NULL, 0},
	{"bind", SYS_bind, TRACE_PATHS, NO, NO, NO, NO, NO, 0, address_enter, NULL, 0},
	{"connect", SYS_connect, TRACE_PATHS, NO, NO, NO, NO, NO, 0, address_enter, NULL, 0},
	{"inotify_add_watch", SYS_inotify_add_watch, TRACE_PATHS, NO, 1, NO, NO, NO, 0, watch_enter, NULL, 0},
	{"truncate", SYS_truncate, TRACE_PATHS, NO, 0, NO, NO, NO, 0, truncate_enter, NULL, 0},
	{"mkdir", SYS_mkdir, TRACE_PATHS, NO, 0, NO, NO, NO, SYSCALL_NOFOLLOW, mkdir_enter, NULL, 0},
	{"mkdirat", SYS_mkdirat, TRACE_PATHS, 0, 1, NO, NO, NO, SYSCALL_NOFOLLOW, mkdir_enter, NULL, 0},
	{"rmdir", SYS_rmdir, TRACE_PATHS, NO, 0, NO, NO, NO, SYSCALL_NOFOLLOW, rmdir_enter, NULL, 0},
	{"unlink", SYS_unlink, TRACE_PATHS, NO, 0, NO, NO, NO, SYSCALL_NOFOLLOW, unlink_enter, NULL, 0},
	{"unlinkat", SYS_unlinkat, TRACE_PATHS, 0, 1, NO, NO, NO, SYSCALL_NOFOLLOW, unlink_enter, NULL, 0},
	{"rename", SYS_rename, TRACE_PATHS, NO, 0, NO, 1, NO, SYSCALL_NOFOLLOW, rename_enter, NULL, 0},
	{"renameat", SYS_renameat, TRACE_PATHS, 0, 1, 2, 3, NO, SYSCALL_NOFOLLOW, rename_enter, NULL, 0},
	{"renameat2", SYS_renameat2, TRACE_PATHS, 0, 1, 2, 3, NO, SYSCALL_NOFOLLOW, rename_enter, NULL, 0},
	{"link", SYS_link, TRACE_PATHS, NO, 0, NO, 1, NO, SYSCALL_NOFOLLOW, link_enter, NULL, 0},
	{"linkat", SYS_linkat, TRACE_PATHS, 0, 1, 2, 3, NO, SYSCALL_NOFOLLOW, link_enter, NULL, 0},
	{"symlink", SYS_symlink, TRACE_PATHS, NO, NO, NO, 1, NO, SYSCALL_NOFOLLOW, link_enter, NULL, 0},
	{"symlinkat", SYS_symlinkat, TRACE_PATHS, NO, NO, 1, 2, NO, SYSCALL_NOFOLLOW, link_enter, NULL, 0},
	{"mknod", SYS_mknod, TRACE_PATHS, NO, NO, NO, 0, NO, SYSCALL_NOFOLLOW, link_enter, NULL, 0},
	{"mknodat", SYS_mknodat, TRACE_PATHS, NO, NO, 0, 1, NO, SYSCALL_NOFOLLOW, link_enter, NULL, 0},
	{"getcwd", SYS_getcwd, TRACE_PATHS, NO, NO, NO, NO, NO, 0, getcwd_enter, getcwd_leave, 0},
	{"readlink", SYS_readlink, TRACE_PATHS, NO, 0, NO, NO, NO, SYSCALL_NOFOLLOW, readlink_enter, readlink_leave, 0},
	{"readlinkat", SYS_readlinkat, TRACE_PATHS, 0, 1, NO, NO, NO, SYSCALL_NOFOLLOW, readlink_enter, readlink_leave, 0},
	{"lseek", SYS_lseek, TRACE_PATHS | TRACE_SEEKS, 0, NO, NO, NO, NO, 0, seek_enter, NULL, 1 << 1 | 1 << 2},
	{"pread64", SYS_pread64, TRACE_PATHS, 0, NO, NO, NO, NO, 0, rewind_enter, NULL, 1 << 3},

	{"write", SYS_write, TRACE_WRITES, 0, NO, NO, NO, NO, 0, write_enter, NULL, 0},
	{"pwrite64", SYS_pwrite64, TRACE_WRITES, 0, NO, NO, NO, NO, 0, write_enter, NULL, 0},
	{"writev", SYS_writev, TRACE_WRITES, 0, NO, NO, NO, NO, 0, writev_enter, NULL, 0},
	{"pwritev", SYS_pwritev, TRACE_WRITES, 0, NO, NO, NO, NO, 0, writev_enter, NULL, 0},
	{"pwritev2", SYS_pwritev2, TRACE_WRITES, 0, NO, NO, NO, NO, 0, writev_enter, NULL, 0},
	{"sendfile", SYS_sendfile, TRACE_WRITES, 0, NO, NO, NO, NO, 0, copy_enter, NULL, 0},
	{"copy_file_range", SYS_copy_file_range, TRACE_WRITES, 2, NO, NO, NO, NO, 0, copy_enter, NULL, 0},
	{"splice", SYS_splice, TRACE_WRITES, 2, NO, NO, NO, NO, 0, copy_enter, NULL, 0},

	{"read", SYS_read, TRACE_READS, 0, NO, NO, NO, NO, 0, read_enter, NULL, 0},
	{"readv", SYS_readv, TRACE_READS, 0, NO, NO, NO, NO, 0, read_enter, NULL, 0},
	{"preadv", SYS_preadv, TRACE_READS, 0, NO, NO, NO, NO, 0, read_enter, NULL, 0},
	{"preadv2", SYS_preadv2, TRACE_READS, 0, NO, NO, NO, NO, 0, read_enter, NULL, 0},

	{"poll", SYS_poll, TRACE_POLLS, NO, NO, NO, NO, NO, 0, poll_enter, poll_leave, 0},
	{"ppoll", SYS_ppoll, TRACE_POLLS, NO, NO, NO, NO, NO, 0, poll_enter, poll_leave, 0},
	{"select", SYS_select, TRACE_POLLS, NO, NO, NO, NO, NO, 0, select_enter, select_leave, 0},
	{"pselect6", SYS_pselect6, TRACE_POLLS, NO, NO, NO, NO, NO, 0, select_enter, select_leave, 0},
	{"epoll_ctl", SYS_epoll_ctl, TRACE_POLLS, NO, NO, NO, NO, NO, 0, epoll_ctl_enter, NULL, 0},
	{"epoll_wait", SYS_epoll_wait, TRACE_WAITS, NO, NO, NO, NO, NO, 0, epoll_wait_enter, epoll_wait_leave, 0},
	{"epoll_pwait", SYS_epoll_pwait, TRACE_WAITS, NO, NO, NO, NO, NO, 0, epoll_wait_enter, epoll_wait_leave, 0},
	{"epoll_pwait2", SYS_epoll_pwait2, TRACE_WAITS, NO, NO, NO, NO, NO, 0, epoll_wait_enter, epoll_wait_leave, 0},
	{"close", SYS_close, TRACE_WAITS, NO, NO, NO, NO, NO, 0, close_enter, NULL, 0},
	{0},
};
/* clang-format on */

#define MAX_NR 1024

const SyscallRow *syscall_row(long nr)
{
	static const SyscallRow *by_nr[MAX_NR];
	static gsize filled;
	if (g_once_init_enter(&filled)) {
		for (const SyscallRow *row = syscall_rows; row->name; row++)
			by_nr[row->nr] = row;
		g_once_init_leave(&filled, 1);
	}
	return nr >= 0 && nr < MAX_NR ? by_nr[nr] : NULL;
}
