/*
 * What FUSE really does here, seen through a tree that is mounted for the moment.
 */
#include "daemon/probe/fuse-tree.h"
#include "daemon/probe/sandbox.h"
#include "daemon/probe/subjects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static ProbeVerdict check_device(ProbeAttempt *attempt)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return probe_saw_error(attempt, "open /dev/fuse", -errno);
	close(fd);
	probe_saw(attempt, "/dev/fuse opens");
	return PROBE_YES;
}

/* A tree that several checks look at, one after the other, in one process. */
typedef struct SharedTree {
	gboolean tried, in_user_namespace;
	int error; /* -errno of mounting it, or 0 */
	FuseTree tree;
} SharedTree;

static SharedTree complete = {.tree = {.device = -1, .server = -1, .log = MAP_FAILED}};
static SharedTree incomplete = {.tree = {.device = -1, .server = -1, .log = MAP_FAILED}};

/* Mounts with the rights of this process, else in a user namespace. */
static void mount_somehow(ProbeAttempt *attempt, FuseTreeFlags flags, SharedTree *shared)
{
	g_autofree char *path = probe_make_directory(attempt, "fuse");
	int r = path ? sandbox_enter_mount_namespace() : -ENOENT;

	if (r == 0)
		r = fuse_tree_mount(&shared->tree, path, flags);
	if (r == -EPERM && sandbox_enter_user_namespace() == 0) {
		shared->in_user_namespace = TRUE;
		r = fuse_tree_mount(&shared->tree, path, flags);
	}
	shared->error = r;
}

static const SharedTree *shared_tree(ProbeAttempt *attempt, FuseTreeFlags flags)
{
	SharedTree *shared = flags & FUSE_TREE_INCOMPLETE ? &incomplete : &complete;

	if (!shared->tried)
		mount_somehow(attempt, flags, shared);
	shared->tried = TRUE;
	return shared;
}

void fuse_checks_end(void)
{
	fuse_tree_unmount(&complete.tree);
	fuse_tree_unmount(&incomplete.tree);
}

static ProbeVerdict check_mount(ProbeAttempt *attempt)
{
	const SharedTree *shared = shared_tree(attempt, FUSE_TREE_COMPLETE);
	struct stat root;

	if (shared->error < 0)
		return probe_saw_error(attempt, "mount(fuse)", shared->error);
	if (stat(shared->tree.path, &root) < 0)
		return probe_saw_error(attempt, "mounted, but stat of its root", -errno);
	probe_saw(attempt, "mounted%s; the kernel speaks protocol 7.%u",
		  shared->in_user_namespace ? " in a user namespace only" : "", shared->tree.log->minor);
	return shared->in_user_namespace ? PROBE_PARTLY : PROBE_YES;
}

/* fusermount3 unmounts by itself when its socket closes: nothing stays if this process is killed. */
static G_GNUC_NORETURN void run_helper(const char *path, int socket)
{
	g_autofree char *number = g_strdup_printf("%d", socket);

	g_setenv("_FUSE_COMMFD", number, TRUE);
	if (freopen("/dev/null", "w", stderr))
		execlp("fusermount3", "fusermount3", "-o", "auto_unmount", "--", path, NULL);
	_exit(127);
}

/* The helper sends one byte with the session's descriptor, which is closed for want of room for it. */
static ProbeVerdict mount_by_helper(ProbeAttempt *attempt, const char *path)
{
	char byte;
	int ends[2], status = 0;
	gboolean mounted;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return probe_saw_error(attempt, "socketpair", -errno);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		run_helper(path, ends[1]);
	}
	close(ends[1]);
	mounted = pid > 0 && read(ends[0], &byte, 1) == 1;
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (mounted)
		probe_saw(attempt, "fusermount3 mounts on a directory of this user's own");
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		probe_saw(attempt, "there is no fusermount3");
	else
		probe_saw(attempt, "fusermount3 fails");
	return mounted ? PROBE_YES : PROBE_NO;
}

static ProbeVerdict check_helper(ProbeAttempt *attempt)
{
	g_autofree char *path = NULL;

	if (geteuid() == 0) {
		probe_saw(attempt, "not tried: root mounts without it");
		return PROBE_UNKNOWN;
	}
	path = probe_make_directory(attempt, "helped");
	return path ? mount_by_helper(attempt, path) : PROBE_UNKNOWN;
}

