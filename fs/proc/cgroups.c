/* /proc/cgroups and /proc/PID/cgroup: kernel/cgroup/cgroup-v1.c proc_cgroupstats_show(), cgroup.c proc_cgroup_show().
 */
#include "fs/proc/cgroups.h"

#include "fs/cgroup/members.h"
#include "fs/source/scan.h"

#include <errno.h>
#include <string.h>

static void append_controller(const char *name, unsigned id, unsigned n_groups, GString *out)
{
	g_string_append_printf(out, "%s\t%u\t%u\t1\n", name, id, n_groups);
}

/* A controller that is in no hierarchy hangs on v2's, which is number 0, even if v2 itself does not offer it. */
void proc_show_cgroups(const Fs *fs, GString *out)
{
	g_string_append(out, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
	for (int id = 0; fs->cgroups && id < CONTROLLER_COUNT; id++) {
		const Hierarchy *hierarchy = cgroups_of_controller(fs->cgroups, id);
		const Hierarchy *v2 = fs->cgroups->v2;
		const char *name = controllers[id]->v1_name ? controllers[id]->v1_name : controllers[id]->v2_name;

		if (hierarchy)
			append_controller(name, hierarchy->id, hierarchy->n_groups, out);
		else if (v2 && !controllers[id]->v2_name)
			append_controller(name, v2->id, v2->n_groups, out);
	}
}

/* kernel/cgroup/cgroup.c cgroup_path_ns(): what is not below the root of the namespace is "/..", and so on. */
static char *shown_path(const Fs *fs, const Group *group)
{
	g_autofree char *path = group_path(group);
	const char *rest = path[0] == '/' ? path + 1 : path;
	size_t len = fs->shown_root ? strlen(fs->shown_root) : 0;

	if (!len)
		return g_steal_pointer(&path);
	if (strncmp(rest, fs->shown_root, len) == 0 && (!rest[len] || rest[len] == '/'))
		return g_strdup(rest[len] ? rest + len : "/");
	return g_strconcat("/..", *rest ? "/" : "", rest, NULL);
}

static void append_hierarchy(const Fs *fs, const Hierarchy *hierarchy, const Group *group, GString *out)
{
	g_autofree char *path = shown_path(fs, group);

	g_string_append_printf(out, "%u:", hierarchy->id);
	if (!hierarchy->is_v2)
		controllers_show(hierarchy->controllers, FALSE, ',', out);
	if (hierarchy->is_named)
		g_string_append_printf(out, "%sname=%s", hierarchy->controllers ? "," : "", hierarchy->name);
	g_string_append_printf(out, ":%s\n", path);
}

void proc_show_pid_cgroup(const Fs *fs, pid_t pid, GString *out)
{
	const Task *task = fs->cgroups ? members_find(fs->cgroups->members, pid) : NULL;
	const GPtrArray *hierarchies = fs->cgroups ? fs->cgroups->hierarchies : NULL;

	for (guint i = hierarchies ? hierarchies->len : 0; i-- > 0;) {
		const Hierarchy *hierarchy = hierarchies->pdata[i];

		if (!hierarchy->is_v2)
			append_hierarchy(fs, hierarchy, task ? task->groups[hierarchy->index] : hierarchy->root, out);
	}
	if (hierarchies && fs->cgroups->v2) {
		const Hierarchy *v2 = fs->cgroups->v2;

		append_hierarchy(fs, v2, task ? task->groups[v2->index] : v2->root, out);
	}
}

/* A directory's name as a pid; 0 if it is none. */
static pid_t name_to_pid(const char *name)
{
	guint64 number;
	const char *at = name;

	if (!g_ascii_isdigit(*name) || *name == '0' || !scan_u64(&at, &number) || *at || number > G_MAXINT)
		return 0;
	return (pid_t) number;
}

static int show_pid_cgroup(const VContext *ctx, GString *out)
{
	proc_show_pid_cgroup(ctx->fs, name_to_pid(ctx->node->parent->name), out);
	return 0;
}

static const VFile pid_files[] = {
	{"cgroup", 0444, 0, ORIGIN_TREE, show_pid_cgroup, NULL, 0, "the groups that the process is in"},
	{0},
};

static Sample *refresh_members(Fs *fs, Node *file, const Caller *caller)
{
	if (fs->cgroups)
		members_refresh(fs);
	return NULL;
}

static const NodeOps pid_ops = {.sample = refresh_members};

static void add_pid(Fs *fs, Node *dir, pid_t pid)
{
	g_autofree char *name = g_strdup_printf("%d", pid);

	if (!dir->dead && !tree_child(dir, name))
		tree_add_files(fs->tree, tree_add_directory(fs->tree, dir, name, 0555, &pid_ops, NULL), pid_files, TRUE,
			       NULL, NULL);
}

void proc_find_pid(Fs *fs, Node *dir, const char *name)
{
	pid_t pid = name_to_pid(name);
	Process process;

	if (!fs->cgroups || pid == 0 || sampler_read_process(fs->sampler, pid, FALSE, &process) < 0)
		return;
	g_rw_lock_writer_lock(&fs->lock);
	add_pid(fs, dir, pid);
	g_rw_lock_writer_unlock(&fs->lock);
}

/* Removes the directories of processes that have ended; tree locked. */
static void remove_ended(Fs *fs, Node *dir, const Sample *sample)
{
	for (guint i = dir->dir.order->len; i-- > 0;) {
		Node *child = dir->dir.order->pdata[i];
		pid_t pid = name_to_pid(child->name);

		if (pid > 0 && !sample_find_process(sample, pid))
			tree_remove(fs->tree, child);
	}
}

void proc_list_pids(Fs *fs, Node *dir)
{
	g_autoptr(Sample) sample = fs->cgroups ? sampler_get(fs->sampler, SAMPLE_PROCESSES) : NULL;

	if (!sample)
		return;
	g_rw_lock_writer_lock(&fs->lock);
	remove_ended(fs, dir, sample);
	for (unsigned i = 0; i < sample->n_processes; i++)
		add_pid(fs, dir, sample->processes[i].pid);
	g_rw_lock_writer_unlock(&fs->lock);
}
