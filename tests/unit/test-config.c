#include "config/config.h"
#include "config/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <unistd.h>

static char *write_file(const char *text, gssize length)
{
	g_autoptr(GError) error = NULL;
	char *path;
	int fd = g_file_open_tmp("cgemud-config-XXXXXX", &path, &error);

	assert_true(fd >= 0);
	close(fd);
	assert_true(g_file_set_contents(path, text, length, NULL));
	return path;
}

static Config *load_text(const char *text, const char *const *overrides, GError **error)
{
	g_autofree char *path = write_file(text, -1);
	Config *config = config_load(path, overrides, error);

	g_unlink(path);
	return config;
}

/* The text is refused with this code and a message that ends so; it begins with the file's name and the line. */
static void assert_refused(const char *text, int code, unsigned line, const char *message)
{
	g_autofree char *path = write_file(text, -1), *expected = NULL;
	g_autoptr(GError) error = NULL;
	Config *config = config_load(path, NULL, &error);

	g_unlink(path);
	assert_null(config);
	expected = g_strdup_printf("%s:%u: %s", path, line, message);
	assert_string_equal(error->message, expected);
	assert_true(g_error_matches(error, CONFIG_ERROR, code));
}

static void assert_override_refused(const char *override, const char *message)
{
	const char *const overrides[] = {override, NULL};
	g_autoptr(GError) error = NULL;

	assert_null(load_text("", overrides, &error));
	assert_string_equal(error->message, message);
}

static void test_defaults(void **state)
{
	g_autoptr(Config) config = config_new_default();

	assert_string_equal(config_string(config, "mount", "tree"), "auto");
	assert_true(config_bool(config, "mount", "native-cgroup"));
	assert_int_equal(config_int(config, "sampler", "interval-ms"), 50);
	assert_int_equal(g_strv_length((char **) config_list(config, "cgroup", "hierarchies")), 11);
	assert_string_equal(config_list(config, "cgroup", "hierarchies")[0], "cpu,cpuacct");
	assert_null(config_list(config, "proc", "show")[0]);
	assert_string_equal(config_string(config, "root", "upper"), "");
	assert_null(config_path(config));
}

static void test_file(void **state)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Config) config = load_text("# a comment\n"
					     "[sampler]\n"
					     "interval-ms = 0\r\n"
					     "\n"
					     "[mount]\n"
					     "native-cgroup=no\n"
					     "tree=v2\n"
					     "[procsys]\n"
					     "override = vm/overcommit_memory=1 ; kernel/domainname=a\\;b;\n",
					     NULL, &error);

	assert_non_null(config);
	assert_int_equal(config_int(config, "sampler", "interval-ms"), 0);
	assert_false(config_bool(config, "mount", "native-cgroup"));
	assert_string_equal(config_string(config, "mount", "tree"), "v2");
	assert_string_equal(config_list(config, "procsys", "override")[0], "vm/overcommit_memory=1");
	assert_string_equal(config_list(config, "procsys", "override")[1], "kernel/domainname=a;b");
	assert_null(config_list(config, "procsys", "override")[2]);
}

static void test_overrides(void **state)
{
	const char *const overrides[] = {"mount.tree=hybrid", "fuse.threads=2", "root.upper=/a=b", NULL};
	g_autoptr(Config) config = load_text("[mount]\ntree=v2\n[fuse]\nthreads=8\n", overrides, NULL);

	assert_string_equal(config_string(config, "mount", "tree"), "hybrid");
	assert_int_equal(config_int(config, "fuse", "threads"), 2);
	assert_string_equal(config_string(config, "root", "upper"), "/a=b");
}

static void test_unknown_names(void **state)
{
	assert_refused("[mont]\ntree=v1\n", CONFIG_ERROR_UNKNOWN, 1, "unknown section [mont]; did you mean \"mount\"?");
	assert_refused("\n# x\n[mount]\n\nteer=v1\n", CONFIG_ERROR_UNKNOWN, 5,
		       "unknown key \"teer\" in section [mount]; did you mean \"tree\"?");
	assert_refused("[mount]\nthreads=1\n", CONFIG_ERROR_UNKNOWN, 2,
		       "unknown key \"threads\" in section [mount]; \"threads\" is a key of [fuse]");
	assert_refused("[mount]\nwallpaper=1\n", CONFIG_ERROR_UNKNOWN, 2,
		       "unknown key \"wallpaper\" in section [mount]; valid are: tree, native-cgroup");
}

