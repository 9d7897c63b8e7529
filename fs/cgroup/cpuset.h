/* State of the cpuset controller, shared by its files: cpuset.c has the rows, cpuset-v1.c and cpuset-v2.c the rules. */
#pragma once

#include "fs/cgroup/control-file.h"
#include "fs/parse.h"

typedef enum Partition { PARTITION_MEMBER, PARTITION_ROOT, PARTITION_ISOLATED } Partition;

typedef struct CpuSet {
	BitList cpus, mems; /* as written; the root's are the machine's */
	/* v1 */
	gboolean cpu_exclusive, mem_exclusive, mem_hardwall, memory_migrate, spread_page, spread_slab, load_balance;
	gboolean memory_pressure_enabled; /* root */
	gint64 relax_domain_level;
	/* v2 */
	BitList exclusive;
	Partition partition;
	guint64 partition_order; /* of when it became one: the older of two that collide stays */
} CpuSet;

static inline CpuSet *cpuset_of(const Group *group)
{
	return group ? group->states[CONTROLLER_CPUSET] : NULL;
}

/* What the kernel's MAX_NUMNODES is on x86-64. */
#define CPUSET_MAX_NODES 1024

static inline BitList *cpuset_list(CpuSet *cpuset, gboolean is_mems)
{
	return is_mems ? &cpuset->mems : &cpuset->cpus;
}

/* What tasks of the group may really use; ret is initialised with the size of the group's lists. */
void cpuset_v1_effective(const Group *group, gboolean is_mems, BitList *ret);
void cpuset_v2_effective(const Group *group, gboolean is_mems, BitList *ret);

/* 0 or what is wrong with the new settings of the group. */
int cpuset_v1_check(const Group *group, const CpuSet *wanted);
/* Takes over the parent's CPUs and nodes, as cgroup.clone_children asks for, unless a sibling is exclusive. */
void cpuset_v1_inherit(const Group *group);
int cpuset_v1_set_flag(const VContext *ctx, const char *text, size_t len); /* arg: offset of a gboolean in CpuSet */

/* ENOSPC where members would be left without CPUs or nodes. */
int cpuset_check_members(const Group *group, const CpuSet *wanted);

int cpuset_v2_set_exclusive(const VContext *ctx, const char *text, size_t len);
int cpuset_v2_show_exclusive_effective(const VContext *ctx, GString *out);
int cpuset_v2_show_isolated(const VContext *ctx, GString *out);
int cpuset_v2_show_partition(const VContext *ctx, GString *out);
/* An invalid partition shows what cannot be written. */
void cpuset_v2_save(const Group *group, const void *state, GVariantDict *dict);
void cpuset_v2_restore(Group *group, void *state, GVariantDict *dict);
int cpuset_v2_set_partition(const VContext *ctx, const char *text, size_t len);
