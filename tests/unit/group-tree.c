#include "group-tree.h"

#include "fs/cgroup/hierarchy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

Fs *group_tree;
static Config *config;

static Caller caller(void)
{
	return (Caller){.pid = getpid()};
}

void group_tree_start(const char *const *settings)
{
	g_autoptr(GError) error = NULL;

	config = config_load("/dev/null", settings, &error);
	assert_null(error);
	group_tree = fs_new(config, FS_TREE_V1 | FS_TREE_V2, &error);
	assert_null(error);
}

void group_tree_end(void)
{
	fs_free(g_steal_pointer(&group_tree));
	g_clear_pointer(&config, config_free);
}

int group_tree_setup(void **settings)
{
	group_tree_start(*settings);
	return 0;
}

int group_tree_teardown(void **state)
{
	group_tree_end();
	return 0;
}

Node *group_tree_at(const char *path)
{
	Node *node = tree_by_path(group_tree->tree, path);

	if (!node)
		fail_msg("there is no %s", path);
	return node;
}

void group_tree_make(const char *dir, const char *name)
{
	const Caller us = caller();
	Node *node = NULL;

	assert_int_equal(fs_mkdir(group_tree, group_tree_at(dir), name, 0755, &us, &node), 0);
	node_unref(node);
}

int group_tree_remove(const char *dir, const char *name)
{
	const Caller us = caller();

	return fs_rmdir(group_tree, group_tree_at(dir), name, &us);
}

int group_tree_write_as(const Caller *opens, const Caller *writes, const char *path, const char *text)
{
	Handle *handle = NULL;
	int r = fs_open(group_tree, group_tree_at(path), O_WRONLY, opens, &handle);

	if (r < 0)
		return r;
	r = fs_write(group_tree, handle, writes, text, strlen(text));
	fs_close(group_tree, handle);
	return r;
}

int group_tree_write(const char *path, const char *text)
{
	const Caller us = caller();

	return group_tree_write_as(&us, &us, path, text);
}

void group_tree_attach(pid_t pid, const char *group)
{
	g_autofree char *path = g_strdup_printf("%s/cgroup.procs", group);
	g_autofree char *text = g_strdup_printf("%d", pid);

	assert_int_equal(group_tree_write(path, text), 0);
}

char *group_tree_read(const char *path)
{
	const Caller us = caller();
	GString *out = g_string_new(NULL);
	Handle *handle = NULL;

	assert_int_equal(fs_open(group_tree, group_tree_at(path), O_RDONLY, &us, &handle), 0);
	assert_int_equal(fs_read(group_tree, handle, &us, 0, G_MAXINT, out), 0);
	fs_close(group_tree, handle);
	return g_string_free(out, FALSE);
}

gint64 group_tree_value(const char *path, const char *key)
{
	g_autofree char *text = group_tree_read(path);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line; line++) {
		if (!*key)
			return g_ascii_strtoll(*line, NULL, 10);
		if (g_str_has_prefix(*line, key) && (*line)[strlen(key)] == ' ')
			return g_ascii_strtoll(*line + strlen(key), NULL, 10);
	}
	fail_msg("%s has no line \"%s\"", path, key);
	return -1;
}

void group_tree_expect(const char *path, const char *want)
{
	g_autofree char *got = group_tree_read(path);

	assert_string_equal(got, want);
}

pid_t group_tree_fork(void (*does)(void))
{
	int pair[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test fails */
		if (does)
			does();
		close(pair[1]);
		while (TRUE)
			pause();
	}
	/* The child has done it once nobody can write any more. */
	close(pair[1]);
	assert_int_equal(read(pair[0], &byte, 1), 0);
	close(pair[0]);
	return pid;
}

void group_tree_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

void group_tree_await(const char *path, const char *key, gint64 least)
{
	gint64 deadline = g_get_monotonic_time() + 100 * G_TIME_SPAN_SECOND;

	while (group_tree_value(path, key) < least) {
		if (g_get_monotonic_time() > deadline)
			fail_msg("%s: \"%s\" stays below %" G_GINT64_FORMAT, path, key, least);
		g_usleep(5000);
	}
}
