#include "daemon/completion.h"
#include "config/config.h"
#include "daemon/exit-codes.h"
#include "daemon/options.h"

#include <string.h>

/* "section.key=" of every key, separated by spaces; free it. */
static char *config_words(void)
{
	GString *words = g_string_new(NULL);

	for (const ConfigKey *row = config_keys; row->section; row++)
		g_string_append_printf(words, "%s%s.%s=", words->len ? " " : "", row->section, row->key);
	return g_string_free(words, FALSE);
}

/* "--name" and "-l" of every visible option; free it. */
static char *option_words(void)
{
	GString *words = g_string_new("--help -h");

	for (const OptionRow *row = option_rows; row->name; row++) {
		if (row->hidden)
			continue;
		g_string_append_printf(words, " --%s", row->name);
		if (row->letter)
			g_string_append_printf(words, " -%c", row->letter);
	}
	return g_string_free(words, FALSE);
}

static char *words_of_choices(const char *choices)
{
	char *words = g_strdup(choices);

	return g_strdelimit(words, "|", ' ');
}

/* What bash offers after the option; free it. */
static char *bash_values(const OptionRow *row)
{
	g_autofree char *words = NULL;

	if (row->choices) {
		words = words_of_choices(row->choices);
		return g_strdup_printf("COMPREPLY=($(compgen -W '%s' -- \"$cur\"))", words);
	}
	if (!strcmp(row->argument, "DIR"))
		return g_strdup("compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\"))");
	if (!strcmp(row->argument, "FILE"))
		return g_strdup("compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))");
	if (!strcmp(row->name, "set")) {
		words = config_words();
		return g_strdup_printf("compopt -o nospace; COMPREPLY=($(compgen -W '%s' -- \"$cur\"))", words);
	}
	return g_strdup("COMPREPLY=()");
}

static void print_bash(GString *out)
{
	g_autofree char *options = option_words();

	/* Bash splits words at "=", so that --tree=v arrives as three of them. */
	g_string_append(out, "# bash completion of cgemud, from its option table\n"
			     "_cgemud()\n"
			     "{\n"
			     "\tlocal i cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
			     "\tCOMPREPLY=()\n"
			     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
			     "\t\tif [[ ${COMP_WORDS[i]} == -- ]]; then\n"
			     "\t\t\tif declare -F _command_offset >/dev/null; then\n"
			     "\t\t\t\t_command_offset $((i + 1))\n"
			     "\t\t\telse\n"
			     "\t\t\t\tCOMPREPLY=($(compgen -cf -- \"$cur\"))\n"
			     "\t\t\tfi\n"
			     "\t\t\treturn\n"
			     "\t\tfi\n"
			     "\tdone\n"
			     "\tif [[ $cur == = ]]; then\n"
			     "\t\tcur=\n"
			     "\telif [[ $prev == = ]]; then\n"
			     "\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n"
			     "\tfi\n"
			     "\tcase $prev in\n");
	for (const OptionRow *row = option_rows; row->name; row++) {
		g_autofree char *values = row->argument && !row->hidden ? bash_values(row) : NULL;

		if (!values)
			continue;
		g_string_append_printf(out, "\t--%s", row->name);
		if (row->letter)
			g_string_append_printf(out, "|-%c", row->letter);
		g_string_append_printf(out, ") %s; return ;;\n", values);
	}
	g_string_append_printf(out,
			       "\tesac\n"
			       "\tCOMPREPLY=($(compgen -W '%s' -- \"$cur\"))\n"
			       "}\n"
			       "complete -F _cgemud cgemud\n",
			       options);
}

/* What zsh offers for the option's argument: ":message:action"; free it. */
static char *zsh_values(const OptionRow *row)
{
	g_autofree char *words = NULL;

	if (!row->argument)
		return g_strdup("");
	if (row->choices) {
		words = words_of_choices(row->choices);
		return g_strdup_printf(":%s:(%s)", row->argument, words);
	}
	if (!strcmp(row->argument, "DIR"))
		return g_strdup(":directory:_directories");
	if (!strcmp(row->argument, "FILE"))
		return g_strdup(":file:_files");
	if (!strcmp(row->name, "set")) {
		words = config_words();
		return g_strdup_printf(":setting:compadd -S \"\" -- %s", words);
	}
	return g_strdup_printf(":%s:", row->argument);
}

/* For use within [] of a single-quoted word; free it. */
static char *zsh_meaning(const char *meaning)
{
	GString *out = g_string_new(NULL);

	for (; *meaning; meaning++) {
		if (*meaning == '\'')
			g_string_append(out, "'\\'");
		else if (strchr("[]:\\", *meaning))
			g_string_append_c(out, '\\');
		g_string_append_c(out, *meaning);
	}
	return g_string_free(out, FALSE);
}

static void print_zsh(GString *out)
{
	g_string_append(out, "#compdef cgemud\n"
			     "# zsh completion of cgemud, from its option table\n"
			     "_arguments -S \\\n"
			     "\t'(-)'{-h,--help}'[Show the options]' \\\n");
	for (const OptionRow *row = option_rows; row->name; row++) {
		g_autofree char *values = zsh_values(row), *meaning = zsh_meaning(row->meaning);
		const char *repeated = row->type == G_OPTION_ARG_FILENAME_ARRAY ? "*" : "";

		if (row->hidden)
			continue;
		if (row->letter)
			g_string_append_printf(out, "\t'%s'{-%c%s,--%s%s}'[%s]%s' \\\n", repeated, row->letter,
					       row->argument ? "+" : "", row->name, row->argument ? "=" : "", meaning,
					       values);
		else
			g_string_append_printf(out, "\t'%s--%s%s[%s]%s' \\\n", repeated, row->name,
					       row->argument ? "=" : "", meaning, values);
	}
	g_string_append(out, "\t'*::command:_normal'\n");
}

int completion_print(const char *shell)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (!strcmp(shell, "zsh"))
		print_zsh(out);
	else
		print_bash(out);
	g_print("%s", out->str);
	return EXIT_OK;
}
