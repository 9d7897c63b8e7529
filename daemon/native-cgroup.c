#include "daemon/native-cgroup.h"

#include <string.h>

struct NativeCgroups {
	GHashTable *numbers; /* controller → number of its hierarchy; 0: in none */
	GHashTable *named;   /* "name=systemd" … */
	gboolean has_v1, has_v2;
};

static char **read_lines(const char *proc, const char *name)
{
	g_autofree char *path = g_build_filename(proc, name, NULL);
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return g_new0(char *, 1);
	return g_strsplit(text, "\n", -1);
}

/* /proc/cgroups: name, hierarchy, number of groups, enabled. */
static void read_controllers(NativeCgroups *native, const char *proc)
{
	g_auto(GStrv) lines = read_lines(proc, "cgroups");

	for (char **line = lines; *line; line++) {
		g_auto(GStrv) words = g_strsplit(*line, "\t", 4);
		if (**line != '#' && g_strv_length(words) >= 2)
			g_hash_table_insert(native->numbers, g_strdup(words[0]),
					    GINT_TO_POINTER((int) g_ascii_strtoll(words[1], NULL, 10)));
	}
}

/* /proc/filesystems: "nodev" or nothing, a tab, the type. */
static void read_types(NativeCgroups *native, const char *proc)
{
	g_auto(GStrv) lines = read_lines(proc, "filesystems");

	for (char **line = lines; *line; line++) {
		const char *tab = strchr(*line, '\t');
		native->has_v1 |= tab && g_str_equal(tab + 1, "cgroup");
		native->has_v2 |= tab && g_str_equal(tab + 1, "cgroup2");
	}
}

/* /proc/self/cgroup: number, controllers or name, path. */
static void read_named(NativeCgroups *native, const char *proc)
{
	g_auto(GStrv) lines = read_lines(proc, "self/cgroup");

	for (char **line = lines; *line; line++) {
		g_auto(GStrv) words = g_strsplit(*line, ":", 3);
		if (g_strv_length(words) == 3 && g_str_has_prefix(words[1], "name="))
			g_hash_table_add(native->named, g_strdup(words[1]));
	}
}

NativeCgroups *native_cgroups_read(const char *proc)
{
	NativeCgroups *native = g_new0(NativeCgroups, 1);

	native->numbers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	native->named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	read_types(native, proc);
	read_controllers(native, proc);
	read_named(native, proc);
	return native;
}

void native_cgroups_free(NativeCgroups *native)
{
	if (!native)
		return;
	g_hash_table_unref(native->numbers);
	g_hash_table_unref(native->named);
	g_free(native);
}

gboolean native_cgroups_have_v2(const NativeCgroups *native)
{
	return native->has_v2;
}

static int number_of(const NativeCgroups *native, const char *controller)
{
	return GPOINTER_TO_INT(g_hash_table_lookup(native->numbers, controller));
}

static void add_named(const NativeCgroups *native, const char *name, GPtrArray *mounts)
{
	if (!native->has_v2 || g_hash_table_contains(native->named, name))
		g_ptr_array_add(mounts, g_strconcat("none,", name, NULL));
}

/* All in one hierarchy of the kernel's? Then only together can they be mounted. */
static gboolean are_together(const NativeCgroups *native, char **controllers)
{
	int first = number_of(native, controllers[0]);

	for (char **controller = controllers; *controller; controller++)
		if (number_of(native, *controller) != first)
			return FALSE;
	return first != 0;
}

GPtrArray *native_cgroups_mounts(const NativeCgroups *native, const char *hierarchy)
{
	g_auto(GStrv) controllers = g_strsplit(hierarchy, ",", -1);
	GPtrArray *mounts = g_ptr_array_new_with_free_func(g_free);

	if (!native->has_v1)
		return mounts;
	if (g_str_has_prefix(hierarchy, "name=")) {
		add_named(native, hierarchy, mounts);
	} else if (are_together(native, controllers)) {
		g_ptr_array_add(mounts, g_strdup(hierarchy));
	} else {
		for (char **controller = controllers; *controller; controller++)
			if (!native->has_v2 || number_of(native, *controller))
				g_ptr_array_add(mounts, g_strdup(*controller));
	}
	return mounts;
}
