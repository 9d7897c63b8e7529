#include "fs/source/machine.h"

#include "fs/source/file.h"
#include "fs/source/scan.h"

#include <string.h>
#include <unistd.h>

/* More CPUs or nodes than any kernel is built for: a list that names more is not believed. */
#define MAX_NUMBER 65535

/* Calls visit for each number of a list as the kernel prints it, "0-3,8". Returns FALSE if there is none. */
static gboolean list_walk(const char *list, void (*visit)(unsigned number, void *data), void *data)
{
	const char *at = list;
	guint64 first, last;
	gboolean any = FALSE;

	while (scan_u64(&at, &first)) {
		last = first;
		if (*at == '-') {
			at++;
			scan_u64(&at, &last);
		}
		for (guint64 i = first; i <= MIN(last, MAX_NUMBER); i++, any = TRUE)
			visit((unsigned) i, data);
		if (*at == ',')
			at++;
	}
	return any;
}

static void count_number(unsigned number, void *data)
{
	++*(unsigned *) data;
}

static void keep_highest(unsigned number, void *data)
{
	unsigned *highest = data;

	*highest = MAX(*highest, number);
}

static void append_number(unsigned number, void *data)
{
	g_array_append_val((GArray *) data, number);
}

static void give_index(unsigned number, void *data)
{
	CpuMap *map = data;

	map->index[number] = (int) map->n_cpus++;
}

void cpu_map_init(CpuMap *map, const char *cpu_list)
{
	unsigned highest = 0;

	list_walk(cpu_list, keep_highest, &highest);
	map->n_numbers = highest + 1;
	map->index = g_new(int, map->n_numbers);
	memset(map->index, 0xff, map->n_numbers * sizeof *map->index);
	map->n_cpus = 0;
	list_walk(cpu_list, give_index, map);
}

void cpu_map_clear(CpuMap *map)
{
	g_clear_pointer(&map->index, g_free);
}

int cpu_map_index(const CpuMap *map, guint64 number)
{
	return number < map->n_numbers ? map->index[number] : -1;
}

unsigned machine_cpu_position(const Machine *machine, guint64 number)
{
	unsigned low = 0, high = machine->n_cpus;

	if (number < machine->n_cpus && machine->cpu_numbers[number] == number)
		return (unsigned) number;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (machine->cpu_numbers[middle] < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < machine->n_cpus && machine->cpu_numbers[low] == number ? low : 0;
}

/* A list file of /sys without its newline; NULL if it is missing or empty. */
static char *read_list(int sys, const char *path)
{
	g_autoptr(GString) text = g_string_new(NULL);
	unsigned n = 0;

	if (sys < 0 || file_read_at(sys, path, text) < 0 || !list_walk(text->str, count_number, &n))
		return NULL;
	return g_strdup(g_strstrip(text->str));
}

static void append_range(GString *list, guint64 first, guint64 last)
{
	g_string_append_printf(list, "%s%" G_GUINT64_FORMAT, list->len ? "," : "", first);
	if (last > first)
		g_string_append_printf(list, "-%" G_GUINT64_FORMAT, last);
}

/* The CPUs that /proc/stat has lines for. */
static char *cpus_of_stat(int proc)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GString) list = g_string_new(NULL);
	guint64 first = 0, next = 0, number;

	if (proc < 0 || file_read_at(proc, "stat", text) < 0)
		return NULL;
	for (const char *line = text->str; *line; line = scan_next_line(line)) {
		const char *at = line + 3;

		if (strncmp(line, "cpu", 3) != 0 || *at == ' ' || !scan_u64(&at, &number))
			continue;
		if (next && number != next)
			append_range(list, first, next - 1);
		if (number != next || !next)
			first = number;
		next = number + 1;
	}
	if (next)
		append_range(list, first, next - 1);
	return list->len ? g_strdup(list->str) : NULL;
}

static char *cpus_of_libc(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 1 ? g_strdup_printf("0-%ld", n - 1) : g_strdup("0");
}

static void read_cpus(int proc, int sys, Machine *ret)
{
	g_autofree char *possible = read_list(sys, "devices/system/cpu/possible");

	ret->cpu_list = read_list(sys, "devices/system/cpu/online");
	if (!ret->cpu_list)
		ret->cpu_list = cpus_of_stat(proc);
	if (!ret->cpu_list)
		ret->cpu_list = cpus_of_libc();
	GArray *numbers = g_array_new(FALSE, FALSE, sizeof(unsigned));

	list_walk(ret->cpu_list, append_number, numbers);
	ret->n_cpus = numbers->len;
	ret->cpu_numbers = (unsigned *) (void *) g_array_free(numbers, FALSE);
	list_walk(ret->cpu_list, keep_highest, &ret->max_cpu);
	if (possible)
		list_walk(possible, keep_highest, &ret->max_cpu);
}

static void read_nodes(int sys, Machine *ret)
{
	g_autofree char *possible = read_list(sys, "devices/system/node/possible");

	ret->node_list = read_list(sys, "devices/system/node/has_memory");
	if (!ret->node_list)
		ret->node_list = read_list(sys, "devices/system/node/online");
	if (!ret->node_list)
		ret->node_list = g_strdup("0");
	list_walk(ret->node_list, keep_highest, &ret->max_node);
	if (possible)
		list_walk(possible, keep_highest, &ret->max_node);
}

void machine_read(int proc, int sys, Machine *ret)
{
	long page = sysconf(_SC_PAGESIZE), ticks = sysconf(_SC_CLK_TCK);

	memset(ret, 0, sizeof *ret);
	read_cpus(proc, sys, ret);
	read_nodes(sys, ret);
	ret->page_size = page > 0 ? (unsigned) page : 4096;
	ret->ticks_per_second = ticks > 0 ? (unsigned) ticks : 100;
}

void machine_clear(Machine *machine)
{
	g_clear_pointer(&machine->cpu_list, g_free);
	g_clear_pointer(&machine->cpu_numbers, g_free);
	g_clear_pointer(&machine->node_list, g_free);
}
