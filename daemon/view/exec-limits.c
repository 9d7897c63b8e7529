/*
 * --cpus, --memory, --cpuset and --pids: a group with these limits in the served tree, into which the command is moved
 * before it runs. It is shown as the root of every hierarchy, as a cgroup namespace shows it: a program that looks at
 * /sys/fs/cgroup, or at the path that /proc/self/cgroup names, finds its own limits.
 *
 * Many programs look at no group at all but count the CPUs that they may run on. So the command is also bound to that
 * many CPUs, really, by sched_setaffinity(2), and its cpuset says the same.
 */
#include "daemon/view/exec.h"

#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PERIOD_US 100000 /* kernel/sched: the default of cpu.cfs_period_us and cpu.max */

static gboolean fail(GError **error, int code, const char *what, const char *path)
{
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code), "cannot %s %s: %s", what, path, g_strerror(code));
	return FALSE;
}

static gboolean are_given(const Options *options)
{
	return options->cpus > 0 || options->memory || options->pids || options->cpuset;
}

/* The CPUs that this process may run on; TRUE with a set of its own to be freed. */
static gboolean read_affinity(cpu_set_t **ret, size_t *ret_size, GError **error)
{
	/* The kernel tells only by EINVAL that its own mask is longer. */
	for (unsigned n = 1024; n <= 1U << 20; n *= 2) {
		size_t size = CPU_ALLOC_SIZE(n);
		cpu_set_t *set = g_malloc0(size);
		if (sched_getaffinity(0, size, set) == 0) {
			*ret = set;
			*ret_size = size;
			return TRUE;
		}
		g_free(set);
		if (errno != EINVAL)
			break;
	}
	return fail(error, errno, "ask for", "the CPUs that may be used");
}

static void show_set(const cpu_set_t *set, size_t size, GString *out)
{
	unsigned n = (unsigned) size * 8;
	for (unsigned first = 0; first < n; first++) {
		if (!CPU_ISSET_S(first, size, set))
			continue;
		unsigned last = first;
		while (last + 1 < n && CPU_ISSET_S(last + 1, size, set))
			last++;
		g_string_append_printf(out, "%s%u", out->len ? "," : "", first);
		if (last > first)
			g_string_append_printf(out, "-%u", last);
		first = last;
	}
}

/* Keeps what the list ("0-1,4") names, all of which must be there. */
static gboolean keep_listed(cpu_set_t *set, size_t size, const char *list, GError **error)
{
	g_autofree cpu_set_t *listed = g_malloc0(size);
	g_auto(GStrv) ranges = g_strsplit(list, ",", -1);
	for (char **range = ranges; *range; range++) {
		char *end;
		guint64 first = g_ascii_strtoull(*range, &end, 10),
			last = *end ? g_ascii_strtoull(end + 1, NULL, 10) : first;
		gboolean ok = first <= last && last < size * 8;
		for (guint64 cpu = first; ok && cpu <= last; cpu++) {
			ok = CPU_ISSET_S(cpu, size, set);
			CPU_SET_S(cpu, size, listed);
		}
		if (!ok) {
			g_autoptr(GString) usable = g_string_new(NULL);
			show_set(set, size, usable);
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
				    "--cpuset %s: CPUs %s can be used here, not %s", list, usable->str, *range);
			return FALSE;
		}
	}
	memcpy(set, listed, size);
	return TRUE;
}

/* Keeps n of them. Not always the first ones: several commands would all share these. */
static void keep_number(cpu_set_t *set, size_t size, unsigned n)
{
	unsigned count = (unsigned) CPU_COUNT_S(size, set), position = 0;
	unsigned start = (unsigned) getpid() % count;
	for (unsigned cpu = 0; cpu < size * 8; cpu++) {
		if (!CPU_ISSET_S(cpu, size, set))
			continue;
		if ((position + count - start) % count >= n)
			CPU_CLR_S(cpu, size, set);
		position++;
	}
}

