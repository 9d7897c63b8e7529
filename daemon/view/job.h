/*
 * The caller stands for the command that it runs: signals and terminal stops.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

void job_begin(pid_t command);
void job_end(void);
/* The command was stopped by `signal`; stops the caller as well where a shell waits for that. */
void job_command_stopped(int signal);

/* Runs argv as trace_run() does, but untraced. */
gboolean job_run(const char *const *argv, const char *const *envp, int *ret_status, GError **error);
