/* Groups as directories, without FUSE: making, removing, renaming, reading, writing, and the rules of v2. */
#include "fs/cgroup/core.h"
#include "fs/cgroup/hierarchy.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Fixture {
	Config *config;
	Fs *fs;
	Caller caller;
} Fixture;

static int setup(void **state)
{
	Fixture *fixture = g_new0(Fixture, 1);
	GError *error = NULL;

	fixture->config = config_new_default();
	fixture->fs = fs_new(fixture->config, FS_TREE_V1 | FS_TREE_V2, &error);
	assert_null(error);
	fixture->caller = (Caller){getpid(), 0, 0};
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

static Node *at(Fixture *fixture, const char *path)
{
	Node *node = tree_by_path(fixture->fs->tree, path);

	if (!node)
		fail_msg("no %s", path);
	return node;
}

static int make(Fixture *fixture, const char *dir, const char *name)
{
	Node *node = NULL;
	int r = fs_mkdir(fixture->fs, at(fixture, dir), name, 0755, &fixture->caller, &node);

	if (r == 0)
		node_unref(node);
	return r;
}

static int write_to(Fixture *fixture, const char *path, const char *text)
{
	Handle *handle;
	int r = fs_open(fixture->fs, at(fixture, path), O_WRONLY, &fixture->caller, &handle);

	assert_int_equal(r, 0);
	r = fs_write(fixture->fs, handle, &fixture->caller, text, strlen(text));
	fs_close(fixture->fs, handle);
	return r;
}

static void assert_reads(Fixture *fixture, const char *path, const char *want)
{
	GString *out = g_string_new(NULL);
	Handle *handle;

	assert_int_equal(fs_open(fixture->fs, at(fixture, path), O_RDONLY, &fixture->caller, &handle), 0);
	assert_int_equal(fs_read(fixture->fs, handle, &fixture->caller, 0, 65536, out), 0);
	fs_close(fixture->fs, handle);
	assert_string_equal(out->str, want);
	g_string_free(out, TRUE);
}

static void test_directories(void **state)
{
	Fixture *fixture = *state;
	Fs *fs = fixture->fs;

	assert_int_equal(make(fixture, "/v1/pids", "a"), 0);
	assert_int_equal(make(fixture, "/v1/pids", "a"), -EEXIST);
	assert_int_equal(make(fixture, "/v1/pids", "new\nline"), -EINVAL);
	assert_int_equal(make(fixture, "/v1/pids/a", "b"), 0);
	assert_int_equal(fs_rmdir(fs, at(fixture, "/v1/pids"), "a", &fixture->caller), -EBUSY);
	assert_int_equal(fs_rename(fs, at(fixture, "/v1/pids/a"), "b", at(fixture, "/v1/pids"), "c", &fixture->caller),
			 -EIO);
	assert_int_equal(
		fs_rename(fs, at(fixture, "/v1/pids/a"), "b", at(fixture, "/v1/pids/a"), "c", &fixture->caller), 0);
	assert_int_equal(fs_rmdir(fs, at(fixture, "/v1/pids/a"), "c", &fixture->caller), 0);
	assert_int_equal(fs_rmdir(fs, at(fixture, "/v1/pids"), "a", &fixture->caller), 0);
	assert_int_equal(fs_unlink(fs, at(fixture, "/v1/pids"), "cgroup.procs"), -EPERM);
	assert_int_equal(fs_create(fs, at(fixture, "/v1/pids"), "x"), -EACCES);
}

static void test_held_files_of_removed_groups(void **state)
{
	Fixture *fixture = *state;
	GString *out = g_string_new(NULL);
	Handle *handle;

	make(fixture, "/v2", "a");
	assert_int_equal(fs_open(fixture->fs, at(fixture, "/v2/a/cgroup.events"), O_RDONLY, &fixture->caller, &handle),
			 0);
	assert_int_equal(fs_rmdir(fixture->fs, at(fixture, "/v2"), "a", &fixture->caller), 0);
	assert_int_equal(fs_read(fixture->fs, handle, &fixture->caller, 0, 100, out), -ENODEV);
	assert_int_equal(fs_write(fixture->fs, handle, &fixture->caller, "0", 1), -ENODEV);
	assert_int_not_equal(handle_poll(handle), 0);
	fs_close(fixture->fs, handle);
	g_string_free(out, TRUE);
}

static void test_inode_numbers_are_the_same_for_a_remade_group(void **state)
{
	Fixture *fixture = *state;
	uint64_t ino, generation;

	make(fixture, "/v1/pids", "again");
	ino = at(fixture, "/v1/pids/again/tasks")->ino;
	generation = at(fixture, "/v1/pids/again/tasks")->generation;
	fs_rmdir(fixture->fs, at(fixture, "/v1/pids"), "again", &fixture->caller);
	make(fixture, "/v1/pids", "again");
	assert_true(at(fixture, "/v1/pids/again/tasks")->ino == ino);
	assert_true(at(fixture, "/v1/pids/again/tasks")->generation != generation);
	fs_rmdir(fixture->fs, at(fixture, "/v1/pids"), "again", &fixture->caller);
}

static void test_limits_of_depth_and_number(void **state)
{
	Fixture *fixture = *state;

	make(fixture, "/v2", "limited");
	assert_int_equal(write_to(fixture, "/v2/limited/cgroup.max.depth", "1"), 0);
	assert_int_equal(make(fixture, "/v2/limited", "b"), 0);
	assert_int_equal(make(fixture, "/v2/limited/b", "c"), -EAGAIN);
	assert_int_equal(write_to(fixture, "/v2/limited/cgroup.max.depth", "max\n"), 0);
	assert_int_equal(write_to(fixture, "/v2/limited/cgroup.max.descendants", "1"), 0);
	assert_int_equal(make(fixture, "/v2/limited/b", "c"), -EAGAIN);
	assert_int_equal(write_to(fixture, "/v2/limited/cgroup.max.descendants", "-1"), -ERANGE);
	assert_int_equal(write_to(fixture, "/v2/limited/cgroup.max.descendants", "abc"), -EINVAL);
	assert_reads(fixture, "/v2/limited/cgroup.max.descendants", "1\n");
}

static void test_controllers(void **state)
{
	Fixture *fixture = *state;
	g_autoptr(Config) config = NULL;
	const char *const overrides[] = {"cgroup.v2-controllers=cpu;memory;pids", NULL};
	Fs *both = fixture->fs;

	config = config_load("/dev/null", overrides, NULL);
	fixture->fs = fs_new(config, FS_TREE_V2, NULL);
	assert_reads(fixture, "/v2/cgroup.controllers", "cpu memory pids\n");
	make(fixture, "/v2", "a");
	assert_reads(fixture, "/v2/a/cgroup.controllers", "");
	assert_int_equal(write_to(fixture, "/v2/cgroup.subtree_control", "+memory +pids"), 0);
	assert_reads(fixture, "/v2/a/cgroup.controllers", "memory pids\n");
	assert_int_equal(write_to(fixture, "/v2/cgroup.subtree_control", "+io"), -EINVAL);
	assert_int_equal(write_to(fixture, "/v2/a/cgroup.subtree_control", "+cpu"), -ENOENT);
	assert_int_equal(write_to(fixture, "/v2/a/cgroup.subtree_control", "+memory"), 0);
	assert_int_equal(write_to(fixture, "/v2/cgroup.subtree_control", "-memory"), -EBUSY);
	fs_free(fixture->fs);
	fixture->fs = both;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_directories, setup, teardown),
		cmocka_unit_test_setup_teardown(test_held_files_of_removed_groups, setup, teardown),
		cmocka_unit_test_setup_teardown(test_inode_numbers_are_the_same_for_a_remade_group, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits_of_depth_and_number, setup, teardown),
		cmocka_unit_test_setup_teardown(test_controllers, setup, teardown),
	};

	return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
