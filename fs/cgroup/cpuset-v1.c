/* Rules of cpuset in v1: sets are nested, and exclusive ones do not overlap (kernel/cgroup/cpuset-v1.c). */
#include "fs/cgroup/cpuset.h"

#include <errno.h>

void cpuset_v1_effective(const Group *group, gboolean is_mems, BitList *ret)
{
	bit_list_copy(ret, cpuset_list(cpuset_of(group), is_mems));
	for (group = group->parent; group; group = group->parent)
		bit_list_and(ret, cpuset_list(cpuset_of(group), is_mems));
}

static gboolean fits_into(const CpuSet *inner, const CpuSet *outer)
{
	return bit_list_is_subset(&inner->cpus, &outer->cpus) && bit_list_is_subset(&inner->mems, &outer->mems) &&
	       inner->cpu_exclusive <= outer->cpu_exclusive && inner->mem_exclusive <= outer->mem_exclusive;
}

static gboolean collide(const CpuSet *a, const CpuSet *b)
{
	return ((a->cpu_exclusive || b->cpu_exclusive) && bit_list_intersects(&a->cpus, &b->cpus)) ||
	       ((a->mem_exclusive || b->mem_exclusive) && bit_list_intersects(&a->mems, &b->mems));
}

static gboolean collides_with_sibling(const Group *group, const CpuSet *wanted)
{
	for (guint i = 0; i < group->parent->children->len; i++) {
		const Group *sibling = group->parent->children->pdata[i];

		if (sibling != group && collide(wanted, cpuset_of(sibling)))
			return TRUE;
	}
	return FALSE;
}

int cpuset_v1_check(const Group *group, const CpuSet *wanted)
{
	int r;

	for (guint i = 0; i < group->children->len; i++)
		if (!fits_into(cpuset_of(group->children->pdata[i]), wanted))
			return -EBUSY;
	if (!group->parent)
		return 0;
	if (!fits_into(wanted, cpuset_of(group->parent)))
		return -EACCES;
	r = cpuset_check_members(group, wanted);
	if (r < 0)
		return r;
	return collides_with_sibling(group, wanted) ? -EINVAL : 0;
}

static gboolean has_exclusive_sibling(const Group *group)
{
	for (guint i = 0; i < group->parent->children->len; i++) {
		const CpuSet *sibling = cpuset_of(group->parent->children->pdata[i]);

		if (sibling && (sibling->cpu_exclusive || sibling->mem_exclusive))
			return TRUE;
	}
	return FALSE;
}

void cpuset_v1_inherit(const Group *group)
{
	CpuSet *cpuset = cpuset_of(group);
	const CpuSet *above = cpuset_of(group->parent);

	if (has_exclusive_sibling(group))
		return;
	bit_list_copy(&cpuset->cpus, &above->cpus);
	bit_list_copy(&cpuset->mems, &above->mems);
}

int cpuset_v1_set_flag(const VContext *ctx, const char *text, size_t len)
{
	CpuSet wanted = *(CpuSet *) ctx->state;
	guint64 value;
	int r = parse_u64(text, &value);

	if (r < 0)
		return r;
	/* the lists of `wanted` are borrowed: only the flag is tried out */
	*(gboolean *) ((char *) &wanted + ctx->file->arg) = value != 0;
	r = cpuset_v1_check(ctx->owner, &wanted);
	if (r == 0)
		*VFILE_FIELD(ctx, gboolean) = value != 0;
	return r;
}
