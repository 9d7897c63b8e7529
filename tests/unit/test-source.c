/*
 * The sources of live numbers, on recorded machines (tests/unit/fixtures).
 */
#include "fs/source/cpu.h"
#include "fs/source/disks.h"
#include "fs/source/file.h"
#include "fs/source/memory.h"
#include "fs/source/pressure.h"
#include "fs/source/processes.h"
#include "fs/source/sampler.h"
#include "fs/source/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define ALL_PARTS (SAMPLE_CPU | SAMPLE_MEMORY | SAMPLE_IO | SAMPLE_PRESSURE | SAMPLE_PROCESSES | SAMPLE_LOAD)
#define TICK      (NS_PER_SECOND / (guint64) sysconf(_SC_CLK_TCK))
#define KIB       1024ULL

static char *fixture(const char *path)
{
	return g_build_filename(SOURCE_ROOT "/tests/unit/fixtures", path, NULL);
}

static Sampler *sampler_of(const char *machine)
{
	g_autofree char *top = fixture(machine), *proc = g_build_filename(top, "proc", NULL);
	g_autofree char *sys = g_build_filename(top, "sys", NULL);

	return sampler_new(proc, sys, 50);
}

static int open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* What must hold of every sample of every machine. */
static void assert_sane(const Sample *sample)
{
	const Memory *memory = &sample->memory;
	guint64 uptime_ns = (guint64) (sample->uptime_s * NS_PER_SECOND);

	assert_int_equal(sample->parts, ALL_PARTS);
	assert_true(sample->n_cpus >= 1);
	assert_true(memory->total > 0);
	assert_true(memory->free <= memory->total);
	assert_true(memory->available > 0 && memory->available <= memory->total);
	assert_true(memory->cached <= memory->total && memory->anon_pages <= memory->total);
	assert_true(memory->swap_free <= memory->swap_total);
	assert_true(sample->n_tasks > 0);
	assert_true(sample->cpu.idle <= uptime_ns * sample->n_cpus);
	assert_true(sample->cost >= 0);
	for (unsigned i = 1; i < sample->n_processes; i++)
		assert_true(sample->processes[i - 1].pid < sample->processes[i].pid);
}

static void test_scan_numbers(void **state)
{
	const char *at = "  42 18446744073709551616 -7 x", *word;
	guint64 number;
	gint64 signed_number;
	size_t len;

	assert_true(scan_u64(&at, &number));
	assert_int_equal(number, 42);
	assert_true(scan_u64(&at, &number));
	assert_true(number == G_MAXUINT64);
	assert_false(scan_u64(&at, &number));
	assert_true(scan_s64(&at, &signed_number));
	assert_int_equal(signed_number, -7);
	assert_true(scan_word(&at, &word, &len));
	assert_int_equal(len, 1);
	assert_false(scan_word(&at, &word, &len));
	at = "\n5";
	assert_false(scan_u64(&at, &number));
}

static void test_scan_fields_compares_whole_keys(void **state)
{
	struct {
		guint64 file, file_mapped;
	} values = {0, 0};
	const ScanField fields[] = {
		{"file", 0},
		{"file_mapped", sizeof(guint64)},
	};

	assert_int_equal(scan_fields("file_mapped 8\nfile 7\nfil 6\nfile_mappedx 5\n", fields, 2, &values), 2);
	assert_int_equal(values.file, 7);
	assert_int_equal(values.file_mapped, 8);
	assert_int_equal(scan_fields("file: 3 kB", fields, 2, &values), 1);
	assert_int_equal(values.file, 3 * KIB);
	assert_int_equal(scan_fields("file", fields, 2, &values), 1);
	assert_int_equal(values.file, 0);
}

