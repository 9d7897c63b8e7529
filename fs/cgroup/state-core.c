/* What every group has, whatever its controllers, over a restart. */
#include "fs/cgroup/core.h"
#include "fs/cgroup/state-format.h"

#include <stddef.h>

/* Counters are nothing but numbers. */
#define N_COUNTERS (sizeof(Counters) / sizeof(guint64))

static const KeptField core_kept[] = {
	{"own", KEPT_U64, offsetof(Core, own), N_COUNTERS},
	{"inherited", KEPT_U64, offsetof(Core, inherited), N_COUNTERS},
	{"native-begun", KEPT_BOOL, offsetof(Core, native_begun), 1},
	{"native-user", KEPT_U64, offsetof(Core, native_user), 2},
	{"native-system", KEPT_U64, offsetof(Core, native_system), 2},
	{"threaded", KEPT_BOOL, offsetof(Core, threaded), 1},
	{0},
};

static void save_times(GVariantDict *dict, const char *name, const guint64 *times, unsigned n)
{
	if (times)
		g_variant_dict_insert_value(dict, name,
					    g_variant_new_fixed_array(G_VARIANT_TYPE_UINT64, times, n, sizeof *times));
}

void core_save(const Group *group, GVariantDict *dict)
{
	const Core *core = group_core(group);
	unsigned n_cpus = group->hierarchy->fs->cgroups->n_cpus;
	g_autoptr(GString) control = g_string_new(NULL);

	kept_save(core_kept, core, dict);
	controllers_show(core->subtree_control, TRUE, ' ', control);
	g_variant_dict_insert(dict, "subtree-control", "s", control->str);
	g_variant_dict_insert(dict, "freeze", "b", core->freeze);
	if (core->native_path)
		g_variant_dict_insert(dict, "native-path", "^ay", core->native_path);
	save_times(dict, "cpu-user", core->cpu_user, n_cpus);
	save_times(dict, "cpu-system", core->cpu_system, n_cpus);
}

/* Should the machine have fewer CPUs now, no time gets lost for that. */
static void restore_times(GVariantDict *dict, const char *name, guint64 **times, unsigned n_cpus)
{
	g_autoptr(GVariant) saved = g_variant_dict_lookup_value(dict, name, G_VARIANT_TYPE("at"));
	const guint64 *from;
	gsize n;

	if (!saved)
		return;
	from = g_variant_get_fixed_array(saved, &n, sizeof *from);
	g_free(*times);
	*times = g_new0(guint64, n_cpus);
	for (gsize i = 0; i < n; i++)
		(*times)[i % n_cpus] += from[i];
}

static guint32 parse_control(const Group *group, const char *text)
{
	g_auto(GStrv) names = g_strsplit(text, " ", -1);
	guint32 set = 0;

	for (char **name = names; *name; name++) {
		int id = controller_by_name(*name, TRUE);

		if (id >= 0)
			set |= CONTROLLER_BIT(id);
	}
	return set & group_controllers(group);
}

void core_restore(Group *group, GVariantDict *dict)
{
	Core *core = group_core(group);
	unsigned n_cpus = group->hierarchy->fs->cgroups->n_cpus;
	gboolean threaded = core->threaded;
	const char *control;

	kept_restore(core_kept, core, dict);
	if (core->threaded != threaded)
		group_apply_control(group);
	restore_times(dict, "cpu-user", &core->cpu_user, n_cpus);
	restore_times(dict, "cpu-system", &core->cpu_system, n_cpus);
	g_free(core->native_path);
	core->native_path = NULL;
	g_variant_dict_lookup(dict, "native-path", "^ay", &core->native_path);
	if (core->cpu_user && !core->cpu_system)
		core->cpu_system = g_new0(guint64, n_cpus);
	if (core->cpu_system && !core->cpu_user)
		core->cpu_user = g_new0(guint64, n_cpus);
	if (group->hierarchy->is_v2 && g_variant_dict_lookup(dict, "subtree-control", "&s", &control))
		core->subtree_control = parse_control(group, control);
	if (!core->freeze && g_variant_dict_lookup(dict, "freeze", "b", &core->freeze) && core->freeze)
		group->hierarchy->fs->cgroups->members->n_freezing++;
}
