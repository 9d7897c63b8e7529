/*
 * Handing the FUSE session to a successor, so that mounts and open files of clients live on.
 *
 * The descriptors are inherited over an exec (SIGUSR2, for an upgrade), or kept by the service manager (its
 * file-descriptor store, over a crash). Everything else that a successor needs stands in the mount record.
 */
#pragma once

#include <gio/gio.h>

/* What one process leaves to the next. */
typedef struct HandOver {
	int session;  /* descriptor of /dev/fuse; -1: nothing is left */
	int requests; /* memory with the requests that are being answered, see fuse_start(); -1: none */
	int groups;   /* see state_file_hand_over(); -1: none, or what was saved last is good enough */
} HandOver;

/* What a predecessor has left for this process. To be asked once. */
HandOver hand_over_take(void);
/* Closes what was taken and is of no use, here and with the service manager. */
void hand_over_discard(HandOver *taken);
/* New memory for requests, where a service manager may keep it over a crash; else -1. */
int hand_over_new_requests(void);
/* Has the service manager keep it; nothing happens without one. */
void hand_over_store(const HandOver *left);
/* The session has ended: nobody shall go on with it. */
void hand_over_forget(void);
/* Runs the program anew in this process, with the same arguments. Returns only on failure. */
void hand_over_exec(const HandOver *left, GError **error);
/* Can the program be run at all? To be asked before the workers are stopped. */
gboolean hand_over_is_possible(GError **error);
