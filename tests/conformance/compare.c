#include "conformance.h"

#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How a file's content is compared. */
typedef enum Compare {
	COMPARE_LITERAL,    /* settings, constants, and everything in a fresh group */
	COMPARE_NUMBERS,    /* any number where a number was recorded */
	COMPARE_PIDS,       /* any number of lines with one number each */
	COMPARE_DEVICES,    /* lines per block device come and go; else as numbers */
	COMPARE_CPU_COLUMN, /* one number per CPU */
	COMPARE_CPU_LINES,  /* a heading, and one line per CPU */
	COMPARE_CPU_LIST,   /* "0-1" stands for the machine's CPUs */
	COMPARE_NODE_LIST,  /* "0" stands for the machine's memory nodes */
	COMPARE_INTERFACES, /* "NAME NUMBER" for each network interface */
	COMPARE_ANY,        /* whatever is there: identity of one machine or one moment */
} Compare;

/* The first rule whose globs match a row's label and name holds. */
static const struct Rule {
	const char *label, *name;
	Compare compare;
} rules[] = {
	{"v[12]*", "cpuacct.usage_percpu*", COMPARE_CPU_COLUMN},
	{"v[12]*", "cpuacct.usage_all", COMPARE_CPU_LINES},
	{"v1/cpuset/root", "cpuset.cpus", COMPARE_CPU_LIST},
	{"v1/cpuset/root", "cpuset.effective_cpus", COMPARE_CPU_LIST},
	{"v2*", "cpuset.cpus.effective", COMPARE_CPU_LIST},
	{"v1/cpuset/root", "cpuset.mems", COMPARE_NODE_LIST},
	{"v1/cpuset/root", "cpuset.effective_mems", COMPARE_NODE_LIST},
	{"v2*", "cpuset.mems.effective", COMPARE_NODE_LIST},
	{"v1*", "net_prio.ifpriomap", COMPARE_INTERFACES},
	{"v1*", "net_prio.prioidx", COMPARE_NUMBERS},
	{"v[12]*/root", "cgroup.procs", COMPARE_PIDS},
	{"v[12]*/root", "cgroup.threads", COMPARE_PIDS},
	{"v[12]*/root", "tasks", COMPARE_PIDS},
	{"v[12]*/root", "blkio.*_serv*", COMPARE_DEVICES},
	{"v2/root", "io.stat", COMPARE_DEVICES},
	{"v[12]*/root", "memory.*usage_in_bytes", COMPARE_NUMBERS},
	{"v[12]*/root", "hugetlb.*usage_in_bytes", COMPARE_NUMBERS},
	{"v[12]*/root", "*stat", COMPARE_NUMBERS},
	{"v[12]*/root", "cpuacct.usage*", COMPARE_NUMBERS},
	{"v[12]*/root", "*.pressure", COMPARE_NUMBERS},
	{"/proc/sys/kernel", "hostname", COMPARE_ANY},
	{"/proc/sys/kernel", "domainname", COMPARE_ANY},
	{"/proc/sys/kernel", "osrelease", COMPARE_ANY},
	{"/proc/sys/kernel", "version", COMPARE_ANY},
	{"/proc/sys/kernel", "watchdog_cpumask", COMPARE_CPU_LIST},
	{"/proc/sys/kernel/random", "*", COMPARE_ANY},
	{"/proc/sys/crypto", "fips_version", COMPARE_ANY},
	/* A sysctl's value depends on the machine's size and on how it was set up. */
	{"/proc/sys*", "*", COMPARE_NUMBERS},
};

static Compare compare_of(const Row *row)
{
	/* What was written is read back as it is, unless nothing was. */
	if (row->kind == KIND_WRITE && *row->label == '/' && row->input_len > 0)
		return COMPARE_LITERAL;
	for (guint i = 0; i < G_N_ELEMENTS(rules); i++) {
		if (fnmatch(rules[i].label, row->label, 0) == 0 && fnmatch(rules[i].name, row->name, 0) == 0)
			return rules[i].compare;
	}
	return COMPARE_LITERAL;
}

