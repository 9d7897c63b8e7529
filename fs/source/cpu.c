#include "fs/source/cpu.h"

#include "fs/source/scan.h"

#include <string.h>

/* The columns in the order of a "cpu" line; CpuTimes has nothing else. */
#define N_COLUMNS (sizeof(CpuTimes) / sizeof(guint64))

static gboolean line_has_key(const char *line, const char *key, const char **ret_value)
{
	size_t len = strlen(key);

	if (strncmp(line, key, len) != 0 || line[len] != ' ')
		return FALSE;
	*ret_value = line + len;
	return TRUE;
}

static void parse_times(const char *at, unsigned ticks_per_second, CpuTimes *ret)
{
	guint64 *columns = (guint64 *) ret, ticks;

	for (size_t i = 0; i < N_COLUMNS && scan_u64(&at, &ticks); i++)
		columns[i] = ticks * (NS_PER_SECOND / ticks_per_second);
}

static void parse_cpu_line(const char *line, const CpuMap *map, unsigned ticks_per_second, Sample *sample)
{
	const char *at = line + strlen("cpu");
	guint64 number;
	int index;

	if (*at == ' ') {
		parse_times(at, ticks_per_second, &sample->cpu);
		return;
	}
	if (!scan_u64(&at, &number))
		return;
	index = cpu_map_index(map, number);
	if (index >= 0 && (unsigned) index < sample->n_cpus)
		parse_times(at, ticks_per_second, &sample->cpus[index]);
}

void cpu_parse_stat(const char *text, const CpuMap *map, unsigned ticks_per_second, Sample *sample)
{
	for (const char *line = text; *line; line = scan_next_line(line)) {
		const char *at;
		guint64 number;

		if (g_str_has_prefix(line, "cpu"))
			parse_cpu_line(line, map, ticks_per_second, sample);
		else if (line_has_key(line, "intr", &at))
			scan_u64(&at, &sample->interrupts);
		else if (line_has_key(line, "ctxt", &at))
			scan_u64(&at, &sample->context_switches);
		else if (line_has_key(line, "btime", &at))
			scan_u64(&at, &sample->boot_time_s);
		else if (line_has_key(line, "processes", &at))
			scan_u64(&at, &sample->forks);
		else if (line_has_key(line, "procs_running", &at) && scan_u64(&at, &number))
			sample->n_running = (unsigned) number;
		else if (line_has_key(line, "procs_blocked", &at) && scan_u64(&at, &number))
			sample->n_blocked = (unsigned) number;
		else if (line_has_key(line, "softirq", &at))
			scan_u64(&at, &sample->soft_interrupts);
	}
}

guint64 cpu_times_busy(const CpuTimes *times)
{
	/* guest and guest_nice are part of user and nice */
	return times->user + times->nice + times->system + times->irq + times->softirq + times->steal;
}

void cpu_times_keep_rising(CpuTimes *times, CpuTimes *floor)
{
	guint64 *now = (guint64 *) times, *last = (guint64 *) floor;

	for (size_t i = 0; i < N_COLUMNS; i++)
		last[i] = now[i] = MAX(now[i], last[i]);
}
