#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const kind_names[N_KINDS] = {"FILE", "DIR", "OP", "WRITE"};

static void row_free(gpointer data)
{
	Row *row = data;
	g_free(row->label);
	g_free(row->name);
	g_free(row->input);
	g_free(row->answer);
	g_free(row->text);
	g_free(row->key);
	g_free(row);
}

static char *text_unescape(const char *text, gsize *ret_len)
{
	GString *out = g_string_new(NULL);
	for (const char *p = text; *p; p++) {
		if (*p != '\\') {
			g_string_append_c(out, *p);
			continue;
		}
		p++;
		if (*p == 'x') {
			const char hex[] = {p[1], p[2], 0};
			g_string_append_c(out, (char) strtol(hex, NULL, 16));
			p += 2;
		} else {
			g_string_append_c(out, *p == 'n' ? '\n' : *p == 't' ? '\t' : *p);
		}
	}
	*ret_len = out->len;
	return g_string_free(out, FALSE);
}

char *text_escape(const char *bytes, gsize len)
{
	GString *out = g_string_new(NULL);
	for (gsize i = 0; i < len; i++) {
		const unsigned char c = bytes[i];
		if (c == '\n')
			g_string_append(out, "\\n");
		else if (c == '\t')
			g_string_append(out, "\\t");
		else if (c == '\\')
			g_string_append(out, "\\\\");
		else if (c < 32 || c > 126)
			g_string_append_printf(out, "\\x%02x", c);
		else
			g_string_append_c(out, (char) c);
	}
	return g_string_free(out, FALSE);
}

/* Reads "mode", "size=", "nlink=", "read=" and the text in whichever of the two forms the table has. */
static void parse_attributes(Row *row, char **fields)
{
	row->mode = strtoul(fields[0], NULL, 8);
	for (fields++; *fields; fields++) {
		if (g_str_has_prefix(*fields, "nlink=")) {
			row->nlink = atoi(*fields + 6);
		} else if (g_str_has_prefix(*fields, "read=")) {
			row->answer = g_strdup(*fields + 5);
		} else if (!g_str_has_prefix(*fields, "size=")) {
			g_free(row->text);
			row->text = g_strdup(*fields);
		}
	}
}

/* A sysctl row has one path where a control file's has a label and a name. */
static char **split_path(char **fields, Row *row)
{
	if (*fields[0] == '/') {
		if (row->kind == KIND_DIR) {
			row->label = g_strdup(fields[0]);
			row->name = g_strdup("");
		} else {
			row->label = g_path_get_dirname(fields[0]);
			row->name = g_path_get_basename(fields[0]);
		}
		return fields + 1;
	}
	row->label = g_strdup(fields[0]);
	row->name = g_strdup(row->kind == KIND_DIR ? "" : fields[1]);
	return fields + (row->kind == KIND_DIR ? 1 : 2);
}

/* Errors that the recorder had no name for stand as "E" and the number. */
static char *answer_of(const char *recorded)
{
	const char *name = NULL;

	if (*recorded == 'E' && g_ascii_isdigit(recorded[1]))
		name = strerrorname_np(atoi(recorded + 1));
	return g_strdup(name ? name : recorded);
}

static Row *parse_row(const char *line)
{
	g_auto(GStrv) fields = g_strsplit(line, "\t", -1);
	Row *row = g_new0(Row, 1);
	while (row->kind < N_KINDS && !g_str_equal(fields[0], kind_names[row->kind]))
		row->kind++;
	if (row->kind == N_KINDS || g_strv_length(fields) < 3) {
		g_free(row);
		return NULL;
	}
	row->nlink = -1;
	char **rest = split_path(fields + 1, row);
	if (row->kind == KIND_FILE || row->kind == KIND_DIR) {
		parse_attributes(row, rest);
	} else if (row->kind == KIND_OP) {
		row->answer = g_strdup(rest[0]);
	} else {
		row->input = text_unescape(rest[0], &row->input_len);
		row->answer = answer_of(rest[1]);
		row->text = g_strdup(rest[2]);
	}
	const char *separator = *fields[1] == '/' && row->kind != KIND_DIR ? "/" : " ";
	row->key = g_strconcat(fields[0], " ", row->label, *row->name ? separator : "", row->name,
			       row->kind == KIND_WRITE ? " " : NULL, row->kind == KIND_WRITE ? rest[0] : NULL, NULL);
	if (!row->input)
		row->input = g_strdup("");
	if (!row->answer)
		row->answer = g_strdup("OK");
	if (!row->text)
		row->text = g_strdup("");
	return row;
}

GPtrArray *table_read(const char *path)
{
	g_autofree char *content = NULL;
	g_autoptr(GError) error = NULL;
	if (!g_file_get_contents(path, &content, NULL, &error)) {
		fprintf(stderr, "conformance: %s\n", error->message);
		exit(2);
	}
	GPtrArray *rows = g_ptr_array_new_with_free_func(row_free);
	g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
	for (char **line = lines; *line; line++) {
		Row *row = **line ? parse_row(*line) : NULL;
		if (row) {
			g_ptr_array_add(rows, row);
		} else if (**line) {
			fprintf(stderr, "conformance: %s: no row: %s\n", path, *line);
			exit(2);
		}
	}
	return rows;
}
