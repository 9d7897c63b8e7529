/*
 * The net_prio controller (v1): priority of a group's packets per network interface (net/core/netprio_cgroup.c). Here
 * it is a setting only. The interfaces are those of the daemon's network namespace, in the order of their indices.
 */
#include "fs/cgroup/hierarchy.h"
#include "fs/convert.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

typedef struct NetPrio {
	unsigned index;         /* the kernel's css->id: 1 for the root, then upwards */
	GHashTable *priorities; /* name of an interface → priority; those that were never set are missing */
} NetPrio;

static void copy_priority(gpointer name, gpointer priority, gpointer to)
{
	g_hash_table_insert(to, g_strdup(name), priority);
}

static unsigned next_index(const Group *group)
{
	const Group *root = group->hierarchy->root;

	return root ? (unsigned) (group->id - root->id) + 1 : 1;
}

static void net_prio_init(Fs *fs, Group *group, void *state, Group *parent, void *parent_state)
{
	NetPrio *net_prio = state;

	net_prio->index = next_index(group);
	net_prio->priorities = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (parent_state)
		g_hash_table_foreach(((NetPrio *) parent_state)->priorities, copy_priority, net_prio->priorities);
}

static void net_prio_clear(Fs *fs, Group *group, void *state)
{
	g_hash_table_unref(((NetPrio *) state)->priorities);
}

static void net_prio_save(const Group *group, const void *state, GVariantDict *dict)
{
	g_variant_dict_insert(dict, "index", "u", ((const NetPrio *) state)->index);
}

/* No later group may get the number too. */
static void net_prio_restore(Group *group, void *state, GVariantDict *dict)
{
	Hierarchy *hierarchy = group->hierarchy;
	guint64 *last_id = &hierarchy->fs->cgroups->next_group_id;
	guint32 index;

	if (!g_variant_dict_lookup(dict, "index", "u", &index))
		return;
	((NetPrio *) state)->index = index;
	*last_id = MAX(*last_id, hierarchy->root->id + index);
}

static int net_prio_index(const VContext *ctx, GString *out)
{
	g_string_append_printf(out, "%u\n", ((NetPrio *) ctx->state)->index);
	return 0;
}

static gint compare_indices(gconstpointer a, gconstpointer b)
{
	unsigned x = (*(struct if_nameindex *const *) a)->if_index, y = (*(struct if_nameindex *const *) b)->if_index;

	return (x > y) - (x < y);
}

static int net_prio_map(const VContext *ctx, GString *out)
{
	const NetPrio *net_prio = ctx->state;
	g_autoptr(GPtrArray) sorted = g_ptr_array_new();
	struct if_nameindex *interfaces = if_nameindex();

	if (!interfaces)
		return -errno;
	for (struct if_nameindex *interface = interfaces; interface->if_index != 0; interface++)
		g_ptr_array_add(sorted, interface);
	g_ptr_array_sort(sorted, compare_indices);
	for (guint i = 0; i < sorted->len; i++) {
		const struct if_nameindex *interface = sorted->pdata[i];
		gpointer priority = g_hash_table_lookup(net_prio->priorities, interface->if_name);

		g_string_append_printf(out, "%s %u\n", interface->if_name, GPOINTER_TO_UINT(priority));
	}
	if_freenameindex(interfaces);
	return 0;
}

static int net_prio_set_map(const VContext *ctx, const char *text, size_t len)
{
	g_autofree char *name = convert_word(&text, IFNAMSIZ);
	guint32 priority;

	if (!name || !convert_u32(&text, &priority))
		return -EINVAL;
	if (if_nametoindex(name) == 0)
		return -ENODEV;
	g_hash_table_insert(((NetPrio *) ctx->state)->priorities, g_steal_pointer(&name), GUINT_TO_POINTER(priority));
	return 0;
}

static const VFile net_prio_v1_files[] = {
	{"net_prio.prioidx", 0444, 0, ORIGIN_TREE, net_prio_index, NULL, 0, "number of the group"},
	{"net_prio.ifpriomap", 0644, 0, ORIGIN_SETTING, net_prio_map, net_prio_set_map, 0,
	 "priority of the group's packets on each network interface"},
	{0},
};

const Controller net_prio_controller = {
	.v1_name = "net_prio",
	.v1_files = net_prio_v1_files,
	.state_size = sizeof(NetPrio),
	.init = net_prio_init,
	.clear = net_prio_clear,
	.save = net_prio_save,
	.restore = net_prio_restore,
};
