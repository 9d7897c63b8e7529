/*
 * conformance [OPTION…] TABLE…: see --help, and conformance.h.
 *
 * Prints matched/total for each controller and kind of row, each miss with what was recorded and what was answered, and
 * "N passed, N failed, N skipped" over the pairs of controller and kind. Exit status: 0 all passed, 1 not, 2 cannot
 * run.
 */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Options {
	char *root, *child, *exceptions;
	double writes; /* share of WRITE rows that must agree */
	int shown;
	gboolean complete;
	char **tables;
} Options;

typedef struct Tally {
	guint matched, excepted, not_here, total;
} Tally;

typedef struct Run {
	const Options *options;
	Machine machine;
	Exceptions *exceptions;
	guint passed, failed, shown;
} Run;

static gboolean row_agrees(const Run *run, const Row *row, const Answer *got)
{
	if (!g_str_equal(row->answer, got->answer))
		return FALSE;
	if ((row->kind == KIND_FILE || row->kind == KIND_DIR) && row->mode != got->mode)
		return FALSE;
	if (row->kind == KIND_FILE && row->nlink >= 0 && row->nlink != got->nlink)
		return FALSE;
	if (row->kind == KIND_DIR && row->nlink >= 0 && got->nlink != 2)
		return FALSE;
	return content_agrees(row, &run->machine, row->text, got->text);
}

static void print_miss(Run *run, const Row *row, const Answer *got)
{
	const int limit = 400;
	if (run->shown++ >= (guint) run->options->shown)
		return;
	if (row->kind == KIND_FILE || row->kind == KIND_DIR) {
		printf("  miss %s\n    want %04o %s [%.*s]\n    got  %04o %s [%.*s] links %d\n", row->key, row->mode,
		       row->answer, limit, row->text, got->mode, got->answer, limit, got->text, got->nlink);
	} else {
		printf("  miss %s\n    want %s [%.*s]\n    got  %s [%.*s]\n", row->key, row->answer, limit, row->text,
		       got->answer, limit, got->text);
	}
}

static gboolean row_is_selected(const Run *run, const Row *row)
{
	if (g_str_has_suffix(row->label, "/child"))
		return run->options->child != NULL;
	return run->options->root != NULL;
}

static void replay_one(Run *run, const Row *row, const Place *place, Tally *tally)
{
	Answer got;
	replay_row(row, place, &got); /* also where it is not judged: rows depend on those before them */
	if (row_not_here(row, &run->machine)) {
		tally->not_here++;
	} else {
		tally->total++;
		if (row_agrees(run, row, &got)) {
			tally->matched++;
		} else if (exceptions_cover(run->exceptions, row->key)) {
			tally->excepted++;
		} else {
			print_miss(run, row, &got);
		}
	}
	answer_clear(&got);
}

static void print_tally(Run *run, const char *controller, Kind kind, const Tally *tally)
{
	if (tally->total == 0)
		return;
	const double share = (double) (tally->matched + tally->excepted) / tally->total;
	const double required = kind == KIND_WRITE ? run->options->writes : 1.0;
	const gboolean good = share >= required;
	printf("%-28s %-5s %5u/%u", controller, kind_names[kind], tally->matched, tally->total);
	if (tally->excepted)
		printf(", %u excepted", tally->excepted);
	if (tally->not_here)
		printf(", %u not comparable here", tally->not_here);
	printf("%s\n", good ? "" : "  FAILED");
	if (good)
		run->passed++;
	else
		run->failed++;
}

/* "kernel-6.18-v1-cpu.tsv" → "v1-cpu" */
static char *table_controller(const char *path)
{
	g_autofree char *base = g_path_get_basename(path);
	const char *dash = g_str_has_prefix(base, "kernel-") ? strchr(base + strlen("kernel-"), '-') : NULL;
	char *name = g_strdup(dash ? dash + 1 : base);
	*strchrnul(name, '.') = '\0';
	return name;
}

static void count_unrecorded(Run *run, GPtrArray *rows, const Place *place, Tally *tally)
{
	g_autoptr(GPtrArray) unrecorded = replay_unrecorded(rows, place);
	for (guint i = 0; i < unrecorded->len; i++) {
		const char *key = unrecorded->pdata[i];
		tally->total++;
		if (exceptions_cover(run->exceptions, key))
			tally->excepted++;
		else
			printf("  miss %s: the recorded kernel has no such file\n", key);
	}
}

static void run_table(Run *run, const char *path)
{
	g_autoptr(GPtrArray) rows = table_read(path);
	g_autofree char *controller = table_controller(path);
	const Place place = {run->options->root, run->options->child};
	Tally tallies[N_KINDS] = {0};
	for (guint i = 0; i < rows->len; i++) {
		const Row *row = rows->pdata[i];
		if (row_is_selected(run, row))
			replay_one(run, row, &place, &tallies[row->kind]);
	}
	if (run->options->complete)
		count_unrecorded(run, rows, &place, &tallies[KIND_FILE]);
	for (Kind kind = 0; kind < N_KINDS; kind++)
		print_tally(run, controller, kind, &tallies[kind]);
}

static gboolean parse_options(int argc, char **argv, Options *options)
{
	const GOptionEntry entries[] = {
		{"root", 0, 0, G_OPTION_ARG_FILENAME, &options->root,
		 "Directory of the rows labelled root, or of /proc/sys", "DIR"},
		{"child", 0, 0, G_OPTION_ARG_FILENAME, &options->child, "Directory of the rows labelled child", "DIR"},
		{"exceptions", 0, 0, G_OPTION_ARG_FILENAME, &options->exceptions, "Known misses and their reasons",
		 "FILE"},
		{"writes", 0, 0, G_OPTION_ARG_DOUBLE, &options->writes, "Share of WRITE rows that must agree (0.98)",
		 "SHARE"},
		{"complete", 0, 0, G_OPTION_ARG_NONE, &options->complete, "Files that no row names are misses", NULL},
		{"shown", 0, 0, G_OPTION_ARG_INT, &options->shown, "Print at most so many misses (100)", "N"},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->tables, NULL, NULL},
		{0},
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(GOptionContext) context =
		g_option_context_new("TABLE… - replay recorded kernel answers against a tree");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		fprintf(stderr, "conformance: %s\n", error->message);
		return FALSE;
	}
	if ((!options->root && !options->child) || !options->tables) {
		fprintf(stderr, "conformance: a directory and a table are needed; see --help\n");
		return FALSE;
	}
	return TRUE;
}

static void options_clear(Options *options)
{
	g_free(options->root);
	g_free(options->child);
	g_free(options->exceptions);
	g_strfreev(options->tables);
}

int main(int argc, char **argv)
{
	Options options = {.writes = 0.98, .shown = 100};
	if (!parse_options(argc, argv, &options))
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	Run run = {.options = &options, .exceptions = exceptions_read(options.exceptions)};
	machine_learn(&run.machine);
	for (char **table = options.tables; *table; table++)
		run_table(&run, *table);
	if (run.shown > (guint) options.shown)
		printf("  (%u misses more)\n", run.shown - options.shown);
	const guint unused = exceptions_print_unused(run.exceptions);
	exceptions_free(run.exceptions);
	machine_forget(&run.machine);
	options_clear(&options);
	run.failed += unused;
	printf("%u passed, %u failed, 0 skipped\n", run.passed, run.failed);
	return run.failed ? 1 : 0;
}
