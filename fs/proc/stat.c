/* stat, uptime, loadavg: fs/proc/stat.c, uptime.c and loadavg.c of the kernel. */
#include "fs/proc/render.h"

#include "fs/source/cpu.h"
#include "fs/source/scan.h"

#include <string.h>

/* No CPU has been idle for longer than the machine is up. */
static void cap_idle(CpuTimes *times, double uptime_s)
{
	guint64 uptime_ns = (guint64) (uptime_s * NS_PER_SECOND);

	if (uptime_ns > 0)
		times->idle = MIN(times->idle, uptime_ns);
}

static void add_times(CpuTimes *to, const CpuTimes *times)
{
	guint64 *sum = (guint64 *) to;
	const guint64 *columns = (const guint64 *) times;

	for (size_t i = 0; i < sizeof *to / sizeof *sum; i++)
		sum[i] += columns[i];
}

static CpuTimes times_of(const ProcScene *scene, unsigned shown)
{
	CpuTimes times = scene->sample->cpus[proc_limits_position(scene->limits, shown)];

	cap_idle(&times, scene->sample->uptime_s);
	return times;
}

/* Of the CPUs that are shown; of all, the kernel's own sum, which remembers those that have gone offline. */
static CpuTimes times_of_all(const ProcScene *scene)
{
	unsigned n = proc_limits_n_cpus(scene->limits, scene->sample);
	CpuTimes sum = {0};

	if (scene->limits->n_cpus == 0) {
		sum = scene->sample->cpu;
		cap_idle(&sum, scene->sample->uptime_s * n);
		return sum;
	}
	for (unsigned i = 0; i < n; i++) {
		CpuTimes times = times_of(scene, i);

		add_times(&sum, &times);
	}
	return sum;
}

static void append_times(const ProcScene *scene, const CpuTimes *times, GString *out)
{
	const guint64 *columns = (const guint64 *) times;

	for (size_t i = 0; i < sizeof *times / sizeof *columns; i++)
		g_string_append_printf(out, " %" G_GUINT64_FORMAT,
				       columns[i] / (NS_PER_SECOND / scene->machine->ticks_per_second));
	g_string_append_c(out, '\n');
}

/* Appends the kernel's own line with this key, with all its columns, or what stands in for it. */
static void append_native_line(const ProcScene *scene, const char *key, const char *otherwise, GString *out)
{
	size_t len = strlen(key);

	for (const char *line = scene->sample->native; line && *line; line = scan_next_line(line)) {
		if (strncmp(line, key, len) != 0 || line[len] != ' ')
			continue;
		g_string_append_printf(out, "%.*s\n", (int) strcspn(line, "\n"), line);
		return;
	}
	g_string_append(out, otherwise);
}

static guint64 boot_time(const Sample *sample)
{
	return sample->boot_time_s ? sample->boot_time_s
				   : (guint64) (g_get_real_time() / G_USEC_PER_SEC) - (guint64) sample->uptime_s;
}

void proc_show_stat(const ProcScene *scene, GString *out)
{
	const Sample *sample = scene->sample;
	CpuTimes times = times_of_all(scene);

	g_string_append(out, "cpu ");
	append_times(scene, &times, out);
	for (unsigned i = 0; i < proc_limits_n_cpus(scene->limits, sample); i++) {
		times = times_of(scene, i);
		g_string_append_printf(out, "cpu%u", proc_limits_cpu_number(scene->limits, scene->machine, i));
		append_times(scene, &times, out);
	}
	append_native_line(scene, "intr", "intr 0\n", out);
	/* A pid that is in use was once forked: the least that can be said where the kernel does not count. */
	g_string_append_printf(out,
			       "ctxt %" G_GUINT64_FORMAT "\nbtime %" G_GUINT64_FORMAT "\nprocesses %" G_GUINT64_FORMAT
			       "\nprocs_running %u\nprocs_blocked %u\n",
			       sample->context_switches, boot_time(sample),
			       sample->forks ? sample->forks : (guint64) sample->last_pid, MAX(sample->n_running, 1),
			       sample->n_blocked);
	append_native_line(scene, "softirq", "softirq 0 0 0 0 0 0 0 0 0 0 0\n", out);
}

void proc_show_uptime(const ProcScene *scene, GString *out)
{
	const Sample *sample = scene->sample;
	unsigned n = proc_limits_n_cpus(scene->limits, sample);
	double idle = scene->limits->n_cpus ? (double) times_of_all(scene).idle / NS_PER_SECOND : sample->idle_s;

	g_string_append_printf(out, "%.2f %.2f\n", sample->uptime_s, MIN(idle, sample->uptime_s * n));
}

void proc_show_loadavg(const ProcScene *scene, GString *out)
{
	const Sample *sample = scene->sample;
	unsigned n_tasks = scene->limits->n_tasks ? scene->limits->n_tasks : MAX(sample->n_tasks, 1);

	/* Whoever reads it is running. */
	g_string_append_printf(out, "%.2f %.2f %.2f %u/%u %d\n", sample->load[0], sample->load[1], sample->load[2],
			       CLAMP(sample->n_running, 1, n_tasks), n_tasks, MAX(sample->last_pid, 1));
}
