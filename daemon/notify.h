/* What the service manager is told: ready, reloading, stopping, still alive. Without one, and in a build without
 * libsystemd, nothing happens. */
#pragma once

#include <glib.h>

void notify_ready(const char *status);
void notify_reloading(void);
void notify_stopping(void);
/* Tells at half the interval that the manager asked for (WatchdogSec=) that `alive` returned at all. */
void notify_start_watchdog(void (*alive)(void *data), void *data);
