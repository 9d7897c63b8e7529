/*
 * Waiting for event files of the shadow. What a program opens there is a regular file, which poll(2) always finds
 * ready, and epoll(7) refuses. So it is made to wait for something else: the writing end of a pipe, which the kernel
 * calls broken (POLLERR) while nobody reads from the other end. Somebody does as long as there is no news.
 */
#pragma once

#include "daemon/view/shadow.h"

/* An event file as one program has it open. All functions may be called from one thread only. */
typedef struct ShadowWait ShadowWait;

/* Of a file that has been opened, and read, just now. NULL: it is no event file. */
ShadowWait *shadow_wait_new(Shadow *shadow, const char *shown, const Caller *caller);
void shadow_wait_free(ShadowWait *wait);

const char *shadow_wait_shown(const ShadowWait *wait);
/* The path of the pipe, to be opened for writing. NULL: there is none, errno is set. */
const char *shadow_wait_pipe(ShadowWait *wait);
/* The same as the shadow shows it. */
const char *shadow_wait_pipe_shown(const ShadowWait *wait);
/* From now on the pipe is broken when there is news: after it has been opened. */
void shadow_wait_begin(ShadowWait *wait);

/* What poll(2) answers besides that the file can be read and written: POLLPRI, POLLERR, or 0. */
unsigned shadow_wait_news(ShadowWait *wait);
/* What shadow_wait_news() has answered was told: a trigger has fired once. */
void shadow_wait_told(ShadowWait *wait);
/* The file was read from its start. */
void shadow_wait_read(ShadowWait *wait, const Caller *caller);
/* Is what is written a trigger, tied to the open file? Then it is to be written by shadow_wait_write(). */
gboolean shadow_wait_takes_triggers(const ShadowWait *wait);
int shadow_wait_write(ShadowWait *wait, const Caller *caller, const char *data, size_t size);

/* What reading from the start of a file that is open fails with; 0: it can be read. */
int shadow_check_read(Shadow *shadow, const char *shown, const Caller *caller);
