#include "daemon/options.h"
#include "config/nearest.h"

#include <math.h>
#include <string.h>

#define FIELD_OF(options, row, type) ((type *) ((char *) (options) + (row)->offset))

static const char summary[] = "Serves synthetic cgroup and /proc/sys trees with live numbers.";
static const char description[] = "Exactly one action, such as --mount, is given. Examples:\n"
				  "  cgemud --mount /sys/fs/cgroup         serve the v1 tree until interrupted\n"
				  "  cgemud --exec -- COMMAND              run a command that sees complete trees\n"
				  "  cgemud --probe                        what works on this machine\n"
				  "More in cgemud(8) and cgemud.conf(5).\n";

static gboolean fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean fail(GError **error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (error)
		*error = g_error_new_valist(G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, format, arguments);
	va_end(arguments);
	return FALSE;
}

static gboolean is_given(const Options *options, const OptionRow *row)
{
	return row->type == G_OPTION_ARG_NONE ? *FIELD_OF(options, row, gboolean)
					      : *FIELD_OF(options, row, void *) != NULL;
}

static const char *action_name(Action action)
{
	for (const OptionRow *row = option_rows; row->name; row++)
		if (row->action == action)
			return row->name;
	return NULL;
}

/* "--mount, --exec or --list"; free it. */
static char *action_names(unsigned actions)
{
	GString *names = g_string_new(NULL);

	for (unsigned bit = 1; bit && bit <= actions; bit <<= 1) {
		if (!(actions & bit))
			continue;
		if (names->len)
			g_string_append(names, actions < bit << 1 ? " or " : ", ");
		g_string_append_printf(names, "--%s", action_name(bit));
	}
	return g_string_free(names, FALSE);
}

static gboolean choose_action(Options *options, GError **error)
{
	for (const OptionRow *row = option_rows; row->name; row++) {
		if (!row->action || !is_given(options, row))
			continue;
		if (options->action)
			return fail(error, "--%s and --%s cannot stand together", action_name(options->action),
				    row->name);
		options->action = row->action;
	}
	if (!options->action)
		return fail(error, "nothing to do: give an action such as --mount DIR, --exec -- COMMAND or --probe");
	return TRUE;
}

static gboolean check_companions(const Options *options, GError **error)
{
	for (const OptionRow *row = option_rows; row->name; row++) {
		g_autofree char *names = NULL;

		if (!row->goes_with || row->goes_with & options->action || !is_given(options, row))
			continue;
		names = action_names(row->goes_with);
		return fail(error, "--%s goes with %s, not with --%s", row->name, names, action_name(options->action));
	}
	return TRUE;
}

static gboolean check_choices(const Options *options, GError **error)
{
	for (const OptionRow *row = option_rows; row->name; row++) {
		g_auto(GStrv) choices = NULL;
		g_autofree char *hint = NULL;
		const char *value;

		if (!row->choices || !is_given(options, row))
			continue;
		value = *FIELD_OF(options, row, char *);
		choices = g_strsplit(row->choices, "|", -1);
		if (g_strv_contains((const char *const *) choices, value))
			continue;
		hint = nearest_hint(value, (const char *const *) choices);
		return fail(error, "--%s cannot be \"%s\"%s", row->name, value, hint);
	}
	return TRUE;
}

static gboolean parse_cpus(Options *options, GError **error)
{
	char *end;

	if (!options->cpus_text)
		return TRUE;
	options->cpus = g_ascii_strtod(options->cpus_text, &end);
	/* The kernel's CPU quota is at least 1 ms of a period of 100 ms. */
	if (*end || !isfinite(options->cpus) || options->cpus < 0.01 || options->cpus > 1e6)
		return fail(error, "--cpus must be a number of CPUs of at least 0.01, such as 1.5; is \"%s\"",
			    options->cpus_text);
	return TRUE;
}

/* A decimal number of bytes with an optional suffix K, M, G or T (powers of 1024), optionally followed by B or iB. */
static gboolean parse_memory(Options *options, GError **error)
{
	static const char suffixes[] = "kmgt";
	const char *suffix;
	char *end;
	guint64 number, unit = 1;

	if (!options->memory_text)
		return TRUE;
	number = g_ascii_strtoull(options->memory_text, &end, 10);
	suffix = *end ? strchr(suffixes, g_ascii_tolower(*end)) : NULL;
	if (suffix) {
		unit = G_GUINT64_CONSTANT(1) << (10 * (suffix - suffixes + 1));
		end++;
		if (!g_ascii_strcasecmp(end, "b") || !g_ascii_strcasecmp(end, "ib"))
			end += strlen(end);
	}
	if (!g_ascii_isdigit(*options->memory_text) || *end || !number || number > G_MAXINT64 / unit)
		return fail(error, "--memory must be a size such as 512M or 2G; is \"%s\"", options->memory_text);
	options->memory = number * unit;
	return TRUE;
}

