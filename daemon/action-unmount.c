/* `--unmount DIR`: ends the process that serves it, and undoes what it has left. */
#include "daemon/actions.h"
#include "daemon/exit-codes.h"
#include "daemon/mount-check.h"
#include "daemon/mount-record.h"
#include "daemon/mounts.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Who ends it like this does not want it back. */
static gboolean forget_groups(const MountRecord *record, GError **error)
{
	const char *path = mount_record_state(record);

	if (!path || unlink(path) == 0 || errno == ENOENT)
		return TRUE;
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot remove %s: %s", path, g_strerror(errno));
	return FALSE;
}

static gboolean unmount(const char *directory, GError **error)
{
	g_autoptr(GError) reason = NULL;
	g_autoptr(MountRecord) record = mount_record_find(directory, &reason);

	if (reason) {
		g_propagate_error(error, g_steal_pointer(&reason));
		return FALSE;
	}
	if (record)
		return mount_record_end_process(record, error) && mount_record_undo(record, error) &&
		       forget_groups(record, error);
	if (mounts_is_dead(directory))
		return mount_clear_dead(directory, error);
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "cgemud serves nothing at %s", directory);
	return FALSE;
}

int action_unmount(const Options *options, Config *config)
{
	g_autofree char *resolved = realpath(options->directory, NULL);
	g_autoptr(GError) error = NULL;

	if (unmount(resolved ? resolved : options->directory, &error))
		return EXIT_OK;
	g_printerr("cgemud: %s\n", error->message);
	return EXIT_UNAVAILABLE;
}
