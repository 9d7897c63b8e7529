/* `--reexec DIR`: has the process that serves it run the program that is installed now, and waits until that serves. */
#include "daemon/actions.h"
#include "daemon/exit-codes.h"
#include "daemon/mount-record.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

/* The successor has to build its trees, on a machine that may be busy. */
#define SUCCESSOR_SECONDS 60

static gboolean fail(GError **error, const char *format, const char *directory)
{
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, format, directory);
	return FALSE;
}

/* FALSE with an error: the process has ended. FALSE without: it has not been taken over yet. */
static gboolean is_taken_over(const char *directory, guint served_before, GError **error)
{
	g_autoptr(GError) reason = NULL;
	g_autoptr(MountRecord) record = mount_record_find(directory, &reason);

	if (reason) {
		g_propagate_error(error, g_steal_pointer(&reason));
		return FALSE;
	}
	if (!record || !mount_record_process(record))
		return fail(error, "the process that served %s has ended; its log says why", directory);
	return mount_record_n_served(record) > served_before;
}

static gboolean wait_for_successor(const char *directory, guint served_before, GError **error)
{
	gint64 deadline = g_get_monotonic_time() + SUCCESSOR_SECONDS * G_TIME_SPAN_SECOND;
	g_autoptr(GError) reason = NULL;

	while (!is_taken_over(directory, served_before, &reason)) {
		if (reason) {
			g_propagate_error(error, g_steal_pointer(&reason));
			return FALSE;
		}
		if (g_get_monotonic_time() > deadline)
			return fail(error, "the process that serves %s goes on as it was; its log says why", directory);
		g_usleep(10000);
	}
	return TRUE;
}

static gboolean reexec(const char *directory, GError **error)
{
	g_autoptr(GError) reason = NULL;
	g_autoptr(MountRecord) record = mount_record_find(directory, &reason);
	pid_t pid = record ? mount_record_process(record) : 0;

	if (reason) {
		g_propagate_error(error, g_steal_pointer(&reason));
		return FALSE;
	}
	if (!pid)
		return fail(error, "no cgemud serves %s", directory);
	if (!mount_record_root(record))
		return fail(error,
			    "a successor could not reach the kernel's own files below %s: restart cgemud instead",
			    directory);
	if (kill(pid, SIGUSR2) < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot signal process %d: %s", (int) pid,
			    g_strerror(errno));
		return FALSE;
	}
	return wait_for_successor(directory, mount_record_n_served(record), error);
}

int action_reexec(const Options *options, Config *config)
{
	g_autofree char *resolved = realpath(options->directory, NULL);
	g_autoptr(GError) error = NULL;

	if (reexec(resolved ? resolved : options->directory, &error))
		return EXIT_OK;
	g_printerr("cgemud: %s\n", error->message);
	return EXIT_UNAVAILABLE;
}
