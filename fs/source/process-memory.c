#include "fs/source/processes.h"

#include "fs/source/file.h"
#include "fs/source/scan.h"

#include <errno.h>
#include <stdio.h>

typedef char ProcPath[64];

/* What the files of the ladder may say; 0 where they do not. */
typedef struct Rollup {
	guint64 rss, anonymous, swap;
	guint64 pss, pss_anon, pss_file, pss_shmem, swap_pss;
} Rollup;

static const ScanField rollup_fields[] = {
	{"Rss", offsetof(Rollup, rss)},
	{"Pss", offsetof(Rollup, pss)},
	{"Pss_Anon", offsetof(Rollup, pss_anon)},
	{"Pss_File", offsetof(Rollup, pss_file)},
	{"Pss_Shmem", offsetof(Rollup, pss_shmem)},
	{"Anonymous", offsetof(Rollup, anonymous)},
	{"Swap", offsetof(Rollup, swap)},
	{"SwapPss", offsetof(Rollup, swap_pss)},
};

static const ScanField status_fields[] = {
	{"RssAnon", offsetof(ProcessMemory, anon)},
	{"RssFile", offsetof(ProcessMemory, file)},
	{"RssShmem", offsetof(ProcessMemory, shmem)},
	{"VmSwap", offsetof(ProcessMemory, swap)},
};

static const ScanField io_fields[] = {
	{"syscr", offsetof(ProcessIo, read_ops)},
	{"syscw", offsetof(ProcessIo, write_ops)},
	{"read_bytes", offsetof(ProcessIo, read_bytes)},
	{"write_bytes", offsetof(ProcessIo, write_bytes)},
};

static int read_file_of(int proc, pid_t pid, const char *name, GString *buffer)
{
	ProcPath path;

	snprintf(path, sizeof path, "%d/%s", pid, name);
	return file_read_single_at(proc, path, buffer);
}

/* Is the process still there? Tells a file that the kernel does not have from a process that has ended. */
static int check_process(int proc, pid_t pid, GString *buffer)
{
	int r = read_file_of(proc, pid, "stat", buffer);

	return r == -ENOENT || r == -ENOTDIR ? -ESRCH : r;
}

int process_read_io(int proc, pid_t pid, ProcessIo *ret)
{
	g_autoptr(GString) buffer = g_string_new(NULL);
	int r;

	*ret = (ProcessIo){0};
	if (pid <= 0)
		return -ESRCH;
	r = read_file_of(proc, pid, "io", buffer);
	if (r == -ENOENT || r == -ENOTDIR)
		return check_process(proc, pid, buffer) < 0 ? -ESRCH : -ENOENT;
	if (r < 0)
		return r;
	scan_fields(buffer->str, io_fields, G_N_ELEMENTS(io_fields), ret);
	return 0;
}

/* Kernels before 5.14 do not divide Pss by kind: then pages count whole. */
static gboolean from_rollup(const char *text, ProcessMemory *ret)
{
	Rollup rollup = {0};

	if (scan_fields(text, rollup_fields, G_N_ELEMENTS(rollup_fields), &rollup) < 3)
		return FALSE;
	if (rollup.pss_anon + rollup.pss_file + rollup.pss_shmem > 0 || rollup.rss == 0)
		*ret = (ProcessMemory){rollup.pss_anon, rollup.pss_file, rollup.pss_shmem, rollup.swap_pss};
	else
		*ret = (ProcessMemory){rollup.anonymous, rollup.rss - MIN(rollup.rss, rollup.anonymous), 0,
				       rollup.swap};
	return TRUE;
}

static gboolean from_status(const char *text, ProcessMemory *ret)
{
	*ret = (ProcessMemory){0};
	return scan_fields(text, status_fields, G_N_ELEMENTS(status_fields), ret) >= 3;
}

/* "size resident shared …" in pages; gVisor fills in the first two only. */
static gboolean from_statm(const char *text, unsigned page_size, ProcessMemory *ret)
{
	guint64 size, resident, shared;

	if (!scan_u64(&text, &size) || !scan_u64(&text, &resident))
		return FALSE;
	scan_u64(&text, &shared);
	shared = MIN(shared, resident);
	*ret = (ProcessMemory){.anon = (resident - shared) * page_size, .file = shared * page_size};
	return TRUE;
}

int process_read_memory(int proc, pid_t pid, const Machine *machine, ProcessMemory *ret)
{
	g_autoptr(GString) buffer = g_string_new(NULL);
	Process process;
	int r;

	*ret = (ProcessMemory){0};
	if (pid <= 0)
		return -ESRCH;
	if (read_file_of(proc, pid, "smaps_rollup", buffer) == 0 && from_rollup(buffer->str, ret))
		return 0;
	if (read_file_of(proc, pid, "status", buffer) == 0 && from_status(buffer->str, ret))
		return 0;
	if (read_file_of(proc, pid, "statm", buffer) == 0 && from_statm(buffer->str, machine->page_size, ret))
		return 0;
	r = process_read(proc, pid, machine, buffer, &process);
	if (r == 0)
		ret->anon = process.rss;
	return r;
}
