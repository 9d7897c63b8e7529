/*
 * Reading what the kernel has printed: lines, numbers and "key value" fields. The text is NUL-terminated and may be cut
 * or malformed anywhere; nothing reads beyond its end.
 */
#pragma once

#include <glib.h>

/* The start of the next line, or the end of the text. */
const char *scan_next_line(const char *line);
/* Reads a decimal number behind any blanks and moves *at behind it; does not leave the line. FALSE and 0 if there is
 * none. Too large: the largest number. */
gboolean scan_u64(const char **at, guint64 *ret);
/* The same, with a sign. */
gboolean scan_s64(const char **at, gint64 *ret);
/* Moves *at behind a number with a decimal point; FALSE and 0.0 if there is none. */
gboolean scan_double(const char **at, double *ret);
/* Moves *at to the next blank-separated word of the line and behind it; its start and length, FALSE at the line's end.
 */
gboolean scan_word(const char **at, const char **ret_start, size_t *ret_len);

/* A field of a "Key:   123 kB" or "key 123" file and where its number goes. */
typedef struct ScanField {
	const char *key;
	size_t offset; /* of a guint64 */
} ScanField;

/* Fills in the fields found in text; others are left alone. A number followed by "kB" is turned into bytes. Whole keys
 * are compared. Returns how many lines matched. Fastest if the fields stand in the order of the file. */
unsigned scan_fields(const char *text, const ScanField *fields, unsigned n_fields, void *base);
