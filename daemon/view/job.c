/*
 * The caller stands for the command: what it is sent goes to the command, and when the command is stopped from the
 * terminal the caller stops as well, so that the shell that waits for it takes notice.
 *
 * Both are in one process group. What the terminal sends reaches both and is not passed on.
 */
#include "daemon/view/job.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGWINCH};
static const int terminal_stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};

static volatile sig_atomic_t command_pid;
static struct sigaction former[NSIG];

static void pass_on(int signal, siginfo_t *info, void *context)
{
	int saved = errno;
	pid_t pid = command_pid;
	if (pid > 0 && info->si_code <= 0 && info->si_pid != pid)
		(void) kill(pid, signal);
	errno = saved;
}

static void do_nothing(int signal)
{
}

static void set(int signal, const struct sigaction *action)
{
	/* What was ignored stays so, here and (nohup) in the command. */
	if (sigaction(signal, NULL, &former[signal]) == 0 && former[signal].sa_handler != SIG_IGN)
		(void) sigaction(signal, action, NULL);
}

gboolean job_prepare(const JobHook *hook, pid_t command, GError **error)
{
	return !hook->prepare || hook->prepare(command, hook->data, error);
}

void job_begin(pid_t command)
{
	struct sigaction forward = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction stay = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};
	command_pid = command;
	for (size_t i = 0; i < G_N_ELEMENTS(passed_on); i++)
		set(passed_on[i], &forward);
	for (size_t i = 0; i < G_N_ELEMENTS(terminal_stops); i++)
		set(terminal_stops[i], &stay);
}

static void restore(int signal)
{
	if (former[signal].sa_handler != SIG_IGN)
		(void) sigaction(signal, &former[signal], NULL);
}

void job_end(void)
{
	command_pid = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(passed_on); i++)
		restore(passed_on[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(terminal_stops); i++)
		restore(terminal_stops[i]);
}

void job_command_stopped(int signal)
{
	pid_t pid = command_pid;
	/* Not for SIGSTOP: who sends that to one process does not mean the other, and who continues it later may not
	 * continue the caller. */
	if (signal != SIGSTOP && pid > 0 && getpgid(pid) == getpgrp())
		(void) raise(SIGSTOP);
}
