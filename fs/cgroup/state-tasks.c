/* Members, over a restart: who is where, and what was counted of them so far. */
#include "fs/cgroup/core.h"
#include "fs/cgroup/state-format.h"

#include <stddef.h>

/* What a task's flag in the file stands for: never to be renumbered. */
typedef enum TaskFlag { TASK_EXITED = 1, TASK_FROZEN = 2, TASK_PINNED = 4, TASK_RENICED = 8 } TaskFlag;

/* The numbers counted of a task, in their order in the file. */
static const size_t counted[] = {
	offsetof(Task, last.user_ns),          offsetof(Task, last.system_ns),
	offsetof(Task, last.children_user_ns), offsetof(Task, last.children_system_ns),
	offsetof(Task, last.minor_faults),     offsetof(Task, last.major_faults),
	offsetof(Task, io.read_bytes),         offsetof(Task, io.write_bytes),
	offsetof(Task, io.read_ops),           offsetof(Task, io.write_ops),
};

static guint64 *number_of(const Task *task, size_t i)
{
	return (guint64 *) (void *) ((char *) task + counted[i]);
}

static GVariant *counted_save(const Task *task)
{
	guint64 numbers[G_N_ELEMENTS(counted)];

	for (size_t i = 0; i < G_N_ELEMENTS(counted); i++)
		numbers[i] = *number_of(task, i);
	return g_variant_new_fixed_array(G_VARIANT_TYPE_UINT64, numbers, G_N_ELEMENTS(numbers), sizeof numbers[0]);
}

static void counted_restore(Task *task, GVariant *saved)
{
	const guint64 *numbers;
	gsize n;

	numbers = g_variant_get_fixed_array(saved, &n, sizeof *numbers);
	for (size_t i = 0; i < MIN(n, G_N_ELEMENTS(counted)); i++)
		*number_of(task, i) = numbers[i];
}

/* The numbers of the groups of one place per hierarchy that are not the root. NULL entries are none. */
static GVariant *places_save(const Fs *fs, Group *const *places, GHashTable *numbers)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("au"));
	for (guint i = 0; places && i < fs->cgroups->hierarchies->len; i++)
		if (places[i] && places[i]->parent)
			g_variant_builder_add(&builder, "u", GPOINTER_TO_UINT(g_hash_table_lookup(numbers, places[i])));
	return g_variant_builder_end(&builder);
}

static GVariant *threads_save(const Fs *fs, const Task *task, GHashTable *numbers)
{
	GVariantBuilder builder;
	GHashTableIter iter;
	gpointer tid, thread;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a(iau)"));
	if (task->threads) {
		g_hash_table_iter_init(&iter, task->threads);
		while (g_hash_table_iter_next(&iter, &tid, &thread))
			g_variant_builder_add(&builder, "(i@au)", GPOINTER_TO_INT(tid),
					      places_save(fs, ((MovedThread *) thread)->places, numbers));
	}
	return g_variant_builder_end(&builder);
}

static void task_save(const Fs *fs, const Task *task, GHashTable *numbers, GVariantBuilder *tasks)
{
	guint32 flags = (task->exited ? TASK_EXITED : 0) | (task->frozen ? TASK_FROZEN : 0) |
			(task->pinned ? TASK_PINNED : 0) | (task->reniced ? TASK_RENICED : 0);
	GVariant *gone = g_variant_new("(t@au)", task->gone, places_save(fs, task->gone_groups, numbers));

	g_variant_builder_add(tasks, "(iitu@at@au@a(iau)@(tau))", task->pid, task->ppid, task->start, flags,
			      counted_save(task), places_save(fs, task->groups, numbers),
			      threads_save(fs, task, numbers), gone);
}

GVariant *tasks_save(Fs *fs, GHashTable *numbers)
{
	GVariantBuilder tasks;
	GHashTableIter iter;
	gpointer value;

	g_variant_builder_init(&tasks, G_VARIANT_TYPE("a" STATE_TASK));
	g_hash_table_iter_init(&iter, fs->cgroups->members->tasks);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Task *task = value;

		/* Without its start nobody could tell it from a later process of its number. */
		if (task->start && (task_is_placed(task) || task->threads || task->gone_groups))
			task_save(fs, task, numbers, &tasks);
	}
	return g_variant_builder_end(&tasks);
}

static gboolean places_check(GVariant *places, guint n_groups)
{
	const guint32 *numbers;
	gsize n;

	numbers = g_variant_get_fixed_array(places, &n, sizeof *numbers);
	for (gsize i = 0; i < n; i++)
		if (numbers[i] >= n_groups)
			return FALSE;
	return TRUE;
}

static gboolean threads_check(GVariant *threads, guint n_groups)
{
	GVariantIter iter;
	GVariant *places;
	gint32 tid;
	gboolean ok = TRUE;

	g_variant_iter_init(&iter, threads);
	while (g_variant_iter_next(&iter, "(i@au)", &tid, &places)) {
		ok = ok && tid > 0 && places_check(places, n_groups);
		g_variant_unref(places);
	}
	return ok;
}