static gboolean choose_cpus(ExecLimits *limits, GError **error)
{
	const Options *options = limits->options;
	if (options->cpus <= 0 && !options->cpuset)
		return TRUE;
	if (!read_affinity(&limits->affinity, &limits->affinity_size, error) ||
	    (options->cpuset && !keep_listed(limits->affinity, limits->affinity_size, options->cpuset, error)))
		return FALSE;
	if (options->cpus > 0 && ceil(options->cpus) < CPU_COUNT_S(limits->affinity_size, limits->affinity))
		keep_number(limits->affinity, limits->affinity_size, (unsigned) ceil(options->cpus));
	g_autoptr(GString) list = g_string_new(NULL);
	show_set(limits->affinity, limits->affinity_size, list);
	limits->cpu_list = g_strdup(list->str);
	return TRUE;
}

gboolean exec_limits_init(ExecLimits *limits, const Options *options, GError **error)
{
	*limits = (ExecLimits){.options = options, .files = &control_files_real};
	if (!are_given(options))
		return TRUE;
	limits->group = "command";
	limits->directories = g_ptr_array_new_with_free_func(g_free);
	return choose_cpus(limits, error);
}

void exec_limits_clear(ExecLimits *limits)
{
	g_clear_pointer(&limits->affinity, g_free);
	g_clear_pointer(&limits->cpu_list, g_free);
	g_clear_pointer(&limits->directories, g_ptr_array_unref);
}

static gboolean write_control(const ExecLimits *limits, const char *directory, const char *name, const char *text,
			      GError **error)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);
	int r = limits->files->write(path, text, limits->files->data);
	g_autofree char *what = g_strdup_printf("set \"%s\" in", text);
	return r == 0 || fail(error, -r, what, path);
}

static char *read_control(const ExecLimits *limits, const char *directory, const char *name, GError **error)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);
	char *text = NULL;
	int r = limits->files->read(path, &text, limits->files->data);
	if (r < 0) {
		fail(error, -r, "read", path);
		return NULL;
	}
	return g_strstrip(text);
}

/* A limit's value: what is written in v1, and in v2. NULL: not asked for. */
static char *value_of(const ExecLimits *limits, const char *controller, gboolean is_v2)
{
	const Options *options = limits->options;
	if (strcmp(controller, "cpuset") == 0)
		return g_strdup(limits->cpu_list);
	if (strcmp(controller, "memory") == 0 && options->memory)
		return g_strdup_printf("%" G_GUINT64_FORMAT, options->memory);
	if (strcmp(controller, "pids") == 0 && options->pids)
		return g_strdup_printf("%" G_GUINT64_FORMAT, options->pids);
	if (strcmp(controller, "cpu") == 0 && options->cpus > 0)
		return g_strdup_printf(is_v2 ? "%.0f %d" : "%.0f", options->cpus * PERIOD_US, PERIOD_US);
	return NULL;
}

static const struct {
	const char *controller, *v1_file, *v2_file;
} limit_files[] = {
	{"cpu", "cpu.cfs_quota_us", "cpu.max"},
	{"cpuset", "cpuset.cpus", "cpuset.cpus"},
	{"memory", "memory.limit_in_bytes", "memory.max"},
	{"pids", "pids.max", "pids.max"},
};

/* Sets in the group of one hierarchy what its controllers limit; *done gets a bit for each of limit_files. */
static gboolean set_limits(const ExecLimits *limits, const char *directory, char **controllers, gboolean is_v2,
			   unsigned *done, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(limit_files); i++) {
		if (!g_strv_contains((const char *const *) controllers, limit_files[i].controller))
			continue;
		g_autofree char *value = value_of(limits, limit_files[i].controller, is_v2);
		const char *name = is_v2 ? limit_files[i].v2_file : limit_files[i].v1_file;
		if (value && !write_control(limits, directory, name, value, error))
			return FALSE;
		*done |= 1U << i;
	}
	return TRUE;
}

/* A new cpuset of v1 is empty, and takes no members until it is not. */
static gboolean fill_cpuset(const ExecLimits *limits, const char *parent, const char *directory, const char *name,
			    GError **error)
{
	g_autofree char *text = read_control(limits, parent, name, error);
	return text && write_control(limits, directory, name, text, error);
}

