/* diskstats, pressure, filesystems. */
#include "fs/proc/render.h"

#include "fs/source/scan.h"

#include <string.h>

enum { MIN_DISK_COLUMNS = 14 }; /* device numbers and name, and the eleven that every kernel has */

static unsigned count_words(const char *line)
{
	const char *word;
	size_t len;
	unsigned n = 0;

	while (scan_word(&line, &word, &len))
		n++;
	return n;
}

void proc_show_diskstats(const ProcScene *scene, GString *out)
{
	for (const char *line = scene->sample->native; line && *line; line = scan_next_line(line)) {
		unsigned n = count_words(line);

		if (n < 3)
			continue;
		g_string_append_len(out, line, (gssize) strcspn(line, "\n"));
		for (; n < MIN_DISK_COLUMNS; n++)
			g_string_append(out, " 0");
		g_string_append_c(out, '\n');
	}
}

static void append_pressure(const char *key, const PressureLine *line, GString *out)
{
	if (line->present)
		g_string_append_printf(out, "%s avg10=%.2f avg60=%.2f avg300=%.2f total=%" G_GUINT64_FORMAT "\n", key,
				       line->avg10, line->avg60, line->avg300, line->total_us);
}

void proc_show_pressure(const Pressure *pressure, GString *out)
{
	append_pressure("some", &pressure->some, out);
	append_pressure("full", &pressure->full, out);
}

static gboolean has_line(const char *text, const char *wanted)
{
	size_t len = strlen(wanted);

	for (const char *line = text; *line; line = scan_next_line(line))
		if (strncmp(line, wanted, len) == 0 && (line[len] == '\n' || line[len] == '\0'))
			return TRUE;
	return FALSE;
}

void proc_show_filesystems(const char *native, const char *const *more, GString *out)
{
	if (native)
		g_string_append(out, native);
	if (out->len > 0 && out->str[out->len - 1] != '\n')
		g_string_append_c(out, '\n');
	for (; *more; more++)
		if (!native || !has_line(native, *more))
			g_string_append_printf(out, "%s\n", *more);
}