static void test_bad_values(void **state)
{
	assert_refused("[mount]\ntree=hybird\n", CONFIG_ERROR_VALUE, 2,
		       "mount.tree cannot be \"hybird\"; did you mean \"hybrid\"?");
	assert_refused("[mount]\nnative-cgroup=maybe\n", CONFIG_ERROR_VALUE, 2,
		       "mount.native-cgroup must be true or false, is \"maybe\"");
	assert_refused("[fuse]\nthreads=65\n", CONFIG_ERROR_VALUE, 2,
		       "fuse.threads must be a whole number from 1 to 64, is \"65\"");
	assert_refused("[fuse]\nthreads=4x\n", CONFIG_ERROR_VALUE, 2,
		       "fuse.threads must be a whole number from 1 to 64, is \"4x\"");
	assert_refused("[cgroup]\nv2-controllers=cpu;memry\n", CONFIG_ERROR_VALUE, 2,
		       "cgroup.v2-controllers cannot be \"memry\"; did you mean \"memory\"?");
	assert_refused("[root]\nupper=here\n", CONFIG_ERROR_VALUE, 2,
		       "root.upper must be an absolute path, is \"here\"");
	assert_refused("[procsys]\noverride=vm/x\n", CONFIG_ERROR_VALUE, 2,
		       "procsys.override must be KEY=VALUE, has \"vm/x\"");
	assert_refused("[cgroup]\nparents=/a/../b\n", CONFIG_ERROR_VALUE, 2,
		       "cgroup.parents must be paths of groups such as /kubepods, has \"/a/../b\"");
	assert_refused("[root]\nupper=/a\\qb\n", CONFIG_ERROR_VALUE, 2,
		       "root.upper has an unknown escape sequence; known are \\s \\n \\t \\r \\\\ and, in lists, \\;");
}

static void test_hierarchies(void **state)
{
	assert_refused("[cgroup]\nhierarchies=cpu,cpuset;memory,cpu\n", CONFIG_ERROR_VALUE, 2,
		       "cgroup.hierarchies has \"cpu\" twice");
	assert_refused("[cgroup]\nhierarchies=cpu,cpuact\n", CONFIG_ERROR_VALUE, 2,
		       "cgroup.hierarchies has the unknown controller \"cpuact\"; did you mean \"cpuacct\"?");
	assert_refused("[cgroup]\nhierarchies=name=a/b\n", CONFIG_ERROR_VALUE, 2,
		       "cgroup.hierarchies names no hierarchy in \"name=a/b\"");
}

static void test_bad_syntax(void **state)
{
	assert_refused("[mount]\ntree\n", CONFIG_ERROR_FILE, 2, "expected key=value, [section] or # comment");
	assert_refused("tree=v1\n", CONFIG_ERROR_FILE, 1, "a key stands before the first [section]");
	assert_refused("\n[mount\n", CONFIG_ERROR_FILE, 2, "a section is written [name]");
}

static void test_bad_files(void **state)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = write_file("[mount]\n\0x", 10);

	assert_null(config_load(path, NULL, &error));
	assert_true(g_error_matches(error, CONFIG_ERROR, CONFIG_ERROR_FILE));
	g_unlink(path);
	g_clear_error(&error);
	assert_null(config_load(path, NULL, &error));
	assert_true(g_error_matches(error, CONFIG_ERROR, CONFIG_ERROR_FILE));
	assert_non_null(strstr(error->message, path));
	g_clear_error(&error);
	assert_null(config_load("/", NULL, &error));
	assert_true(g_error_matches(error, CONFIG_ERROR, CONFIG_ERROR_FILE));
}

static void test_bad_overrides(void **state)
{
	assert_override_refused("mount.tre=v1", "--set mount.tre: unknown key \"tre\" in section [mount]; "
						"did you mean \"tree\"?");
	assert_override_refused("mounts.tree=v1",
				"--set mounts.tree: unknown section [mounts]; did you mean \"mount\"?");
	assert_override_refused("mount.tree=v3", "--set mount.tree: mount.tree cannot be \"v3\"; did you mean \"v1\"?");
	assert_override_refused("tree=v.1", "--set tree=v.1: expected SECTION.KEY=VALUE, for example mount.tree=v2");
	assert_override_refused("mount.tree",
				"--set mount.tree: expected SECTION.KEY=VALUE, for example mount.tree=v2");
}

static void test_print(void **state)
{
	const char *const overrides[] = {"fuse.threads=2", NULL};
	g_autofree char *path = write_file("[mount]\n\ntree = v2\n", -1), *place = NULL, *printed = NULL;
	g_autoptr(Config) config = config_load(path, overrides, NULL), again = NULL;
	g_autoptr(GPtrArray) live = NULL, fixed = NULL;

	assert_string_equal(config_path(config), path);
	printed = config_print(config);
	place = g_strdup_printf("# %s:3\ntree=v2\n", path);
	assert_non_null(strstr(printed, place));
	assert_non_null(strstr(printed, "# command line\nthreads=2\n"));
	assert_non_null(strstr(printed, "# default\ninterval-ms=50\n"));

	again = load_text(printed, NULL, NULL);
	assert_non_null(again);
	config_diff(config, again, &live, &fixed);
	assert_int_equal(live->len + fixed->len, 0);
	g_unlink(path);
}

