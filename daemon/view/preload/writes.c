/*
 * Descriptors of files that are shown: what is written is a command whose error the caller is to see, and what is read
 * again from the start is to be new.
 *
 * Only what goes through write(2) and its kin as functions passes here. The C library's own buffered output goes to a
 * socket, and is asked after when a stream is flushed or closed (streams.c).
 */
#include "daemon/view/preload/library.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/* Beyond it, descriptors are not remembered: programs that have as many do not write control files. */
#define MAX_REMEMBERED 1024

/* What a descriptor was opened for; it may have been closed, and another opened, without a call of close(). */
typedef struct Opened {
	dev_t device;
	ino_t inode;
	char shown[];
} Opened;

static _Atomic(Opened *) remembered[MAX_REMEMBERED];

void library_remember(int fd, const char *shown)
{
	struct stat st;
	Opened *opened = NULL;
	size_t size = strlen(shown) + 1;
	if (fd < 0 || fd >= MAX_REMEMBERED)
		return;
	if (fstat(fd, &st) == 0 && (opened = malloc(sizeof *opened + size))) {
		opened->device = st.st_dev;
		opened->inode = st.st_ino;
		memcpy(opened->shown, shown, size);
	}
	free(atomic_exchange(&remembered[fd], opened));
}

void library_forget(int fd)
{
	if (fd >= 0 && fd < MAX_REMEMBERED && atomic_load(&remembered[fd]))
		free(atomic_exchange(&remembered[fd], NULL));
}

static bool shown_of(int fd, char shown[PATH_MAX])
{
	struct stat st;
	Opened *opened = fd >= 0 && fd < MAX_REMEMBERED ? atomic_load(&remembered[fd]) : NULL;
	if (!opened)
		return false;
	int saved = errno;
	bool same = fstat(fd, &st) == 0 && st.st_dev == opened->device && st.st_ino == opened->inode;
	errno = saved;
	if (same)
		memcpy(shown, opened->shown, strlen(opened->shown) + 1);
	return same;
}

/* false: not to be told, and the kernel's to write. */
static bool told(int fd, const void *data, size_t size, ssize_t *ret)
{
	char shown[PATH_MAX];
	if (size == 0 || !shown_of(fd, shown) || (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return false;
	Question question = {.action = PRELOAD_WRITE,
			     .path = shown,
			     .more = data,
			     .more_size = size < PRELOAD_MAX_MORE ? size : PRELOAD_MAX_MORE};
	int r = library_ask(&question);
	*ret = r < 0 ? -1 : (ssize_t) size;
	if (r < 0)
		errno = -r;
	return r != -ENOTCONN;
}

/* The number of the writer whose socket it is; -1: it is none. */
static int writer_of(int fd)
{
	struct sockaddr_un address = {0};
	socklen_t size = sizeof address;
	int saved = errno, pid, number = -1;
	if (getsockname(fd, (struct sockaddr *) &address, &size) == 0 && address.sun_family == AF_UNIX &&
	    size < sizeof address && !address.sun_path[0] &&
	    sscanf(address.sun_path + 1, PRELOAD_WRITER, &pid, &number) != 2)
		number = -1;
	errno = saved;
	return number;
}

bool library_write_failed(int fd)
{
	int number = writer_of(fd);
	if (number < 0)
		return false;
	Question question = {.action = PRELOAD_RESULT, .number = number};
	int r = library_ask(&question);
	if (r >= 0 || r == -ENOTCONN)
		return false;
	errno = -r;
	return true;
}

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
	ssize_t n;
	if (told(fd, data, size, &n))
		return n;
	n = NEXT(write)(fd, data, size);
	return n > 0 && library_write_failed(fd) ? -1 : n;
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	ssize_t n;
	return told(fd, data, size, &n) ? n : NEXT(pwrite)(fd, data, size, offset);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
	ssize_t n;
	return told(fd, data, size, &n) ? n : NEXT(pwrite64)(fd, data, size, offset);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int n_parts)
{
	ssize_t n;
	if (n_parts == 1 && told(fd, parts->iov_base, parts->iov_len, &n))
		return n;
	n = NEXT(writev)(fd, parts, n_parts);
	return n > 0 && library_write_failed(fd) ? -1 : n;
}

/* Renders the file anew where it is read from the start. */
static void refresh(int fd, off64_t offset)
{
	char canonical[PATH_MAX], shown[PATH_MAX];
	if (offset != 0 || !shown_of(fd, shown))
		return;
	Question question = {.action = PRELOAD_OPEN,
			     .path = shown,
			     .number = O_RDONLY,
			     .reply = canonical,
			     .reply_size = sizeof canonical};
	(void) library_ask(&question);
}

EXPORT ssize_t pread(int fd, void *buffer, size_t size, off_t offset)
{
	refresh(fd, offset);
	return NEXT(pread)(fd, buffer, size, offset);
}

EXPORT ssize_t pread64(int fd, void *buffer, size_t size, off64_t offset)
{
	refresh(fd, offset);
	return NEXT(pread64)(fd, buffer, size, offset);
}

EXPORT off_t lseek(int fd, off_t offset, int whence)
{
	refresh(fd, whence == SEEK_SET ? offset : -1);
	return NEXT(lseek)(fd, offset, whence);
}

EXPORT off64_t lseek64(int fd, off64_t offset, int whence)
{
	refresh(fd, whence == SEEK_SET ? offset : -1);
	return NEXT(lseek64)(fd, offset, whence);
}

EXPORT int close(int fd)
{
	library_forget(fd);
	return NEXT(close)(fd);
}
