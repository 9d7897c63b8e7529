/*
 * Tries every system call that reaches a file system on a group of its own, and prints one line each: name, result.
 * Run on the kernel's own hierarchy and on ours, it must print the same.
 *
 *     syscalls DIRECTORY    (of a hierarchy; a group "cgemud-syscalls" is made in it, and removed)
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char group[] = "cgemud-syscalls";

static void say(const char *name, long result)
{
	if (result < 0)
		printf("%-28s %s\n", name, strerrorname_np(errno));
	else
		printf("%-28s %ld\n", name, result);
}

#define TRY(call) say(#call, (long) (call))
/* Where the number returned means nothing. */
#define TRY_OK(call) say(#call, (long) (call) < 0 ? -1 : 0)

static void try_names(void)
{
	struct stat st;

	TRY(stat("cgroup.procs", &st));
	TRY(st.st_nlink);
	TRY(st.st_size);
	TRY(st.st_mode);
	TRY(stat(".", &st));
	TRY(st.st_nlink);
	TRY(st.st_mode);
	TRY(stat("absent", &st));
	TRY(access("cgroup.procs", R_OK | W_OK));
	TRY(access("absent", F_OK));
	TRY(faccessat(AT_FDCWD, "tasks", X_OK, 0));
	TRY(open("absent", O_RDONLY));
	TRY(open("absent", O_RDWR | O_CREAT, 0644));
	TRY(open("tasks", O_RDWR | O_CREAT | O_EXCL, 0644));
	TRY(open("tasks", O_RDONLY | O_DIRECTORY));
	TRY(open(".", O_RDWR));
	TRY(open(".", O_RDWR | O_TMPFILE, 0600));
	TRY(mknod("node", S_IFREG | 0644, 0));
	TRY(mknod("node", S_IFIFO | 0644, 0));
	TRY(symlink("tasks", "link"));
	TRY(link("tasks", "hard"));
	TRY(readlink("tasks", (char *) &st, 8));
	TRY(unlink("tasks"));
	TRY(unlink("absent"));
	TRY(rmdir("tasks"));
	TRY(rmdir("absent"));
	TRY(rename("tasks", "other"));
	TRY(rename("absent", "other"));
	TRY(chmod("tasks", 0600));
	TRY(chmod("tasks", 0644));
	TRY(chown("tasks", 0, 0));
	TRY(truncate("tasks", 0));
	TRY(utimensat(AT_FDCWD, "tasks", NULL, 0));
	TRY(chdir("tasks"));
}

static void try_directories(void)
{
	struct statvfs fs;

	TRY(mkdir("child", 0755));
	TRY(mkdir("child", 0755));
	TRY(mkdir("tasks", 0755));
	TRY(mkdir("new\nline", 0755));
	TRY(mkdir("child/deep", 0755));
	TRY(rmdir("child"));
	TRY(unlink("child"));
	TRY(rename("child", "renamed"));
	TRY(mkdir("child", 0755));
	TRY(rename("child", "renamed"));
	TRY(rename("child", "renamed/inside"));
	TRY(syscall(SYS_renameat2, AT_FDCWD, "child", AT_FDCWD, "fresh", RENAME_NOREPLACE));
	TRY(syscall(SYS_renameat2, AT_FDCWD, "child", AT_FDCWD, "renamed", RENAME_EXCHANGE));
	TRY(rmdir("renamed/deep"));
	TRY(rmdir("renamed"));
	TRY(rmdir("child"));
	TRY(statvfs(".", &fs));
	TRY(fs.f_bsize);
	TRY(fs.f_namemax);
	TRY(fs.f_blocks);
}

static void try_xattrs(void)
{
	char buf[64];

	TRY(getxattr("tasks", "user.x", buf, sizeof buf));
	TRY(getxattr("tasks", "security.selinux", buf, sizeof buf));
	TRY(listxattr("tasks", buf, sizeof buf));
	TRY(setxattr("tasks", "user.x", "1", 1, 0));
	TRY(removexattr("tasks", "user.x"));
}

