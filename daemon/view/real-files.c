#include "daemon/view/real-files.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What somebody has mounted there is not ours to empty. */
static gboolean is_mounted(int parent, int fd)
{
	struct stat above, st;
	return parent >= 0 && (fstat(parent, &above) < 0 || fstat(fd, &st) < 0 || above.st_dev != st.st_dev);
}

void real_remove(int parent, const char *name)
{
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return;
	(void) fchmodat(parent, name, 0700, 0);
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	g_autofree char *path = fd >= 0 && !is_mounted(parent, fd) ? g_strdup_printf("/proc/self/fd/%d", fd) : NULL;
	g_autoptr(GDir) dir = path ? g_dir_open(path, 0, NULL) : NULL;
	const char *child;
	while (dir && (child = g_dir_read_name(dir)))
		real_remove(fd, child);
	if (fd >= 0)
		close(fd);
	(void) unlinkat(parent, name, AT_REMOVEDIR);
}

int real_make_parents(const char *real)
{
	g_autofree char *directory = g_path_get_dirname(real);
	return g_mkdir_with_parents(directory, 0755) == 0 ? 0 : -errno;
}

/* A file that its owner may not write is his to open for writing nevertheless. */
static int open_for_writing(const char *real)
{
	struct stat st;
	int fd = open(real, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 || errno != EACCES || stat(real, &st) < 0)
		return fd;
	(void) chmod(real, st.st_mode | S_IWUSR);
	fd = open(real, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	(void) chmod(real, st.st_mode);
	return fd;
}

int real_set_content(const char *real, const char *text, size_t size)
{
	int fd = open_for_writing(real);
	if (fd < 0)
		return -errno;
	int r = pwrite(fd, text, size, 0) == (ssize_t) size && ftruncate(fd, (off_t) size) == 0 ? 0 : -errno;
	close(fd);
	return r;
}
