/*
 * Work that nobody waits for: timers, descriptors to watch, and calls that must not be made while the tree is locked.
 *
 * One thread with a main loop of its own, started by the first thing to do and asleep while there is none. What it runs
 * takes the tree's lock itself, like any other caller, so that it works the same for every program that shows the tree.
 */
#pragma once

#include <glib-unix.h>

typedef struct Background Background;

Background *background_new(void);
/* Waits for what is running; nothing is run any more. */
void background_stop(Background *background);
/* Stops if need be, drops what was asked for, and frees. NULL is ignored. */
void background_free(Background *background);

/* All may be called by any thread, also with the tree locked. `done` frees data when it is no longer needed. */
void background_run(Background *background, void (*run)(void *data), void *data, GDestroyNotify done);
/* Calls `run` after so many microseconds, and again whenever the source's ready time has been set anew. The source is
 * the caller's, who ends it with background_cancel(). */
GSource *background_timer(Background *background, gint64 microseconds, void (*run)(void *data), void *data);
/* Calls `run` while the descriptor has one of these events, as long as it returns TRUE. The source is the caller's. */
GSource *background_watch(Background *background, int fd, GIOCondition events, GUnixFDSourceFunc run, void *data,
			  GDestroyNotify done);
/* Ends and frees a source. A call that is running is not waited for, unless this is the thread that runs it. */
void background_cancel(GSource **source);