static void try_reading(int fd)
{
	char buf[4096];
	struct iovec iov = {buf, sizeof buf};

	TRY(read(fd, buf, sizeof buf));
	TRY(pread(fd, buf, sizeof buf, 0));
	TRY(readv(fd, &iov, 1));
	TRY(lseek(fd, 0, SEEK_SET));
	TRY(lseek(fd, 0, SEEK_END));
	TRY(lseek(fd, 0, SEEK_DATA));
	TRY(lseek(fd, 0, SEEK_HOLE));
	TRY(lseek(fd, -1, SEEK_SET));
	TRY(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	TRY_OK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
	TRY(ftruncate(fd, 0));
	TRY(fchmod(fd, 0644));
	TRY(fchown(fd, 0, 0));
	TRY(futimens(fd, NULL));
	TRY(flock(fd, LOCK_EX | LOCK_NB));
	TRY(flock(fd, LOCK_UN));
}

static void try_descriptors(int fd)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	struct pollfd poll_fd = {fd, POLLIN | POLLOUT, 0};
	int flags = 0, copy = open("tasks", O_RDONLY);
	off_t in = 0, out = 0;

	TRY(fcntl(fd, F_SETLK, &lock));
	TRY(fcntl(fd, F_GETLK, &lock));
	TRY(fsync(fd));
	TRY(fdatasync(fd));
	TRY(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	TRY(ioctl(fd, TIOCGWINSZ, &flags));
	TRY(ioctl(fd, 0x12345678, &flags));
	TRY(fallocate(fd, 0, 0, 1));
	TRY(posix_fallocate(fd, 0, 1));
	TRY(copy_file_range(copy, &in, fd, &out, 10, 0));
	TRY(poll(&poll_fd, 1, 0));
	TRY(poll_fd.revents);
	TRY(write(fd, "", 0));
	TRY(write(fd, "garbage", 7));
	TRY(write(fd, "-5", 2));
	TRY(pwrite(fd, "garbage", 7, 100));
	TRY(syncfs(fd));
	close(copy);
}

static void try_directory_descriptor(void)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY);
	char buf[16];
	int flags;

	TRY(read(fd, buf, sizeof buf));
	TRY(write(fd, buf, 1));
	TRY(fsync(fd));
	TRY(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	TRY(fchmod(fd, 0755));
	TRY(flock(fd, LOCK_SH | LOCK_NB));
	TRY(fallocate(fd, 0, 0, 1));
	TRY_OK(inotify_add_watch(inotify_init(), ".", IN_ALL_EVENTS));
	close(fd);
}

static void try_modes(void)
{
	char buf[64];
	int fd = open("cgroup.procs", O_WRONLY | O_TRUNC);

	TRY(read(fd, buf, sizeof buf));
	TRY_OK(fd);
	close(fd);
	fd = open("cgroup.procs", O_RDWR | O_APPEND);
	TRY_OK(fd);
	TRY(write(fd, "x", 1));
	close(fd);
	fd = open("cgroup.procs", O_RDONLY);
	TRY(write(fd, "x", 1));
	TRY(sendfile(STDOUT_FILENO, fd, NULL, 10));
	close(fd);
	TRY_OK(open("cgroup.procs", O_RDONLY | O_DIRECT));
	TRY_OK(open("cgroup.procs", O_RDONLY | O_NOFOLLOW));
	TRY_OK(open("cgroup.procs", O_PATH));
}

/* What is open while its group goes: every call must say so, and none may hang. */
static void try_removed(void)
{
	char buf[64];
	struct stat st;
	struct pollfd poll_fd = {.events = POLLIN};
	int fd, dir;

	mkdir("gone", 0755);
	fd = open("gone/cgroup.procs", O_RDWR);
	dir = open("gone", O_RDONLY | O_DIRECTORY);
	TRY(rmdir("gone"));
	TRY(read(fd, buf, sizeof buf));
	TRY(pread(fd, buf, sizeof buf, 0));
	TRY(write(fd, "1", 1));
	TRY_OK(fstat(fd, &st));
	poll_fd.fd = fd;
	TRY(poll(&poll_fd, 1, 0));
	TRY(poll_fd.revents);
	TRY(openat(dir, "cgroup.procs", O_RDONLY));
	TRY(mkdirat(dir, "x", 0755));
	mkdir("gone", 0755);
	TRY(read(fd, buf, sizeof buf));
	TRY(openat(dir, "cgroup.procs", O_RDONLY));
	TRY_OK(open("gone/cgroup.procs", O_RDONLY));
	TRY(rmdir("gone"));
	close(fd);
	close(dir);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 2 || chdir(argv[1]) < 0 || mkdir(group, 0755) < 0 || chdir(group) < 0) {
		perror(argc == 2 ? argv[1] : "usage: syscalls DIRECTORY");
		return 1;
	}
	try_names();
	try_directories();
	try_xattrs();
	fd = open("cgroup.procs", O_RDWR);
	try_reading(fd);
	try_descriptors(fd);
	close(fd);
	try_directory_descriptor();
	try_modes();
	try_removed();
	if (chdir("..") < 0 || rmdir(group) < 0) {
		perror("removing the group");
		return 1;
	}
	return 0;
}
