#include "fs/cgroup/charges.h"

#include "fs/cgroup/core.h"

gboolean charges_stay(const Group *from, const Group *to)
{
	return from != to && from->parent && (from->hierarchy->controllers & CONTROLLER_BIT(CONTROLLER_MEMORY));
}

static void add(Charge *sum, const Charge *charge)
{
	sum->anon += charge->anon;
	sum->file += charge->file;
	sum->shmem += charge->shmem;
	sum->swap += charge->swap;
}

static Charge *charge_at(const Task *task, guint i)
{
	return &g_array_index(task->charges, Charge, i);
}

static guint64 less(guint64 total, guint64 part)
{
	return total > part ? total - part : 0;
}

Charge charges_here(const Task *task, const Hierarchy *hierarchy)
{
	Charge away = {0};

	for (guint i = 0; task->charges && i < task->charges->len; i++)
		if (charge_at(task, i)->group->hierarchy == hierarchy)
			add(&away, charge_at(task, i));
	return (Charge){
		.anon = less(task->anon, away.anon),
		.file = less(task->file, away.file),
		.shmem = less(task->shmem, away.shmem),
		.swap = less(task->swap, away.swap),
	};
}

/* What comes back to where the process is needs no entry. */
static void forget(Task *task, const Group *group)
{
	for (guint i = task->charges ? task->charges->len : 0; i > 0; i--)
		if (charge_at(task, i - 1)->group == group)
			g_array_remove_index(task->charges, i - 1);
	g_hash_table_remove(group_core(group)->charged, task);
}

void charges_move(Task *task, Group *from, const Group *to)
{
	Charge charge = charges_here(task, from->hierarchy);

	charge.group = from;
	if (!task->charges)
		task->charges = g_array_new(FALSE, FALSE, sizeof(Charge));
	g_array_append_val(task->charges, charge);
	g_hash_table_add(group_core(from)->charged, task);
	forget(task, to);
}

static void keep_at_most(guint64 *charged, guint64 *left)
{
	*charged = MIN(*charged, *left);
	*left -= *charged;
}

void charges_trim(Task *task)
{
	Charge left = {NULL, task->anon, task->file, task->shmem, task->swap};

	for (guint i = 0; task->charges && i < task->charges->len; i++) {
		Charge *charge = charge_at(task, i);

		keep_at_most(&charge->anon, &left.anon);
		keep_at_most(&charge->file, &left.file);
		keep_at_most(&charge->shmem, &left.shmem);
		keep_at_most(&charge->swap, &left.swap);
	}
}

void charges_drop(Task *task)
{
	for (guint i = 0; task->charges && i < task->charges->len; i++)
		g_hash_table_remove(group_core(charge_at(task, i)->group)->charged, task);
	g_clear_pointer(&task->charges, g_array_unref);
}

void charges_group_removed(Group *group)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, group_core(group)->charged);
	while (g_hash_table_iter_next(&iter, &value, NULL)) {
		Task *task = value;

		for (guint i = 0; i < task->charges->len; i++)
			if (charge_at(task, i)->group == group)
				charge_at(task, i)->group = group->parent;
		g_hash_table_add(group_core(group->parent)->charged, task);
		if (task->groups[group->hierarchy->index] == group->parent)
			forget(task, group->parent);
	}
}

void charges_add(const Group *group, Charge *sum)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, group_core(group)->charged);
	while (g_hash_table_iter_next(&iter, &value, NULL)) {
		const Task *task = value;

		for (guint i = 0; i < task->charges->len; i++)
			if (charge_at(task, i)->group == group)
				add(sum, charge_at(task, i));
	}
}