/* The members of a task, by their position in STATE_TASK. */
enum { TASK_COUNTED = 4, TASK_PLACES, TASK_THREADS, TASK_GONE };

static gboolean task_check(GVariant *task, guint n_groups)
{
	g_autoptr(GVariant) places = g_variant_get_child_value(task, TASK_PLACES);
	g_autoptr(GVariant) threads = g_variant_get_child_value(task, TASK_THREADS);
	g_autoptr(GVariant) gone = NULL;
	gint32 pid;

	g_variant_get_child(task, 0, "i", &pid);
	g_variant_get_child(task, TASK_GONE, "(t@au)", NULL, &gone);
	return pid > 0 && places_check(places, n_groups) && threads_check(threads, n_groups) &&
	       places_check(gone, n_groups);
}

gboolean tasks_check(GVariant *tasks, guint n_groups, GError **error)
{
	gsize n = g_variant_n_children(tasks);

	for (gsize i = 0; i < n; i++) {
		g_autoptr(GVariant) task = g_variant_get_child_value(tasks, i);

		if (task_check(task, n_groups))
			continue;
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
			    "member %" G_GSIZE_FORMAT " is none, or in a group that is not there", i);
		return FALSE;
	}
	return TRUE;
}

/* By hierarchy; NULL where it is in the root, or in a group that is gone. Free it. */
static Group **places_restore(const Fs *fs, GVariant *places, const GPtrArray *groups)
{
	Group **ret = g_new0(Group *, fs->cgroups->hierarchies->len);
	const guint32 *numbers;
	gsize n;

	numbers = g_variant_get_fixed_array(places, &n, sizeof *numbers);
	for (gsize i = 0; i < n; i++) {
		Group *group = groups->pdata[numbers[i]];

		if (group)
			ret[group->hierarchy->index] = group;
	}
	return ret;
}

static void threads_restore(Fs *fs, Task *task, GVariant *threads, const GPtrArray *groups)
{
	GVariantIter iter;
	GVariant *places;
	gint32 tid;

	g_variant_iter_init(&iter, threads);
	while (g_variant_iter_next(&iter, "(i@au)", &tid, &places)) {
		g_autofree Group **at = places_restore(fs, places, groups);

		for (guint i = 0; i < fs->cgroups->hierarchies->len; i++)
			if (at[i])
				task_set_thread(task, tid, at[i]);
		g_variant_unref(places);
	}
}

static void gone_restore(Fs *fs, Task *task, GVariant *saved, const GPtrArray *groups)
{
	g_autoptr(GVariant) places = NULL;

	g_variant_get(saved, "(t@au)", &task->gone, &places);
	if (!g_variant_n_children(places))
		return;
	task->gone_groups = places_restore(fs, places, groups);
	for (guint i = 0; i < fs->cgroups->hierarchies->len; i++)
		if (!task->gone_groups[i])
			task->gone_groups[i] = ((Hierarchy *) fs->cgroups->hierarchies->pdata[i])->root;
}

static void flags_restore(Fs *fs, Task *task, guint32 flags)
{
	task->exited = (flags & TASK_EXITED) != 0;
	task->frozen = (flags & TASK_FROZEN) != 0;
	task->pinned = (flags & TASK_PINNED) != 0;
	task->reniced = (flags & TASK_RENICED) != 0;
	fs->cgroups->members->n_frozen += task->frozen;
}

static void task_restore(Fs *fs, GVariant *saved, const GPtrArray *groups)
{
	g_autoptr(GVariant) numbers = g_variant_get_child_value(saved, TASK_COUNTED);
	g_autoptr(GVariant) places = g_variant_get_child_value(saved, TASK_PLACES);
	g_autoptr(GVariant) threads = g_variant_get_child_value(saved, TASK_THREADS);
	g_autoptr(GVariant) gone = g_variant_get_child_value(saved, TASK_GONE);
	g_autofree Group **at = places_restore(fs, places, groups);
	gint32 pid, ppid;
	guint64 start;
	guint32 flags;
	Task *task;

	g_variant_get(saved, "(iitu@*@*@*@*)", &pid, &ppid, &start, &flags, NULL, NULL, NULL, NULL);
	task = members_restore(fs->cgroups->members, pid, ppid, start);
	if (!task)
		return;
	flags_restore(fs, task, flags);
	counted_restore(task, numbers);
	for (guint i = 0; i < fs->cgroups->hierarchies->len; i++)
		if (at[i])
			task_set_group(task, at[i]);
	for (guint i = 0; task->exited && i < fs->cgroups->hierarchies->len; i++)
		group_core(task->groups[i])->n_zombies++;
	threads_restore(fs, task, threads, groups);
	gone_restore(fs, task, gone, groups);
}

void tasks_restore(Fs *fs, GVariant *tasks, const GPtrArray *groups)
{
	GVariantIter iter;
	GVariant *task;

	/* Writing the settings again may have made somebody look who is there; nobody knew yet where they belong. */
	g_hash_table_remove_all(fs->cgroups->members->tasks);
	g_variant_iter_init(&iter, tasks);
	while ((task = g_variant_iter_next_value(&iter))) {
		task_restore(fs, task, groups);
		g_variant_unref(task);
	}
}
