/*
 * The valid name that is most like a misspelt one, for error messages.
 */
#pragma once

#include <glib.h>

/* Number of single-character changes (insertion, deletion, replacement, swap of neighbours) from a to b, ignoring case.
 */
unsigned nearest_distance(const char *a, const char *b);

/* names ends with NULL. NULL if none is near enough to be what was meant. */
const char *nearest_name(const char *name, const char *const *names);

/* What to append to "unknown …": "; did you mean \"tree\"?" or, if none is near, "; valid are: a, b, c". Free it. */
char *nearest_hint(const char *name, const char *const *names);
