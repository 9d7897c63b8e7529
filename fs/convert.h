/* The conversions of the kernel's sscanf (lib/vsprintf.c vsscanf()), which differ from the C library's. */
#pragma once

#include <glib.h>

/* "%llu": white space is skipped, then at least one decimal digit; wraps on overflow. FALSE, and *at unmoved, if none.
 */
gboolean convert_u64(const char **at, guint64 *ret);
/* "%u": the same, cut to 32 bits. */
gboolean convert_u32(const char **at, guint32 *ret);
/* "%<width>s": white space is skipped, then 1 to width other characters. NULL, and *at unmoved, if none; free it. */
char *convert_word(const char **at, gsize width);
/* A literal of the format; a space in it matches any amount of white space, also none. */
gboolean convert_literal(const char **at, const char *literal);
const char *convert_skip_space(const char *text);
