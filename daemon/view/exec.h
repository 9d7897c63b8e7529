/*
 * `--exec -- CMD`: a private mount namespace in which the trees are shown, and the command in it.
 */
#pragma once

#include "config/config.h"
#include "daemon/layout.h"
#include "daemon/options.h"

/* Returns the command's exit status, an exit code of cgemud, or ends by the signal that ended the command. */
int exec_run(const Options *options, const Config *config);

/* Parts of it, in the order in which they are used. */

/* exec-root.c: an overlay over / if its type is in [root] replace (or `force`); the caller's root is then the overlay,
 * with all other mounts carried over. Must run in a private mount namespace. scratch: an empty directory. */
gboolean exec_replace_root(const Config *config, const char *choice, const char *scratch, GError **error);

/* exec-serve.c: the FUSE session, in a process of its own that ends when the caller does. */
typedef struct ExecServer {
	pid_t pid;
	int alive; /* closed: the server ends */
	char *composite;
} ExecServer;

gboolean exec_serve_start(ExecServer *server, const Config *config, LayoutTree tree, const char *composite,
			  GError **error);
void exec_serve_stop(ExecServer *server);

/* exec-show.c: mounts everything from the composite tree on its place. */
gboolean exec_show(const Config *config, LayoutTree tree, const char *composite, GError **error);
