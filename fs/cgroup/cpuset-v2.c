/*
 * Rules of cpuset in v2 (kernel/cgroup/cpuset.c): an empty set means the parent's; what is asked for but not there is
 * left out; partitions take their CPUs away from the groups around them.
 *
 * Effective sets and the state of partitions are worked out when asked for. Remote partitions, those below a group that
 * is none, are not supported: they are shown as invalid.
 */
#include "fs/cgroup/cpuset.h"

#include <errno.h>
#include <string.h>

/* Why a partition is invalid, in the words of the kernel's perr_strings[]. */
typedef enum PartitionError {
	PARTITION_VALID,
	PARTITION_NO_LIST,
	PARTITION_BELOW_NONE,
	PARTITION_BELOW_INVALID,
	PARTITION_NOT_EXCLUSIVE,
	PARTITION_NO_CPUS,
} PartitionError;

static const char *const error_texts[] = {
	[PARTITION_NO_LIST] = "cpuset.cpus and cpuset.cpus.exclusive are empty",
	[PARTITION_BELOW_NONE] = "Parent is not a partition root",
	[PARTITION_BELOW_INVALID] = "Parent is an invalid partition root",
	[PARTITION_NOT_EXCLUSIVE] = "Cpu list in cpuset.cpus not exclusive",
	[PARTITION_NO_CPUS] = "Parent unable to distribute cpu downstream",
};

/* error: of the group, as resolve() says */
static gboolean is_valid_root(const Group *group, PartitionError error)
{
	return group_is_root(group) || (cpuset_of(group)->partition != PARTITION_MEMBER && error == PARTITION_VALID);
}

/* The CPUs that a group claims for itself. */
static const BitList *claimed(const CpuSet *cpuset)
{
	return bit_list_is_empty(&cpuset->exclusive) ? &cpuset->cpus : &cpuset->exclusive;
}

static void remove_bits(BitList *list, const BitList *bits)
{
	for (unsigned bit = 0; bit < list->n_bits; bit++)
		if (bit_list_get(bits, bit))
			bit_list_set(list, bit, FALSE);
}

static gint compare_order(gconstpointer a, gconstpointer b)
{
	const CpuSet *x = cpuset_of(*(Group *const *) a), *y = cpuset_of(*(Group *const *) b);

	return (x->partition_order > y->partition_order) - (x->partition_order < y->partition_order);
}

/* Children that want to be partitions, the oldest first. */
static GPtrArray *partitions_of(const Group *group)
{
	GPtrArray *partitions = g_ptr_array_new();

	for (guint i = 0; i < group->children->len; i++) {
		const CpuSet *cpuset = cpuset_of(group->children->pdata[i]);

		if (cpuset && cpuset->partition != PARTITION_MEMBER)
			g_ptr_array_add(partitions, group->children->pdata[i]);
	}
	g_ptr_array_sort(partitions, compare_order);
	return partitions;
}

/* Partitions that are younger give way to this one; all other siblings must not claim any of its CPUs. */
static gboolean is_exclusive(const Group *group)
{
	const CpuSet *cpuset = cpuset_of(group);

	for (guint i = 0; i < group->parent->children->len; i++) {
		const CpuSet *sibling = cpuset_of(group->parent->children->pdata[i]);
		gboolean gives_way;

		if (!sibling || sibling == cpuset)
			continue;
		gives_way =
			sibling->partition != PARTITION_MEMBER && sibling->partition_order > cpuset->partition_order;
		if (!gives_way && bit_list_intersects(claimed(cpuset), claimed(sibling)))
			return FALSE;
	}
	return TRUE;
}

/* left: what the parent still has. It must have some of the CPUs, and keep one for its own tasks. */
static gboolean parent_can_give(const Group *group, const BitList *left)
{
	const CpuSet *cpuset = cpuset_of(group);
	gboolean keeps_none;
	BitList rest;

	if (!bit_list_intersects(claimed(cpuset), left))
		return FALSE;
	bit_list_init(&rest, left->n_bits);
	bit_list_copy(&rest, left);
	remove_bits(&rest, claimed(cpuset));
	keeps_none = bit_list_is_empty(&rest);
	bit_list_clear(&rest);
	return !keeps_none || !(group_is_root(group->parent) || group_has_members(group->parent));
}

