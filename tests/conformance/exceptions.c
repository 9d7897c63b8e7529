#include "exceptions.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One line: a glob over row keys, a tab, the reason. */
typedef struct Exception {
	char *pattern;
	guint used;
} Exception;

struct Exceptions {
	char *path;
	GArray *list;
};

static void exception_clear(gpointer data)
{
	g_free(((Exception *) data)->pattern);
}

Exceptions *exceptions_read(const char *path)
{
	g_autofree char *content = NULL;
	g_autoptr(GError) error = NULL;
	Exceptions *exceptions = g_new0(Exceptions, 1);
	exceptions->path = g_strdup(path);
	exceptions->list = g_array_new(FALSE, TRUE, sizeof(Exception));
	g_array_set_clear_func(exceptions->list, exception_clear);
	if (!path)
		return exceptions;
	if (!g_file_get_contents(path, &content, NULL, &error)) {
		fprintf(stderr, "conformance: %s\n", error->message);
		exit(2);
	}
	g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
	for (char **line = lines; *line; line++) {
		if (!**line || **line == '#')
			continue;
		const char *tab = strchr(*line, '\t');
		if (!tab || !tab[strspn(tab, "\t ")]) {
			fprintf(stderr, "conformance: %s: an exception without a reason: %s\n", path, *line);
			exit(2);
		}
		const Exception exception = {g_strndup(*line, tab - *line), 0};
		g_array_append_val(exceptions->list, exception);
	}
	return exceptions;
}

gboolean exceptions_cover(Exceptions *exceptions, const char *key)
{
	gboolean covered = FALSE;
	for (guint i = 0; i < exceptions->list->len; i++) {
		Exception *exception = &g_array_index(exceptions->list, Exception, i);
		if (fnmatch(exception->pattern, key, FNM_NOESCAPE) == 0) {
			exception->used++;
			covered = TRUE;
		}
	}
	return covered;
}

guint exceptions_print_unused(const Exceptions *exceptions)
{
	guint unused = 0;
	for (guint i = 0; i < exceptions->list->len; i++) {
		const Exception *exception = &g_array_index(exceptions->list, Exception, i);
		if (exception->used)
			continue;
		printf("%s: no longer needed: %s\n", exceptions->path, exception->pattern);
		unused++;
	}
	return unused;
}

void exceptions_free(Exceptions *exceptions)
{
	g_free(exceptions->path);
	g_array_unref(exceptions->list);
	g_free(exceptions);
}
