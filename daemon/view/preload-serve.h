/*
 * Answers the preloaded library: holds the view's trees in a thread of its own.
 */
#pragma once

#include "daemon/view/trace-view.h"

typedef struct PreloadServer PreloadServer;

/* Listens on a new socket at `path`. The view is the server's until preload_serve_stop(). */
PreloadServer *preload_serve_start(View *view, const char *path, GError **error);
/* Does what was written last, and ends. NULL is ignored. */
void preload_serve_stop(PreloadServer *server);
