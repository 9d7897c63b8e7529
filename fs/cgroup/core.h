/* What every group has, whatever its controllers: the settings of its cgroup.* files, members and accounting. */
#pragma once

#include "fs/cgroup/group.h"

/* Sums that only grow. Times in ns. */
typedef struct Counters {
	guint64 cpu_user, cpu_system;
	guint64 faults, major_faults;
	guint64 read_bytes, write_bytes, read_ops, write_ops;
} Counters;

/* A counter of the kernel's own group; what counts is the sum. */
typedef struct NativeCounter {
	guint64 raw;    /* as last read */
	guint64 offset; /* what it has lost since, less what was in it before */
} NativeCounter;

typedef struct Core {
	/* v1 */
	gboolean notify_on_release, clone_children;
	/* v2 */
	guint32 subtree_control;
	gboolean threaded;
	gint32 max_depth, max_descendants; /* G_MAXINT32: "max" */
	gboolean pressure;
	/* freezing, v2's cgroup.freeze and v1's freezer.state alike: what this group asks for */
	gboolean freeze;
	GSource *exit_watch; /* exit-watch.c; NULL: nobody is waited for */
	gboolean throttled;  /* its CPU quota is used up: bandwidth.c */
	/* members whose process lives here; a set of Task */
	GHashTable *members;
	GHashTable *threads; /* tid → Task: single threads that were moved here without their process */
	GHashTable *charged; /* a set of Task: those that have left memory here, see charges.h */
	unsigned n_zombies;  /* processes that have ended here, until they are reaped; pids counts them */
	/* accounting */
	Counters own;                       /* of members, past and present */
	Counters inherited;                 /* of removed descendants */
	guint64 *cpu_user, *cpu_system;     /* own and inherited time by CPU, ns; n_cpus of them */
	gboolean was_populated, was_frozen; /* what cgroup.events said last */
	/* backing.c */
	char *native_path;                        /* of the kernel's own group; NULL: it has none yet */
	gboolean native_begun;                    /* its time is counted */
	NativeCounter native_user, native_system; /* ns */
	guint64 native_memory;                    /* bytes */
	gboolean has_native_memory;
} Core;

extern const VFile core_v1_files[], core_v2_files[];
/* cgroup.event_control, in the hierarchy of the memory controller */
extern const VFile event_control_files[];
/* v2 files that exist without their controllers; cpu.c, pressure.c */
extern const VFile cpu_base_files[], pressure_base_files[];

static inline Core *group_core(const Group *group)
{
	return group->core;
}

/* v2 domain rules of kernel/cgroup/cgroup.c, same names there with the prefix cgroup_ */
gboolean group_is_thread_root(const Group *group);
gboolean group_can_be_thread_root(const Group *group);
gboolean group_is_valid_domain(const Group *group);
Group *group_domain(const Group *group); /* the nearest group upwards that is not threaded */
