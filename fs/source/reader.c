#include "fs/source/reader.h"

#include "fs/source/cpu.h"
#include "fs/source/disks.h"
#include "fs/source/file.h"
#include "fs/source/memory.h"
#include "fs/source/pressure.h"
#include "fs/source/processes.h"
#include "fs/source/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef enum Kept {
	KEPT_STAT,
	KEPT_MEMINFO,
	KEPT_VMSTAT,
	KEPT_DISKSTATS,
	KEPT_LOADAVG,
	KEPT_UPTIME,
	KEPT_PRESSURE, /* PRESSURE_COUNT of them, in the order of PressureKind */
	KEPT_CPUINFO = KEPT_PRESSURE + PRESSURE_COUNT,
	KEPT_SWAPS,
	KEPT_FILESYSTEMS,
	KEPT_CGROUPS,
	KEPT_PARTITIONS,
	KEPT_COUNT
} Kept;

static const char *const kept_names[KEPT_COUNT] = {
	[KEPT_STAT] = "stat",
	[KEPT_MEMINFO] = "meminfo",
	[KEPT_VMSTAT] = "vmstat",
	[KEPT_DISKSTATS] = "diskstats",
	[KEPT_LOADAVG] = "loadavg",
	[KEPT_UPTIME] = "uptime",
	[KEPT_PRESSURE + PRESSURE_CPU] = "pressure/cpu",
	[KEPT_PRESSURE + PRESSURE_MEMORY] = "pressure/memory",
	[KEPT_PRESSURE + PRESSURE_IO] = "pressure/io",
	[KEPT_CPUINFO] = "cpuinfo",
	[KEPT_SWAPS] = "swaps",
	[KEPT_FILESYSTEMS] = "filesystems",
	[KEPT_CGROUPS] = "cgroups",
	[KEPT_PARTITIONS] = "partitions",
};

struct Reader {
	int proc, sys;
	int kept[KEPT_COUNT]; /* -1: the kernel has no such file */
	Machine machine;
	CpuMap map;
	unsigned walk_parts;
	CpuSum *sum; /* NULL: /proc/stat moves */
	GMutex floor_lock;
	CpuTimes cpu_floor, *cpus_floor;
};

static int read_kept(const Reader *reader, Kept kept, GString *out)
{
	g_string_truncate(out, 0);
	return reader->kept[kept] < 0 ? -ENOENT : file_read(reader->kept[kept], out);
}

static gboolean kept_has_text(const Reader *reader, Kept kept, GString *buffer)
{
	return read_kept(reader, kept, buffer) == 0 && buffer->len > 0;
}

