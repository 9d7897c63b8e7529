/*
 * The caller stands for the command that it runs: signals and terminal stops.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* What is done to the command before it runs, while it waits: its group, its CPUs. NULL function: nothing. */
typedef struct JobHook {
	gboolean (*prepare)(pid_t command, void *data, GError **error);
	void *data;
} JobHook;

gboolean job_prepare(const JobHook *hook, pid_t command, GError **error);

void job_begin(pid_t command);
void job_end(void);
/* The command was stopped by `signal`; stops the caller as well where a shell waits for that. */
void job_command_stopped(int signal);

/* Runs argv as trace_run() does, but untraced. */
gboolean job_run(const char *const *argv, const char *const *envp, const JobHook *hook, int *ret_status,
		 GError **error);
