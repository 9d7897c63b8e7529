/* Shared by the files of the run loop, daemon/serve*.c. */
#pragma once

#include "daemon/backing-places.h"
#include "daemon/fuse.h"
#include "daemon/hand-over.h"
#include "daemon/layout.h"
#include "daemon/serve.h"
#include "daemon/state-file.h"

typedef struct Server {
	const Options *options;
	Config *config;     /* in force */
	Config *own_config; /* the same, if a reload made it */
	Config *old_config; /* the one before: a reader may still hold its strings */
	char *directory;
	LayoutTree tree;
	const char *mounted_root; /* directory of the composite tree that FUSE serves */
	Fs *fs;
	FuseServer *fuse;
	MountRecord *record;
	StateFile *state;
	BackingBases backing;
	GMainLoop *loop;
	gboolean hands_over; /* ends by running the program anew, which goes on with the session */
} Server;

/* serve-reload.c: reads the configuration again; applies what can change, and names what cannot. */
void serve_reload(Server *server);
/* serve-mount.c: mounts the session and everything that shows it. On failure the record is to be undone. */
gboolean serve_mount(Server *server, GError **error);
/* Builds the trees, and in them the groups that were there before: from a descriptor (see state_file_restore()), or -1.
 */
gboolean serve_build_trees(Server *server, int groups, GError **error);
/* Goes on with the session that a predecessor has left, if its record can be read. FALSE without error: there is
 * nothing to go on with. What it used of `taken` is set to -1, also on failure. */
gboolean serve_adopt(Server *server, HandOver *taken, GError **error);
/* May a successor go on with this session? It has to reach the kernel's own files, which must not lie below. */
gboolean serve_can_hand_over(const Server *server);
