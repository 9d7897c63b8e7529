#include "fs/source/pressure.h"

#include "fs/source/scan.h"

#include <string.h>

static gboolean skip_key(const char **at, const char *key)
{
	const char *p = *at;

	while (*p == ' ')
		p++;
	if (!g_str_has_prefix(p, key))
		return FALSE;
	*at = p + strlen(key);
	return TRUE;
}

static gboolean parse_line(const char *at, PressureLine *ret)
{
	PressureLine line = {.present = TRUE};

	if (!skip_key(&at, "avg10=") || !scan_double(&at, &line.avg10) || !skip_key(&at, "avg60=") ||
	    !scan_double(&at, &line.avg60) || !skip_key(&at, "avg300=") || !scan_double(&at, &line.avg300) ||
	    !skip_key(&at, "total=") || !scan_u64(&at, &line.total_us))
		return FALSE;
	*ret = line;
	return TRUE;
}

gboolean pressure_parse(const char *text, Pressure *ret)
{
	*ret = (Pressure){0};
	for (const char *line = text; *line; line = scan_next_line(line)) {
		if (g_str_has_prefix(line, "some "))
			parse_line(line + strlen("some "), &ret->some);
		else if (g_str_has_prefix(line, "full "))
			parse_line(line + strlen("full "), &ret->full);
	}
	return ret->some.present || ret->full.present;
}
