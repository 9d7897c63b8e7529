#include "fs/cgroup/proc-files.h"

#include "fs/cgroup/members.h"

static int count_states(Group *group, void *data)
{
	unsigned *counts = data;

	for (int id = 0; id < CONTROLLER_COUNT; id++)
		counts[id] += group->states[id] != NULL;
	return 0;
}

static const char *name_in_proc(int id)
{
	return controllers[id]->v1_name ? controllers[id]->v1_name : controllers[id]->v2_name;
}

void cgroups_show_controllers(const Cgroups *cgroups, GString *out)
{
	unsigned counts[CONTROLLER_COUNT] = {0};

	for (guint i = 0; i < cgroups->hierarchies->len; i++)
		group_walk(((Hierarchy *) cgroups->hierarchies->pdata[i])->root, count_states, counts);
	g_string_append(out, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
	for (int id = 0; id < CONTROLLER_COUNT; id++) {
		const Hierarchy *hierarchy = cgroups_of_controller(cgroups, id);

		if (hierarchy)
			g_string_append_printf(out, "%s\t%u\t%u\t1\n", name_in_proc(id), hierarchy->id, counts[id]);
		/* v2 alone does cpuacct's work in cpu, and the kernel lists both. */
		else if (id == CONTROLLER_CPUACCT && cgroups->v2)
			g_string_append_printf(out, "cpuacct\t0\t%u\t1\n", counts[CONTROLLER_CPU]);
	}
}

void cgroups_show_process(const Cgroups *cgroups, pid_t pid, GString *out)
{
	const Task *task = members_find(cgroups->members, pid);

	for (guint i = cgroups->hierarchies->len; i-- > 0;) {
		const Hierarchy *hierarchy = cgroups->hierarchies->pdata[i];
		g_autofree char *path = group_path(task ? task->groups[i] : hierarchy->root);

		/* v2 is made last and comes last. */
		if (hierarchy->is_v2)
			continue;
		g_string_append_printf(out, "%u:", hierarchy->id);
		if (hierarchy->is_named)
			g_string_append_printf(out, "name=%s", hierarchy->name);
		controllers_show(hierarchy->controllers, FALSE, ',', out);
		g_string_append_printf(out, ":%s\n", path);
	}
	if (cgroups->v2) {
		g_autofree char *path = group_path(task ? task->groups[cgroups->v2->index] : cgroups->v2->root);

		g_string_append_printf(out, "0::%s\n", path);
	}
}
