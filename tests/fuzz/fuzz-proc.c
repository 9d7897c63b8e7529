/* The kernel's machine-wide texts, and what is made of them. */
#include "tests/fuzz/fuzz.h"

#include "fs/proc/render.h"
#include "fs/source/cpu.h"
#include "fs/source/disks.h"
#include "fs/source/memory.h"
#include "fs/source/pressure.h"
#include "fs/source/reader.h"

#include <string.h>

const char *const fuzz_seeds[] = {
	"",
	"cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3\ncpu1\nintr 5 1 2\nctxt 9\nbtime 7\n",
	"pgpgin 5\npgfault 18446744073709551615\n",
	"some avg10=0.00 avg60=99.99 avg300=1e9 total=5\nfull avg10= avg60=\n",
	"processor : 0\nmodel name\t: x\n\nprocessor\t: 1\n\n",
	NULL,
};

static void check_texts(const ProcScene *scene)
{
	static void (*const renders[])(const ProcScene *, GString *) = {
		proc_show_stat,  proc_show_uptime,  proc_show_loadavg, proc_show_meminfo,
		proc_show_swaps, proc_show_cpuinfo, proc_show_vmstat,  proc_show_diskstats,
	};
	g_autoptr(GString) out = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(renders); i++) {
		g_string_truncate(out, 0);
		renders[i](scene, out);
		g_assert_cmpuint(out->len, ==, strlen(out->str));
	}
	g_assert_null(strstr(out->str, "\n\n")); /* diskstats */
	g_assert_true(out->str[0] != '\n');
}

static void check_memory(const Memory *memory)
{
	g_assert_cmpuint(memory->total, >, 0);
	g_assert_cmpuint(memory->free, <=, memory->total);
	g_assert_cmpuint(memory->available, <=, memory->total);
	g_assert_cmpuint(memory->swap_free, <=, memory->swap_total);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned numbers[] = {0, 1, 3};
	const Machine machine = {.n_cpus = 3,
				 .cpu_list = (char *) "0-1,3",
				 .cpu_numbers = numbers,
				 .page_size = 4096,
				 .ticks_per_second = 100};
	g_autofree char *text = g_strndup((const char *) data, size);
	g_autoptr(Sample) sample = sample_new(3);
	ProcLimits limits = {0};
	const ProcScene scene = {sample, &machine, &limits};
	Pressure pressure;
	CpuMap map;

	cpu_map_init(&map, machine.cpu_list);
	cpu_parse_stat(text, &map, machine.ticks_per_second, sample);
	cpu_map_clear(&map);
	memory_parse_meminfo(text, &sample->memory);
	memory_parse_vmstat(text, &sample->memory);
	memory_keep_invariants(&sample->memory);
	check_memory(&sample->memory);
	disks_parse(text, -1, &sample->disks, &sample->n_disks);
	pressure_parse(text, &pressure);
	sample->native = g_strdup(text);
	sample->uptime_s = (double) size;
	check_texts(&scene);
	proc_limits_set_cpus(&limits, &machine, text, (unsigned) size % 3);
	limits.memory = sample->memory.total / 3;
	limits.memory_used = limits.memory_cache = size;
	check_texts(&scene);
	proc_limits_clear(&limits);
	return 0;
}
