#include "daemon/view/workdir.h"

#include "daemon/view/real-files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "cgemud-exec."

static gboolean is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* One of our own user's, on which nothing is mounted, and whose lock nobody holds: fd is it, and has the lock then. */
static gboolean is_dead(int parent, const char *name, int fd)
{
	struct stat above, opened, named;
	return fstat(parent, &above) == 0 && fstat(fd, &opened) == 0 && opened.st_uid == geteuid() &&
	       opened.st_dev == above.st_dev && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	       fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && is_same(&opened, &named);
}

static void remove_if_dead(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	if (is_dead(parent, name, fd))
		real_remove(parent, name);
	close(fd);
}

static void remove_dead(const char *parent)
{
	int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_autoptr(GDir) dir = g_dir_open(parent, 0, NULL);
	const char *name;
	while (fd >= 0 && dir && (name = g_dir_read_name(dir)))
		if (g_str_has_prefix(name, PREFIX))
			remove_if_dead(fd, name);
	if (fd >= 0)
		close(fd);
}

/* Between its making and its locking a directory looks dead, and may be removed. -1: that happened, or errno. */
static int take_lock(const char *path)
{
	struct stat opened, named;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	/* Where there are no locks on directories nobody can take ours for dead either. */
	(void) flock(fd, LOCK_EX);
	if (fstat(fd, &opened) == 0 && stat(path, &named) == 0 && is_same(&opened, &named))
		return fd;
	close(fd);
	errno = ENOENT;
	return -1;
}

char *workdir_make(const char *parent, mode_t mode, int *ret_lock, GError **error)
{
	if (!parent)
		parent = g_get_tmp_dir();
	remove_dead(parent);
	for (;;) {
		g_autofree char *path = g_build_filename(parent, PREFIX "XXXXXX", NULL);
		gboolean made = mkdtemp(path) != NULL;
		*ret_lock = made ? take_lock(path) : -1;
		if (*ret_lock >= 0) {
			(void) fchmod(*ret_lock, mode);
			return g_steal_pointer(&path);
		}
		if (made && errno == ENOENT)
			continue;
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot make a directory in %s: %s",
			    parent, g_strerror(errno));
		return NULL;
	}
}