static ProbeVerdict with_tree(ProbeAttempt *attempt, FuseTreeFlags flags,
			      ProbeVerdict (*look)(ProbeAttempt *attempt, const FuseTree *tree))
{
	const SharedTree *shared = shared_tree(attempt, flags);

	if (shared->error == 0)
		return look(attempt, &shared->tree);
	probe_saw(attempt, "not tried");
	probe_saw_error(attempt, "mount(fuse)", shared->error);
	return PROBE_UNKNOWN;
}

static int open_file(const FuseTree *tree, const char *name, int flags)
{
	g_autofree char *path = g_build_filename(tree->path, name, NULL);

	return open(path, flags | O_CLOEXEC);
}

/* Text that read() or pread() gave, for comparing; "" on an error, which is noted. */
static char *text_of(ProbeAttempt *attempt, const char *what, ssize_t length, const char *buffer)
{
	if (length >= 0)
		return g_strndup(buffer, (gsize) length);
	probe_saw_error(attempt, what, -errno);
	return g_strdup("");
}

static ProbeVerdict look_lookup(ProbeAttempt *attempt, const FuseTree *tree)
{
	g_autofree char *present = g_build_filename(tree->path, FUSE_TREE_LIVE, NULL);
	g_autofree char *absent = g_build_filename(tree->path, "absent", NULL);
	struct stat st;

	if (stat(present, &st) < 0)
		return probe_saw_error(attempt, "stat", -errno);
	probe_saw(attempt, "inode %lu, mode %o", (unsigned long) st.st_ino, st.st_mode);
	if (stat(absent, &st) == 0 || errno != ENOENT)
		return probe_saw_error(attempt, "stat of a file that does not exist", -errno);
	return PROBE_YES;
}

static ProbeVerdict check_lookup(ProbeAttempt *attempt)
{
	return with_tree(attempt, FUSE_TREE_COMPLETE, look_lookup);
}

static ProbeVerdict look_read(ProbeAttempt *attempt, const FuseTree *tree)
{
	g_autofree char *text = NULL;
	char buffer[256];
	int fd = open_file(tree, FUSE_TREE_LIVE, O_RDONLY);

	if (fd < 0)
		return probe_saw_error(attempt, "open", -errno);
	text = text_of(attempt, "read", read(fd, buffer, sizeof buffer), buffer);
	close(fd);
	probe_saw(attempt, "read %zu bytes of a file of size 4096", strlen(text));
	return g_str_has_prefix(text, "reading ") ? PROBE_YES : PROBE_NO;
}

static ProbeVerdict check_read(ProbeAttempt *attempt)
{
	return with_tree(attempt, FUSE_TREE_COMPLETE, look_read);
}

static ProbeVerdict look_pread(ProbeAttempt *attempt, const FuseTree *tree)
{
	g_autofree char *first = NULL, *second = NULL;
	char buffer[256];
	int fd = open_file(tree, FUSE_TREE_LIVE, O_RDONLY);

	if (fd < 0)
		return probe_saw_error(attempt, "open", -errno);
	first = text_of(attempt, "pread", pread(fd, buffer, sizeof buffer, 0), buffer);
	second = text_of(attempt, "second pread", pread(fd, buffer, sizeof buffer, 0), buffer);
	close(fd);
	if (!g_str_has_prefix(second, "reading "))
		return PROBE_NO;
	probe_saw(attempt, g_str_equal(first, second) ? "the same text twice" : "new text each time");
	return g_str_equal(first, second) ? PROBE_PARTLY : PROBE_YES;
}

static ProbeVerdict check_pread(ProbeAttempt *attempt)
{
	return with_tree(attempt, FUSE_TREE_COMPLETE, look_pread);
}

