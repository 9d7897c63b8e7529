/* Every control file, and every write to one, that was recorded of a kernel: the same answers, in process. */
#include "control-tree.h"
#include "tests/conformance/conformance.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct Replay {
	ControlTree *tree;
	const Machine *machine;
	char *root;
	guint matched, total;
} Replay;

static char *errno_name(int r)
{
	return g_strdup(r < 0 ? strerrorname_np(-r) : "OK");
}

static gboolean is_core_file(const Row *row)
{
	return g_str_has_prefix(row->name, "cgroup.") || strcmp(row->name, "tasks") == 0 ||
	       strcmp(row->name, "notify_on_release") == 0 || strcmp(row->name, "release_agent") == 0;
}

static void count(Replay *replay, const Row *row, gboolean matches, const char *answer, const char *text)
{
	replay->total++;
	if (matches)
		replay->matched++;
	else
		print_message("%s: recorded %s \"%s\", got %s \"%s\"\n", row->key, row->answer,
			      row->text ? row->text : "", answer, text);
}

static void replay_one_file(Replay *replay, const Row *row)
{
	const char *dir = g_str_has_suffix(row->label, "/root") ? "" : "/child";
	g_autofree char *path = g_strdup_printf("%s%s/%s", replay->root, dir, row->name);
	GString *out = g_string_new(NULL);
	g_autofree char *answer = errno_name(control_tree_read(replay->tree, path, out));
	g_autofree char *text = text_escape(out->str, out->len);
	gboolean same_mode = control_tree_mode(replay->tree, path) == (int) row->mode;
	const char *want = row->text ? row->text : "";

	count(replay, row,
	      same_mode && strcmp(answer, row->answer) == 0 && content_agrees(row, replay->machine, want, text), answer,
	      text);
	g_string_free(out, TRUE);
}

static void replay_one_write(Replay *replay, const Row *row)
{
	g_autofree char *path = g_strdup_printf("%s/fresh/%s", replay->root, row->name);
	g_autofree char *answer = NULL, *text = NULL;
	GString *out = g_string_new(NULL);
	gboolean matches;

	assert_int_equal(control_tree_mkdir(replay->tree, replay->root, "fresh"), 0);
	answer = errno_name(control_tree_write(replay->tree, path, row->input, row->input_len));
	matches = strcmp(answer, row->answer) == 0;
	if (strcmp(answer, "OK") == 0) {
		g_autofree char *read_answer = errno_name(control_tree_read(replay->tree, path, out));

		text = out->len ? text_escape(out->str, out->len) : g_strdup_printf("<%s>", read_answer);
		matches = matches && content_agrees(row, replay->machine, row->text, text);
	}
	count(replay, row, matches, answer, text ? text : "");
	g_string_free(out, TRUE);
	assert_int_equal(control_tree_rmdir(replay->tree, replay->root, "fresh"), 0);
}

static void replay_rows(Replay *replay, const GPtrArray *rows)
{
	for (guint i = 0; i < rows->len; i++) {
		const Row *row = rows->pdata[i];

		if (is_core_file(row) || row_not_here(row, replay->machine))
			continue;
		if (row->kind == KIND_FILE)
			replay_one_file(replay, row);
		else if (row->kind == KIND_WRITE)
			replay_one_write(replay, row);
	}
}

static void replay_table(const char *table, const char *controller)
{
	g_autofree char *path = g_strdup_printf("%s/tests/reference/%s.tsv", SOURCE_ROOT, table);
	g_autoptr(GPtrArray) rows = table_read(path);
	Machine machine;
	Replay replay = {.tree = control_tree_new(controller == NULL), .machine = &machine};

	machine_learn(&machine);
	replay.root = control_tree_root(replay.tree, controller);
	assert_int_equal(control_tree_mkdir(replay.tree, replay.root, "child"), 0);
	replay_rows(&replay, rows);
	print_message("%s: %u of %u\n", table, replay.matched, replay.total);
	assert_int_equal(replay.matched, replay.total);
	if (!controller || strcmp(controller, "perf_event") != 0)
		assert_int_not_equal(replay.total, 0);
	g_free(replay.root);
	control_tree_free(replay.tree);
	machine_forget(&machine);
}

static void test_v1(void **state)
{
	const char *controller = *state;
	g_autofree char *table = g_strdup_printf("kernel-6.18-v1-%s", controller);
	const char *plus = strchr(controller, '+');
	g_autofree char *first = plus ? g_strndup(controller, plus - controller) : g_strdup(controller);

	replay_table(table, first);
}

static void test_v2(void **state)
{
	replay_table("kernel-6.12-v2", NULL);
}

#define V1(name, text)                                                                                                 \
	{                                                                                                              \
		"test_v1_" #name, test_v1, NULL, NULL, (char *) (text)                                                 \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		V1(blkio, "blkio"),           V1(cpu, "cpu"),         V1(cpuacct, "cpuacct"),
		V1(cpuset, "cpuset"),         V1(devices, "devices"), V1(freezer, "freezer"),
		V1(hugetlb, "hugetlb"),       V1(memory, "memory"),   V1(net, "net_cls+net_prio"),
		V1(perf_event, "perf_event"), V1(pids, "pids"),       cmocka_unit_test(test_v2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
