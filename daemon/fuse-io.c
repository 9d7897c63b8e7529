/*
 * Reading requests and writing replies, with one addition: the kernel's greeting (INIT) is kept, so that a successor
 * process can be given it again. The kernel itself greets only once per mount.
 */
#include "daemon/fuse-private.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* As <linux/fuse.h> has it. */
#define OPCODE_INIT 26
/* Stands for no request of the kernel's: those are even, and start at 2. */
#define REPEATED_GREETING UINT64_MAX

static ssize_t repeat_greeting(FuseServer *server, void *buf, size_t size)
{
	InHeader header;

	server->greet_again = FALSE;
	if (server->greeting.size > size || server->greeting.size < sizeof header) {
		errno = EIO;
		return -1;
	}
	memcpy(buf, server->greeting.data, server->greeting.size);
	memcpy(&header, buf, sizeof header);
	header.unique = REPEATED_GREETING;
	memcpy(buf, &header, sizeof header);
	return (ssize_t) server->greeting.size;
}

static void keep_greeting(FuseServer *server, const void *buf, size_t size)
{
	InHeader header;

	if (size < sizeof header || size > sizeof server->greeting.data)
		return;
	memcpy(&header, buf, sizeof header);
	if (header.opcode != OPCODE_INIT)
		return;
	memcpy(server->greeting.data, buf, size);
	server->greeting.size = size;
}

static ssize_t io_read(int fd, void *buf, size_t size, void *data)
{
	FuseServer *server = data;
	ssize_t n;

	if (server->greet_again)
		return repeat_greeting(server, buf, size);
	n = requests_read(fd, buf, size);
	if (n > 0 && !server->greeting.size)
		keep_greeting(server, buf, (size_t) n);
	return n;
}

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *data)
{
	const OutHeader *header = iov[0].iov_base;

	if (iov[0].iov_len >= sizeof *header && header->unique == REPEATED_GREETING)
		return header->len;
	return writev(fd, iov, count);
}

const struct fuse_custom_io fuse_io = {.read = io_read, .writev = io_writev};
