#include "daemon/view/shown-mounts.h"

#include "fs/proc/magic.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct ShownMounts {
	GPtrArray *entries; /* ShownMount */
	unsigned major, minor;
	char *root_type;
};

typedef struct ShownMount {
	char *target, *fstype, *options;
} ShownMount;

static void free_mount(gpointer data)
{
	ShownMount *mount = data;
	g_free(mount->target);
	g_free(mount->fstype);
	g_free(mount->options);
	g_free(mount);
}

ShownMounts *shown_mounts_new(dev_t device, const char *root_type)
{
	ShownMounts *mounts = g_new0(ShownMounts, 1);
	mounts->entries = g_ptr_array_new_with_free_func(free_mount);
	mounts->major = major(device);
	mounts->minor = minor(device);
	mounts->root_type = g_strdup(root_type);
	return mounts;
}

void shown_mounts_free(ShownMounts *mounts)
{
	if (!mounts)
		return;
	g_ptr_array_unref(mounts->entries);
	g_free(mounts->root_type);
	g_free(mounts);
}

void shown_mounts_add(ShownMounts *mounts, const char *target, const char *fstype, const char *options)
{
	ShownMount *mount = g_new(ShownMount, 1);
	*mount = (ShownMount){g_strdup(target), g_strdup(fstype), g_strdup(options)};
	g_ptr_array_add(mounts->entries, mount);
}

static const ShownMount *find_place(const ShownMounts *mounts, const char *path)
{
	const ShownMount *found = NULL;
	for (guint i = 0; i < mounts->entries->len; i++) {
		const ShownMount *mount = mounts->entries->pdata[i];
		size_t length = strlen(mount->target);
		if (strncmp(path, mount->target, length) == 0 && (path[length] == '/' || path[length] == '\0'))
			found = mount;
	}
	return found;
}

static void edit(const ShownMounts *mounts, MountTable *table)
{
	for (guint i = table->entries->len; i-- > 0;) {
		MountEntry *entry = table->entries->pdata[i];
		if (find_place(mounts, entry->target))
			mount_table_remove(table, entry);
	}
	MountEntry *root = mount_table_find_target(table, "/");
	if (root && mounts->root_type)
		mount_entry_retype(root, mounts->root_type, mounts->root_type, "rw");
	for (guint i = 0; i < mounts->entries->len; i++) {
		const ShownMount *mount = mounts->entries->pdata[i];
		mount_table_add(table, mount->target, mount->fstype, mount->fstype, mount->options, mounts->major,
				mounts->minor);
	}
}

int shown_mounts_read(const ShownMounts *mounts, pid_t pid, MountTable **ret)
{
	MountTable *table;
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return -errno;
	int r = mount_table_read(proc, pid, &table);
	close(proc);
	if (r < 0)
		return r;
	edit(mounts, table);
	*ret = table;
	return 0;
}

gboolean shown_mounts_matter(const ShownMounts *mounts, const struct statfs *answer)
{
	struct statfs root;
	guint64 type = (guint64) answer->f_type;
	/* The places are on a tmpfs, or wherever there was room. */
	return type == magic_of_fstype("tmpfs") || mounts->root_type ||
	       (statfs("/", &root) == 0 && root.f_type == answer->f_type);
}

/* fs/libfs.c simple_statfs() answers for the kernel's own. */
static void show_simple(guint64 type, struct statfs *answer)
{
	*answer = (struct statfs){.f_type = (__fsword_t) type,
				  .f_bsize = 4096,
				  .f_frsize = 4096,
				  .f_namelen = 255,
				  .f_flags = answer->f_flags};
}

void shown_mounts_statfs(const ShownMounts *mounts, const char *path, struct statfs *answer)
{
	g_autoptr(MountTable) table = NULL;
	const ShownMount *place = find_place(mounts, path);
	if (place && strcmp(place->fstype, "tmpfs") != 0) {
		show_simple(magic_of_fstype(place->fstype), answer);
	} else if (place) {
		answer->f_type = (__fsword_t) magic_of_fstype(place->fstype);
	} else if (mounts->root_type && shown_mounts_read(mounts, 0, &table) == 0) {
		const MountEntry *entry = mount_table_find(table, path);
		if (entry && strcmp(entry->target, "/") == 0)
			answer->f_type = (__fsword_t) magic_of_fstype(mounts->root_type);
	}
}