static void test_diff(void **state)
{
	g_autoptr(Config) from = load_text("[proc]\nshow=stat\n", NULL, NULL);
	g_autoptr(Config) to = load_text("[proc]\nshow=stat;meminfo\n[sampler]\ninterval-ms=1\n[mount]\n"
					 "native-cgroup=false\n[log]\nlevel=debug\n[fuse]\nthreads=4\n",
					 NULL, NULL);
	g_autoptr(GPtrArray) live = NULL, fixed = NULL;

	config_diff(from, to, &live, &fixed);
	assert_int_equal(live->len, 2);
	assert_string_equal(live->pdata[0], "sampler.interval-ms");
	assert_string_equal(live->pdata[1], "log.level");
	assert_int_equal(fixed->len, 2);
	assert_string_equal(fixed->pdata[0], "mount.native-cgroup");
	assert_string_equal(fixed->pdata[1], "proc.show");
}

static void test_keep_fixed(void **state)
{
	g_autoptr(Config) from = load_text("[proc]\nshow=stat\n[sampler]\ninterval-ms=1\n", NULL, NULL);
	g_autoptr(Config) to = load_text("[mount]\ntree=v2\n[sampler]\ninterval-ms=2\n", NULL, NULL);

	config_keep_fixed(to, from);
	assert_string_equal(config_string(to, "mount", "tree"), "auto");
	assert_string_equal(config_list(to, "proc", "show")[0], "stat");
	assert_int_equal(config_int(to, "sampler", "interval-ms"), 2);
}

static void test_nearest(void **state)
{
	static const char *const names[] = {"cpuset", "cpu", "memory", NULL};

	assert_int_equal(nearest_distance("", "abc"), 3);
	assert_int_equal(nearest_distance("abc", "abc"), 0);
	assert_int_equal(nearest_distance("abc", "acb"), 1);
	assert_int_equal(nearest_distance("kitten", "sitting"), 3);
	assert_int_equal(nearest_distance("CPU", "cpu"), 0);
	assert_string_equal(nearest_name("cpset", names), "cpuset");
	assert_string_equal(nearest_name("mem", names), "memory");
	assert_null(nearest_name("me", names));
	assert_null(nearest_name("blkio", names));
}

static char *read_source(const char *name)
{
	g_autofree char *path = g_build_filename(SOURCE_ROOT, "config", name, NULL);
	char *text;

	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

/* The file as installed changes nothing. It has each key once, with its default. */
static void test_default_file(void **state)
{
	g_autofree char *text = read_source("cgemud.conf");
	g_autoptr(GRegex) commented = g_regex_new("^#(?=[a-z0-9-]+=)", G_REGEX_MULTILINE, 0, NULL);
	g_autofree char *uncommented = g_regex_replace_literal(commented, text, -1, 0, "", 0, NULL);
	g_autoptr(Config) config = load_text(text, NULL, NULL), open = load_text(uncommented, NULL, NULL);
	g_autoptr(GKeyFile) keys = g_key_file_new();
	g_auto(GStrv) pieces = g_regex_split(commented, text, 0);
	size_t n = 0;

	assert_non_null(config);
	assert_non_null(open);
	assert_true(g_key_file_load_from_data(keys, uncommented, -1, G_KEY_FILE_NONE, NULL));
	for (const ConfigKey *row = config_keys; row->section; row++, n++) {
		g_autofree char *value = g_key_file_get_value(keys, row->section, row->key, NULL);

		if (!value)
			fail_msg("cgemud.conf has no %s.%s", row->section, row->key);
		assert_string_equal(value, row->fallback);
	}
	assert_int_equal(g_strv_length(pieces) - 1, n);
}

static void test_man_page(void **state)
{
	g_autofree char *page = read_source("cgemud.conf.5");

	for (const ConfigKey *row = config_keys; row->section; row++) {
		g_autofree char *section = g_strdup_printf("\n.SH \"SECTION [%s]\"\n", row->section);
		g_autoptr(GString) key = g_string_new(row->key);
		g_autofree char *entry = NULL;
		const char *from = strstr(page, section), *to = from ? strstr(from + 1, "\n.SH ") : NULL;

		g_string_replace(key, "-", "\\-", 0);
		entry = g_strdup_printf("\n.TP\n.BR %s \"", key->str);
		from = from && to ? g_strstr_len(from, to - from, entry) : NULL;
		if (!from)
			fail_msg("cgemud.conf.5 does not describe %s.%s", row->section, row->key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),      cmocka_unit_test(test_file),
		cmocka_unit_test(test_overrides),     cmocka_unit_test(test_unknown_names),
		cmocka_unit_test(test_bad_values),    cmocka_unit_test(test_hierarchies),
		cmocka_unit_test(test_bad_syntax),    cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_bad_overrides), cmocka_unit_test(test_print),
		cmocka_unit_test(test_diff),          cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_keep_fixed),    cmocka_unit_test(test_default_file),
		cmocka_unit_test(test_man_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