static void open_files(Reader *reader, const char *proc, const char *sys)
{
	reader->proc = open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	reader->sys = open(sys, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < KEPT_COUNT; i++)
		reader->kept[i] = openat(reader->proc, kept_names[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* A kernel whose counters all stand at 0 some time after its start does not count. */
static void choose_cpu_rung(Reader *reader, GString *buffer)
{
	g_autoptr(Sample) sample = sample_new(reader->machine.n_cpus);

	if (kept_has_text(reader, KEPT_STAT, buffer))
		cpu_parse_stat(buffer->str, &reader->map, reader->machine.ticks_per_second, sample);
	if (cpu_times_busy(&sample->cpu) + sample->cpu.idle > 0) {
		reader->machine.cpu_source = "/proc/stat";
		return;
	}
	reader->machine.cpu_source = "sum over processes";
	reader->sum = cpu_sum_new(reader->machine.n_cpus);
	reader->walk_parts |= SAMPLE_CPU;
}

static void choose_memory_rung(Reader *reader, GString *buffer)
{
	Memory memory = {0};

	if (kept_has_text(reader, KEPT_MEMINFO, buffer))
		memory_parse_meminfo(buffer->str, &memory);
	if (memory.total > 0) {
		reader->machine.memory_source = "/proc/meminfo";
		return;
	}
	reader->machine.memory_source = "sum over processes";
	reader->walk_parts |= SAMPLE_MEMORY;
}

/* "0.52 0.58 0.59 1/813 12345" */
static gboolean parse_loadavg(const char *at, Sample *sample)
{
	guint64 running, total, last;

	for (int i = 0; i < 3; i++)
		if (!scan_double(&at, &sample->load[i]))
			return FALSE;
	if (!scan_u64(&at, &running) || *at++ != '/' || !scan_u64(&at, &total) || total == 0)
		return FALSE;
	scan_u64(&at, &last);
	sample->n_running = (unsigned) running;
	sample->n_tasks = (unsigned) total;
	sample->last_pid = (pid_t) MIN(last, G_MAXINT);
	return TRUE;
}

static void choose_load_rung(Reader *reader, GString *buffer)
{
	g_autoptr(Sample) sample = sample_new(1);

	if (!kept_has_text(reader, KEPT_LOADAVG, buffer) || !parse_loadavg(buffer->str, sample))
		reader->walk_parts |= SAMPLE_LOAD;
}

Reader *reader_new(const char *proc, const char *sys)
{
	Reader *reader = g_new0(Reader, 1);
	g_autoptr(GString) buffer = g_string_new(NULL);

	open_files(reader, proc, sys);
	machine_read(reader->proc, reader->sys, &reader->machine);
	cpu_map_init(&reader->map, reader->machine.cpu_list);
	reader->cpus_floor = g_new0(CpuTimes, reader->machine.n_cpus);
	g_mutex_init(&reader->floor_lock);
	reader->walk_parts = SAMPLE_PROCESSES;
	choose_cpu_rung(reader, buffer);
	choose_memory_rung(reader, buffer);
	choose_load_rung(reader, buffer);
	reader->machine.has_pressure = kept_has_text(reader, KEPT_PRESSURE, buffer);
	reader->machine.has_diskstats = reader->kept[KEPT_DISKSTATS] >= 0;
	reader->machine.has_vmstat = kept_has_text(reader, KEPT_VMSTAT, buffer);
	return reader;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void reader_free(Reader *reader)
{
	for (int i = 0; i < KEPT_COUNT; i++)
		close_fd(reader->kept[i]);
	close_fd(reader->proc);
	close_fd(reader->sys);
	cpu_sum_free(reader->sum);
	cpu_map_clear(&reader->map);
	machine_clear(&reader->machine);
	g_mutex_clear(&reader->floor_lock);
	g_free(reader->cpus_floor);
	g_free(reader);
}

const Machine *reader_machine(const Reader *reader)
{
	return &reader->machine;
}

int reader_proc(const Reader *reader)
{
	return reader->proc;
}

unsigned reader_walk_parts(const Reader *reader)
{
	return reader->walk_parts;
}

static void take_uptime(const Reader *reader, GString *buffer, Sample *sample)
{
	const char *at = buffer->str;
	struct timespec now;

	if (read_kept(reader, KEPT_UPTIME, buffer) == 0 && scan_double(&at, &sample->uptime_s)) {
		scan_double(&at, &sample->idle_s);
		return;
	}
	clock_gettime(CLOCK_BOOTTIME, &now);
	sample->uptime_s = (double) now.tv_sec + (double) now.tv_nsec / NS_PER_SECOND;
}

static void keep_rising(Reader *reader, Sample *sample)
{
	g_mutex_lock(&reader->floor_lock);
	cpu_times_keep_rising(&sample->cpu, &reader->cpu_floor);
	for (unsigned i = 0; i < sample->n_cpus; i++)
		cpu_times_keep_rising(&sample->cpus[i], &reader->cpus_floor[i]);
	g_mutex_unlock(&reader->floor_lock);
}

static void take_cpu(Reader *reader, GString *buffer, Sample *sample)
{
	if (read_kept(reader, KEPT_STAT, buffer) == 0)
		cpu_parse_stat(buffer->str, &reader->map, reader->machine.ticks_per_second, sample);
	if (reader->sum) {
		guint64 uptime_ns;

		take_uptime(reader, buffer, sample);
		uptime_ns = (guint64) (sample->uptime_s * NS_PER_SECOND);
		cpu_sum_update(reader->sum, sample->processes, sample->n_processes, uptime_ns);
		cpu_sum_fill(reader->sum, uptime_ns, sample);
		sample->idle_s = (double) sample->cpu.idle / NS_PER_SECOND;
	}
	keep_rising(reader, sample);
}

static void take_memory(const Reader *reader, GString *buffer, Sample *sample)
{
	if (reader->walk_parts & SAMPLE_MEMORY)
		memory_from_processes(sample->processes, sample->n_processes, &sample->memory);
	else if (read_kept(reader, KEPT_MEMINFO, buffer) == 0)
		memory_parse_meminfo(buffer->str, &sample->memory);
	if (read_kept(reader, KEPT_VMSTAT, buffer) == 0)
		memory_parse_vmstat(buffer->str, &sample->memory);
	memory_keep_invariants(&sample->memory);
}

static void take_pressure(const Reader *reader, GString *buffer, Sample *sample)
{
	for (int i = 0; i < PRESSURE_COUNT; i++)
		if (read_kept(reader, KEPT_PRESSURE + i, buffer) == 0)
			sample->has_pressure |= pressure_parse(buffer->str, &sample->pressure[i]);
}

static void count_tasks(Sample *sample)
{
	sample->n_tasks = sample->n_running = 0;
	for (unsigned i = 0; i < sample->n_processes; i++) {
		const Process *process = &sample->processes[i];

		sample->n_tasks += process->n_threads;
		sample->n_running += process->state == 'R';
		sample->last_pid = MAX(sample->last_pid, process->pid);
	}
}

static void take_load(const Reader *reader, GString *buffer, Sample *sample)
{
	double idle = sample->idle_s;

	take_uptime(reader, buffer, sample);
	sample->idle_s = MAX(idle, sample->idle_s);
	if (read_kept(reader, KEPT_LOADAVG, buffer) == 0)
		parse_loadavg(buffer->str, sample);
	if (reader->walk_parts & SAMPLE_LOAD)
		count_tasks(sample);
}

Sample *reader_take(Reader *reader, unsigned parts, GString *buffer)
{
	Sample *sample = sample_new(reader->machine.n_cpus);
	gint64 start = g_get_monotonic_time();

	if (parts & reader->walk_parts) {
		processes_walk(reader->proc, &reader->machine, buffer, &sample->processes, &sample->n_processes);
		parts |= SAMPLE_PROCESSES;
	}
	if (parts & SAMPLE_CPU)
		take_cpu(reader, buffer, sample);
	if (parts & SAMPLE_MEMORY)
		take_memory(reader, buffer, sample);
	if ((parts & SAMPLE_IO) && read_kept(reader, KEPT_DISKSTATS, buffer) == 0)
		disks_parse(buffer->str, reader->sys, &sample->disks, &sample->n_disks);
	if (parts & SAMPLE_PRESSURE)
		take_pressure(reader, buffer, sample);
	if (parts & SAMPLE_LOAD)
		take_load(reader, buffer, sample);
	sample->parts = parts;
	sample->taken = g_get_monotonic_time();
	sample->cost = sample->taken - start;
	return sample;
}

int reader_native(const Reader *reader, const char *name, GString *out)
{
	for (int i = 0; i < KEPT_COUNT; i++)
		if (strcmp(kept_names[i], name) == 0)
			return read_kept(reader, (Kept) i, out);
	return -ENOENT;
}