static gboolean parse_pids(Options *options, GError **error)
{
	/* PID_MAX_LIMIT of the kernel on 64-bit machines is 4 Mi. */
	if (options->pids_text && !g_ascii_string_to_unsigned(options->pids_text, 10, 1, 4194304, &options->pids, NULL))
		return fail(error, "--pids must be a whole number from 1 to 4194304; is \"%s\"", options->pids_text);
	return TRUE;
}

static gboolean check_cpuset(const Options *options, GError **error)
{
	if (options->cpuset && !g_regex_match_simple("^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*\\z", options->cpuset, 0, 0))
		return fail(error, "--cpuset must be a list of CPUs such as 0-1,4; is \"%s\"", options->cpuset);
	return TRUE;
}

static gboolean take_directory(Options *options, GError **error)
{
	const char *given = options->mount ? options->mount : options->unmount ? options->unmount : options->reexec;

	if (!given)
		return TRUE;
	if (!*given)
		return fail(error, "--%s needs a directory", action_name(options->action));
	options->directory = g_canonicalize_filename(given, NULL);
	return TRUE;
}

static gboolean take_command(Options *options, char **rest, GError **error)
{
	if (options->action == ACTION_EXEC && (!rest || !*rest))
		return fail(error, "--exec needs a command: cgemud --exec -- COMMAND [ARGUMENT…]");
	if (options->action != ACTION_EXEC && rest && *rest)
		return fail(error, "a command after \"--\" goes with --exec, not with --%s",
			    action_name(options->action));
	options->command = rest ? g_strdupv(rest) : NULL;
	return TRUE;
}

static gboolean check_no_words(const Options *options, int argc, char **argv, GError **error)
{
	if (argc < 2)
		return TRUE;
	if (options->exec)
		return fail(error, "unexpected \"%s\"; the command stands after \"--\": cgemud --exec -- %s …", argv[1],
			    argv[1]);
	return fail(error, "unexpected \"%s\"; cgemud --help shows how it is used", argv[1]);
}

static GOptionEntry *make_entries(Options *options)
{
	GArray *entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));

	for (const OptionRow *row = option_rows; row->name; row++) {
		GOptionEntry entry = {row->name,
				      row->letter,
				      row->hidden ? G_OPTION_FLAG_HIDDEN : 0,
				      row->type,
				      FIELD_OF(options, row, void),
				      row->meaning,
				      row->argument};
		g_array_append_val(entries, entry);
	}
	return (GOptionEntry *) g_array_free(entries, FALSE);
}

/* GLib's message, with the nearest option that there is. */
static gboolean fail_parse(const GError *cause, char **argv, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const char *nearest, *unknown = NULL;

	for (const OptionRow *row = option_rows; row->name; row++)
		g_ptr_array_add(names, g_strdup_printf("--%s", row->name));
	g_ptr_array_add(names, NULL);
	if (g_error_matches(cause, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION))
		unknown = strstr(cause->message, "--");
	nearest = unknown ? nearest_name(unknown, (const char *const *) names->pdata) : NULL;
	if (nearest)
		return fail(error, "%s; did you mean %s?", cause->message, nearest);
	return fail(error, "%s", cause->message);
}

static gboolean parse_words(Options *options, int argc, char **argv, GError **error)
{
	g_autoptr(GOptionContext) context = g_option_context_new("[-- COMMAND [ARGUMENT…]]");
	g_autofree GOptionEntry *entries = make_entries(options);
	g_autoptr(GError) cause = NULL;

	g_option_context_set_summary(context, summary);
	g_option_context_set_description(context, description);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &cause))
		return fail_parse(cause, argv, error);
	return check_no_words(options, argc, argv, error);
}

Options *options_parse(int argc, char **argv, GError **error)
{
	g_autoptr(Options) options = g_new0(Options, 1);
	g_autofree char **words = g_new0(char *, argc + 1);
	char **rest = NULL;
	int n = 0;

	while (n < argc && (n == 0 || strcmp(argv[n], "--") != 0)) {
		words[n] = argv[n];
		n++;
	}
	if (n < argc)
		rest = argv + n + 1;
	if (!parse_words(options, n, words, error) || !choose_action(options, error) ||
	    !check_companions(options, error) || !check_choices(options, error) || !take_directory(options, error) ||
	    !take_command(options, rest, error) || !parse_cpus(options, error) || !parse_memory(options, error) ||
	    !parse_pids(options, error) || !check_cpuset(options, error))
		return NULL;
	return g_steal_pointer(&options);
}

void options_free(Options *options)
{
	if (!options)
		return;
	for (const OptionRow *row = option_rows; row->name; row++) {
		if (row->type == G_OPTION_ARG_FILENAME_ARRAY)
			g_strfreev(*FIELD_OF(options, row, char **));
		else if (row->type != G_OPTION_ARG_NONE)
			g_free(*FIELD_OF(options, row, char *));
	}
	g_free(options->directory);
	g_strfreev(options->command);
	g_free(options);
}
