#include "fs/cgroup/backing.h"

#include "fs/background.h"
#include "fs/cgroup/core.h"
#include "fs/cgroup/limits.h"
#include "fs/cgroup/members.h"
#include "fs/source/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const backing_controllers[BACKING_KINDS] = {"cpuacct", "memory", "pids"};

struct Backing {
	Fs *fs;
	GMutex lock; /* one change of the kernel's groups at a time; taken before the tree's */
	BackingPlace places[BACKING_KINDS];
	Hierarchy *hierarchies[BACKING_KINDS]; /* ours that has the controller */
	GHashTable *taken;  /* "INDEX/PATH" → Group: who a directory belongs to; guarded by the tree's */
	GPtrArray *removed; /* paths that could not be removed yet */
};

static gboolean write_text(int dirfd, const char *path, const char *name, const char *text)
{
	g_autofree char *file = g_build_filename(path, name, NULL);
	int fd = openat(dirfd, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	gboolean ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t) strlen(text);

	if (!ok)
		g_debug("the kernel's own %s refuses '%s': %s", file, text, g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

static gboolean read_number(int dirfd, const char *path, const char *name, guint64 *ret)
{
	g_autofree char *file = g_build_filename(path, name, NULL);
	g_autoptr(GString) text = g_string_new(NULL);

	if (file_read_single_at(dirfd, file, text) < 0)
		return FALSE;
	return g_ascii_string_to_unsigned(g_strchomp(text->str), 10, 0, G_MAXUINT64, ret, NULL);
}

static void claim(Backing *backing, Group *group)
{
	char *key = g_strdup_printf("%u/%s", group->hierarchy->index, group_core(group)->native_path);

	if (g_hash_table_contains(backing->taken, key)) {
		g_clear_pointer(&group_core(group)->native_path, g_free);
		g_free(key);
	} else {
		g_hash_table_insert(backing->taken, key, group);
	}
}

/* The name of a group's directory below the bases, given to it now if need be; NULL for the root, and for a group whose
 * name a renamed one still uses. Locked for writing. */
static const char *path_of(Backing *backing, Group *group)
{
	Core *core = group_core(group);
	const char *parent;

	if (core->native_path || !group->parent)
		return core->native_path;
	parent = path_of(backing, group->parent);
	if (group->parent->parent && !parent)
		return NULL;
	core->native_path = parent ? g_build_filename(parent, group->dir->name, NULL) : g_strdup(group->dir->name);
	claim(backing, group);
	return core->native_path;
}

/* A directory on the way to a member, and what is to be written to it. */
typedef struct Step {
	char *path;
	guint64 pids_max;
} Step;

static void step_free(gpointer data)
{
	Step *step = data;

	g_free(step->path);
	g_free(step);
}

/* From the top down to the group; empty for the root. Locked for writing. */
static void add_steps(Backing *backing, Group *group, GPtrArray *steps)
{
	const char *path = path_of(backing, group);
	Step *step;

	if (!path)
		return;
	add_steps(backing, group->parent, steps);
	step = g_new(Step, 1);
	step->path = g_strdup(path);
	step->pids_max = limits_pids_own(group);
	g_ptr_array_add(steps, step);
}

static void write_pids_max(const Backing *backing, const char *path, guint64 max)
{
	g_autofree char *text = max == G_MAXUINT64 ? g_strdup("max") : g_strdup_printf("%" G_GUINT64_FORMAT, max);

	write_text(backing->places[BACKING_PIDS].base, path, "pids.max", text);
}

/* A counter that the kernel lets fall (a group below was removed, or this one made anew) goes on from where it was. */
static void note_raw(NativeCounter *counter, guint64 raw)
{
	if (raw < counter->raw)
		counter->offset += counter->raw - raw;
	counter->raw = raw;
}

static gboolean read_times(const Backing *backing, const char *path, guint64 *ret_user, guint64 *ret_system)
{
	int base = backing->places[BACKING_CPUACCT].base;

	return read_number(base, path, "cpuacct.usage_user", ret_user) &&
	       read_number(base, path, "cpuacct.usage_sys", ret_system);
}

/* Goes on from what was known before. What was spent in a directory before it was this group's is not counted. */
static void begin_counting(Backing *backing, const char *path, gboolean is_fresh)
{
	unsigned index = backing->hierarchies[BACKING_CPUACCT]->index;
	g_autofree char *key = g_strdup_printf("%u/%s", index, path);
	guint64 user = 0, system = 0;
	Group *group;

	if (!is_fresh && !read_times(backing, path, &user, &system))
		return;
	g_rw_lock_writer_lock(&backing->fs->lock);
	group = g_hash_table_lookup(backing->taken, key);
	if (group && group_core(group)->native_begun) {
		note_raw(&group_core(group)->native_user, user);
		note_raw(&group_core(group)->native_system, system);
	} else if (group) {
		Usage so_far;

		group_usage(group, NULL, &so_far);
		group_core(group)->native_begun = TRUE;
		group_core(group)->native_user = (NativeCounter){user, so_far.cpu_user - user};
		group_core(group)->native_system = (NativeCounter){system, so_far.cpu_system - system};
	}
	g_rw_lock_writer_unlock(&backing->fs->lock);
}

static gboolean make_step(Backing *backing, BackingKind kind, const Step *step)
{
	gboolean is_fresh = mkdirat(backing->places[kind].base, step->path, 0755) == 0;

	if (!is_fresh && errno != EEXIST) {
		g_debug("no group of the kernel's own for %s: %s", step->path, g_strerror(errno));
		return FALSE;
	}
	if (kind == BACKING_PIDS)
		write_pids_max(backing, step->path, step->pids_max);
	else if (kind == BACKING_CPUACCT)
		begin_counting(backing, step->path, is_fresh);
	return TRUE;
}

/* A process goes where it is in our hierarchy. Under the backing's lock. */
static void follow_kind(Backing *backing, BackingKind kind, pid_t pid)
{
	g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func(step_free);
	g_autofree char *text = g_strdup_printf("%d", pid);
	const Step *last = NULL;
	Fs *fs = backing->fs;
	Task *task;

	if (!backing->hierarchies[kind])
		return;
	g_rw_lock_writer_lock(&fs->lock);
	task = members_find(fs->cgroups->members, pid);
	if (task)
		add_steps(backing, task->groups[backing->hierarchies[kind]->index], steps);
	g_rw_lock_writer_unlock(&fs->lock);
	for (guint i = 0; i < steps->len; i++) {
		last = steps->pdata[i];
		if (!make_step(backing, kind, last))
			return;
	}
	write_text(last ? backing->places[kind].base : backing->places[kind].home, last ? last->path : ".",
		   "cgroup.procs", text);
}

void backing_follow(Fs *fs, pid_t pid)
{
	Backing *backing = fs->cgroups->backing;

	if (!backing)
		return;
	g_mutex_lock(&backing->lock);
	for (int kind = 0; kind < BACKING_KINDS; kind++)
		follow_kind(backing, kind, pid);
	g_mutex_unlock(&backing->lock);
}

static void refresh_cpu(const Backing *backing, Group *group, const char *path)
{
	guint64 user, system;

	if (!read_times(backing, path, &user, &system))
		return;
	note_raw(&group_core(group)->native_user, user);
	note_raw(&group_core(group)->native_system, system);
}

static void refresh_memory(const Backing *backing, Group *group, const char *path)
{
	Core *core = group_core(group);

	core->has_native_memory =
		read_number(backing->places[BACKING_MEMORY].base, path, "memory.usage_in_bytes", &core->native_memory);
}

/* The kernel's control files of groups answer at once, so that they are read with the tree locked. */
static void refresh_group(const Backing *backing, Group *group)
{
	const char *path = group_core(group)->native_path;

	if (!path)
		return;
	if (backing->hierarchies[BACKING_CPUACCT] == group->hierarchy)
		refresh_cpu(backing, group, path);
	if (backing->hierarchies[BACKING_MEMORY] == group->hierarchy)
		refresh_memory(backing, group, path);
}

void backing_refresh(Fs *fs, Node *file)
{
	Backing *backing = fs->cgroups->backing;

	if (!backing)
		return;
	g_mutex_lock(&backing->lock);
	g_rw_lock_writer_lock(&fs->lock);
	for (Group *group = group_of_file(file); group && group->parent; group = group->parent)
		refresh_group(backing, group);
	g_rw_lock_writer_unlock(&fs->lock);
	g_mutex_unlock(&backing->lock);
}

void backing_set_pids_max(Fs *fs, Node *file)
{
	Backing *backing = fs->cgroups->backing;
	g_autofree char *path = NULL;
	guint64 max = 0;
	Group *group;

	if (!backing)
		return;
	g_mutex_lock(&backing->lock);
	g_rw_lock_reader_lock(&fs->lock);
	group = group_of_file(file);
	if (group && group->hierarchy == backing->hierarchies[BACKING_PIDS]) {
		path = g_strdup(group_core(group)->native_path);
		max = limits_pids_own(group);
	}
	g_rw_lock_reader_unlock(&fs->lock);
	if (path)
		write_pids_max(backing, path, max);
	g_mutex_unlock(&backing->lock);
}

/* Is this kind a matter of the hierarchy of a key of `taken`? Its path, or NULL. */
static const char *path_in(const Backing *backing, BackingKind kind, const char *key)
{
	const Hierarchy *hierarchy = backing->hierarchies[kind];
	char *path;

	if (!hierarchy || g_ascii_strtoull(key, &path, 10) != hierarchy->index)
		return NULL;
	return path + 1;
}

static gboolean remove_directories(const Backing *backing, const char *key)
{
	gboolean ok = TRUE;

	for (int kind = 0; kind < BACKING_KINDS; kind++) {
		const char *path = path_in(backing, kind, key);

		if (path && unlinkat(backing->places[kind].base, path, AT_REMOVEDIR) < 0)
			ok = ok && errno == ENOENT;
	}
	return ok;
}

/* A process that has just ended may keep its group for a moment. */
static void remove_left(void *data)
{
	Backing *backing = data;

	g_mutex_lock(&backing->lock);
	for (guint i = backing->removed->len; i-- > 0;)
		if (remove_directories(backing, backing->removed->pdata[i]))
			g_ptr_array_remove_index(backing->removed, i);
	g_mutex_unlock(&backing->lock);
}

typedef struct Removal {
	Backing *backing;
	char *key;
} Removal;

static void removal_free(gpointer data)
{
	Removal *removal = data;

	g_free(removal->key);
	g_free(removal);
}

static void remove_key(void *data)
{
	Removal *removal = data;

	g_mutex_lock(&removal->backing->lock);
	g_ptr_array_add(removal->backing->removed, g_steal_pointer(&removal->key));
	g_mutex_unlock(&removal->backing->lock);
	remove_left(removal->backing);
}

void backing_group_removed(Group *group)
{
	Backing *backing = group->hierarchy->fs->cgroups->backing;
	Core *core = group_core(group);
	g_autofree char *key = NULL;
	Removal *removal;

	if (!backing || !core->native_path)
		return;
	key = g_strdup_printf("%u/%s", group->hierarchy->index, core->native_path);
	g_hash_table_remove(backing->taken, key);
	removal = g_new(Removal, 1);
	*removal = (Removal){backing, g_steal_pointer(&key)};
	background_run(group->hierarchy->fs->background, remove_key, removal, removal_free);
}

void backing_correct(const Group *group, Usage *usage)
{
	const Core *core = group_core(group);
	guint64 user = core->native_user.offset + core->native_user.raw;
	guint64 system = core->native_system.offset + core->native_system.raw;

	/* Ours is what can be had without: once there is none behind the group any more, no time may be lost. */
	if (core->native_begun &&
	    (group->hierarchy->fs->cgroups->backing || user + system > usage->cpu_user + usage->cpu_system)) {
		usage->cpu_user = user;
		usage->cpu_system = system;
	}
	if (!core->has_native_memory)
		return;
	usage->kernel = 0;
	usage->file = MIN(usage->file, core->native_memory);
	usage->shmem = MIN(usage->shmem, usage->file);
	usage->anon = core->native_memory - usage->file;
}

static Hierarchy *hierarchy_of(const Cgroups *cgroups, BackingKind kind)
{
	static const ControllerId ids[BACKING_KINDS] = {CONTROLLER_CPUACCT, CONTROLLER_MEMORY, CONTROLLER_PIDS};
	Hierarchy *hierarchy = cgroups_of_controller(cgroups, ids[kind]);

	/* In v2 cpu does the work of cpuacct. */
	if (!hierarchy && kind == BACKING_CPUACCT && cgroups->v2 &&
	    cgroups->v2->controllers & CONTROLLER_BIT(CONTROLLER_CPU))
		hierarchy = cgroups->v2;
	return hierarchy;
}

static GArray *placed_pids(Fs *fs)
{
	GArray *pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	GHashTableIter iter;
	gpointer value;

	g_rw_lock_reader_lock(&fs->lock);
	g_hash_table_iter_init(&iter, fs->cgroups->members->tasks);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Task *task = value;

		if (!task->exited && task_is_placed(task))
			g_array_append_val(pids, task->pid);
	}
	g_rw_lock_reader_unlock(&fs->lock);
	return pids;
}

/* A predecessor's directories are ours now. */
static int claim_restored(Group *group, void *data)
{
	if (group_core(group)->native_path)
		claim(data, group);
	return 0;
}

void backing_start(Fs *fs, const BackingPlace places[BACKING_KINDS])
{
	Backing *backing = g_new0(Backing, 1);
	GArray *pids = placed_pids(fs);

	backing->fs = fs;
	g_mutex_init(&backing->lock);
	backing->taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	backing->removed = g_ptr_array_new_with_free_func(g_free);
	memcpy(backing->places, places, sizeof backing->places);
	for (int kind = 0; kind < BACKING_KINDS; kind++)
		backing->hierarchies[kind] = places[kind].base < 0 ? NULL : hierarchy_of(fs->cgroups, kind);
	for (guint i = 0; i < fs->cgroups->hierarchies->len; i++)
		group_walk(((Hierarchy *) fs->cgroups->hierarchies->pdata[i])->root, claim_restored, backing);
	fs->cgroups->backing = backing;
	for (guint i = 0; i < pids->len; i++)
		backing_follow(fs, g_array_index(pids, pid_t, i));
	g_array_unref(pids);
}

static void give_back(const Backing *backing, BackingKind kind, const char *path)
{
	g_autofree char *procs = g_build_filename(path, "cgroup.procs", NULL);
	g_autoptr(GString) text = g_string_new(NULL);
	g_auto(GStrv) pids = NULL;

	if (file_read_single_at(backing->places[kind].base, procs, text) < 0)
		return;
	pids = g_strsplit(text->str, "\n", -1);
	for (char **pid = pids; *pid; pid++)
		if (**pid)
			write_text(backing->places[kind].home, ".", "cgroup.procs", *pid);
}

/* The deepest first. */
static int by_depth(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *) b, *(const char *const *) a);
}

void backing_free(Backing *backing)
{
	g_autoptr(GPtrArray) keys = NULL;
	GHashTableIter iter;
	gpointer key;

	if (!backing)
		return;
	keys = g_ptr_array_new();
	g_hash_table_iter_init(&iter, backing->taken);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		g_ptr_array_add(keys, key);
	g_ptr_array_sort(keys, by_depth);
	for (guint i = 0; i < keys->len; i++) {
		for (int kind = 0; kind < BACKING_KINDS; kind++) {
			const char *path = path_in(backing, kind, keys->pdata[i]);

			if (path)
				give_back(backing, kind, path);
		}
		if (!remove_directories(backing, keys->pdata[i]))
			g_debug("the kernel's own group %s stays", (const char *) keys->pdata[i]);
	}
	remove_left(backing);
	for (int kind = 0; kind < BACKING_KINDS; kind++) {
		if (backing->places[kind].base >= 0)
			close(backing->places[kind].base);
		if (backing->places[kind].home >= 0)
			close(backing->places[kind].home);
	}
	g_hash_table_unref(backing->taken);
	g_ptr_array_unref(backing->removed);
	g_mutex_clear(&backing->lock);
	g_free(backing);
}