static PartitionError judge(const Group *group, PartitionError parent_error, const BitList *left)
{
	const CpuSet *cpuset = cpuset_of(group);

	if (bit_list_is_empty(claimed(cpuset)))
		return PARTITION_NO_LIST;
	if (!is_valid_root(group->parent, parent_error))
		return cpuset_of(group->parent)->partition == PARTITION_MEMBER ? PARTITION_BELOW_NONE
									       : PARTITION_BELOW_INVALID;
	if (!is_exclusive(group))
		return PARTITION_NOT_EXCLUSIVE;
	return parent_can_give(group, left) ? PARTITION_VALID : PARTITION_NO_CPUS;
}

/* Takes from a group's CPUs what the partitions below it get, up to `until` (NULL: all of them). */
static void hand_out(const Group *group, PartitionError error, const Group *until, BitList *cpus)
{
	g_autoptr(GPtrArray) partitions = partitions_of(group);

	for (guint i = 0; i < partitions->len && partitions->pdata[i] != until; i++)
		if (judge(partitions->pdata[i], error, cpus) == PARTITION_VALID)
			remove_bits(cpus, claimed(cpuset_of(partitions->pdata[i])));
}

/* The CPUs that a group has for its tasks and for the groups below it, and, of a partition, whether it is one. */
static PartitionError resolve(const Group *group, BitList *ret_cpus)
{
	const CpuSet *cpuset = cpuset_of(group);
	PartitionError error = PARTITION_VALID, parent_error;
	BitList above;

	if (group_is_root(group)) {
		bit_list_copy(ret_cpus, &cpuset->cpus);
		return PARTITION_VALID;
	}
	bit_list_init(&above, ret_cpus->n_bits);
	parent_error = resolve(group->parent, &above);
	bit_list_copy(ret_cpus, &above);
	if (cpuset->partition != PARTITION_MEMBER) {
		hand_out(group->parent, parent_error, group, ret_cpus);
		error = judge(group, parent_error, ret_cpus);
	}
	if (cpuset->partition != PARTITION_MEMBER && error == PARTITION_VALID) {
		bit_list_and(ret_cpus, claimed(cpuset));
	} else {
		hand_out(group->parent, parent_error, NULL, &above);
		bit_list_copy(ret_cpus, &cpuset->cpus);
		bit_list_and(ret_cpus, &above);
		if (bit_list_is_empty(ret_cpus))
			bit_list_copy(ret_cpus, &above);
	}
	bit_list_clear(&above);
	return error;
}

static PartitionError partition_error(const Group *group)
{
	PartitionError error;
	BitList cpus;

	bit_list_init(&cpus, cpuset_of(group)->cpus.n_bits);
	error = resolve(group, &cpus);
	bit_list_clear(&cpus);
	return error;
}

static gboolean is_partition(const Group *group)
{
	return is_valid_root(group, partition_error(group));
}

static void effective_mems(const Group *group, BitList *ret)
{
	BitList above;

	bit_list_copy(ret, &cpuset_of(group)->mems);
	if (group_is_root(group))
		return;
	bit_list_init(&above, ret->n_bits);
	effective_mems(group->parent, &above);
	bit_list_and(ret, &above);
	if (bit_list_is_empty(ret))
		bit_list_copy(ret, &above);
	bit_list_clear(&above);
}

void cpuset_v2_effective(const Group *group, gboolean is_mems, BitList *ret)
{
	if (is_mems)
		effective_mems(group, ret);
	else
		hand_out(group, resolve(group, ret), NULL, ret);
}

/* cpus_excl_conflict() of groups that are no partitions */
static gboolean exclusive_collide(const BitList *exclusive, const CpuSet *sibling)
{
	if (bit_list_intersects(exclusive, &sibling->exclusive))
		return TRUE;
	return !bit_list_is_empty(&sibling->cpus) && !bit_list_is_empty(exclusive) &&
	       bit_list_is_subset(&sibling->cpus, exclusive);
}

static gboolean exclusive_is_free(const Group *group, const BitList *exclusive)
{
	for (guint i = 0; i < group->parent->children->len; i++) {
		const Group *sibling = group->parent->children->pdata[i];

		if (sibling != group && cpuset_of(sibling) && exclusive_collide(exclusive, cpuset_of(sibling)))
			return FALSE;
	}
	return TRUE;
}

