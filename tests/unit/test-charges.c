/* Memory stays charged to the group in which it was taken, whoever moves where. */
#include "group-tree.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TAKEN = 96 << 20, ROOM = 48 << 20 }; /* a process under a sanitizer takes some of its own */

static int gate[2];

static int setup(void **state)
{
	static const char *const settings[] = {"sampler.interval-ms=0", "cgroup.hierarchies=memory;pids", NULL};

	group_tree_start(settings);
	group_tree_make("/v1/memory", "top");
	group_tree_make("/v1/memory/top", "a");
	group_tree_make("/v1/memory/top", "b");
	return pipe(gate);
}

static int teardown(void **state)
{
	close(gate[0]);
	close(gate[1]);
	return group_tree_teardown(state);
}

static void take_memory(void)
{
	char *memory = mmap(NULL, TAKEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		_exit(1);
	for (size_t i = 0; i < TAKEN; i += 4096)
		memory[i] = 1;
}

static void take_memory_and_exec(void)
{
	char byte;

	take_memory();
	dup2(gate[0], STDIN_FILENO);
	/* group_tree_fork() waits for the end of the process or of this */
	close_range(3, ~0U, 0);
	if (read(STDIN_FILENO, &byte, 1) == 1)
		execl("/bin/sleep", "sleep", "1000", NULL);
	_exit(1);
}

static void expect_usage(const char *group, gint64 least, gint64 most)
{
	g_autofree char *path = g_strdup_printf("%s/memory.usage_in_bytes", group);

	assert_in_range(group_tree_value(path, ""), least, most);
}

static void test_it_stays_when_its_process_moves(void **state)
{
	pid_t pid = group_tree_fork(take_memory);

	group_tree_attach(pid, "/v1/memory/top/a");
	expect_usage("/v1/memory/top/a", TAKEN, TAKEN + ROOM);
	group_tree_attach(pid, "/v1/memory/top/b");
	expect_usage("/v1/memory/top/a", TAKEN, TAKEN + ROOM);
	expect_usage("/v1/memory/top/b", 0, ROOM);
	expect_usage("/v1/memory/top", TAKEN, TAKEN + ROOM);
	/* There and back again. */
	group_tree_attach(pid, "/v1/memory/top/a");
	expect_usage("/v1/memory/top/a", TAKEN, TAKEN + ROOM);
	group_tree_attach(pid, "/v1/memory/top/b");
	group_tree_kill(pid);
	expect_usage("/v1/memory/top/a", 0, 0);
	expect_usage("/v1/memory/top", 0, 0);
}

static void test_the_parent_takes_over_from_a_removed_group(void **state)
{
	pid_t pid = group_tree_fork(take_memory);

	group_tree_attach(pid, "/v1/memory/top/a");
	group_tree_attach(pid, "/v1/memory/top/b");
	assert_int_equal(group_tree_remove("/v1/memory/top", "a"), 0);
	expect_usage("/v1/memory/top", TAKEN, TAKEN + ROOM);
	expect_usage("/v1/memory/top/b", 0, ROOM);
	group_tree_attach(pid, "/v1/memory/top");
	expect_usage("/v1/memory/top", TAKEN, TAKEN + ROOM);
	assert_int_equal(group_tree_remove("/v1/memory/top", "b"), 0);
	expect_usage("/v1/memory/top", TAKEN, TAKEN + ROOM);
	group_tree_kill(pid);
	expect_usage("/v1/memory/top", 0, 0);
}

static void test_exec_frees_it(void **state)
{
	gint64 deadline = g_get_monotonic_time() + 100 * G_TIME_SPAN_SECOND;
	pid_t pid = group_tree_fork(take_memory_and_exec);

	group_tree_attach(pid, "/v1/memory/top/a");
	group_tree_attach(pid, "/v1/memory/top/b");
	expect_usage("/v1/memory/top/a", TAKEN, TAKEN + ROOM);
	assert_int_equal(write(gate[1], "", 1), 1);
	while (group_tree_value("/v1/memory/top/a/memory.usage_in_bytes", "") > 0) {
		assert_true(g_get_monotonic_time() < deadline);
		g_usleep(5000);
	}
	group_tree_await("/v1/memory/top/b/memory.usage_in_bytes", "", 1);
	group_tree_kill(pid);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_it_stays_when_its_process_moves),
		TEST(test_the_parent_takes_over_from_a_removed_group),
		TEST(test_exec_frees_it),
	};

	return cmocka_run_group_tests_name("charges", tests, NULL, NULL);
}
