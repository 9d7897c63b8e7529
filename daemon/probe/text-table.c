#include "daemon/probe/text-table.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GAP 2
/* A narrower column than this is no pleasure to read. */
#define LEAST_WIDTH   22
#define DEFAULT_WIDTH 100

struct TextTable {
	char **titles;
	guint n_columns, n_fixed, width;
	GPtrArray *rows; /* of char ** */
};

TextTable *text_table_new(const char *const *titles, guint n_fixed, guint width)
{
	TextTable *table = g_new0(TextTable, 1);

	table->titles = g_strdupv((char **) titles);
	table->n_columns = g_strv_length(table->titles);
	table->n_fixed = n_fixed;
	table->width = width;
	table->rows = g_ptr_array_new_with_free_func((GDestroyNotify) g_strfreev);
	return table;
}

void text_table_free(TextTable *table)
{
	g_strfreev(table->titles);
	g_ptr_array_unref(table->rows);
	g_free(table);
}

void text_table_add(TextTable *table, const char *first, ...)
{
	char **cells = g_new0(char *, table->n_columns + 1);
	va_list arguments;
	guint i = 0;

	va_start(arguments, first);
	for (const char *cell = first; cell && i < table->n_columns; cell = va_arg(arguments, const char *))
		cells[i++] = g_strdup(cell);
	va_end(arguments);
	g_ptr_array_add(table->rows, cells);
}

static guint column_width(const TextTable *table, guint column)
{
	glong width = g_utf8_strlen(table->titles[column], -1);

	for (guint i = 0; i < table->rows->len; i++) {
		char **cells = g_ptr_array_index(table->rows, i);

		width = MAX(width, g_utf8_strlen(cells[column], -1));
	}
	return (guint) width;
}

/* The length in bytes of what fits into `width` characters: up to a blank if there is one, else cut. */
static gsize fitting(const char *text, guint width)
{
	const char *end = text, *blank = NULL;

	for (guint i = 0; i < width && *end; i++, end = g_utf8_next_char(end))
		if (*end == ' ')
			blank = end;
	if (!*end || *end == ' ')
		return (gsize) (end - text);
	return (gsize) ((blank && blank > text ? blank : end) - text);
}

/* Writes one line of a cell, padded, and returns what is left of it. */
static const char *print_line(GString *out, const char *text, guint width, gboolean is_last)
{
	gsize length = fitting(text, width);
	glong used = g_utf8_strlen(text, (gssize) length);

	g_string_append_len(out, text, (gssize) length);
	if (!is_last)
		g_string_append_printf(out, "%*s", (int) (width + GAP - (guint) used), "");
	text += length;
	while (*text == ' ')
		text++;
	return text;
}

static void trim_line(GString *out)
{
	while (out->len > 0 && out->str[out->len - 1] == ' ')
		g_string_truncate(out, out->len - 1);
	g_string_append_c(out, '\n');
}

static void print_columns(const TextTable *table, char *const *cells, const guint *widths, GString *out)
{
	g_autofree const char **left = g_new(const char *, table->n_columns);
	gboolean more = TRUE;

	memcpy(left, cells, table->n_columns * sizeof *left);
	while (more) {
		more = FALSE;
		for (guint i = 0; i < table->n_columns; i++) {
			left[i] = print_line(out, left[i], widths[i], i + 1 == table->n_columns);
			more |= *left[i] != '\0';
		}
		trim_line(out);
	}
}

static void print_labelled(const char *label, const char *text, guint width, GString *out)
{
	const guint indent = 4, before = 16;

	g_string_append_printf(out, "%*s%-*s", (int) indent, "", (int) (before - indent), label);
	while (*(text = print_line(out, text, MAX(width, before + LEAST_WIDTH) - before, TRUE)))
		g_string_append_printf(out, "\n%*s", (int) before, "");
	trim_line(out);
}

/* The fixed cells in one line, then each other cell with its title before it. */
static void print_stacked(const TextTable *table, char *const *cells, const guint *widths, GString *out)
{
	for (guint i = 0; i < table->n_fixed; i++)
		print_line(out, cells[i], widths[i], FALSE);
	trim_line(out);
	for (guint i = table->n_fixed; i < table->n_columns; i++)
		if (*cells[i])
			print_labelled(table->titles[i], cells[i], table->width, out);
}

void text_table_print(const TextTable *table, GString *out)
{
	g_autofree guint *widths = g_new(guint, table->n_columns);
	guint used = 0, shared = table->n_columns - table->n_fixed, each;
	void (*print)(const TextTable *, char *const *, const guint *, GString *) = print_columns;

	for (guint i = 0; i < table->n_fixed; i++) {
		widths[i] = column_width(table, i);
		used += widths[i] + GAP;
	}
	each = shared && table->width > used ? (table->width - used) / shared : 0;
	for (guint i = table->n_fixed; i < table->n_columns; i++)
		widths[i] = MAX(each, GAP + 1) - GAP;
	if (shared && each < LEAST_WIDTH + GAP)
		print = print_stacked;
	else
		print(table, table->titles, widths, out);
	for (guint i = 0; i < table->rows->len; i++)
		print(table, g_ptr_array_index(table->rows, i), widths, out);
}

guint text_table_terminal_width(void)
{
	const char *columns = g_getenv("COLUMNS");
	struct winsize size;
	guint64 width;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	if (columns && g_ascii_string_to_unsigned(columns, 10, 20, 1000, &width, NULL))
		return (guint) width;
	return DEFAULT_WIDTH;
}
