#include "daemon/probe/scratch.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/mount.h>
#include <unistd.h>

#define TEMPLATE "cgemud-probe-XXXXXX"

char *scratch_make(void)
{
	const char *const parents[] = {g_get_tmp_dir(), "/run", "/dev/shm"};

	for (guint i = 0; i < G_N_ELEMENTS(parents); i++) {
		g_autofree char *path = g_build_filename(parents[i], TEMPLATE, NULL);

		if (g_mkdtemp(path))
			return g_steal_pointer(&path);
	}
	return NULL;
}

/* rmdir() refuses what is still mounted or not empty, so that nothing foreign can be removed. */
static void remove_entry(const char *path)
{
	umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	if (unlink(path) < 0)
		rmdir(path);
}

static void remove_directory(const char *directory, void (*remove)(const char *path))
{
	g_autoptr(GDir) entries = g_dir_open(directory, 0, NULL);

	for (const char *name; entries && (name = g_dir_read_name(entries));) {
		g_autofree char *path = g_build_filename(directory, name, NULL);

		remove(path);
	}
	rmdir(directory);
}

static void remove_check_directory(const char *directory)
{
	remove_directory(directory, remove_entry);
}

void scratch_remove(const char *scratch)
{
	remove_directory(scratch, remove_check_directory);
}
