/*
 * Which process is in which group.
 *
 * One table for all hierarchies: a Task is a process, (pid, start time), with its group in each. The table follows the
 * machine by reconciling with the process list: a process that is new inherits the groups of its parent, one that is
 * gone leaves its times behind. What that can miss: a child that is born and orphaned between two looks at the process
 * list is taken for a child of whoever adopted it.
 */
#pragma once

#include "fs/cgroup/hierarchy.h"
#include "fs/cgroup/process-events.h"
#include "fs/source/processes.h"

/* A thread that was moved by itself. */
typedef struct MovedThread {
	guint64 user_ns, system_ns; /* CPU time that was already told apart from its process' */
	gboolean is_known;          /* these are: what it spent before it was moved is not its group's */
	Group *places[];            /* by Hierarchy.index; NULL: where its process is */
} MovedThread;

typedef struct Task {
	pid_t pid; /* of the thread group, in the daemon's PID namespace */
	pid_t ppid;
	pid_t parent_tid;                /* the thread that forked it; 0: not known, nor needed any more */
	guint64 start;                   /* 0: not known yet, it was just born */
	gint64 born;                     /* monotonic time when the table got it */
	Group **groups;                  /* by Hierarchy.index; never NULL entries */
	GHashTable *threads;             /* tid → MovedThread; NULL: no thread was moved by itself */
	GArray *tids;                    /* pid_t, as of the last look; NULL: not looked yet */
	Process last;                    /* as of the last reconciliation; times count from there */
	ProcessIo io;                    /* as of the last look at it */
	guint64 program;                 /* Process.program, when its memory was last looked at */
	GArray *charges;                 /* Charge, charges.h; NULL: none */
	guint64 anon, file, shmem, swap; /* bytes, when somebody last asked for the memory of a group of its */
	guint generation;                /* of the last reconciliation that saw it */
	gboolean exited;                 /* a zombie: no member any more, but its times still count */
	gboolean lost_domain;            /* the v2 group that it ended in was removed since */
	gboolean settled;                /* its groups are known */
	gboolean frozen;                 /* stopped by us */
	gboolean pinned, reniced; /* scheduling.c has given it, or its parent, other CPUs than all, another nice */
	/* children that have ended and that are not in its children's times yet, as far as is known: what was already
	 * counted of them, and where they were */
	guint64 gone; /* ns */
	guint64 told; /* ns that were added to its parent's `gone` for itself */
	Group **gone_groups;
} Task;

struct Members {
	Fs *fs;
	GHashTable *tasks; /* pid → Task */
	guint generation;
	gint64 taken;     /* of the sample that was reconciled last */
	gint64 started;   /* when the last sample's look at the processes began; what is younger it may have missed */
	gint64 last_exit; /* when an end was last told: a look that began before may still have seen the process */
	unsigned n_freezing; /* groups that ask for freezing */
	unsigned n_frozen;   /* processes stopped by us, or more: 0 only if there are none */
	GMutex stopping;     /* held from the decision which processes are to stop or go on until they do */
	unsigned n_placed;   /* memberships in groups that are not the root */
	struct Watch *watch; /* watch.c */
};

Members *members_new(Fs *fs);
void members_free(Members *members);

/* watch.c: the kernel's word of forks and exits, where it gives it. Started by the first process that is placed in a
 * group. */
void members_watch_new(Members *members);
void members_watch_free(Members *members);
/* Takes what has happened up to now. FALSE: there is no such word; the process list must be looked at. Unlocked. */
gboolean members_watch_drain(Fs *fs);
void members_watch_start(Fs *fs);

/* A process as a predecessor knew it, in the root groups; the next look at the machine's processes tells whether it is
 * still there. NULL: that PID is taken. Tree locked for writing. */
Task *members_restore(Members *members, pid_t pid, pid_t ppid, guint64 start);

/* Another's word of such an event, a tracer's; ignored where the kernel's own is had, or nobody is in a group. Takes
 * the lock itself. */
void members_told(Fs *fs, const ProcessEvent *event);

/* A process forked (start is 0 if the child has ended already), or ended. Tree locked for writing. */
void members_forked(Members *members, const ProcessEvent *event, guint64 start);
void members_exited(Members *members, Task *task, gboolean is_gone);

/* Looks at the machine's processes now, and brings the table up to date. Takes the lock for writing itself. */
void members_refresh(Fs *fs);
/* The same, and no process that has ended is left in the group of this directory or file, or below it: the kernel's
 * word of an end comes a little later than the end itself. */