static gboolean make_group(ExecLimits *limits, const char *hierarchy, char **ret, GError **error)
{
	char *directory = g_build_filename(hierarchy, limits->group, NULL);
	g_ptr_array_add(limits->directories, directory);
	*ret = directory;
	int r = limits->files->make(directory, limits->files->data);
	return r == 0 || fail(error, -r, "make the command's group", directory);
}

static gboolean make_v1_groups(ExecLimits *limits, const char *composite, const char *const *hierarchies,
			       unsigned *done, GError **error)
{
	for (; *hierarchies; hierarchies++) {
		const char *name = layout_hierarchy_name(*hierarchies);
		g_autofree char *hierarchy = g_build_filename(composite, "v1", name, NULL);
		g_auto(GStrv) controllers = g_strsplit(*hierarchies, ",", -1);
		char *directory;
		if (!make_group(limits, hierarchy, &directory, error))
			return FALSE;
		if (g_strv_contains((const char *const *) controllers, "cpuset") &&
		    (!fill_cpuset(limits, hierarchy, directory, "cpuset.cpus", error) ||
		     !fill_cpuset(limits, hierarchy, directory, "cpuset.mems", error)))
			return FALSE;
		if (!set_limits(limits, directory, controllers, FALSE, done, error))
			return FALSE;
	}
	return TRUE;
}

/* All controllers: the group is to be what the root was. */
static gboolean make_v2_group(ExecLimits *limits, const char *composite, unsigned *done, GError **error)
{
	g_autofree char *root = g_build_filename(composite, "v2", NULL);
	g_autofree char *text = read_control(limits, root, "cgroup.controllers", error);
	char *directory;
	if (!text)
		return FALSE;
	g_auto(GStrv) controllers = g_strsplit_set(text, " ", -1);
	for (char **name = controllers; *name; name++) {
		g_autofree char *enable = g_strconcat("+", *name, NULL);
		if (**name && !write_control(limits, root, "cgroup.subtree_control", enable, error))
			return FALSE;
	}
	return make_group(limits, root, &directory, error) &&
	       set_limits(limits, directory, controllers, TRUE, done, error);
}

/* A limit that no hierarchy knows must not be dropped in silence. */
static gboolean check_all_set(const ExecLimits *limits, unsigned done, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(limit_files); i++) {
		g_autofree char *value = value_of(limits, limit_files[i].controller, FALSE);
		if (!value || done & 1U << i)
			continue;
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
			    "the limit of %s cannot be set: no hierarchy has that controller (--tree, [cgroup] "
			    "hierarchies, v2-controllers)",
			    limit_files[i].controller);
		return FALSE;
	}
	return TRUE;
}

gboolean exec_limits_apply(ExecLimits *limits, const Config *config, LayoutTree tree, const char *composite,
			   GError **error)
{
	unsigned done = 0, trees = layout_fs_trees(tree);
	if (!limits->group)
		return TRUE;
	const char *const *hierarchies = config_list(config, "cgroup", "hierarchies");
	return (!(trees & FS_TREE_V1) || make_v1_groups(limits, composite, hierarchies, &done, error)) &&
	       (!(trees & FS_TREE_V2) || make_v2_group(limits, composite, &done, error)) &&
	       check_all_set(limits, done, error);
}

gboolean exec_limits_take(pid_t command, void *data, GError **error)
{
	const ExecLimits *limits = data;
	g_autofree char *pid = g_strdup_printf("%d", (int) command);
	for (guint i = 0; limits->directories && i < limits->directories->len; i++)
		if (!write_control(limits, limits->directories->pdata[i], "cgroup.procs", pid, error))
			return FALSE;
	if (limits->affinity && sched_setaffinity(command, limits->affinity_size, limits->affinity) < 0)
		return fail(error, errno, "bind the command to CPUs", limits->cpu_list);
	return TRUE;
}

guint64 exec_limits_memory_used(const ExecLimits *limits)
{
	static const char *const names[] = {"memory.usage_in_bytes", "memory.current"};
	for (guint i = 0; limits->directories && i < limits->directories->len; i++)
		for (size_t n = 0; n < G_N_ELEMENTS(names); n++) {
			g_autofree char *text = read_control(limits, limits->directories->pdata[i], names[n], NULL);
			if (text)
				return g_ascii_strtoull(text, NULL, 10);
		}
	return 0;
}
