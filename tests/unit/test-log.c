#include "daemon/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

static Config *config_with(const char *override)
{
	const char *const overrides[] = {override, NULL};
	Config *config = config_load("/dev/null", overrides, NULL);

	assert_non_null(config);
	return config;
}

/* What a process writes to stderr that sets up the log and then calls speak; free it. */
static char *capture(void (*speak)(void))
{
	GString *heard = g_string_new(NULL);
	char buffer[4096];
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		log_start();
		speak();
		log_flush();
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], buffer, sizeof(buffer))) > 0)
		g_string_append_len(heard, buffer, n);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return g_string_free(heard, FALSE);
}

static void say_each_level(void)
{
	g_critical("one");
	g_warning("two");
	g_message("three");
	g_info("four");
	g_debug("five");
}

static void with_defaults(void)
{
	g_autoptr(Config) config = config_with("log.level=notice");

	log_configure(config, FALSE);
	say_each_level();
}

static void with_warnings_only(void)
{
	g_autoptr(Config) config = config_with("log.level=warning");

	log_configure(config, FALSE);
	say_each_level();
}

static void with_verbose(void)
{
	g_autoptr(Config) config = config_with("log.level=error");

	log_configure(config, TRUE);
	say_each_level();
}

static void with_messages_debug(void)
{
	g_autoptr(Config) config = config_with("log.level=error");

	log_configure(config, FALSE);
	say_each_level();
}

static void test_levels(void **state)
{
	g_autofree char *defaults = capture(with_defaults), *warnings = capture(with_warnings_only);
	g_autofree char *verbose = capture(with_verbose);

	assert_string_equal(defaults, "cgemud: error: one\ncgemud: warning: two\ncgemud: three\n");
	assert_string_equal(warnings, "cgemud: error: one\ncgemud: warning: two\n");
	assert_string_equal(verbose, "cgemud: error: one\ncgemud: warning: two\ncgemud: three\n"
				     "cgemud: info: four\ncgemud: debug: five\n");
}

/* GLib reads the variable once per process, so it is set before anything is logged. */
static void test_messages_debug(void **state)
{
	g_autofree char *heard = NULL;

	g_setenv("G_MESSAGES_DEBUG", "cgemud", TRUE);
	heard = capture(with_messages_debug);
	g_unsetenv("G_MESSAGES_DEBUG");
	assert_string_equal(heard, "cgemud: error: one\ncgemud: info: four\ncgemud: debug: five\n");
}

static void say_hostile(void)
{
	g_warning("name \"a\ncgemud: \x1b[2J\x7f\" é");
}

static void test_one_line(void **state)
{
	g_autofree char *heard = capture(say_hostile);

	assert_string_equal(heard, "cgemud: warning: name \"a\\x0acgemud: \\x1b[2J\\x7f\" é\n");
}

static void say_often(void)
{
	g_autoptr(Config) config = config_with("log.rate-limit=2");

	log_configure(config, FALSE);
	for (int i = 0; i < 10; i++)
		g_warning("message %d", i);
	g_warning("from another place");
}

static void test_rate(void **state)
{
	g_autofree char *heard = capture(say_often);
	g_auto(GStrv) lines = g_strsplit(heard, "\n", -1);

	assert_int_equal(g_strv_length(lines), 5);
	assert_string_equal(lines[0], "cgemud: warning: message 0");
	assert_string_equal(lines[1], "cgemud: warning: message 1");
	assert_string_equal(lines[2], "cgemud: warning: from another place");
	assert_true(g_str_has_prefix(lines[3], "cgemud: warning: 8 similar messages left out (tests/unit/test-log.c:"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_debug),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