static ProbeVerdict look_seek(ProbeAttempt *attempt, const FuseTree *tree)
{
	g_autofree char *text = NULL;
	char buffer[256];
	int fd = open_file(tree, FUSE_TREE_LIVE, O_RDONLY);

	if (fd < 0)
		return probe_saw_error(attempt, "open", -errno);
	if (read(fd, buffer, sizeof buffer) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		probe_saw_error(attempt, "read or lseek", -errno);
	text = text_of(attempt, "read again", read(fd, buffer, sizeof buffer), buffer);
	close(fd);
	probe_saw(attempt, "%zu bytes after lseek to the beginning", strlen(text));
	return *text ? PROBE_YES : PROBE_NO;
}

static ProbeVerdict check_seek(ProbeAttempt *attempt)
{
	return with_tree(attempt, FUSE_TREE_COMPLETE, look_seek);
}

static ProbeVerdict look_write(ProbeAttempt *attempt, const FuseTree *tree)
{
	static const char text[] = "max 100000\n";
	int fd = open_file(tree, FUSE_TREE_LIVE, O_WRONLY | O_TRUNC);
	ssize_t written;

	if (fd < 0)
		return probe_saw_error(attempt, "open for writing", -errno);
	written = write(fd, text, strlen(text));
	if (written < 0)
		probe_saw_error(attempt, "write", -errno);
	close(fd);
	if (written < 0)
		return PROBE_NO;
	probe_saw(attempt, "write() of %zu bytes arrived as %zu", strlen(text), tree->log->written);
	return strcmp(tree->log->text, text) == 0 ? PROBE_YES : PROBE_NO;
}

static ProbeVerdict check_write(ProbeAttempt *attempt)
{
	return with_tree(attempt, FUSE_TREE_COMPLETE, look_write);
}

static ProbeVerdict look_write_error(ProbeAttempt *attempt, const FuseTree *tree)
{
	int fd = open_file(tree, FUSE_TREE_REFUSING, O_WRONLY);
	ssize_t written;
	int error;

	if (fd < 0)
		return probe_saw_error(attempt, "open for writing", -errno);
	written = write(fd, "x", 1);
	error = errno;
	close(fd);
	probe_saw(attempt, "EINVAL arrives as: %s", written < 0 ? g_strerror(error) : "success");
	return written >= 0 ? PROBE_NO : error == EINVAL ? PROBE_YES : PROBE_PARTLY;
}

static ProbeVerdict check_write_error(ProbeAttempt *attempt)
{
	return with_tree(attempt, FUSE_TREE_COMPLETE, look_write_error);
}

static ProbeVerdict look_readdir(ProbeAttempt *attempt, const FuseTree *tree)
{
	DIR *directory = opendir(tree->path);
	guint count = 0;

	if (!directory)
		return probe_saw_error(attempt, "opendir", -errno);
	for (const struct dirent *entry; (errno = 0, entry = readdir(directory));)
		if (entry->d_name[0] != '.')
			count++;
	if (errno)
		probe_saw_error(attempt, "readdir", -errno);
	closedir(directory);
	probe_saw(attempt, "%u of 3 names", count);
	return count == 3 ? PROBE_YES : PROBE_NO;
}

static ProbeVerdict check_readdir(ProbeAttempt *attempt)
{
	return with_tree(attempt, FUSE_TREE_COMPLETE, look_readdir);
}

static ProbeVerdict look_statfs(ProbeAttempt *attempt, const FuseTree *tree)
{
	struct statfs fs;

	if (statfs(tree->path, &fs) < 0)
		return probe_saw_error(attempt, "statfs", -errno);
	probe_saw(attempt, "type 0x%lx, %lu blocks", (unsigned long) fs.f_type, (unsigned long) fs.f_blocks);
	return fs.f_blocks == FUSE_TREE_BLOCKS ? PROBE_YES : PROBE_PARTLY;
}

static ProbeVerdict check_statfs(ProbeAttempt *attempt)
{
	return with_tree(attempt, FUSE_TREE_COMPLETE, look_statfs);
}

static ProbeVerdict look_sizeless(ProbeAttempt *attempt, const FuseTree *tree)
{
	char buffer[256];
	ssize_t length;
	int fd = open_file(tree, FUSE_TREE_SIZELESS, O_RDONLY);

	if (fd < 0)
		return probe_saw_error(attempt, "open", -errno);
	length = read(fd, buffer, sizeof buffer);
	close(fd);
	probe_saw(attempt, "read %zd of %zu bytes", length, strlen(FUSE_TREE_TEXT));
	return length == (ssize_t) strlen(FUSE_TREE_TEXT) ? PROBE_YES : PROBE_NO;
}

static ProbeVerdict check_sizeless(ProbeAttempt *attempt)
{
	return with_tree(attempt, FUSE_TREE_COMPLETE, look_sizeless);
}

/* ACCESS and OPENDIR are answered by ENOSYS. Linux takes that as "not offered, go on". */
static ProbeVerdict look_left_out(ProbeAttempt *attempt, const FuseTree *tree)
{
	g_autofree char *file = g_build_filename(tree->path, FUSE_TREE_LIVE, NULL);
	int on_access = access(file, R_OK) < 0 ? errno : 0;
	DIR *directory = opendir(tree->path);
	int on_opendir = directory ? 0 : errno;

	if (directory)
		closedir(directory);
	probe_saw(attempt, "access: %s; opendir: %s", on_access ? g_strerror(on_access) : "tolerated",
		  on_opendir ? g_strerror(on_opendir) : "tolerated");
	return on_access || on_opendir ? PROBE_NO : PROBE_YES;
}

static ProbeVerdict check_left_out(ProbeAttempt *attempt)
{
	return with_tree(attempt, FUSE_TREE_INCOMPLETE, look_left_out);
}

static ProbeVerdict look_poll(ProbeAttempt *attempt, const FuseTree *tree)
{
	struct pollfd poller = {.fd = open_file(tree, FUSE_TREE_LIVE, O_RDONLY), .events = POLLPRI};

	if (poller.fd < 0)
		return probe_saw_error(attempt, "open", -errno);
	if (poll(&poller, 1, 0) < 0)
		probe_saw_error(attempt, "poll", -errno);
	close(poller.fd);
	probe_saw(attempt, "POLL %s the server; poll() says 0x%x",
		  fuse_tree_received(tree, FUSE_POLL) ? "reaches" : "does not reach", (unsigned) poller.revents);
	return poller.revents & POLLPRI ? PROBE_YES : PROBE_NO;
}

static ProbeVerdict check_poll(ProbeAttempt *attempt)
{
	return with_tree(attempt, FUSE_TREE_COMPLETE, look_poll);
}

static void write_byte(const FuseTree *tree)
{
	int fd = open_file(tree, FUSE_TREE_LIVE, O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, "x", 1) < 0)
		g_debug("write: %s", g_strerror(errno));
	close(fd);
}

