#include "config/scan.h"
#include "config/config.h"

#include <string.h>

/* Returns what is wrong with the line, or NULL. */
static const char *scan_line(char *line, unsigned number, char **section, GHashTable *lines)
{
	char *equals;

	g_strstrip(line);
	if (!*line || *line == '#')
		return NULL;
	if (*line == '[') {
		if (!g_str_has_suffix(line, "]") || strlen(line) < 3)
			return "a section is written [name]";
		g_free(*section);
		*section = g_strndup(line + 1, strlen(line) - 2);
		g_hash_table_replace(lines, g_strdup(*section), GUINT_TO_POINTER(number));
		return NULL;
	}
	equals = strchr(line, '=');
	if (!equals || equals == line)
		return "expected key=value, [section] or # comment";
	if (!*section)
		return "a key stands before the first [section]";
	*equals = '\0';
	g_hash_table_replace(lines, g_strdup_printf("%s.%s", *section, g_strchomp(line)), GUINT_TO_POINTER(number));
	return NULL;
}

GHashTable *scan_lines(const char *path, const char *text, GError **error)
{
	g_autoptr(GHashTable) lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(GStrv) split = g_strsplit(text, "\n", -1);
	g_autofree char *section = NULL;

	for (unsigned i = 0; split[i]; i++) {
		const char *wrong = scan_line(split[i], i + 1, &section, lines);

		if (wrong) {
			g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_FILE, "%s:%u: %s", path, i + 1, wrong);
			return NULL;
		}
	}
	return g_steal_pointer(&lines);
}
