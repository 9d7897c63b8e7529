/*
 * Handing the FUSE session to a successor, so that mounts and open files of clients live on.
 *
 * The descriptor of /dev/fuse is inherited over an exec (SIGUSR2, for an upgrade), or kept by the service manager (its
 * file-descriptor store, over a crash). Everything else that a successor needs stands in the mount record.
 */
#pragma once

#include <gio/gio.h>

/* The session's descriptor that a predecessor has left for this process; -1: none. To be asked once. */
int hand_over_take(void);
/* Has the service manager keep it; nothing happens without one. */
void hand_over_store(int fd);
/* The session has ended: nobody shall go on with it. */
void hand_over_forget(void);
/* Runs the program anew in this process, with the same arguments. Returns only on failure. */
void hand_over_exec(int fd, GError **error);
/* Can the program be run at all? To be asked before the workers are stopped. */
gboolean hand_over_is_possible(GError **error);