void members_refresh_below(Fs *fs, Node *node);
/* The same with a sample that is at hand (it has the processes). */
void members_reconcile(Fs *fs, const Sample *sample);
/* NodeOps.sample of control files: brings up to date what the file is about. */
Sample *members_sample(Fs *fs, Node *file, const Caller *caller);
/* Before a group goes: its counters stay in its parent. Tree locked for writing. */
void members_group_removed(Fs *fs, Group *group);

/* Tree locked for writing. */
void task_set_group(Task *task, Group *to);             /* the whole process */
void task_set_thread(Task *task, pid_t tid, Group *to); /* one thread of it */
void task_thread_ended(Task *task, pid_t tid);          /* one that may have been moved */
/* After a process came or went: wakes those who wait for cgroup.events here or above. */
void members_changed(Group *group);

typedef enum MigrateWhat { MIGRATE_PROCESS, MIGRATE_THREAD } MigrateWhat;

/* Store functions of cgroup.procs (both versions), and of tasks and cgroup.threads; VF_UNLOCKED. */
int members_store_procs(const VContext *ctx, const char *text, size_t len);
int members_store_threads(const VContext *ctx, const char *text, size_t len);
/* Members as PIDs in the reader's PID namespace, sorted; tree locked. */
int members_show_procs(const VContext *ctx, GString *out);
int members_show_threads(const VContext *ctx, GString *out);

/* Has the process ended, so that it is only waiting for its parent? A leader whose threads live on has not. */
gboolean process_has_ended(const Process *process);
gboolean process_leader_has_ended(const Process *process); /* perhaps its other threads live on */

/* Calls visit for each process of the group itself, and once more for each single thread that was moved here. The root
 * keeps no list: it is every process, wherever it is; visit has to look. Tree locked. */
void members_foreach_own(Group *group, void (*visit)(Task *task, void *data), void *data);
/* The processes (pid_t) in the group of this file or directory and below it, each once. Unlocked; unref it. */
GArray *members_pids_below(Fs *fs, Node *node);
/* Looks at what a process has in memory now. Unlocked. */
void members_refresh_memory(Fs *fs, pid_t pid);
/* Calls visit for each process in the group or below it. Tree locked. */
void members_foreach(Group *top, void (*visit)(Task *task, void *data), void *data);
Task *members_find(const Members *members, pid_t pid);
/* Is it in a group that is not the root? */
gboolean task_is_placed(const Task *task);
/* Is the process, or a thread of it, here? */
gboolean task_is_in(const Task *task, const Group *group);
MovedThread *task_moved_thread(const Task *task, pid_t tid); /* NULL: it was not moved by itself */
/* Where the thread is in the hierarchy with this index: by itself, or with its process. */
Group *task_group_of_thread(const Task *task, pid_t tid, unsigned index);
/* How many of its threads were moved by themselves, to this group or (NULL) anywhere; and how many were not. */
unsigned task_count_moved(const Task *task, const Group *to, unsigned index);
unsigned task_count_unmoved(const Task *task, unsigned index);

/* accounting.c. Tree locked for writing. */
void accounting_update(Task *task, const Process *now); /* now becomes task->last */
/* Tells what a thread that has been moved by itself spent before, so that only what comes counts for its group. */
void accounting_begin_thread(const Task *task, pid_t tid);
void accounting_update_io(Task *task, const ProcessIo *now);
void accounting_note_ended(Members *members, Task *gone); /* when its last times are known */
void accounting_merge_into_parent(Group *group);

/* freezing.c: freezes or thaws what is in the group and below, by signals; repeated until no new process appears. Takes
 * the lock itself. */
int group_set_frozen(Fs *fs, Node *file, gboolean frozen);
/* Is every process in it stopped? Tree locked. */
gboolean group_is_frozen(const Group *group);
/* Does it, or a group above it, ask for freezing? Tree locked. */
gboolean group_is_freezing(const Group *group);
/* Stops or continues one process according to its groups; after it was moved. Takes the lock itself. */
void members_apply_freezing(Fs *fs);
/* The same for the members of the group of this file or directory and of those below it, at once. */
void members_apply_freezing_below(Fs *fs, Node *node);
/* SIGKILL to all in the group and below. Takes the lock itself. */
int group_kill(Fs *fs, Node *file);
/* The daemon itself and process 1, which are never stopped nor killed. */
gboolean process_is_spared(pid_t pid);
/* Sends a signal if the process is still the one that started then. Unlocked. */
void members_signal(Fs *fs, pid_t pid, guint64 start, int signal);