static void test_file_grows_its_buffer(void **state)
{
	g_autofree char *directory = g_dir_make_tmp("cgemud-source-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "large", NULL);
	g_autofree char *content = g_malloc(100001);
	g_autoptr(GString) text = g_string_new("old");
	int fd;

	for (int i = 0; i < 100000; i++)
		content[i] = (char) ('a' + i % 26);
	content[100000] = '\0';
	assert_true(g_file_set_contents(path, content, -1, NULL));
	assert_int_equal(file_read_at(AT_FDCWD, path, text), 0);
	assert_int_equal(text->len, 100000);
	assert_string_equal(text->str, content);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(truncate(path, 3), 0);
	assert_int_equal(file_read(fd, text), 0);
	assert_string_equal(text->str, "abc");
	close(fd);
	assert_int_equal(file_read_single_at(AT_FDCWD, path, text), 0);
	assert_string_equal(text->str, "abc");
	assert_int_equal(file_read_at(AT_FDCWD, directory, text), -EISDIR);
	assert_string_equal(text->str, "");
	g_unlink(path);
	assert_int_equal(file_read_at(AT_FDCWD, path, text), -ENOENT);
	g_rmdir(directory);
}

static void test_two_cpus(void **state)
{
	Sampler *sampler = sampler_of("cpu2");
	const Machine *machine = sampler_machine(sampler);
	g_autoptr(Sample) sample = sampler_get(sampler, ALL_PARTS);

	assert_sane(sample);
	assert_int_equal(machine->n_cpus, 2);
	assert_string_equal(machine->cpu_list, "0-1");
	assert_string_equal(machine->node_list, "0");
	assert_string_equal(machine->cpu_source, "/proc/stat");
	assert_string_equal(machine->memory_source, "/proc/meminfo");
	assert_true(machine->has_pressure && machine->has_diskstats && machine->has_vmstat);
	assert_int_equal(sample->cpus[0].user, 3000 * TICK);
	assert_int_equal(sample->cpus[1].user, 3001 * TICK);
	assert_int_equal(sample->cpus[1].system, 1202 * TICK);
	assert_int_equal(sample->cpu.user, 6001 * TICK);
	assert_int_equal(sample->cpu.steal, 2 * TICK);
	assert_int_equal(sample->boot_time_s, 1795601391);
	assert_int_equal(sample->context_switches, 365735);
	assert_int_equal(sample->interrupts, 195080);
	assert_int_equal(sample->n_blocked, 1);
	assert_int_equal(sample->n_running, 4);
	assert_int_equal(sample->n_tasks, 93);
	assert_int_equal(sample->last_pid, 7598);
	assert_int_equal(sample->memory.total, 24683620 * KIB);
	assert_int_equal(sample->memory.swap_total, 0);
	assert_int_equal(sample->memory.pgmajfault, 417);
	assert_int_equal(sample->memory.oom_kill, 3);
	assert_true(sample->load[0] > 3.48 && sample->load[0] < 3.50);
	sampler_free(sampler);
}

static void test_disks_without_partitions(void **state)
{
	Sampler *sampler = sampler_of("cpu2");
	g_autoptr(Sample) sample = sampler_get(sampler, SAMPLE_IO);

	assert_int_equal(sample->n_disks, 4);
	assert_int_equal(sample->disks[0].major, 7);
	assert_int_equal(sample->disks[0].minor, 1);
	assert_int_equal(sample->disks[1].major, 254);
	assert_int_equal(sample->disks[1].minor, 0);
	assert_int_equal(sample->disks[1].read_ops, 67258);
	assert_int_equal(sample->disks[1].read_bytes, 2567602 * 512ULL);
	assert_int_equal(sample->disks[1].write_ops, 9739);
	assert_int_equal(sample->disks[1].discard_ops, 5131);
	assert_int_equal(sample->disks[1].discard_bytes, 182680 * 512ULL);
	assert_int_equal(sample->disks[2].major, 259);
	assert_int_equal(sample->disks[2].discard_ops, 0);
	assert_int_equal(sample->disks[3].major, 104);
	sampler_free(sampler);
}

static void test_disks_without_sys(void **state)
{
	g_autofree DiskStat *disks = NULL;
	unsigned n;

	disks_parse("259 1 nvme0n1p1 9 0 72 1 20 0 160 1 0 2 2\n259 0 nvme0n1 9 0 72 1 20 0 160 1 0 2 2\n"
		    "8 0 sda 1 0 1 1 1 0 1 1 0 0 0\n8 1 sda1 1 0 1 1 1 0 1 1 0 0 0\n253 0 zram0 1 0 1 1 1 0 1\n"
		    "\n9 0 md0 1 0 2 1 1 0\n9 1 md1",
		    -1, &disks, &n);
	assert_int_equal(n, 3);
	assert_int_equal(disks[0].minor, 0);
	assert_int_equal(disks[1].major, 8);
	assert_int_equal(disks[2].major, 253);
}

static void test_pressure(void **state)
{
	Sampler *sampler = sampler_of("cpu2");
	g_autoptr(Sample) sample = sampler_get(sampler, SAMPLE_PRESSURE);
	Pressure pressure;

	assert_true(sample->has_pressure);
	assert_int_equal(sample->pressure[PRESSURE_CPU].some.total_us, 3120455);
	assert_true(sample->pressure[PRESSURE_CPU].full.present);
	assert_true(sample->pressure[PRESSURE_IO].full.avg10 > 10.24 &&
		    sample->pressure[PRESSURE_IO].full.avg10 < 10.26);
	assert_int_equal(sample->pressure[PRESSURE_MEMORY].full.total_us, 7);
	assert_false(pressure_parse("", &pressure));
	assert_false(pressure_parse("some avg10=1 avg60=", &pressure));
	assert_false(pressure.some.present);
	sampler_free(sampler);
}

static void test_64_cpus_with_gaps_on_an_old_kernel(void **state)
{
	Sampler *sampler = sampler_of("cpu64");
	const Machine *machine = sampler_machine(sampler);
	g_autoptr(Sample) sample = sampler_get(sampler, ALL_PARTS);

	assert_sane(sample);
	assert_int_equal(machine->n_cpus, 64);
	assert_string_equal(machine->cpu_list, "0-31,40-71");
	assert_int_equal(machine->max_cpu, 71);
	assert_string_equal(machine->node_list, "0-1");
	assert_int_equal(machine->max_node, 7);
	assert_false(machine->has_pressure);
	assert_int_equal(sample->cpus[32].user, 5032 * TICK);
	assert_int_equal(machine_cpu_position(machine, 31), 31);
	assert_int_equal(machine_cpu_position(machine, 40), 32);
	assert_int_equal(machine_cpu_position(machine, 71), 63);
	assert_int_equal(machine_cpu_position(machine, 35), 0);
	assert_int_equal(machine_cpu_position(machine, 72), 0);
	assert_int_equal(sample->cpus[63].user, 5063 * TICK);
	assert_int_equal(sample->memory.swap_total, 8388604 * KIB);
	assert_int_equal(sample->memory.swap_free, 6291456 * KIB);
	assert_int_equal(sample->memory.available, (13240000 + 1048576 + 202400000) * KIB);
	assert_true(sample->memory.pgfault == G_MAXUINT64);
	assert_int_equal(sample->memory.pswpout, 524288);
	assert_int_equal(sample->n_disks, 1);
	sampler_free(sampler);
}

static void test_256_cpus_without_sys(void **state)
{
	Sampler *sampler = sampler_of("cpu256");
	g_autoptr(Sample) sample = sampler_get(sampler, ALL_PARTS);

	assert_sane(sample);
	assert_int_equal(sample->n_cpus, 256);
	assert_string_equal(sampler_machine(sampler)->cpu_list, "0-255");
	assert_string_equal(sampler_machine(sampler)->node_list, "0");
	assert_int_equal(sample->cpus[255].user, 2255 * TICK);
	sampler_free(sampler);
}

static void test_gvisor_counts_over_processes(void **state)
{
	Sampler *sampler = sampler_of("gvisor");
	const Machine *machine = sampler_machine(sampler);
	g_autoptr(Sample) sample = sampler_get(sampler, ALL_PARTS);

	assert_sane(sample);
	assert_string_equal(machine->cpu_source, "sum over processes");
	assert_string_equal(machine->memory_source, "/proc/meminfo");
	assert_false(machine->has_vmstat || machine->has_diskstats || machine->has_pressure);
	assert_int_equal(sample->n_processes, 2);
	assert_int_equal(sample->n_tasks, 2);
	assert_int_equal(sample->cpu.user, (31 + 52 + 5) * TICK);
	assert_int_equal(sample->cpu.system, (13 + 38 + 4) * TICK);
	assert_true(sample->cpu.idle > 79 * NS_PER_SECOND && sample->cpu.idle < 81 * NS_PER_SECOND);
	assert_int_equal(sample->processes[1].rss, 1203ULL * machine->page_size);
	assert_int_equal(sample->processes[1].start, 17);
	sampler_free(sampler);
}

static void test_nothing_to_read(void **state)
{
	Sampler *sampler = sampler_new("/nonexistent", "/nonexistent", 50);
	g_autoptr(Sample) sample = sampler_get(sampler, ALL_PARTS);
	Process process;

	assert_true(sample->memory.total > 0);
	assert_true(sample->n_cpus >= 1);
	assert_int_equal(sample->n_processes, 0);
	assert_true(sample->uptime_s > 0);
	assert_true(sampler_read_process(sampler, 1, FALSE, &process) < 0);
	sampler_free(sampler);
}

static void test_process_stat(void **state)
{
	Sampler *sampler = sampler_of("cpu2");
	g_autoptr(Sample) sample = sampler_get(sampler, SAMPLE_PROCESSES);
	const Process *process = sample_find_process(sample, 10);

	assert_non_null(process);
	assert_int_equal(process->state, 'S');
	assert_int_equal(process->ppid, 1);
	assert_int_equal(process->user_ns, 7 * TICK);
	assert_int_equal(process->system_ns, 5 * TICK);
	assert_int_equal(process->n_threads, 3);
	assert_int_equal(process->processor, 1);
	assert_int_equal(process->start, 900);
	process = sample_find_process(sample, 200);
	assert_non_null(process);
	assert_int_equal(process->state, 'Z');
	process = sample_find_process(sample, 1);
	assert_int_equal(process->children_user_ns, 3000 * TICK);
	assert_int_equal(process->major_faults, 40);
	for (pid_t pid = 201; pid <= 203; pid++)
		assert_null(sample_find_process(sample, pid));
	assert_null(sample_find_process(sample, 0));
	assert_null(sample_find_process(sample, G_MAXINT));
	assert_int_equal(sample->n_processes, 5);
	sampler_free(sampler);
}

static void test_process_stat_cut_anywhere(void **state)
{
	static const char whole[] =
		"10 (a) b (c)) R 1 10 10 0 -1 64 1 2 3 4 5 6 -7 8 20 0 1 0 77 4096 9 18446744073709551615";
	const Machine machine = {.page_size = 4096, .ticks_per_second = 100};
	Process process;

	for (size_t len = 0; len < strlen(whole) - strlen(" 18446744073709551615") - 1; len++) {
		g_autofree char *cut = g_strndup(whole, len);

		assert_int_equal(process_parse_stat(cut, &machine, &process), -EINVAL);
	}
	assert_int_equal(process_parse_stat(whole, &machine, &process), 0);
	assert_int_equal(process.start, 77);
	assert_int_equal(process.rss, 9 * 4096);
	assert_int_equal(process.children_user_ns, 0);
	assert_int_equal(process_parse_stat("-1 (a) R 1", &machine, &process), -EINVAL);
}

static void test_process_memory_ladder(void **state)
{
	g_autofree char *proc_path = fixture("cpu2/proc"), *gvisor_path = fixture("gvisor/proc");
	int proc = open_directory(proc_path), gvisor = open_directory(gvisor_path);
	const Machine machine = {.page_size = 4096, .ticks_per_second = 100};
	ProcessMemory memory;

	assert_int_equal(process_read_memory(proc, 1, &machine, &memory), 0); /* smaps_rollup, shared pages divided */
	assert_int_equal(memory.anon, 2800 * KIB);
	assert_int_equal(memory.file, 2494 * KIB);
	assert_int_equal(memory.shmem, 50 * KIB);
	assert_int_equal(memory.swap, 40 * KIB);
	assert_int_equal(process_read_memory(proc, 300, &machine, &memory), 0); /* an older smaps_rollup */
	assert_int_equal(memory.anon, 1500 * KIB);
	assert_int_equal(memory.file, 2500 * KIB);
	assert_int_equal(process_read_memory(proc, 10, &machine, &memory), 0); /* statm */
	assert_int_equal(memory.anon, 40 * 4 * KIB);
	assert_int_equal(memory.file, 60 * 4 * KIB);
	assert_int_equal(process_read_memory(proc, 2, &machine, &memory), 0); /* a kernel thread */
	assert_int_equal(memory.anon + memory.file, 0);
	assert_int_equal(process_read_memory(proc, 9999, &machine, &memory), -ESRCH);
	assert_int_equal(process_read_memory(gvisor, 4, &machine, &memory), 0);
	assert_int_equal(memory.anon, 1203 * 4 * KIB);
	assert_int_equal(memory.file, 0);
	close(proc);
	close(gvisor);
}

static void test_process_io_and_threads(void **state)
{
	g_autofree char *proc_path = fixture("cpu2/proc");
	g_autoptr(GArray) tids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	g_autoptr(GString) buffer = g_string_new(NULL);
	const Machine machine = {.page_size = 4096, .ticks_per_second = 100};
	int proc = open_directory(proc_path);
	Process thread;
	ProcessIo io;

	assert_int_equal(process_read_io(proc, 1, &io), 0);
	assert_int_equal(io.read_bytes, 40960);
	assert_int_equal(io.write_bytes, 8192);
	assert_int_equal(io.read_ops, 1010);
	assert_int_equal(io.write_ops, 20);
	assert_int_equal(process_read_io(proc, 10, &io), -ENOENT);
	assert_int_equal(process_read_io(proc, 9999, &io), -ESRCH);
	assert_int_equal(process_read_tids(proc, 1, tids), 0);
	assert_int_equal(tids->len, 3);
	assert_int_equal(g_array_index(tids, pid_t, 0), 1);
	assert_int_equal(g_array_index(tids, pid_t, 1), 9);
	assert_int_equal(g_array_index(tids, pid_t, 2), 17);
	assert_int_equal(process_read_tids(proc, 9999, tids), -ESRCH);
	assert_int_equal(process_read_tids(proc, -1, tids), -ESRCH);
	assert_int_equal(process_read_thread(proc, 1, 17, &machine, buffer, &thread), 0);
	assert_int_equal(thread.pid, 17);
	close(proc);
}

static void test_live_process(void **state)
{
	Sampler *sampler = sampler_new("/proc", "/sys", 50);
	Process process;

	assert_int_equal(sampler_read_process(sampler, getpid(), TRUE, &process), 0);
	assert_int_equal(process.ppid, getppid());
	assert_true(process.rss > 0 && process.n_threads >= 1);
	sampler_free(sampler);
}

/* A sample is given out again only if it has what is asked for and is young enough. */
static void test_samples_are_shared(void **state)
{
	Sampler *sampler = sampler_of("cpu256");
	Sample *first, *second;

	sampler_set_max_age(sampler, 3600000);
	first = sampler_get(sampler, SAMPLE_MEMORY);
	second = sampler_get(sampler, SAMPLE_CPU);
	assert_ptr_not_equal(first, second);
	assert_true(second->parts & SAMPLE_CPU);
	assert_true(second->parts & SAMPLE_MEMORY); /* asked for a moment ago: readers of both share */
	assert_false(second->parts & SAMPLE_PROCESSES);
	sample_unref(first);
	first = sampler_get_fresh(sampler, SAMPLE_CPU);
	assert_ptr_not_equal(first, second);
	assert_true(first->taken - first->cost >= second->taken);
	sample_unref(first);
	sampler_set_max_age(sampler, 0);
	first = sampler_get(sampler, SAMPLE_CPU);
	assert_ptr_not_equal(first, second);
	sample_unref(first);
	sample_unref(second);
	sampler_free(sampler);
}

typedef struct Crowd {
	Sampler *sampler;
	gint wrong;
} Crowd;

static gpointer read_in_crowd(gpointer data)
{
	Crowd *crowd = data;
	guint64 last = 0;

	for (int i = 0; i < 200; i++) {
		gint64 since = g_get_monotonic_time();
		g_autoptr(Sample) sample = i % 2 ? sampler_get(crowd->sampler, SAMPLE_CPU | SAMPLE_PROCESSES)
						 : sampler_get_fresh(crowd->sampler, SAMPLE_CPU);

		if (i % 2 == 0 && sample->taken - sample->cost < since)
			g_atomic_int_inc(&crowd->wrong);
		if (sample->cpu.user < last || !(sample->parts & SAMPLE_CPU))
			g_atomic_int_inc(&crowd->wrong);
		last = sample->cpu.user;
	}
	return NULL;
}

static void test_many_readers(void **state)
{
	Crowd crowd = {sampler_of("gvisor"), 0};
	GThread *threads[8];

	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("reader", read_in_crowd, &crowd);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		g_thread_join(threads[i]);
	assert_int_equal(crowd.wrong, 0);
	sampler_free(crowd.sampler);
}

static void test_native_text(void **state)
{
	Sampler *sampler = sampler_of("cpu2");
	g_autoptr(GString) text = g_string_new(NULL);

	assert_int_equal(sampler_read_native(sampler, "pressure/io", text), 0);
	assert_true(g_str_has_prefix(text->str, "some avg10=12.50"));
	assert_int_equal(sampler_read_native(sampler, "cpuinfo", text), -ENOENT);
	assert_int_equal(sampler_read_native(sampler, "../sys", text), -ENOENT);
	assert_string_equal(text->str, "");
	sampler_free(sampler);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan_numbers),
		cmocka_unit_test(test_scan_fields_compares_whole_keys),
		cmocka_unit_test(test_file_grows_its_buffer),
		cmocka_unit_test(test_two_cpus),
		cmocka_unit_test(test_disks_without_partitions),
		cmocka_unit_test(test_disks_without_sys),
		cmocka_unit_test(test_pressure),
		cmocka_unit_test(test_64_cpus_with_gaps_on_an_old_kernel),
		cmocka_unit_test(test_256_cpus_without_sys),
		cmocka_unit_test(test_gvisor_counts_over_processes),
		cmocka_unit_test(test_nothing_to_read),
		cmocka_unit_test(test_process_stat),
		cmocka_unit_test(test_process_stat_cut_anywhere),
		cmocka_unit_test(test_process_memory_ladder),
		cmocka_unit_test(test_process_io_and_threads),
		cmocka_unit_test(test_live_process),
		cmocka_unit_test(test_samples_are_shared),
		cmocka_unit_test(test_many_readers),
		cmocka_unit_test(test_native_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
