/* Going to the background, such that the caller learns how it went. */
#pragma once

#include <glib.h>

/* Forks; must be called before there are threads. The parent never returns: it exits with 0 once the child has called
 * daemonize_ready(), or else with the child's exit code. The child goes on, in a session of its own, with stderr still
 * open for what goes wrong. */
gboolean daemonize(GError **error);
/* Lets the parent exit, and the terminal go. Nothing happens in a process that has not daemonized. */
void daemonize_ready(void);
