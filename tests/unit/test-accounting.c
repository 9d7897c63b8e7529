/* The time of a process that has ended is seen twice: at its end, and in its parent's times of reaped children. */
#include "group-tree.h"

#include "fs/cgroup/hierarchy.h"
#include "fs/cgroup/members.h"

#include <unistd.h>

enum { MS = 1000000 };

/* Never there at the same time as a process of the machine (PID_MAX_LIMIT). */
enum { CHILD = 4194305, GRANDCHILD };

static int setup(void **state)
{
	group_tree_start(NULL);
	group_tree_make("/v1/cpu,cpuacct", "a");
	return 0;
}

static Members *members(void)
{
	return group_tree->cgroups->members;
}

static guint64 usage_ms(void)
{
	Usage usage;

	group_usage(group_tree_at("/v1/cpu,cpuacct/a")->owner, NULL, &usage);
	return (usage.cpu_user + usage.cpu_system) / MS;
}

static void fork_task(pid_t parent, pid_t child)
{
	const ProcessEvent event = {.kind = PROCESS_FORKED, .pid = child, .parent = parent, .parent_tid = parent};

	members_forked(members(), &event, 1);
}

/* What it is seen to have used so far, by itself and by children that it reaped. */
static void look(pid_t pid, guint64 own_ms, guint64 children_ms)
{
	Task *task = members_find(members(), pid);
	const Process process = {.pid = pid,
				 .start = task->start,
				 .n_threads = 1,
				 .user_ns = own_ms * MS,
				 .children_user_ns = children_ms * MS};

	accounting_update(task, &process);
}

static void end(pid_t pid, gboolean is_reaped)
{
	members_exited(members(), members_find(members(), pid), is_reaped);
}

static pid_t start_parent(void)
{
	pid_t pid = group_tree_fork(NULL);

	group_tree_attach(pid, "/v1/cpu,cpuacct/a");
	fork_task(pid, CHILD);
	return pid;
}

static void test_a_reaped_child_counts_once(void **state)
{
	pid_t parent = start_parent();

	look(CHILD, 100, 0);
	end(CHILD, TRUE);
	look(parent, 0, 100);
	assert_int_equal(usage_ms(), 100);
	group_tree_kill(parent);
}

static void test_a_child_that_was_last_seen_as_a_zombie_counts_once(void **state)
{
	pid_t parent = start_parent();

	look(CHILD, 100, 0);
	end(CHILD, FALSE);
	look(parent, 0, 100);
	assert_int_equal(usage_ms(), 100);
	end(CHILD, TRUE);
	look(parent, 0, 100);
	assert_int_equal(usage_ms(), 100);
	group_tree_kill(parent);
}

static void test_a_zombie_that_waits_hides_nobody_else(void **state)
{
	pid_t parent = start_parent();

	look(CHILD, 100, 0);
	end(CHILD, FALSE);
	/* It is not reaped yet … */
	look(parent, 1, 0);
	assert_int_equal(usage_ms(), 101);
	/* … and now it is, with another one that nobody saw. */
	look(parent, 1, 130);
	assert_int_equal(usage_ms(), 131);
	group_tree_kill(parent);
}

static void test_what_a_child_reaped_counts_once(void **state)
{
	pid_t parent = start_parent();

	fork_task(CHILD, GRANDCHILD);
	look(GRANDCHILD, 70, 0);
	end(GRANDCHILD, TRUE);
	/* Nobody looks at the child between that and its end. */
	end(CHILD, TRUE);
	look(parent, 0, 70);
	assert_int_equal(usage_ms(), 70);
	group_tree_kill(parent);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, group_tree_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_reaped_child_counts_once),
		TEST(test_a_child_that_was_last_seen_as_a_zombie_counts_once),
		TEST(test_a_zombie_that_waits_hides_nobody_else),
		TEST(test_what_a_child_reaped_counts_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
