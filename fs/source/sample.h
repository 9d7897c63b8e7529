/*
 * A Sample is an immutable picture of the machine. Times are nanoseconds, sizes bytes, unless a name says otherwise.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Which parts of a sample somebody needs. */
typedef enum SamplePart {
	SAMPLE_CPU = 1 << 0, /* CPU times; boot time and event counters of /proc/stat */
	SAMPLE_MEMORY = 1 << 1,
	SAMPLE_IO = 1 << 2,
	SAMPLE_PRESSURE = 1 << 3,
	SAMPLE_PROCESSES = 1 << 4, /* the process table: pid, parent, start time, threads, CPU time, resident memory */
	SAMPLE_LOAD = 1 << 5,      /* number of processes and threads of the machine, load averages, uptime */
} SamplePart;

/* The columns of a "cpu" line of /proc/stat, in its order (proc_stat(5)). */
typedef struct CpuTimes {
	guint64 user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice;
} CpuTimes;

/* /proc/meminfo, one field per line of it that is used. 0 where the kernel has no such line. */
#define MEMORY_FIELDS(X)                                                                                               \
	X(total, "MemTotal")                                                                                           \
	X(free, "MemFree")                                                                                             \
	X(available, "MemAvailable")                                                                                   \
	X(buffers, "Buffers")                                                                                          \
	X(cached, "Cached")                                                                                            \
	X(swap_cached, "SwapCached")                                                                                   \
	X(active, "Active")                                                                                            \
	X(inactive, "Inactive")                                                                                        \
	X(active_anon, "Active(anon)")                                                                                 \
	X(inactive_anon, "Inactive(anon)")                                                                             \
	X(active_file, "Active(file)")                                                                                 \
	X(inactive_file, "Inactive(file)")                                                                             \
	X(unevictable, "Unevictable")                                                                                  \
	X(mlocked, "Mlocked")                                                                                          \
	X(swap_total, "SwapTotal")                                                                                     \
	X(swap_free, "SwapFree")                                                                                       \
	X(dirty, "Dirty")                                                                                              \
	X(writeback, "Writeback")                                                                                      \
	X(anon_pages, "AnonPages")                                                                                     \
	X(mapped, "Mapped")                                                                                            \
	X(shmem, "Shmem")                                                                                              \
	X(slab, "Slab")                                                                                                \
	X(slab_reclaimable, "SReclaimable")                                                                            \
	X(slab_unreclaimable, "SUnreclaim")                                                                            \
	X(kernel_stack, "KernelStack")                                                                                 \
	X(page_tables, "PageTables")                                                                                   \
	X(sec_page_tables, "SecPageTables")                                                                            \
	X(vmalloc_used, "VmallocUsed")                                                                                 \
	X(percpu, "Percpu")                                                                                            \
	X(anon_huge, "AnonHugePages")                                                                                  \
	X(shmem_huge, "ShmemHugePages")                                                                                \
	X(file_huge, "FileHugePages")

/* /proc/vmstat, events since boot (pages or events, as the kernel counts them). */
#define VMSTAT_FIELDS(X)                                                                                               \
	X(pgpgin)                                                                                                      \
	X(pgpgout)                                                                                                     \
	X(pswpin)                                                                                                      \
	X(pswpout)                                                                                                     \
	X(pgfault)                                                                                                     \
	X(pgmajfault)                                                                                                  \
	X(pgrefill)                                                                                                    \
	X(pgactivate)                                                                                                  \
	X(pgdeactivate) X(pglazyfree) X(pglazyfreed) X(workingset_refault_anon) X(workingset_refault_file)             \
		X(workingset_activate_anon) X(workingset_activate_file) X(workingset_restore_anon)                     \
			X(workingset_restore_file) X(workingset_nodereclaim) X(pgscan_kswapd) X(pgscan_direct)         \
				X(pgscan_khugepaged) X(pgsteal_kswapd) X(pgsteal_direct) X(pgsteal_khugepaged)         \
					X(pgdemote_kswapd) X(pgdemote_direct) X(pgdemote_khugepaged)                   \
						X(pgpromote_success) X(thp_fault_alloc) X(thp_collapse_alloc)          \
							X(thp_swpout) X(thp_swpout_fallback) X(swpin_zero)             \
								X(swpout_zero) X(numa_pages_migrated)                  \
									X(numa_pte_updates) X(numa_hint_faults)        \
										X(oom_kill)

typedef struct Memory {
#define X(field, key) guint64 field;
	MEMORY_FIELDS(X)
#undef X
#define X(field) guint64 field;
	VMSTAT_FIELDS(X)
#undef X
} Memory;

/* One line of /proc/diskstats that is a whole disk (not a partition, ram or empty loop device). */
typedef struct DiskStat {
	unsigned major, minor;
	guint64 read_ops, read_bytes, write_ops, write_bytes, discard_ops, discard_bytes;
} DiskStat;

typedef struct PressureLine {
	gboolean present;
	double avg10, avg60, avg300; /* per cent */
	guint64 total_us;
} PressureLine;

typedef enum PressureKind { PRESSURE_CPU, PRESSURE_MEMORY, PRESSURE_IO, PRESSURE_COUNT } PressureKind;

typedef struct Pressure {
	PressureLine some, full;
} Pressure;

/* One process (thread group). (pid, start) names it for ever; pid alone is reused. */
typedef struct Process {
	pid_t pid, ppid;
	guint64 start; /* clock ticks since boot, /proc/PID/stat field 22 */
	char state;    /* 'R', 'S', 'Z' … */
	unsigned n_threads;
	unsigned processor;                           /* CPU it last ran on, as its position in Sample.cpus */
	guint64 user_ns, system_ns;                   /* of the process, exited threads included */
	guint64 children_user_ns, children_system_ns; /* of reaped children */
	guint64 rss;                                  /* bytes */
	guint64 rss_file, rss_shmem;                  /* bytes; 0 where the kernel does not tell them apart */
	guint64 minor_faults, major_faults;
	guint64 program; /* changes with each exec, as far as the kernel shows it; else stands for the name */
} Process;

typedef struct Sample {
	gatomicrefcount ref;
	unsigned parts;  /* SamplePart: what is filled in */
	gint64 taken;    /* g_get_monotonic_time() when it was complete */
	gint64 cost;     /* microseconds that taking it needed */
	unsigned n_cpus; /* always filled in, ≥ 1 */
	CpuTimes cpu;    /* whole machine */
	CpuTimes *cpus;  /* n_cpus of them */
	Memory memory;
	DiskStat *disks;
	unsigned n_disks;
	Pressure pressure[PRESSURE_COUNT];
	gboolean has_pressure;
	Process *processes; /* sorted by pid */
	unsigned n_processes;
	unsigned n_tasks; /* processes of the machine with all their threads */
	unsigned n_running, n_blocked;
	double load[3];
	double uptime_s, idle_s;
	guint64 boot_time_s, context_switches, forks, interrupts, soft_interrupts;
	pid_t last_pid;
	char *native; /* the kernel's own text of a file: sampler_get_with_native(); else NULL */
} Sample;

Sample *sample_ref(Sample *sample);
void sample_unref(Sample *sample);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sample, sample_unref)

/* NULL if there is no such process in the sample. */
const Process *sample_find_process(const Sample *sample, pid_t pid);
