/*
 * Processes: /proc/PID/stat and its neighbours. Everything is read relative to a descriptor of /proc. A process may end
 * at any moment, also in the middle of a read, and may be called anything (") R 1 (").
 *
 * All functions return 0 or -errno; -ESRCH: there is no such process, or it has ended.
 */
#pragma once

#include "fs/source/machine.h"
#include "fs/source/sample.h"

/* Fills in all but rss_file and rss_shmem from the text of a stat file. -EINVAL if it is cut or malformed. */
int process_parse_stat(const char *text, const Machine *machine, Process *ret);

/* buffer is scratch space. */
int process_read(int proc, pid_t pid, const Machine *machine, GString *buffer, Process *ret);
/* One thread; its CPU time only, n_threads and the children's time as the kernel prints them there. */
int process_read_thread(int proc, pid_t pid, pid_t tid, const Machine *machine, GString *buffer, Process *ret);

/* All processes, sorted by pid; g_free(*ret). Never fails: what cannot be read is left out. */
void processes_walk(int proc, const Machine *machine, GString *buffer, Process **ret, unsigned *ret_n);

/* Appends the thread ids (pid_t) in ascending order. */
int process_read_tids(int proc, pid_t pid, GArray *tids);

/* What a process has read from and written to block devices, and how many read and write system calls it made.
 * -EACCES without the right to ptrace it, -ENOENT if the kernel has no such file. */
typedef struct ProcessIo {
	guint64 read_bytes, write_bytes, read_ops, write_ops;
} ProcessIo;

int process_read_io(int proc, pid_t pid, ProcessIo *ret);

/*
 * What a process has in memory, bytes. The best that can be had of: smaps_rollup (pages shared by several processes are
 * divided among them, so that a sum over processes counts them once), status, statm, stat (all of it counts as anon).
 * Kernel threads and zombies have nothing.
 */
typedef struct ProcessMemory {
	guint64 anon;
	guint64 file; /* without shmem */
	guint64 shmem;
	guint64 swap;
} ProcessMemory;

int process_read_memory(int proc, pid_t pid, const Machine *machine, ProcessMemory *ret);