int cpuset_v2_set_exclusive(const VContext *ctx, const char *text, size_t len)
{
	CpuSet *cpuset = ctx->state;
	const Group *group = ctx->owner;
	BitList wanted;
	int r;

	bit_list_init(&wanted, cpuset->exclusive.n_bits);
	r = bit_list_parse(&wanted, text);
	if (r == 0 && (!bit_list_is_subset(&wanted, &cpuset_of(group->hierarchy->root)->cpus) ||
		       !exclusive_is_free(group, &wanted)))
		r = -EINVAL;
	if (r == 0)
		bit_list_copy(&cpuset->exclusive, &wanted);
	bit_list_clear(&wanted);
	return r;
}

/* What the group could take for a partition of its own. */
static void exclusive_effective(const Group *group, BitList *ret)
{
	const CpuSet *cpuset = cpuset_of(group);

	if (group_is_root(group)) {
		bit_list_copy(ret, &cpuset->cpus);
		return;
	}
	exclusive_effective(group->parent, ret);
	bit_list_and(ret, is_partition(group) ? claimed(cpuset) : &cpuset->exclusive);
}

int cpuset_v2_show_exclusive_effective(const VContext *ctx, GString *out)
{
	BitList list;

	bit_list_init(&list, cpuset_of(ctx->owner)->cpus.n_bits);
	exclusive_effective(ctx->owner, &list);
	bit_list_show(&list, out);
	g_string_append_c(out, '\n');
	bit_list_clear(&list);
	return 0;
}

static int add_isolated(Group *group, void *data)
{
	const CpuSet *cpuset = cpuset_of(group);
	BitList *list = data;

	if (!cpuset || group_is_root(group) || cpuset->partition != PARTITION_ISOLATED || !is_partition(group))
		return 0;
	for (unsigned bit = 0; bit < list->n_bits; bit++)
		if (bit_list_get(claimed(cpuset), bit))
			bit_list_set(list, bit, TRUE);
	return 0;
}

int cpuset_v2_show_isolated(const VContext *ctx, GString *out)
{
	BitList list;

	bit_list_init(&list, cpuset_of(ctx->owner)->cpus.n_bits);
	group_walk(ctx->owner, add_isolated, &list);
	bit_list_show(&list, out);
	g_string_append_c(out, '\n');
	bit_list_clear(&list);
	return 0;
}

int cpuset_v2_show_partition(const VContext *ctx, GString *out)
{
	const CpuSet *cpuset = ctx->state;
	PartitionError error;

	if (cpuset->partition == PARTITION_MEMBER) {
		g_string_append(out, "member\n");
		return 0;
	}
	error = partition_error(ctx->owner);
	g_string_append(out, cpuset->partition == PARTITION_ROOT ? "root" : "isolated");
	if (error != PARTITION_VALID)
		g_string_append_printf(out, " invalid (%s)", error_texts[error]);
	g_string_append_c(out, '\n');
	return 0;
}

/* The number that was given out last. */
static guint64 partition_order;

void cpuset_v2_save(const Group *group, const void *state, GVariantDict *dict)
{
	const CpuSet *cpuset = state;

	if (cpuset->partition != PARTITION_MEMBER)
		g_variant_dict_insert(dict, "partition", "(ut)", (guint32) cpuset->partition, cpuset->partition_order);
}

void cpuset_v2_restore(Group *group, void *state, GVariantDict *dict)
{
	CpuSet *cpuset = state;
	guint32 partition;
	guint64 order;

	if (!g_variant_dict_lookup(dict, "partition", "(ut)", &partition, &order) || partition > PARTITION_ISOLATED)
		return;
	cpuset->partition = (Partition) partition;
	cpuset->partition_order = order;
	partition_order = MAX(partition_order, order);
}

int cpuset_v2_set_partition(const VContext *ctx, const char *text, size_t len)
{
	CpuSet *cpuset = ctx->state;

	if (strcmp(text, "member") == 0)
		cpuset->partition = PARTITION_MEMBER;
	else if (strcmp(text, "root") == 0)
		cpuset->partition = PARTITION_ROOT;
	else if (strcmp(text, "isolated") == 0)
		cpuset->partition = PARTITION_ISOLATED;
	else
		return -EINVAL;
	cpuset->partition_order = ++partition_order;
	group_notify(ctx->owner, "cpuset.cpus.partition");
	return 0;
}
