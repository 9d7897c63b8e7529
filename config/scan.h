/*
 * Where each section and key of a key file stands. GKeyFile forgets it, and its own errors have no line numbers.
 */
#pragma once

#include <glib.h>

/* "section" and "section.key" → line number (GUINT_TO_POINTER), the last one where a name is repeated. NULL and a
 * CONFIG_ERROR_FILE for a line that is neither a section, a key, a comment nor empty. */
GHashTable *scan_lines(const char *path, const char *text, GError **error);
