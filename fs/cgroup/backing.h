/*
 * Groups of the kernel's own behind ours, where the kernel still has cgroup v1 for itself: members are moved there too.
 *
 * That gives what cannot be had from outside: CPU time that is exact, also of processes that lived between two looks,
 * the memory as the kernel counts it, and a pids.max that refuses forks. A group is mirrored when its first member
 * comes, under the same name below a directory that whoever serves the tree has opened.
 */
#pragma once

#include "fs/cgroup/group.h"

/* What is mirrored: each has a hierarchy of its own in the kernel. */
typedef enum BackingKind { BACKING_CPUACCT, BACKING_MEMORY, BACKING_PIDS, BACKING_KINDS } BackingKind;

extern const char *const backing_controllers[BACKING_KINDS];

/* Directories in one hierarchy of the kernel's. */
typedef struct BackingPlace {
	int base; /* below it groups are mirrored; -1: not this kind */
	int home; /* where members go back to in the end */
} BackingPlace;

typedef struct Backing Backing;

/* Mirrors from now on, beginning with the members that are there already; takes the descriptors over. Unlocked. */
void backing_start(Fs *fs, const BackingPlace places[BACKING_KINDS]);
/* Gives the members back and removes the groups. */
void backing_free(Backing *backing);

/* All these do nothing without a backing. Unlocked: */
void backing_follow(Fs *fs, pid_t pid);        /* a process was moved */
void backing_refresh(Fs *fs, Node *file);      /* reads the numbers of the file's group and those above it */
void backing_set_pids_max(Fs *fs, Node *file); /* pids.max of the file's group has changed */
/* Locked for writing: */
void backing_group_removed(Group *group);
/* Puts in place of what was summed up what the kernel knows. Locked. */
void backing_correct(const Group *group, Usage *usage);
