/*
 * Differences from a kernel that are known, each with its reason: a file of lines "PATTERN<tab>REASON", PATTERN a glob
 * over keys.
 */
#pragma once

#include <glib.h>

typedef struct Exceptions Exceptions;

Exceptions *exceptions_read(const char *path); /* ends the program when a line has no reason */
gboolean exceptions_cover(Exceptions *exceptions, const char *key);
guint exceptions_print_unused(const Exceptions *exceptions); /* returns how many */
void exceptions_free(Exceptions *exceptions);
