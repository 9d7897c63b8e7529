/*
 * The files of /proc that carry live numbers.
 */
#include "daemon/probe/attempt.h"
#include "daemon/probe/subjects.h"
#include "fs/source/sampler.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* CPU time that a process spends on waiting for the counters of /proc/stat to move: many ticks of any clock. */
#define STAT_LIMIT_US (100 * G_TIME_SPAN_MILLISECOND)

static const char *const needed_files[] = {"stat",        "meminfo",      "cpuinfo",        "uptime", "loadavg",
					   "filesystems", "diskstats",    "partitions",     "swaps",  "vmstat",
					   "cgroups",     "pressure/cpu", "self/setgroups", NULL};

static ProbeVerdict check_files(ProbeAttempt *attempt)
{
	for (const char *const *name = needed_files; *name; name++) {
		g_autofree char *path = g_build_filename("/proc", *name, NULL);

		probe_look_for(attempt, *name, access(path, R_OK) == 0);
	}
	probe_saw(attempt, "%u of %u files", attempt->found->len, attempt->found->len + attempt->missing->len);
	return probe_verdict_of_names(attempt);
}

/* Sum of user, nice and system of all CPUs, in ticks; FALSE if /proc/stat cannot be read. */
static gboolean read_busy_ticks(guint64 *ret)
{
	g_autofree char *content = NULL;
	unsigned long user, nice, system;

	if (!g_file_get_contents("/proc/stat", &content, NULL, NULL) ||
	    sscanf(content, "cpu %lu %lu %lu", &user, &nice, &system) != 3)
		return FALSE;
	*ret = (guint64) user + nice + system;
	return TRUE;
}

static gint64 own_cpu_time_us(void)
{
	return (gint64) clock() * G_USEC_PER_SEC / CLOCKS_PER_SEC;
}

static ProbeVerdict check_stat(ProbeAttempt *attempt)
{
	gint64 begin = own_cpu_time_us();
	guint64 first, now;

	if (!read_busy_ticks(&first)) {
		probe_saw(attempt, "/proc/stat has no line \"cpu\"");
		return PROBE_NO;
	}
	do {
		if (!read_busy_ticks(&now))
			break;
		if (now != first) {
			probe_saw(attempt, "CPU time moved after %" G_GINT64_FORMAT " ms of work",
				  (own_cpu_time_us() - begin) / 1000);
			return PROBE_YES;
		}
	} while (own_cpu_time_us() - begin < STAT_LIMIT_US);
	probe_saw(attempt, "CPU time stands still at %" G_GUINT64_FORMAT " ticks", first);
	return PROBE_NO;
}

static ProbeVerdict check_loadavg(ProbeAttempt *attempt)
{
	g_autofree char *content = NULL;
	unsigned running = 0, total = 0;

	if (!g_file_get_contents("/proc/loadavg", &content, NULL, NULL)) {
		probe_saw(attempt, "not readable");
		return PROBE_NO;
	}
	sscanf(content, "%*s %*s %*s %u/%u", &running, &total);
	probe_saw(attempt, "%s", g_strchomp(content));
	return total > 0 ? PROBE_YES : PROBE_NO;
}

static guint64 meminfo_field(const char *content, const char *key)
{
	const char *line = strstr(content, key);

	return line ? g_ascii_strtoull(line + strlen(key), NULL, 10) : 0;
}

static ProbeVerdict check_meminfo(ProbeAttempt *attempt)
{
	g_autofree char *content = NULL;
	guint64 total, free;

	if (!g_file_get_contents("/proc/meminfo", &content, NULL, NULL)) {
		probe_saw(attempt, "not readable");
		return PROBE_NO;
	}
	total = meminfo_field(content, "MemTotal:");
	free = meminfo_field(content, "MemFree:");
	probe_saw(attempt, "%" G_GUINT64_FORMAT " MiB, %" G_GUINT64_FORMAT " MiB free", total >> 10, free >> 10);
	if (total == 0 || free == 0)
		return PROBE_NO;
	return strstr(content, "SwapTotal:") ? PROBE_YES : PROBE_PARTLY;
}

static guint count_lines(const char *path, const char *pattern)
{
	g_autofree char *content = NULL;
	g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_MULTILINE, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;
	guint count = 0;

	if (!g_file_get_contents(path, &content, NULL, NULL))
		return 0;
	for (g_regex_match(regex, content, 0, &match); g_match_info_matches(match); g_match_info_next(match, NULL))
		count++;
	return count;
}

static ProbeVerdict check_cpu_count(ProbeAttempt *attempt)
{
	guint in_stat = count_lines("/proc/stat", "^cpu\\d"),
	      in_cpuinfo = count_lines("/proc/cpuinfo", "^processor\\b");
	guint usable = g_get_num_processors();

	probe_saw(attempt, "%u usable, %u in /proc/stat, %u in /proc/cpuinfo", usable, in_stat, in_cpuinfo);
	return usable == in_stat && usable == in_cpuinfo ? PROBE_YES : PROBE_PARTLY;
}

static ProbeVerdict check_sources(ProbeAttempt *attempt)
{
	Sampler *sampler = sampler_new("/proc", "/sys", 0);
	const Machine *machine = sampler_machine(sampler);
	ProbeVerdict verdict = machine->cpu_source && machine->memory_source ? PROBE_YES : PROBE_NO;

	probe_saw(attempt, "CPU time: %s; memory: %s", machine->cpu_source ? machine->cpu_source : "none",
		  machine->memory_source ? machine->memory_source : "none");
	sampler_free(sampler);
	return verdict;
}

const ProbeCheck proc_checks[] = {
	{"proc-stat", check_stat, "work until the counters of /proc/stat move",
	 "programs that read /proc/stat see the load", "CPU time of the machine must come from its processes"},
	{"proc-files", check_files, "look for the files of /proc that clients read", "they are all there",
	 "clients that read a missing one fail or show nothing"},
	{"proc-loadavg", check_loadavg, "read /proc/loadavg", "the number of processes is known (pid eviction)",
	 "the number of processes is not told"},
	{"proc-meminfo", check_meminfo, "read /proc/meminfo", "the size of memory is known",
	 "cAdvisor and the kubelet do not start"},
	{"cpu-count", check_cpu_count, "count CPUs in the affinity mask, /proc/stat and /proc/cpuinfo",
	 "all who count CPUs get the same number", "programs disagree about the number of CPUs"},
	{"live-sources", check_sources, "ask where live numbers can come from", "cgemud's numbers are live",
	 "some of cgemud's numbers cannot be live"},
	{0},
};
