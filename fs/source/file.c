#include "fs/source/file.h"

#include "build-features.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Makes room for at least one more byte behind len; grows in doubling steps. Returns the room there is. */
static size_t buffer_reserve(GString *out, size_t len)
{
	if (out->allocated_len < len + 2)
		g_string_set_size(out, len + MAX(len, INITIAL_BUFFER));
	return out->allocated_len - len - 1;
}

static ssize_t pread_retry(int fd, void *to, size_t size, off_t offset)
{
	ssize_t n;

	do
		n = pread(fd, to, size, offset);
	while (n < 0 && errno == EINTR);
	return n;
}

static int read_from_start(int fd, gboolean single, GString *out)
{
	size_t len = 0;

	for (;;) {
		size_t room = buffer_reserve(out, len);
		ssize_t n = pread_retry(fd, out->str + len, room, (off_t) len);

		if (n < 0) {
			int error = -errno;

			g_string_truncate(out, 0);
			return error;
		}
		len += (size_t) n;
		if (n == 0 || (single && (size_t) n < room))
			break;
	}
	out->len = len;
	out->str[len] = '\0';
	return 0;
}

static int read_path(int dirfd, const char *path, gboolean single, GString *out)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int r;

	if (fd < 0)
		return -errno;
	r = read_from_start(fd, single, out);
	close(fd);
	return r;
}

int file_read(int fd, GString *out)
{
	return read_from_start(fd, FALSE, out);
}

int file_read_at(int dirfd, const char *path, GString *out)
{
	return read_path(dirfd, path, FALSE, out);
}

int file_read_single_at(int dirfd, const char *path, GString *out)
{
	return read_path(dirfd, path, TRUE, out);
}
