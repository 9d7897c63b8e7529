#include "fs/source/scan.h"

#include <string.h>

const char *scan_next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

static const char *skip_blanks(const char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

gboolean scan_u64(const char **at, guint64 *ret)
{
	const char *p = skip_blanks(*at);
	guint64 value = 0;

	*ret = 0;
	if (!g_ascii_isdigit(*p))
		return FALSE;
	for (; g_ascii_isdigit(*p); p++) {
		unsigned digit = (unsigned) (*p - '0');

		value = value > (G_MAXUINT64 - digit) / 10 ? G_MAXUINT64 : value * 10 + digit;
	}
	*at = p;
	*ret = value;
	return TRUE;
}

gboolean scan_s64(const char **at, gint64 *ret)
{
	const char *p = skip_blanks(*at);
	gboolean negative = *p == '-';
	guint64 value;

	*ret = 0;
	if (negative)
		p++;
	if (!g_ascii_isdigit(*p))
		return FALSE;
	scan_u64(&p, &value);
	value = MIN(value, G_MAXINT64);
	*ret = negative ? -(gint64) value : (gint64) value;
	*at = p;
	return TRUE;
}

gboolean scan_double(const char **at, double *ret)
{
	const char *p = skip_blanks(*at);
	char *end;

	*ret = 0.0;
	if (!g_ascii_isdigit(*p))
		return FALSE;
	*ret = g_ascii_strtod(p, &end);
	*at = end;
	return TRUE;
}

gboolean scan_word(const char **at, const char **ret_start, size_t *ret_len)
{
	const char *p = skip_blanks(*at);

	*ret_start = p;
	*ret_len = strcspn(p, " \t\n");
	*at = p + *ret_len;
	return *ret_len > 0;
}

static gboolean key_is(const char *key, const char *text, size_t len)
{
	return strncmp(key, text, len) == 0 && key[len] == '\0';
}

/* The field with this key; the search starts at `first`, where it will be found at once if the file keeps our order. */
static const ScanField *find_field(const ScanField *fields, unsigned n, unsigned first, const char *key, size_t len)
{
	for (unsigned i = 0; i < n; i++) {
		const ScanField *field = &fields[(first + i) % n];

		if (key_is(field->key, key, len))
			return field;
	}
	return NULL;
}

static guint64 scan_amount(const char **at)
{
	guint64 value;

	scan_u64(at, &value);
	if (strncmp(skip_blanks(*at), "kB", 2) == 0)
		value = value > G_MAXUINT64 / 1024 ? G_MAXUINT64 : value * 1024;
	return value;
}

unsigned scan_fields(const char *text, const ScanField *fields, unsigned n_fields, void *base)
{
	unsigned found = 0, next = 0;

	for (const char *line = text; *line; line = scan_next_line(line)) {
		size_t len = strcspn(line, ": \t\n");
		const ScanField *field = len ? find_field(fields, n_fields, next, line, len) : NULL;
		const char *at = line + len;

		if (!field)
			continue;
		if (*at == ':')
			at++;
		*(guint64 *) ((char *) base + field->offset) = scan_amount(&at);
		next = (unsigned) (field - fields) + 1;
		found++;
	}
	return found;
}
