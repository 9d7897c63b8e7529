/* v2's rules of domains, threaded groups and delegation, with controllers that live kernels rarely have in v2. */
#include "group-tree.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

enum { STRANGER = 12345, THEIR_GROUP = 777 };

static const char *const settings[] = {"cgroup.hierarchies=", "cgroup.v2-controllers=cpu;memory;pids",
				       "sampler.interval-ms=0", NULL};

static int setup(void **state)
{
	group_tree_start(settings);
	assert_int_equal(group_tree_write("/v2/cgroup.subtree_control", "+cpu +memory +pids"), 0);
	group_tree_make("/v2", "a");
	group_tree_make("/v2/a", "b");
	return 0;
}

static int attach(pid_t pid, const char *list)
{
	g_autofree char *text = g_strdup_printf("%d", pid);

	return group_tree_write(list, text);
}

static void expect_pid(const char *list, pid_t pid)
{
	g_autofree char *want = pid ? g_strdup_printf("%d\n", pid) : g_strdup("");

	group_tree_expect(list, want);
}

static gboolean lists(const char *list, pid_t pid)
{
	g_autofree char *text = group_tree_read(list);
	g_autofree char *all = g_strdup_printf("\n%s", text), *line = g_strdup_printf("\n%d\n", pid);

	return strstr(all, line) != NULL;
}

static void test_members_and_threaded_controllers_make_a_thread_root(void **state)
{
	pid_t pid = group_tree_fork(NULL);

	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "+cpu"), 0);
	group_tree_expect("/v2/a/cgroup.type", "domain\n");
	assert_int_equal(attach(pid, "/v2/a/cgroup.procs"), 0);
	group_tree_expect("/v2/a/cgroup.type", "domain threaded\n");
	group_tree_expect("/v2/a/b/cgroup.type", "domain invalid\n");
	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "+memory"), -EOPNOTSUPP);
	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "+pids"), 0);
	assert_int_equal(group_tree_write("/v2/a/b/cgroup.subtree_control", "+cpu"), -EOPNOTSUPP);
	assert_int_equal(attach(pid, "/v2/a/b/cgroup.procs"), -EOPNOTSUPP);
	assert_int_equal(attach(pid, "/v2/a/b/cgroup.threads"), -EOPNOTSUPP);
	assert_int_equal(group_tree_write("/v2/a/b/cgroup.type", "threaded"), 0);
	assert_int_equal(attach(pid, "/v2/a/b/cgroup.threads"), 0);
	expect_pid("/v2/a/cgroup.threads", 0);
	expect_pid("/v2/a/cgroup.procs", pid);
	group_tree_kill(pid);
	group_tree_expect("/v2/a/cgroup.type", "domain threaded\n");
}

static void test_threaded_groups_have_threaded_controllers_only(void **state)
{
	assert_int_equal(group_tree_write("/v2/a/b/cgroup.type", "threaded"), 0);
	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "+memory"), -EOPNOTSUPP);
	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "+cpu +pids"), 0);
	group_tree_expect("/v2/a/b/cgroup.controllers", "cpu pids\n");
	assert_int_equal(group_tree_write("/v2/a/b/cgroup.subtree_control", "+memory"), -ENOENT);
	group_tree_make("/v2/a/b", "c");
	group_tree_expect("/v2/a/b/c/cgroup.type", "domain invalid\n");
	assert_int_equal(group_tree_write("/v2/a/b/c/cgroup.kill", "1"), 0);
	assert_int_equal(group_tree_write("/v2/a/b/cgroup.kill", "1"), -EOPNOTSUPP);
	assert_int_equal(group_tree_write("/v2/a/b/cgroup.subtree_control", "+cpu"), 0);
	assert_int_equal(group_tree_write("/v2/a/b/c/cgroup.type", "threaded"), 0);
	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "-cpu"), -EBUSY);
}

static void test_domain_controllers_leave_no_place_for_threads(void **state)
{
	pid_t pid = group_tree_fork(NULL);

	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "+memory"), 0);
	assert_int_equal(attach(pid, "/v2/a/cgroup.procs"), -EBUSY);
	assert_int_equal(group_tree_write("/v2/a/b/cgroup.type", "threaded"), -EOPNOTSUPP);
	assert_int_equal(group_tree_write("/v2/a/cgroup.type", "threaded"), -EOPNOTSUPP);
	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "-memory"), 0);
	assert_int_equal(attach(pid, "/v2/a/b/cgroup.procs"), 0);
	assert_int_equal(group_tree_write("/v2/a/b/cgroup.type", "threaded"), -EOPNOTSUPP);
	group_tree_kill(pid);
	assert_int_equal(group_tree_write("/v2/a/b/cgroup.type", "threaded"), 0);
}

static void test_a_populated_child_keeps_its_parent_from_being_a_thread_root(void **state)
{
	pid_t pid = group_tree_fork(NULL);

	group_tree_make("/v2/a", "d");
	assert_int_equal(attach(pid, "/v2/a/b/cgroup.procs"), 0);
	assert_int_equal(group_tree_write("/v2/a/d/cgroup.type", "threaded"), -EOPNOTSUPP);
	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "+cpu"), 0);
	assert_int_equal(attach(pid, "/v2/a/cgroup.procs"), -EBUSY);
	group_tree_kill(pid);
}

