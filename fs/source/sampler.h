/*
 * The sampler takes samples on demand only: an idle daemon uses no CPU. At most one thread takes one at a time, and a
 * thousand readers within its life share it (single flight).
 */
#pragma once

#include "fs/source/sample.h"

typedef struct Sampler Sampler;

/* proc: "/proc", or a fixture's directory in tests; sys: "/sys" likewise. max_age_ms: how old a sample may be (0: never
 * reuse one). The number of CPUs and which rung of each ladder is used are found out here. */
Sampler *sampler_new(const char *proc, const char *sys, unsigned max_age_ms);
void sampler_free(Sampler *sampler);

/* A sample that has at least `parts`, fresh enough: no older than ten times what it cost and than max_age, whichever is
 * less, but three times its cost at least. Never NULL. What cannot be read is left zero. Unref it. Thread-safe; blocks
 * only while another thread takes the sample that this one will share. */
Sample *sampler_get(Sampler *sampler, unsigned parts);
/* The same, but never older than this call. */
Sample *sampler_get_fresh(Sampler *sampler, unsigned parts);
void sampler_set_max_age(Sampler *sampler, unsigned max_age_ms);

/* Reads one process now. 0, or -ESRCH if there is none (or it is gone), or another -errno. with_memory: rss_file and
 * rss_shmem too, and rss is the sum of the three kinds; pages shared with other processes are divided among them where
 * the kernel does it. Costly for large processes. */
int sampler_read_process(Sampler *sampler, pid_t pid, gboolean with_memory, Process *ret);

/* Descriptor of /proc for the functions of processes.h; -1 if it could not be opened. */
int sampler_proc_fd(const Sampler *sampler);

/* The kernel's own text of a machine-wide file of /proc ("cpuinfo", "pressure/io" …), read through a descriptor opened
 * in sampler_new(): safe also when our own file is mounted over its name. 0, -ENOENT if the kernel has none, or another
 * -errno. */
int sampler_read_native(Sampler *sampler, const char *name, GString *out);

/* A sample of its own with at least `parts` but no process table, and with such a file's text of now (NULL if there is
 * none) in it: for those who must not read /proc themselves because they hold a lock. */
Sample *sampler_get_with_native(Sampler *sampler, unsigned parts, const char *name);

/* What the machine is; constant after sampler_new(). */
typedef struct Machine {
	unsigned n_cpus;       /* CPUs in cpu_list */
	char *cpu_list;        /* online CPUs in list format, "0-3,8" */
	unsigned *cpu_numbers; /* n_cpus of them: the number of the CPU at each position of Sample.cpus */
	unsigned max_cpu;      /* highest possible CPU number */
	char *node_list;       /* online memory nodes, "0" */
	unsigned max_node;     /* highest possible node number */
	unsigned page_size;
	unsigned ticks_per_second;
	const char *cpu_source, *memory_source; /* which rung of the ladder, for people */
	gboolean has_pressure, has_diskstats, has_vmstat;
} Machine;

const Machine *sampler_machine(const Sampler *sampler);
