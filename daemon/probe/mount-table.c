#include "daemon/probe/mount-table.h"

#include <stdio.h>
#include <string.h>

static void mount_line_free(gpointer data)
{
	MountLine *line = data;

	g_free(line->point);
	g_free(line->type);
	g_free(line->source);
	g_free(line->options);
	g_free(line);
}

/* Fields are separated by blanks; gVisor of 2022 writes two where Linux writes one. */
static GPtrArray *split_fields(const char *text)
{
	GPtrArray *fields = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) parts = g_strsplit(text, " ", -1);

	for (char **part = parts; *part; part++)
		if (**part)
			g_ptr_array_add(fields, g_strdup(*part));
	return fields;
}

static char *take_unescaped(const GPtrArray *fields, guint i)
{
	return g_strcompress(g_ptr_array_index(fields, i));
}

static MountLine *parse_line(char *text)
{
	g_autoptr(GPtrArray) before = NULL, after = NULL;
	char *separator = strstr(text, " - ");
	unsigned major, minor;
	MountLine *line;

	if (!separator)
		return NULL;
	*separator = '\0';
	before = split_fields(text);
	after = split_fields(separator + 3);
	if (before->len < 6 || after->len < 3 || sscanf(g_ptr_array_index(before, 2), "%u:%u", &major, &minor) != 2)
		return NULL;
	line = g_new0(MountLine, 1);
	line->major = major;
	line->minor = minor;
	line->point = take_unescaped(before, 4);
	line->type = take_unescaped(after, 0);
	line->source = take_unescaped(after, 1);
	line->options = take_unescaped(after, 2);
	return line;
}

GPtrArray *mount_table_read(void)
{
	GPtrArray *table = g_ptr_array_new_with_free_func(mount_line_free);
	g_autofree char *content = NULL;
	g_auto(GStrv) lines = NULL;

	if (!g_file_get_contents("/proc/self/mountinfo", &content, NULL, NULL))
		return table;
	lines = g_strsplit(content, "\n", -1);
	for (char **text = lines; *text; text++) {
		MountLine *line = parse_line(*text);

		if (line)
			g_ptr_array_add(table, line);
	}
	return table;
}

const MountLine *mount_table_find(const GPtrArray *table, const char *point)
{
	for (guint i = table->len; i-- > 0;) {
		const MountLine *line = g_ptr_array_index(table, i);

		if (g_str_equal(line->point, point))
			return line;
	}
	return NULL;
}

static gboolean has_option(const char *options, const char *name)
{
	g_auto(GStrv) names = g_strsplit(options, ",", -1);

	return g_strv_contains((const char *const *) names, name);
}

const MountLine *mount_table_find_controller(const GPtrArray *table, const char *controller)
{
	for (guint i = table->len; i-- > 0;) {
		const MountLine *line = g_ptr_array_index(table, i);

		if (g_str_equal(line->type, "cgroup") && has_option(line->options, controller))
			return line;
	}
	return NULL;
}