static char *read_line(const char *path, const char *fallback)
{
	char *content = NULL;
	if (!g_file_get_contents(path, &content, NULL, NULL))
		return g_strdup(fallback);
	return g_strchomp(content);
}

/* How many CPUs a list such as "0-3,8" has. */
static guint count_list(const char *list)
{
	guint count = 0;
	g_auto(GStrv) parts = g_strsplit(list, ",", -1);
	for (char **part = parts; *part; part++) {
		const char *dash = strchr(*part, '-');
		const guint64 first = g_ascii_strtoull(*part, NULL, 10);
		count += dash ? g_ascii_strtoull(dash + 1, NULL, 10) - first + 1 : 1;
	}
	return count;
}

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

void machine_learn(Machine *ret_machine)
{
	ret_machine->cpu_list = read_line("/sys/devices/system/cpu/online", "0");
	ret_machine->node_list = read_line("/sys/devices/system/node/online", "0");
	ret_machine->cpus = count_list(ret_machine->cpu_list);
	g_autofree char *possible = read_line("/sys/devices/system/cpu/possible", ret_machine->cpu_list);
	ret_machine->possible_cpus = count_list(possible);
	ret_machine->interfaces = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open("/sys/class/net", 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));)
		g_ptr_array_add(ret_machine->interfaces, g_strdup(name));
	g_ptr_array_sort(ret_machine->interfaces, by_name);
}

void machine_forget(Machine *machine)
{
	g_free(machine->cpu_list);
	g_free(machine->node_list);
	g_ptr_array_unref(machine->interfaces);
}

const char *row_not_here(const Row *row, const Machine *machine)
{
	if (g_str_has_prefix(row->name, "hugetlb.")) {
		const gboolean giga = g_str_has_prefix(row->name, "hugetlb.1GB.");
		const char *size = giga ? "/sys/kernel/mm/hugepages/hugepages-1048576kB"
					: "/sys/kernel/mm/hugepages/hugepages-2048kB";
		if (access("/sys/kernel/mm/hugepages", F_OK) == 0 && access(size, F_OK) < 0)
			return "this machine has no huge pages of that size";
	}
	if (row->kind != KIND_WRITE)
		return NULL;
	if (machine->cpus != 2 && g_str_has_prefix(row->name, "cpuset.cpus"))
		return "recorded on two CPUs";
	if (strcmp(machine->node_list, "0") != 0 && g_str_has_prefix(row->name, "cpuset.mems"))
		return "recorded on one memory node";
	if (g_str_has_prefix(row->input, "8:0 ") && access("/sys/dev/block/8:0", F_OK) == 0)
		return "recorded without a disk 8:0";
	return NULL;
}

/* Each number that stands by itself, or after '=' or a sign, becomes '#'; columns of further memory nodes go. */
static char *without_numbers(const char *text)
{
	static GRegex *nodes, *numbers;
	if (!nodes) {
		nodes = g_regex_new(" N[1-9][0-9]*=[0-9]+", G_REGEX_OPTIMIZE, 0, NULL);
		numbers = g_regex_new("(?<![A-Za-z0-9_.])-?[0-9]+([.][0-9]+)?(?![A-Za-z0-9_])", G_REGEX_OPTIMIZE, 0,
				      NULL);
	}
	g_autofree char *one_node = g_regex_replace_literal(nodes, text, -1, 0, "", 0, NULL);
	/* "\n" and "\t" are still two characters; a number after them is a number. */
	g_autofree char *plain = g_strcompress(one_node);
	return g_regex_replace_literal(numbers, plain, -1, 0, "#", 0, NULL);
}