static void test_the_root_has_both_domains_and_threads(void **state)
{
	pid_t pid = group_tree_fork(NULL), other = group_tree_fork(NULL);

	assert_int_equal(attach(other, "/v2/a/cgroup.procs"), 0);
	group_tree_make("/v2", "t");
	assert_int_equal(group_tree_write("/v2/t/cgroup.type", "threaded"), 0);
	group_tree_expect("/v2/t/cgroup.controllers", "cpu pids\n");
	group_tree_expect("/v2/a/cgroup.type", "domain\n");
	assert_int_equal(attach(pid, "/v2/t/cgroup.threads"), 0);
	assert_int_equal(attach(other, "/v2/t/cgroup.threads"), -EOPNOTSUPP);
	expect_pid("/v2/t/cgroup.threads", pid);
	assert_true(lists("/v2/cgroup.procs", pid));
	assert_false(lists("/v2/cgroup.procs", other));
	assert_false(lists("/v2/cgroup.threads", pid));
	group_tree_kill(pid);
	group_tree_kill(other);
}

static void test_the_first_controller_that_cannot_be_had_decides(void **state)
{
	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "+cpu"), 0);
	assert_int_equal(group_tree_write("/v2/a/b/cgroup.subtree_control", "+cpu"), 0);
	assert_int_equal(group_tree_write("/v2/cgroup.subtree_control", "-memory"), 0);
	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "-cpu +memory"), -EBUSY);
	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "+memory"), -ENOENT);
	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "-memory"), 0);
	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "+perf_event"), -ENOENT);
	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "-perf_event"), 0);
	assert_int_equal(group_tree_write("/v2/a/cgroup.subtree_control", "+io"), -EINVAL);
}

static void join_their_group(void)
{
	const gid_t groups[] = {4, THEIR_GROUP};

	if (setgroups(G_N_ELEMENTS(groups), groups) < 0)
		_exit(1);
}

static int attach_as(const Caller *opens, const Caller *writes, pid_t pid, const char *list)
{
	g_autofree char *text = g_strdup_printf("%d", pid);

	return group_tree_write_as(opens, writes, list, text);
}

static void test_a_move_takes_a_common_ancestor_that_can_be_written(void **state)
{
	pid_t pid, helper;
	Caller they = {0, STRANGER, STRANGER};
	Node *procs = group_tree_at("/v2/a/cgroup.procs");

	if (getuid() != 0)
		skip();
	pid = group_tree_fork(NULL);
	helper = group_tree_fork(join_their_group);
	they.pid = helper;
	group_tree_make("/v2/a", "d");
	assert_int_equal(attach(pid, "/v2/a/b/cgroup.procs"), 0);
	assert_int_equal(attach_as(&they, &they, pid, "/v2/a/d/cgroup.procs"), -EACCES);
	procs->gid = THEIR_GROUP;
	assert_int_equal(attach_as(&they, &they, pid, "/v2/a/d/cgroup.procs"), -EACCES);
	procs->mode = 0664;
	assert_int_equal(attach_as(&they, &they, pid, "/v2/a/d/cgroup.procs"), 0);
	expect_pid("/v2/a/d/cgroup.procs", pid);
	procs->uid = STRANGER;
	procs->mode = 0464; /* the owner's bits are the owner's */
	assert_int_equal(attach_as(&they, &they, pid, "/v2/a/b/cgroup.procs"), -EACCES);
	procs->mode = 0644;
	assert_int_equal(attach_as(&they, &they, pid, "/v2/a/b/cgroup.procs"), 0);
	assert_int_equal(attach_as(&they, &they, pid, "/v2/cgroup.procs"), -EACCES);
	group_tree_kill(pid);
	group_tree_kill(helper);
}

static void test_who_opened_the_file_decides(void **state)
{
	pid_t pid = group_tree_fork(NULL);
	const Caller root = {getpid(), 0, 0}, stranger = {getpid(), STRANGER, STRANGER};

	assert_int_equal(attach_as(&stranger, &root, pid, "/v2/a/cgroup.procs"), -EACCES);
	assert_int_equal(attach_as(&root, &stranger, pid, "/v2/a/cgroup.procs"), 0);
	expect_pid("/v2/a/cgroup.procs", pid);
	group_tree_kill(pid);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, group_tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_members_and_threaded_controllers_make_a_thread_root),
		TEST(test_threaded_groups_have_threaded_controllers_only),
		TEST(test_domain_controllers_leave_no_place_for_threads),
		TEST(test_a_populated_child_keeps_its_parent_from_being_a_thread_root),
		TEST(test_the_root_has_both_domains_and_threads),
		TEST(test_the_first_controller_that_cannot_be_had_decides),
		TEST(test_a_move_takes_a_common_ancestor_that_can_be_written),
		TEST(test_who_opened_the_file_decides),
	};

	return cmocka_run_group_tests_name("domains", tests, NULL, NULL);
}