static ProbeVerdict look_inotify(ProbeAttempt *attempt, const FuseTree *tree)
{
	char events[sizeof(struct inotify_event) + 256];
	struct pollfd watcher = {.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .events = POLLIN};
	g_autofree char *file = g_build_filename(tree->path, FUSE_TREE_LIVE, NULL);
	gboolean came;

	if (watcher.fd < 0 || inotify_add_watch(watcher.fd, file, IN_MODIFY) < 0)
		return probe_saw_error(attempt, "inotify", -errno);
	write_byte(tree);
	came = poll(&watcher, 1, 100) > 0 && read(watcher.fd, events, sizeof events) > 0;
	close(watcher.fd);
	probe_saw(attempt,
		  came ? "a write through the mount gives IN_MODIFY" : "no event for a write through the mount");
	return came ? PROBE_YES : PROBE_NO;
}

static ProbeVerdict check_inotify(ProbeAttempt *attempt)
{
	return with_tree(attempt, FUSE_TREE_COMPLETE, look_inotify);
}

static int send_notification(const FuseTree *tree, int code, void *data, size_t size)
{
	struct fuse_out_header header = {.len = (uint32_t) (sizeof header + size), .error = code};
	struct iovec parts[] = {{&header, sizeof header}, {data, size}};

	return writev(tree->device, parts, 2) < 0 ? -errno : 0;
}

/* A notification that the kernel does not know breaks the connection in gVisor; one that offers no more than
 * FUSE_MAX_PAGES, as gVisor does, must never be sent any. */
static ProbeVerdict look_notify(ProbeAttempt *attempt, const FuseTree *tree)
{
	struct fuse_notify_inval_inode_out inode = {.ino = FUSE_ROOT_ID, .off = -1};
	struct stat root;
	int r;

	if (stat(tree->path, &root) < 0)
		return probe_saw_error(attempt, "stat", -errno);
	if (!(tree->log->flags & (FUSE_AUTO_INVAL_DATA | FUSE_EXPLICIT_INVAL_DATA))) {
		probe_saw(attempt, "INIT offers flags 0x%x: no invalidation", tree->log->flags);
		return PROBE_NO;
	}
	r = send_notification(tree, FUSE_NOTIFY_INVAL_INODE, &inode, sizeof inode);
	if (r < 0)
		return probe_saw_error(attempt, "NOTIFY_INVAL_INODE", r);
	probe_saw(attempt, "NOTIFY_INVAL_INODE accepted");
	return PROBE_YES;
}

