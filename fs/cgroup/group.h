/*
 * Groups, hierarchies and controllers: what fs/cgroup/<controller>.c builds on.
 *
 * The rules are those of the kernel's kernel/cgroup/cgroup.c (v2) and cgroup-v1.c (v1).
 */
#pragma once

#include "fs/fs.h"

/* The controllers, in the order in which the kernel lists them (include/linux/cgroup_subsys.h). */
typedef enum ControllerId {
	CONTROLLER_CPUSET,
	CONTROLLER_CPU,
	CONTROLLER_CPUACCT,
	CONTROLLER_IO, /* "blkio" in v1 */
	CONTROLLER_MEMORY,
	CONTROLLER_DEVICES,
	CONTROLLER_FREEZER,
	CONTROLLER_NET_CLS,
	CONTROLLER_PERF_EVENT,
	CONTROLLER_NET_PRIO,
	CONTROLLER_HUGETLB,
	CONTROLLER_PIDS,
	CONTROLLER_RDMA,
	CONTROLLER_MISC,
	CONTROLLER_COUNT
} ControllerId;

typedef struct Group Group;
typedef struct Hierarchy Hierarchy;
typedef struct Controller Controller;

/* A number of a controller's state that no file takes, and that a restart must not lose: a counter, a watermark. */
typedef enum KeptType { KEPT_U64, KEPT_BOOL } KeptType;
typedef struct KeptField {
	const char *name; /* in saved states: never to be changed */
	KeptType type;
	size_t offset;  /* in the state */
	unsigned count; /* how many in a row */
} KeptField;

/* A controller: its rows and what it does when groups come and go. One per file in fs/cgroup/; the list of them is in
 * hierarchy.c. Every function but `init` may be NULL. All are called with the tree locked for writing. */
struct Controller {
	const char *v1_name; /* NULL: not in v1 */
	const char *v2_name; /* NULL: not in v2 */
	const VFile *v1_files;
	const VFile *v2_files;
	size_t state_size; /* bytes per group, zeroed before init */
	/* parent is NULL for the root group */
	void (*init)(Fs *fs, Group *group, void *state, Group *parent, void *parent_state);
	void (*clear)(Fs *fs, Group *group, void *state);
	/* May n_tasks tasks move here? 0 or -errno. */
	int (*can_attach)(Fs *fs, Group *group, void *state, pid_t pid, unsigned n_tasks);
	/* A process has moved here (from may be NULL: it was born here). */
	void (*attached)(Fs *fs, Group *group, void *state, Group *from, pid_t pid);
	/* Over a restart (state.h) every setting that a file shows is kept and written again, in whatever order the
	 * rules need; VF_OWN_STATE rows are left out. What cannot be had that way: fields, ended by one without name;
	 * and what is no number, added to dict by save, and looked for there by restore: it may be missing, or wrong.
	 */
	const KeptField *kept;
	void (*save)(const Group *group, const void *state, GVariantDict *dict);
	void (*restore)(Group *group, void *state, GVariantDict *dict);
};

struct Group {
	Hierarchy *hierarchy;
	Group *parent;       /* NULL: the root */
	GPtrArray *children; /* Group, owned */
	Node *dir;           /* not owned */
	guint64 id;          /* never reused */
	unsigned depth;      /* 0: the root */
	gboolean dead;
	void *states[CONTROLLER_COUNT]; /* NULL where the controller is not enabled */
	struct Core *core; /* settings of the cgroup.* files, members and accounting: owned by core.c and members.c */
};

struct Hierarchy {
	Fs *fs;
	char *name;          /* directory name: "cpu,cpuacct", "systemd", "v2" */
	char *release_agent; /* v1; NULL: none */
	gboolean is_v2;
	guint32 controllers; /* bit per ControllerId */
	unsigned id;         /* number in /proc/PID/cgroup; 0 for v2 */
	unsigned index;      /* in Cgroups.hierarchies, and in each Task.groups */
	gboolean is_named;   /* v1 "name=…" */
	Group *root;
	unsigned n_groups;
};

/* Sets of controllers with a special part in the rules (cgroup.c: cgrp_dfl_threaded_ss_mask). */
#define CONTROLLER_BIT(id) (1u << (id))
#define CONTROLLERS_THREADED                                                                                           \
	(CONTROLLER_BIT(CONTROLLER_CPUSET) | CONTROLLER_BIT(CONTROLLER_CPU) | CONTROLLER_BIT(CONTROLLER_PERF_EVENT) |  \
	 CONTROLLER_BIT(CONTROLLER_PIDS))

extern const Controller *const controllers[CONTROLLER_COUNT];

static inline gboolean group_is_root(const Group *group)
{
	return group->parent == NULL;
}

/* What a group and its descendants use. For a root group the machine's own numbers. Fields are bytes, nanoseconds or
 * events; counters never go backwards. */
typedef struct Usage {
	guint64 cpu_user, cpu_system, cpu_nice; /* ns; cpu_nice is part of cpu_user */
	guint64 anon, file, shmem;              /* bytes now; shmem is part of file */
	guint64 swap;                           /* bytes now */
	guint64 kernel;                         /* bytes now, of kernel memory */
	guint64 faults, major_faults;
	guint64 read_bytes, write_bytes, read_ops, write_ops;
	unsigned n_processes, n_tasks;
} Usage;

/* sample must hold the parts that group_sample_parts() names. */
void group_usage(const Group *group, const Sample *sample, Usage *ret);
/* Only the group's own members, without its descendants. */
void group_usage_local(const Group *group, const Sample *sample, Usage *ret);
/* CPU time of one CPU, 0 … sample->n_cpus - 1. */
void group_usage_cpu(const Group *group, const Sample *sample, unsigned cpu, guint64 *ret_user, guint64 *ret_system);

/* Highest memory use seen since the last reset. */
guint64 group_memory_usage(const Group *group, const Sample *sample); /* anon + file + kernel */

/* Calls visit for each group below (and including) top, parents first. Stops at the first non-zero answer. */
int group_walk(Group *top, int (*visit)(Group *group, void *data), void *data);

/* How many groups there are below it. */
unsigned group_count_descendants(const Group *group);

/* The node of a control file of the group, or NULL. */
Node *group_file(const Group *group, const char *name);
/* Wakes those who wait for the file. */
void group_notify(Group *group, const char *name);

/* v1: what cgroup.clone_children says. */
gboolean group_clones_children(const Group *group);
/* Has it, or a group below it, processes? (as of the last refresh of the members) */
gboolean group_is_populated(const Group *group);
gboolean group_has_members(const Group *group);
/* The group that a control file belongs to; tree locked. NULL if the node is dead. */
Group *group_of_file(const Node *file);

/* Path in its hierarchy, "/" for the root; free it. */
char *group_path(const Group *group);

extern const Controller cpuset_controller, cpu_controller, cpuacct_controller, io_controller, memory_controller,
	devices_controller, freezer_controller, net_cls_controller, perf_event_controller, net_prio_controller,
	hugetlb_controller, pids_controller, rdma_controller, misc_controller;
