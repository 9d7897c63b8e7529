/*
 * Which requests are being answered, in memory that outlives this process. The kernel never sends a request twice: its
 * client would wait, not even to be killed, for the answer of a process that has ended in the middle of it. The
 * successor answers instead.
 *
 * The kernel itself writes a request's header into the slot of the worker that reads it. So no instant is left in which
 * a request is taken and not noted.
 */
#include "daemon/fuse-private.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define SLOTS 64 /* as many as there may be workers */
#define SIZE  (SLOTS * sizeof(InHeader))

static _Thread_local InHeader *own_slot;

/* EINTR: nearly every client tries that again by itself. What was asked for may have been done, as with a signal. */
static void answer(const FuseServer *server, uint64_t unique)
{
	OutHeader header = {.len = sizeof header, .error = -EINTR, .unique = unique};

	/* ENOENT: it was answered before the end. */
	if (write(server->fd, &header, sizeof header) < 0 && errno != ENOENT)
		g_warning("a request that the last process did not answer stays without answer: %s", g_strerror(errno));
}

void requests_answer_lost(FuseServer *server)
{
	for (int i = 0; server->requests && i < SLOTS; i++) {
		if (server->requests[i].unique)
			answer(server, server->requests[i].unique);
		server->requests[i].unique = 0;
	}
}

gboolean requests_open(FuseServer *server, int fd, GError **error)
{
	void *memory;

	server->requests_fd = fd;
	if (fd < 0)
		return TRUE;
	memory = ftruncate(fd, SIZE) < 0 ? MAP_FAILED : mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot keep a note of requests: %s",
			    g_strerror(errno));
		return FALSE;
	}
	server->requests = memory;
	return TRUE;
}

void requests_close(FuseServer *server)
{
	if (server->requests)
		munmap(server->requests, SIZE);
	if (server->requests_fd >= 0)
		close(server->requests_fd);
}

void requests_take_slot(FuseServer *server, unsigned worker)
{
	own_slot = server->requests && worker < SLOTS ? &server->requests[worker] : NULL;
}

ssize_t requests_read(int fd, void *buf, size_t size)
{
	struct iovec parts[] = {{own_slot, sizeof *own_slot},
				{(char *) buf + sizeof *own_slot, size - sizeof *own_slot}};
	ssize_t n;

	if (!own_slot)
		return read(fd, buf, size);
	n = readv(fd, parts, G_N_ELEMENTS(parts));
	if (n > 0)
		memcpy(buf, own_slot, sizeof *own_slot);
	return n;
}