static ProbeVerdict check_notify(ProbeAttempt *attempt)
{
	return with_tree(attempt, FUSE_TREE_COMPLETE, look_notify);
}

static ProbeVerdict look_caller(ProbeAttempt *attempt, const FuseTree *tree)
{
	int fd = open_file(tree, FUSE_TREE_LIVE, O_RDONLY);

	if (fd < 0)
		return probe_saw_error(attempt, "open", -errno);
	close(fd);
	probe_saw(attempt, "OPEN names pid %d, uid %u; it was pid %d, uid %u", tree->log->opener, tree->log->opener_uid,
		  getpid(), getuid());
	return tree->log->opener == getpid() ? PROBE_YES : tree->log->opener ? PROBE_PARTLY : PROBE_NO;
}

static ProbeVerdict check_caller(ProbeAttempt *attempt)
{
	return with_tree(attempt, FUSE_TREE_COMPLETE, look_caller);
}

/* The helper comes first: it is of no use in the user namespace that mounting the tree may lead to. */
const ProbeCheck fuse_checks[] = {
	{"fuse-device", check_device, "open /dev/fuse", "a FUSE session can be started",
	 "no FUSE: trees cannot be served"},
	{"fuse-helper", check_helper, "mount through fusermount3, where this is not root",
	 "without privileges, --mount can serve a directory of one's own",
	 "without privileges, nothing can be mounted for all programs of this user"},
	{"fuse-mount", check_mount, "mount a throw-away tree and ask for its root", "trees can be mounted",
	 "trees cannot be mounted", PROBE_FOR_EXEC_ALONE},
	{"fuse-lookup", check_lookup, "stat a file of it, and one that does not exist", "names are found",
	 "the tree is unusable"},
	{"fuse-read", check_read, "open and read a file of it", "files can be read", "the tree is unusable"},
	{"fuse-pread", check_pread, "pread twice on one descriptor",
	 "a descriptor that is kept open gives live numbers", "a descriptor that is kept open gives old numbers"},
	{"fuse-seek", check_seek, "read, lseek to the beginning, read", "programs that rewind see live numbers",
	 "programs that rewind see an empty file (shells' read, grep, less)"},
	{"fuse-write", check_write, "write to a file of it", "limits can be set", "the tree can only be read"},
	{"fuse-write-error", check_write_error, "write to a file that answers EINVAL", "a refused write says why",
	 "a refused write fails, with another error"},
	{"fuse-readdir", check_readdir, "list its root", "directories can be listed", "the tree cannot be walked"},
	{"fuse-statfs", check_statfs, "statfs of its root", "statfs answers what the tree says, but for the type",
	 "statfs does not pass on what the tree says"},
	{"fuse-size-0", check_sizeless, "read a file of size 0 with direct I/O",
	 "virtual files may be of size 0, as the kernel's are", "files must be given a size (cgemud does)"},
	{"fuse-enosys", check_left_out, "leave ACCESS and OPENDIR out of the tree",
	 "an operation left out does no harm",
	 "ENOSYS reaches the caller: every operation must be answered (cgemud does)"},
	{"fuse-poll", check_poll, "poll a file of it for POLLPRI", "event files can wake those who poll them",
	 "who polls an event file is not woken"},
	{"fuse-inotify", check_inotify, "inotify on a file of it, and write to that",
	 "changes made through the mount are seen by inotify", "inotify sees no changes"},
	{"fuse-notify", check_notify, "look at what INIT offers, and use it if offered",
	 "the kernel can be told of changes, and may cache names", "the kernel caches nothing: each walk is a request"},
	{"fuse-caller", check_caller, "compare the pid of a request with the caller's",
	 "\"0\" in cgroup.procs and /proc/self mean the caller", "who asks is not known, or known by another pid"},
	{0},
};
