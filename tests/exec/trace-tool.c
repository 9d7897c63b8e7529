/*
 * Runs a command under the trace view with a story from the command line, for the tests.
 *
 *     trace-tool [--statfs=PATH=HEX]… [--foreign=refuse] COMMAND…
 *
 * --statfs: statfs of PATH and what is below it answers type HEX.
 */
#include "daemon/view/trace.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

typedef struct Shown {
	char *path;
	long type;
} Shown;

static GArray *shown;

static void show_statfs(const char *path, struct statfs *answer, void *data)
{
	for (guint i = 0; i < shown->len; i++) {
		const Shown *entry = &g_array_index(shown, Shown, i);
		size_t length = strlen(entry->path);
		if (strncmp(path, entry->path, length) == 0 && (path[length] == '/' || path[length] == '\0'))
			answer->f_type = entry->type;
	}
}

static gboolean parse_statfs(const char *name, const char *value, gpointer data, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(value, "=", 2);
	if (g_strv_length(parts) != 2) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: not PATH=HEX", value);
		return FALSE;
	}
	Shown entry = {.path = g_strdup(parts[0]), .type = strtol(parts[1], NULL, 16)};
	g_array_append_val(shown, entry);
	return TRUE;
}

static int end_like(int status)
{
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	signal(WTERMSIG(status), SIG_DFL);
	raise(WTERMSIG(status));
	return 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	shown = g_array_new(FALSE, FALSE, sizeof(Shown));
	g_autofree char *foreign = NULL;
	const GOptionEntry entries[] = {
		{"statfs", 0, 0, G_OPTION_ARG_CALLBACK, (gpointer) parse_statfs, NULL, NULL},
		{"foreign", 0, 0, G_OPTION_ARG_STRING, &foreign, NULL, NULL},
		{NULL},
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;
	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_set_strict_posix(context, TRUE);
	if (!g_option_context_parse(context, &argc, &argv, &error) || argc < 2) {
		g_printerr("trace-tool: %s\n", error ? error->message : "no command");
		return 64;
	}
	const TracePlan plan = {
		.features = TRACE_STATFS,
		.foreign = g_strcmp0(foreign, "refuse") == 0 ? FOREIGN_REFUSE : FOREIGN_ALLOW,
		.story = {.statfs = show_statfs},
	};
	int status;
	if (!trace_run(&plan, (const char *const *) argv + 1, (const char *const *) environ, &status, &error)) {
		g_printerr("trace-tool: %s\n", error->message);
		return 125;
	}
	return end_like(status);
}
