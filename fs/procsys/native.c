#include "fs/procsys/native.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

struct NativeSysctls {
	int root;
};

#define READ_STEP 4096

static gboolean is_fuse(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC;
}

NativeSysctls *native_sysctls_open(const char *path, GError **error)
{
	NativeSysctls *native;
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return NULL;
	if (fd < 0) {
		int e = errno;

		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(e), "cannot open %s: %s%s", path, g_strerror(e),
			    e == ENOTCONN ? "; a daemon that is gone left its mount there: cgemud --unmount removes it"
					  : "");
		return NULL;
	}
	/* A daemon that waits for its own answer would never give one. */
	if (is_fuse(fd)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_BUSY,
			    "%s is a FUSE mount, not the kernel's own directory; remove it with cgemud --unmount",
			    path);
		close(fd);
		return NULL;
	}
	native = g_new0(NativeSysctls, 1);
	native->root = fd;
	return native;
}

void native_sysctls_close(NativeSysctls *native)
{
	if (!native)
		return;
	close(native->root);
	g_free(native);
}

/* The directory that holds the last component of path. */
static int open_parent(const NativeSysctls *native, const char *path, const char **ret_name)
{
	int fd = fcntl(native->root, F_DUPFD_CLOEXEC, 3);
	const char *slash;

	for (; fd >= 0 && (slash = strchr(path, '/')) != NULL; path = slash + 1) {
		g_autofree char *name = g_strndup(path, slash - path);
		int next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int e = errno;

		close(fd);
		errno = e;
		fd = next;
	}
	*ret_name = path;
	return fd < 0 ? -errno : fd;
}

static int open_native(const NativeSysctls *native, const char *path, int flags)
{
	const char *name;
	int parent, fd, e;

	parent = open_parent(native, path, &name);
	if (parent < 0)
		return parent;
	fd = openat(parent, *name ? name : ".", flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	e = errno;
	close(parent);
	return fd < 0 ? -e : fd;
}

int native_sysctls_stat(const NativeSysctls *native, const char *path, struct stat *ret)
{
	const char *name;
	int parent, r;

	parent = open_parent(native, path, &name);
	if (parent < 0)
		return parent;
	r = fstatat(parent, name, ret, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH) < 0 ? -errno : 0;
	close(parent);
	return r;
}

static int read_all(int fd, GString *out)
{
	size_t start = out->len;

	for (;;) {
		size_t have = out->len;
		ssize_t n;

		g_string_set_size(out, have + READ_STEP);
		n = read(fd, out->str + have, READ_STEP);
		g_string_set_size(out, have + (n > 0 ? n : 0));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
	}
	if (out->len > start && out->str[out->len - 1] != '\n')
		g_string_append_c(out, '\n');
	return 0;
}

int native_sysctls_read(const NativeSysctls *native, const char *path, GString *out)
{
	int fd = open_native(native, path, O_RDONLY);
	int r;

	if (fd < 0)
		return fd;
	r = read_all(fd, out);
	close(fd);
	return r;
}

int native_sysctls_write(const NativeSysctls *native, const char *path, const char *text, size_t len)
{
	int fd = open_native(native, path, O_WRONLY);
	ssize_t n;
	int r;

	if (fd < 0)
		return fd;
	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	r = n < 0 ? -errno : 0;
	close(fd);
	return r;
}

static gboolean is_served(int dir, const struct dirent *entry)
{
	struct stat st;

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return FALSE;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_REG || entry->d_type == DT_DIR;
	if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return FALSE;
	return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode);
}

int native_sysctls_list(const NativeSysctls *native, const char *path, GPtrArray **ret_names)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	int fd = open_native(native, path, O_RDONLY | O_DIRECTORY);
	const struct dirent *entry;
	DIR *dir;
	int r;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	while ((errno = 0, entry = readdir(dir)) != NULL)
		if (is_served(fd, entry))
			g_ptr_array_add(names, g_strdup(entry->d_name));
	r = -errno;
	closedir(dir);
	if (r == 0)
		*ret_names = g_steal_pointer(&names);
	return r;
}
