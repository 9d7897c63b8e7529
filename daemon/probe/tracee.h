/*
 * Children that checks of interception are tried on.
 */
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

/* What a child does, once: its exit status. */
typedef int (*TraceeMain)(void);

/* Starts a child that waits until tracee_release(), then runs main. The pid, or -errno. */
pid_t tracee_start(TraceeMain main);
void tracee_release(pid_t pid);
/* Kills and reaps. */
void tracee_end(pid_t pid);

/* Installs a filter that gives `action` to getppid() and allows all else. 0 or -errno; with
 * SECCOMP_FILTER_FLAG_NEW_LISTENER the listener. */
int tracee_filter_getppid(unsigned action, unsigned flags);
