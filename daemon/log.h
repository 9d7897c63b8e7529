/*
 * Messages of the program: fields in the journal under systemd, else one line on stderr. Rooms log with g_warning(),
 * g_message(), g_info() and g_debug(); one place in the program cannot log more than [log] rate-limit times a minute.
 */
#pragma once

#include "config/config.h"

/* Before the first message; as the default configuration has it. */
void log_start(void);
/* At the start and after a reload. verbose: everything, without limit. G_MESSAGES_DEBUG works beside both. */
void log_configure(const Config *config, gboolean verbose);
/* Tells how many messages were left out and not told yet: before the program ends. */
void log_flush(void);
