/* Memory that stays charged to the groups which a process has left.
 *
 * A page is its group's until it is freed, whoever moves where (Documentation/admin-guide/cgroup-v2.rst, "Memory
 * Ownership"). Kept for moves between groups below the root; who comes from the root brings all its memory along. Tree
 * locked for writing, but for reading in charges_here() and charges_add(). */
#pragma once

#include "fs/cgroup/members.h"

/* Bytes. */
typedef struct Charge {
	Group *group;
	guint64 anon, file, shmem, swap;
} Charge;

/* Does a move between these leave memory behind? */
gboolean charges_stay(const Group *from, const Group *to);
/* The process moves: what it has, as far as it is known, stays where it was. */
void charges_move(Task *task, Group *from, const Group *to);
/* Its memory was looked at: what it no longer has is charged to nobody. */
void charges_trim(Task *task);
/* It ended, or runs another program: what it had is freed. */
void charges_drop(Task *task);
/* The group goes: its parent takes over. */
void charges_group_removed(Group *group);

/* What the process has, less what is charged elsewhere in this hierarchy. */
Charge charges_here(const Task *task, const Hierarchy *hierarchy);
/* Adds what members of other groups have left here. */
void charges_add(const Group *group, Charge *sum);
