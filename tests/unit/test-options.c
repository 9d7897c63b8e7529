#include "daemon/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* line: words separated by single spaces, without the program's name. */
static Options *parse(const char *line, GError **error)
{
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	g_autoptr(GPtrArray) argv = g_ptr_array_new();

	g_ptr_array_add(argv, (char *) "cgemud");
	for (char **word = words; *word; word++)
		g_ptr_array_add(argv, *word);
	g_ptr_array_add(argv, NULL);
	return options_parse(argv->len - 1, (char **) argv->pdata, error);
}

static Options *parse_right(const char *line)
{
	g_autoptr(GError) error = NULL;
	Options *options = parse(line, &error);

	if (error)
		print_error("%s: %s\n", line, error->message);
	assert_non_null(options);
	return options;
}

static void assert_wrong(const char *line, const char *message)
{
	g_autoptr(GError) error = NULL;

	assert_null(parse(line, &error));
	assert_string_equal(error->message, message);
}

static void test_mount(void **state)
{
	g_autoptr(Options) options = parse_right("--mount /a/../b/ --tree=v2 -f -d --mkdir");

	assert_int_equal(options->action, ACTION_MOUNT);
	assert_string_equal(options->directory, "/b");
	assert_string_equal(options->tree, "v2");
	assert_true(options->force);
	assert_true(options->daemonize);
	assert_null(options->command);
	assert_null(options->view);
}

static void test_relative_directory(void **state)
{
	g_autoptr(Options) options = parse_right("-u some/where");
	g_autofree char *here = g_get_current_dir(), *expected = g_build_filename(here, "some/where", NULL);

	assert_int_equal(options->action, ACTION_UNMOUNT);
	assert_string_equal(options->directory, expected);
}

static void test_exec(void **state)
{
	g_autoptr(Options) options = parse_right("--exec --cpus=1.5 --memory 512m --pids 7 --cpuset 0-1,4 "
						 "-s fuse.threads=1 -s log.level=info -- ls -l --mount -- x");

	assert_int_equal(options->action, ACTION_EXEC);
	assert_true(options->cpus == 1.5);
	assert_int_equal(options->memory, 512 << 20);
	assert_int_equal(options->pids, 7);
	assert_string_equal(options->cpuset, "0-1,4");
	assert_int_equal(g_strv_length(options->set), 2);
	assert_string_equal(options->set[1], "log.level=info");
	assert_int_equal(g_strv_length(options->command), 5);
	assert_string_equal(options->command[2], "--mount");
	assert_string_equal(options->command[3], "--");
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		guint64 bytes;
	} sizes[] = {{"1", 1},
		     {"4096", 4096},
		     {"2K", 2048},
		     {"2kb", 2048},
		     {"3MiB", 3 << 20},
		     {"1G", 1 << 30},
		     {"2T", G_GUINT64_CONSTANT(2) << 40},
		     {"9223372036854775807", G_MAXINT64}};

	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *line = g_strdup_printf("-x --memory %s -- a", sizes[i].text);
		g_autoptr(Options) options = parse_right(line);

		assert_true(options->memory == sizes[i].bytes);
	}
}

static void test_wrong_sizes(void **state)
{
	static const char *const sizes[] = {"0",    "-1",  "+1",  "M",        "5Q",
					    "1.5G", "5 M", "5MM", "8388608T", "99999999999999999999"};

	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		const char *argv[] = {"cgemud", "-x", "--memory", sizes[i], "--", "a", NULL};
		g_autoptr(GError) error = NULL;

		assert_null(options_parse(6, (char **) argv, &error));
		assert_non_null(strstr(error->message, "--memory must be a size"));
	}
}

static void test_wrong_limits(void **state)
{
	assert_wrong("-x --cpus 0 -- a", "--cpus must be a number of CPUs of at least 0.01, such as 1.5; is \"0\"");
	assert_wrong("-x --cpus nan -- a", "--cpus must be a number of CPUs of at least 0.01, such as 1.5; is \"nan\"");
	assert_wrong("-x --pids 0 -- a", "--pids must be a whole number from 1 to 4194304; is \"0\"");
	assert_wrong("-x --cpuset 1- -- a", "--cpuset must be a list of CPUs such as 0-1,4; is \"1-\"");
	assert_wrong("-x --cpuset 1\n -- a", "--cpuset must be a list of CPUs such as 0-1,4; is \"1\n\"");
}

static void test_actions(void **state)
{
	assert_wrong("", "nothing to do: give an action such as --mount DIR, --exec -- COMMAND or --probe");
	assert_wrong("--verbose", "nothing to do: give an action such as --mount DIR, --exec -- COMMAND or --probe");
	assert_wrong("--probe --mount /a", "--mount and --probe cannot stand together");
	assert_wrong("--list --cpus 3", "--cpus goes with --exec, not with --list");
	assert_wrong("--probe --tree v1", "--tree goes with --mount, --exec or --list, not with --probe");
	assert_wrong("--probe -- ls", "a command after \"--\" goes with --exec, not with --probe");
	assert_wrong("--exec", "--exec needs a command: cgemud --exec -- COMMAND [ARGUMENT…]");
	assert_wrong("--exec ls -l", "unexpected \"ls\"; the command stands after \"--\": cgemud --exec -- ls …");
	assert_wrong("--probe now", "unexpected \"now\"; cgemud --help shows how it is used");
	assert_wrong("--mount /a --tree hybird", "--tree cannot be \"hybird\"; did you mean \"hybrid\"?");
}

static void test_unknown_option(void **state)
{
	g_autoptr(GError) error = NULL;

	assert_null(parse("--mout /a", &error));
	assert_true(g_str_has_suffix(error->message, "--mout; did you mean --mount?"));
}

/* An option may not name an action that cannot take it, and needs a name that can be typed. */
static void test_table(void **state)
{
	for (const OptionRow *row = option_rows; row->name; row++) {
		assert_true(row->meaning && *row->meaning);
		assert_true((row->type == G_OPTION_ARG_NONE) == !row->argument);
		assert_false(row->action && row->goes_with);
		for (const OptionRow *other = row + 1; other->name; other++) {
			assert_string_not_equal(row->name, other->name);
			assert_false(row->letter && row->letter == other->letter);
		}
	}
}

static char *read_source(const char *path)
{
	g_autofree char *file = g_build_filename(SOURCE_ROOT, path, NULL);
	char *text;

	assert_true(g_file_get_contents(file, &text, NULL, NULL));
	return text;
}

static void test_man_page(void **state)
{
	g_autofree char *page = read_source("daemon/man/cgemud.8");

	for (const OptionRow *row = option_rows; row->name; row++) {
		g_autoptr(GString) name = g_string_new(row->name);
		g_autofree char *entry = NULL;

		g_string_replace(name, "-", "\\-", 0);
		entry = g_strdup_printf("\\-\\-%s", name->str);
		if (!row->hidden && !strstr(page, entry))
			fail_msg("cgemud.8 does not name --%s", row->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mount),       cmocka_unit_test(test_relative_directory),
		cmocka_unit_test(test_exec),        cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_wrong_sizes), cmocka_unit_test(test_wrong_limits),
		cmocka_unit_test(test_actions),     cmocka_unit_test(test_unknown_option),
		cmocka_unit_test(test_table),       cmocka_unit_test(test_man_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
