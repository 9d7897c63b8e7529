#include "fs/source/processes.h"

#include "fs/source/cpu.h"
#include "fs/source/file.h"
#include "fs/source/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Enough for any path below /proc/PID that is read here. */
typedef char ProcPath[64];

/* Numbers of the fields in proc_pid_stat(5). */
enum {
	FIELD_PPID = 4,
	FIELD_MINFLT = 10,
	FIELD_MAJFLT = 12,
	FIELD_UTIME = 14,
	FIELD_STIME = 15,
	FIELD_CUTIME = 16,
	FIELD_CSTIME = 17,
	FIELD_NUM_THREADS = 20,
	FIELD_STARTTIME = 22,
	FIELD_RSS = 24,
	FIELD_STARTSTACK = 28,
	FIELD_PROCESSOR = 39,
	N_FIELDS
};

/* A process that is gone shows as a missing file, or as one that cannot be read any more. */
static int no_process(int error)
{
	return error == -ENOENT || error == -ENOTDIR ? -ESRCH : error;
}

static guint64 not_negative(gint64 value)
{
	return value > 0 ? (guint64) value : 0;
}

/* Reads the numeric fields behind the state; the number of the last one read. */
static int parse_fields(const char *at, gint64 *fields)
{
	int i = FIELD_PPID;

	while (i < N_FIELDS && scan_s64(&at, &fields[i]))
		i++;
	return i - 1;
}

static guint64 program_of(const char *name, const char *name_end, gint64 start_of_stack)
{
	guint64 hash = (guint64) start_of_stack;

	while (name < name_end)
		hash = hash * 31 + (unsigned char) *name++;
	return hash;
}

int process_parse_stat(const char *text, const Machine *machine, Process *ret)
{
	const char *start = text, *name_end = strrchr(text, ')'); /* the name may hold others */
	guint64 tick = NS_PER_SECOND / machine->ticks_per_second;
	gint64 fields[N_FIELDS] = {0}, pid;

	if (!scan_s64(&start, &pid) || pid <= 0 || pid > G_MAXINT)
		return -EINVAL;
	if (!name_end || name_end[1] != ' ' || !g_ascii_isalpha(name_end[2]))
		return -EINVAL;
	if (parse_fields(name_end + 3, fields) < FIELD_RSS)
		return -EINVAL;
	*ret = (Process){
		.pid = (pid_t) pid,
		.ppid = (pid_t) fields[FIELD_PPID],
		.state = name_end[2],
		.start = not_negative(fields[FIELD_STARTTIME]),
		.n_threads = (unsigned) not_negative(fields[FIELD_NUM_THREADS]),
		.processor = machine_cpu_position(machine, not_negative(fields[FIELD_PROCESSOR])),
		.user_ns = not_negative(fields[FIELD_UTIME]) * tick,
		.system_ns = not_negative(fields[FIELD_STIME]) * tick,
		.children_user_ns = not_negative(fields[FIELD_CUTIME]) * tick,
		.children_system_ns = not_negative(fields[FIELD_CSTIME]) * tick,
		.rss = not_negative(fields[FIELD_RSS]) * machine->page_size,
		.minor_faults = not_negative(fields[FIELD_MINFLT]),
		.major_faults = not_negative(fields[FIELD_MAJFLT]),
		.program = program_of(start, name_end, fields[FIELD_STARTSTACK]),
	};
	return 0;
}

static int read_stat(int proc, const char *path, const Machine *machine, GString *buffer, Process *ret)
{
	int r = file_read_single_at(proc, path, buffer);

	if (r < 0)
		return no_process(r);
	if (buffer->len == 0)
		return -ESRCH;
	return process_parse_stat(buffer->str, machine, ret);
}

int process_read(int proc, pid_t pid, const Machine *machine, GString *buffer, Process *ret)
{
	ProcPath path;

	if (pid <= 0)
		return -ESRCH;
	snprintf(path, sizeof path, "%d/stat", pid);
	return read_stat(proc, path, machine, buffer, ret);
}

int process_read_thread(int proc, pid_t pid, pid_t tid, const Machine *machine, GString *buffer, Process *ret)
{
	ProcPath path;

	if (pid <= 0 || tid <= 0)
		return -ESRCH;
	snprintf(path, sizeof path, "%d/task/%d/stat", pid, tid);
	return read_stat(proc, path, machine, buffer, ret);
}

/* A directory's name as a pid; 0 if it is none. */
static pid_t name_to_pid(const char *name)
{
	guint64 number;
	const char *at = name;

	if (!g_ascii_isdigit(*name) || !scan_u64(&at, &number) || *at || number > G_MAXINT)
		return 0;
	return (pid_t) number;
}

/* Opened anew each time: rewinddir(3) does nothing on some kernels. */
static DIR *open_directory(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

static int compare_processes(const void *a, const void *b)
{
	pid_t left = ((const Process *) a)->pid, right = ((const Process *) b)->pid;

	return (left > right) - (left < right);
}

void processes_walk(int proc, const Machine *machine, GString *buffer, Process **ret, unsigned *ret_n)
{
	GArray *processes = g_array_new(FALSE, FALSE, sizeof(Process));
	DIR *dir = open_directory(proc, ".");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		pid_t pid = name_to_pid(entry->d_name);
		Process process;

		if (pid > 0 && process_read(proc, pid, machine, buffer, &process) == 0)
			g_array_append_val(processes, process);
	}
	if (dir)
		closedir(dir);
	*ret_n = processes->len;
	*ret = (Process *) (void *) g_array_free(processes, FALSE);
	if (*ret_n)
		qsort(*ret, *ret_n, sizeof **ret, compare_processes);
}

static int compare_pids(const void *a, const void *b)
{
	pid_t left = *(const pid_t *) a, right = *(const pid_t *) b;

	return (left > right) - (left < right);
}

int process_read_tids(int proc, pid_t pid, GArray *tids)
{
	ProcPath path;
	const struct dirent *entry;
	guint before = tids->len;
	DIR *dir;

	if (pid <= 0)
		return -ESRCH;
	snprintf(path, sizeof path, "%d/task", pid);
	dir = open_directory(proc, path);
	if (!dir)
		return no_process(-errno);
	while ((entry = readdir(dir))) {
		pid_t tid = name_to_pid(entry->d_name);

		if (tid > 0)
			g_array_append_val(tids, tid);
	}
	closedir(dir);
	if (tids->len == before)
		return -ESRCH;
	qsort(&g_array_index(tids, pid_t, before), tids->len - before, sizeof(pid_t), compare_pids);
	return 0;
}