static char *without_device_lines(const char *text)
{
	g_autofree char *plain = g_strcompress(text);
	g_auto(GStrv) lines = g_strsplit(plain, "\n", -1);
	GString *out = g_string_new(NULL);
	for (char **line = lines; *line; line++) {
		const gsize digits = strspn(*line, "0123456789");
		if (**line && !(digits && (*line)[digits] == ':'))
			g_string_append_printf(out, "%s\n", *line);
	}
	g_autofree char *kept = g_string_free(out, FALSE);
	return without_numbers(kept);
}

static gboolean only_pids(const char *text)
{
	g_autofree char *plain = g_strcompress(text);
	return plain[strspn(plain, "0123456789\n")] == '\0' && plain[0] != '\n';
}

/* count times unit, between head and tail. */
static char *repeated(const char *head, const char *unit, guint count, const char *tail)
{
	GString *out = g_string_new(head);
	for (guint i = 0; i < count; i++)
		g_string_append(out, unit);
	g_string_append(out, tail);
	return g_string_free(out, FALSE);
}

/* The kernel has a column for each possible CPU, present or not. */
static gboolean per_cpu_agrees(const Machine *machine, const char *got, const char *head, const char *unit,
			       const char *tail)
{
	g_autofree char *shape = without_numbers(got);
	g_autofree char *online = repeated(head, unit, machine->cpus, tail);
	g_autofree char *possible = repeated(head, unit, machine->possible_cpus, tail);
	return g_str_equal(shape, online) || g_str_equal(shape, possible);
}

static gboolean interfaces_agree(const Machine *machine, const char *got)
{
	g_autofree char *plain = g_strcompress(got);
	g_auto(GStrv) lines = g_strsplit(g_strchomp(plain), "\n", -1);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	for (char **line = lines; *line; line++) {
		const char *space = strchr(*line, ' ');
		if (!space || !g_ascii_isdigit(space[1]))
			return FALSE;
		g_ptr_array_add(names, g_strndup(*line, space - *line));
	}
	g_ptr_array_sort(names, by_name);
	gboolean same = names->len == machine->interfaces->len;
	for (guint i = 0; same && i < names->len; i++)
		same = g_str_equal(names->pdata[i], machine->interfaces->pdata[i]);
	return same;
}

static gboolean list_agrees(const char *want, const char *recorded, const char *list, const char *got)
{
	g_autofree char *recorded_line = g_strconcat(recorded, "\\n", NULL);
	g_autofree char *line = g_strconcat(list, "\\n", NULL);
	return g_str_equal(got, g_str_equal(want, recorded_line) ? line : want);
}

static gboolean shapes_agree(const char *want, const char *got, char *(*shape)(const char *text))
{
	g_autofree char *a = shape(want);
	g_autofree char *b = shape(got);
	return g_str_equal(a, b);
}

gboolean content_agrees(const Row *row, const Machine *machine, const char *want, const char *got)
{
	if (row->kind == KIND_WRITE && !*want)
		return !*got; /* the write failed */
	switch (compare_of(row)) {
	case COMPARE_NUMBERS:
		return shapes_agree(want, got, without_numbers);
	case COMPARE_PIDS:
		return only_pids(got);
	case COMPARE_DEVICES:
		return shapes_agree(want, got, without_device_lines);
	case COMPARE_CPU_COLUMN:
		return per_cpu_agrees(machine, got, "", "# ", "\n");
	case COMPARE_CPU_LINES:
		return per_cpu_agrees(machine, got, "cpu user system\n", "# # #\n", "");
	case COMPARE_CPU_LIST:
		return list_agrees(want, "0-1", machine->cpu_list, got);
	case COMPARE_NODE_LIST:
		return list_agrees(want, "0", machine->node_list, got);
	case COMPARE_INTERFACES:
		return interfaces_agree(machine, got);
	case COMPARE_ANY:
		return TRUE;
	default:
		return g_str_equal(want, got) ||
		       (g_str_has_suffix(row->name, "numa_stat") && shapes_agree(want, got, without_numbers));
	}
}
