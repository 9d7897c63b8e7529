/* The recorded kernel's /proc/sys, replayed in process and in the order of the recording. */
#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define RECORD SOURCE_ROOT "/tests/reference/kernel-6.12-procsys.tsv"
#define PREFIX "/proc/sys"

typedef struct Tally {
	unsigned matched, total;
} Tally;

typedef struct Fixture {
	Config *config;
	Fs *fs;
} Fixture;

static const Caller root = {.pid = 1};

static int setup(void **state)
{
	static const char *const overrides[] = {"procsys.native=false", NULL};
	Fixture *fixture = g_new0(Fixture, 1);
	GError *error = NULL;

	fixture->config = config_load(NULL, overrides, &error);
	assert_null(error);
	fixture->fs = fs_new(fixture->config, FS_TREE_PROCSYS, &error);
	assert_null(error);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	Fixture *fixture = *state;

	fs_free(fixture->fs);
	config_free(fixture->config);
	g_free(fixture);
	return 0;
}

static Node *node_at(Fs *fs, const char *recorded)
{
	g_autofree char *path = g_strconcat("/procsys", recorded + strlen(PREFIX), NULL);

	return tree_by_path(fs->tree, path);
}

static const char *error_name(int r)
{
	static char other[16];

	switch (-r) {
	case 0:
		return "OK";
	case EINVAL:
		return "EINVAL";
	case EACCES:
		return "EACCES";
	case EPERM:
		return "EPERM";
	case ENOENT:
		return "ENOENT";
	case EIO:
		return "EIO";
	case EOPNOTSUPP:
		return "EOPNOTSUPP";
	default:
		g_snprintf(other, sizeof other, "E%d", -r);
		return other;
	}
}

static int read_node(Fs *fs, Node *node, GString *out)
{
	Handle *handle;
	int r = fs_open(fs, node, O_RDONLY, &root, &handle);

	if (r < 0)
		return r;
	r = fs_read(fs, handle, &root, 0, 65536, out);
	fs_close(fs, handle);
	return r;
}

static int write_node(Fs *fs, Node *node, const char *text)
{
	Handle *handle;
	int r = fs_open(fs, node, O_WRONLY, &root, &handle);

	if (r < 0)
		return r;
	r = fs_write(fs, handle, &root, text, strlen(text));
	fs_close(fs, handle);
	return r;
}

/* Numbers become "#": what depends on the machine has the recorded shape. */
static char *shape_of(const char *text)
{
	GString *shape = g_string_new(NULL);

	for (; *text; text++)
		if (!g_ascii_isdigit(*text))
			g_string_append_c(shape, *text);
		else if (shape->len == 0 || shape->str[shape->len - 1] != '#')
			g_string_append_c(shape, '#');
	return g_string_free(shape, FALSE);
}

/* Names and identifiers of the recorded machine. */
static gboolean is_of_the_machine(const char *path)
{
	static const char *const names[] = {
		"hostname",       "domainname",  "osrelease",       "version", "fips_version",
		"random/boot_id", "random/uuid", "random/poolsize", "arch",    NULL};

	if (strstr(path, "/random/"))
		return TRUE;
	for (const char *const *name = names; *name; name++)
		if (g_str_has_suffix(path, *name))
			return TRUE;
	return FALSE;
}

static gboolean same_content(const char *path, const char *expected, const char *content)
{
	g_autofree char *expected_shape = shape_of(expected), *shape = shape_of(content);

	if (is_of_the_machine(path))
		return g_str_has_suffix(content, "\n") && strlen(content) > 1;
	return g_str_equal(expected_shape, shape);
}

static void count(Tally *tally, gboolean matched, const char *row, const char *got)
{
	tally->total++;
	tally->matched += matched;
	if (!matched)
		print_message("differs: %s: %s\n", row, got);
}

static void check_directory(Fs *fs, char **fields, const char *row, Tally *tally)
{
	const Node *node = node_at(fs, fields[1]);

	count(tally, node && node->type == NODE_DIRECTORY && node->mode == strtoul(fields[2], NULL, 8), row, "");
}

