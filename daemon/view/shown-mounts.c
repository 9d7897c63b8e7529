#include "daemon/view/shown-mounts.h"

#include "fs/proc/magic.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct ShownMounts {
	GPtrArray *entries; /* ShownMount */
	char *root_type;
};

typedef struct ShownMount {
	char *target, *fstype, *options;
	char *source; /* in the composite tree, or NULL */
	dev_t device;
} ShownMount;

static void free_mount(gpointer data)
{
	ShownMount *mount = data;
	g_free(mount->target);
	g_free(mount->fstype);
	g_free(mount->options);
	g_free(mount->source);
	g_free(mount);
}

ShownMounts *shown_mounts_new(const char *root_type)
{
	ShownMounts *mounts = g_new0(ShownMounts, 1);
	mounts->entries = g_ptr_array_new_with_free_func(free_mount);
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

void shown_mounts_add(ShownMounts *mounts, const char *target, const char *fstype, const char *options, dev_t device)
{
	ShownMount *mount = g_new(ShownMount, 1);
	*mount = (ShownMount){g_strdup(target), g_strdup(fstype), g_strdup(options), NULL, device};
	g_ptr_array_add(mounts->entries, mount);
}

static const char *type_of(const char *source)
{
	return g_str_has_prefix(source, "/v1/") ? "cgroup" : g_str_has_prefix(source, "/v2") ? "cgroup2" : "proc";
}

/* As the kernel names a hierarchy: its controllers, or "name=". */
static char *options_of(const char *source)
{
	g_auto(GStrv) names = g_strsplit(source, "/", 4);
	if (strcmp(type_of(source), "cgroup") != 0)
		return g_strdup("rw");
	gboolean is_named = strcmp(names[2], "systemd") == 0;
	return g_strconcat(is_named ? "rw,xattr,name=" : "rw,", names[2], NULL);
}

void shown_mounts_add_tree(ShownMounts *mounts, const char *target, const char *source, dev_t device)
{
	g_autofree char *options = options_of(source);
	shown_mounts_add(mounts, target, type_of(source), options, device);
	ShownMount *mount = mounts->entries->pdata[mounts->entries->len - 1];
	mount->source = g_strdup(source);
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

char *shown_mounts_source(const ShownMounts *mounts, const char *path)
{
	const ShownMount *mount = find_place(mounts, path);
	return mount && mount->source ? g_strconcat(mount->source, path + strlen(mount->target), NULL) : NULL;
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
		mount_table_add(table, mount->target, mount->fstype, mount->fstype, mount->options,
				major(mount->device), minor(mount->device));
	}
}

/* Of one that cannot be looked at, yes. */
static gboolean has_our_root(pid_t pid)
{
	struct stat ours, its;
	g_autofree char *path = g_strdup_printf("/proc/%d/root", (int) pid);
	return stat("/", &ours) < 0 || stat(path, &its) < 0 || (ours.st_dev == its.st_dev && ours.st_ino == its.st_ino);
}

static int read_table(pid_t pid, MountTable **ret)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return -ENOENT;
	int r = mount_table_read(proc, pid, ret);
	close(proc);
	return r;
}

int shown_mounts_read(const ShownMounts *mounts, pid_t pid, MountTable **ret)
{
	MountTable *table;
	int r = read_table(pid, &table);
	if (r < 0)
		return r;
	if (pid == 0 || has_our_root(pid))
		edit(mounts, table);
	*ret = table;
	return 0;
}

gboolean shown_mounts_show(const ShownMounts *mounts, pid_t pid, const char *name, GString *out)
{
	g_autoptr(MountTable) table = NULL;
	gboolean info = strcmp(name, "mountinfo") == 0;
	if ((!info && strcmp(name, "mounts") != 0) || shown_mounts_read(mounts, pid, &table) < 0)
		return FALSE;
	if (info)
		mount_table_show_mountinfo(table, out);
	else
		mount_table_show_mounts(table, out);
	return TRUE;
}

static gboolean has_option(const char *options, const char *option)
{
	g_auto(GStrv) list = g_strsplit(options, ",", -1);
	return g_strv_contains((const char *const *) list, option);
}

/* Without a line of these, what asks for groups gives up; of the rest it does without. */
static const char *const looked_for[] = {"cpu", "cpuacct", "cpuset", "memory", "devices", "pids", NULL};

static gboolean has_line(const MountTable *table, const ShownMount *mount, const char *option)
{
	for (guint i = 0; i < table->entries->len; i++) {
		const MountEntry *entry = table->entries->pdata[i];
		if (strcmp(entry->target, mount->target) == 0 && strcmp(entry->fstype, mount->fstype) == 0 &&
		    (!option || has_option(entry->super_options, option)))
			return TRUE;
	}
	return FALSE;
}

static char *missing_line(const MountTable *table, const ShownMount *mount)
{
	if (strcmp(mount->fstype, "cgroup2") == 0 && !has_line(table, mount, NULL))
		return g_strdup_printf("mountinfo has no cgroup2 on %s", mount->target);
	for (const char *const *name = looked_for; strcmp(mount->fstype, "cgroup") == 0 && *name; name++)
		if (has_option(mount->options, *name) && !has_line(table, mount, *name))
			return g_strdup_printf("mountinfo has no cgroup with %s on %s", *name, mount->target);
	return NULL;
}

static gboolean is_target(const ShownMounts *mounts, const char *target)
{
	for (guint i = 0; i < mounts->entries->len; i++)
		if (strcmp(((ShownMount *) mounts->entries->pdata[i])->target, target) == 0)
			return TRUE;
	return FALSE;
}

/* Controllers may be mounted one over the other; of all else there is one at each place. */
static char *line_key(const MountEntry *entry)
{
	gboolean is_v1 = strcmp(entry->fstype, "cgroup") == 0;
	return g_strdup_printf("%s %s %s", entry->target, entry->fstype, is_v1 ? entry->super_options : "");
}

/* What was there before us, and could not be taken away. */
static char *former_line(const ShownMounts *mounts, const MountTable *table)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < table->entries->len; i++) {
		const MountEntry *entry = table->entries->pdata[i];
		gboolean matters = g_str_has_prefix(entry->fstype, "cgroup") || strcmp(entry->fstype, "tmpfs") == 0;
		if (!matters || !find_place(mounts, entry->target))
			continue;
		if (!is_target(mounts, entry->target) || !g_hash_table_add(seen, line_key(entry)))
			return g_strdup_printf("mountinfo still has the %s that was on %s", entry->fstype,
					       entry->target);
	}
	return NULL;
}

char *shown_mounts_objection(const ShownMounts *mounts)
{
	g_autoptr(MountTable) table = NULL;
	if (read_table(0, &table) < 0)
		return NULL;
	for (guint i = 0; i < mounts->entries->len; i++) {
		char *missing = missing_line(table, mounts->entries->pdata[i]);
		if (missing)
			return missing;
	}
	return former_line(mounts, table);
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
