/*
 * What the daemon does to keep limits, by [enforce] of the configuration.
 *
 * Affinities and nice values are set by whoever changes something (scheduling.h). What must be looked at again and
 * again is done in the background, and only while there is a group that asks for it and has members.
 */
#pragma once

#include "fs/cgroup/hierarchy.h"

typedef struct Enforce {
	GMutex lock;
	GSource *memory, *bandwidth; /* timers; NULL: not needed so far */
	gint64 refreshed;            /* bandwidth.c: when it last looked at the process list, us */
} Enforce;

Enforce *enforce_new(void);
void enforce_free(Enforce *enforce);

/* The configuration has changed, or groups came back: all that is asked for takes effect for the groups that exist.
 * What affinities and nice values were set before stays. Unlocked. */
void enforce_reconfigure(Fs *fs);
/* Lets every process go on that was stopped for a quota. Nothing may run in the background any more. Unlocked. */
void enforce_let_go(Fs *fs);

/* Looks at what the timer is for now, or, if it is running, at its next turn. Any thread, also with the tree locked. */
void enforce_wake_memory(Fs *fs);
void enforce_wake_bandwidth(Fs *fs);

/* For the look of a timer: when there is to be another, monotonic time, us. Without it the timer rests. */
void enforce_look_again(Fs *fs, GSource *const *timer, gint64 when);

/* memory-watch.c: what the timer does. */
void memory_watch_look(void *fs);
/* Does somebody want to know how much memory the group uses? Tree locked. */
gboolean memory_is_watched(const Group *group);
/* memory-kill.c: kills the largest process in the group of this directory, which has run out of memory. Unlocked. */
void memory_kill(Fs *fs, Node *dir);
/* bandwidth.c: what the timer does; and an end of it. */
void bandwidth_look(void *fs);

/* For VFile.after */
void enforce_after_memory(const VContext *ctx);
void enforce_after_bandwidth(const VContext *ctx);