static void check_file(Fs *fs, char **fields, const char *row, Tally *tally)
{
	g_autofree char *expected = g_strcompress(fields[5]);
	g_autoptr(GString) content = g_string_new(NULL);
	Node *node = node_at(fs, fields[1]);
	g_autofree char *result = NULL;
	int r;

	if (!node || node->type != NODE_FILE) {
		count(tally, FALSE, row, "is not there");
		return;
	}
	r = read_node(fs, node, content);
	result = g_strconcat("read=", error_name(r), NULL);
	count(tally,
	      node->mode == strtoul(fields[2], NULL, 8) && g_str_equal(result, fields[4]) &&
		      (r < 0 || same_content(fields[1], expected, content->str)),
	      row, content->str);
}

/* An empty write never reaches a file system in user space. cad_pid takes the PIDs of processes that there are, and
 * only the recorder's machine had its processes. */
static gboolean is_comparable_write(char **fields)
{
	return *fields[2] && !g_str_has_suffix(fields[1], "/cad_pid");
}

static void check_write(Fs *fs, char **fields, const char *row, Tally *tally)
{
	g_autofree char *text = g_strcompress(fields[2]), *expected = g_strcompress(fields[4]);
	g_autoptr(GString) content = g_string_new(NULL);
	Node *node = node_at(fs, fields[1]);
	int r;

	if (!node) {
		count(tally, FALSE, row, "is not there");
		return;
	}
	r = write_node(fs, node, text);
	if (r == 0)
		read_node(fs, node, content);
	count(tally, g_str_equal(error_name(r), fields[3]) && (r < 0 || g_str_equal(expected, content->str)), row,
	      r < 0 ? error_name(r) : content->str);
}

/* The recorder put back what it had read before it wrote. */
typedef struct Before {
	char *path, *content;
} Before;

static void put_back(Fs *fs, Before *before, const char *next_path)
{
	if (before->path && !g_str_equal(before->path, next_path)) {
		if (*before->content)
			write_node(fs, node_at(fs, before->path), before->content);
		g_clear_pointer(&before->path, g_free);
		g_clear_pointer(&before->content, g_free);
	}
}

static void replay(Fs *fs, char **rows, Tally *directories, Tally *files, Tally *writes)
{
	Before before = {0};

	for (char **row = rows; *row; row++) {
		g_auto(GStrv) fields = g_strsplit(*row, "\t", -1);

		if (!fields[0])
			continue;
		put_back(fs, &before, fields[1]);
		if (g_str_equal(fields[0], "DIR")) {
			check_directory(fs, fields, *row, directories);
		} else if (g_str_equal(fields[0], "FILE")) {
			before = (Before){g_strdup(fields[1]), g_strcompress(fields[5])};
			check_file(fs, fields, *row, files);
		} else if (g_str_equal(fields[0], "WRITE") && is_comparable_write(fields)) {
			check_write(fs, fields, *row, writes);
		}
	}
	put_back(fs, &before, "");
}

static void test_recorded(void **state)
{
	Fixture *fixture = *state;
	g_autofree char *record = NULL;
	g_auto(GStrv) rows = NULL;
	Tally directories = {0}, files = {0}, writes = {0};

	assert_true(g_file_get_contents(RECORD, &record, NULL, NULL));
	rows = g_strsplit(record, "\n", -1);
	replay(fixture->fs, rows, &directories, &files, &writes);
	print_message("directories %u/%u, files %u/%u, writes %u/%u\n", directories.matched, directories.total,
		      files.matched, files.total, writes.matched, writes.total);
	assert_int_equal(directories.total, 49);
	assert_int_equal(directories.matched, directories.total);
	assert_int_equal(files.total, 754);
	assert_int_equal(files.matched, files.total);
	assert_int_equal(writes.total, 12730);
	assert_true(writes.matched * 1000 >= writes.total * 998);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_recorded, setup, teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
