/* Keys backed by a native tree, a fixture here, and what the recorded rows leave out of the kernel's parsers. */
#include "fs/procsys/procsys.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Fixture {
	char *native;       /* the native tree that the test makes */
	const char *source; /* the one that is used: that, or the kernel's own */
	Config *config;
	Fs *fs;
	GError *error;
} Fixture;

static const Caller root = {.pid = 1};

static char *native_path(const Fixture *fixture, const char *path)
{
	return g_build_filename(fixture->native, path, NULL);
}

static void native_file(const Fixture *fixture, const char *path, const char *content, mode_t mode)
{
	g_autofree char *file = native_path(fixture, path), *dir = g_path_get_dirname(file);

	assert_int_equal(g_mkdir_with_parents(dir, 0755), 0);
	assert_true(g_file_set_contents(file, content, -1, NULL));
	assert_int_equal(chmod(file, mode), 0);
}

static char *native_content(const Fixture *fixture, const char *path)
{
	g_autofree char *file = native_path(fixture, path);
	char *content = NULL;

	assert_true(g_file_get_contents(file, &content, NULL, NULL));
	return content;
}

static int setup(void **state)
{
	Fixture *fixture = g_new0(Fixture, 1);

	fixture->native = g_dir_make_tmp("test-procsys-XXXXXX", NULL);
	fixture->source = fixture->native;
	*state = fixture;
	return fixture->native ? 0 : -1;
}

static int teardown(void **state)
{
	Fixture *fixture = *state;
	g_autofree char *command = g_strdup_printf("rm -rf %s", fixture->native);

	fs_free(fixture->fs);
	config_free(fixture->config);
	g_clear_error(&fixture->error);
	g_free(fixture->native);
	g_free(fixture);
	return g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL) ? 0 : -1;
}

/* The tree over the fixture as it is now; override may be NULL. FALSE with fixture->error. */
static gboolean build(Fixture *fixture, const char *override)
{
	g_autofree char *setting = g_strconcat("procsys.override=", override ? override : "", NULL);
	const char *const overrides[] = {setting, NULL};
	Node *dir;

	fixture->config = config_load(NULL, overrides, &fixture->error);
	assert_null(fixture->error);
	fixture->fs = fs_new(fixture->config, 0, &fixture->error);
	assert_null(fixture->error);
	dir = tree_add_directory(fixture->fs->tree, fixture->fs->tree->root, "procsys", 0555, NULL, NULL);
	fixture->fs->procsys = procsys_new(fixture->fs, dir, fixture->source, &fixture->error);
	return fixture->fs->procsys != NULL;
}

/* As a client walks; a new reference, or NULL. */
static Node *walk(Fixture *fixture, const char *path)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);
	Node *node = node_ref(tree_by_path(fixture->fs->tree, "/procsys"));

	for (char **name = names; *name && node; name++) {
		Node *child = NULL;

		if (fs_lookup(fixture->fs, node, *name, &child) < 0)
			child = NULL;
		node_unref(node);
		node = child;
	}
	return node;
}

static int read_node(Fixture *fixture, Node *node, GString *out)
{
	Handle *handle;
	int r = fs_open(fixture->fs, node, O_RDONLY, &root, &handle);

	if (r < 0)
		return r;
	r = fs_read(fixture->fs, handle, &root, 0, 65536, out);
	fs_close(fixture->fs, handle);
	return r;
}

static void assert_reads(Fixture *fixture, const char *path, const char *expected)
{
	g_autoptr(Node) node = walk(fixture, path);
	g_autoptr(GString) content = g_string_new(NULL);

	assert_non_null(node);
	assert_int_equal(read_node(fixture, node, content), 0);
	assert_string_equal(content->str, expected);
}

static int write_to(Fixture *fixture, const char *path, const char *text)
{
	g_autoptr(Node) node = walk(fixture, path);
	Handle *handle;
	int r;

	assert_non_null(node);
	r = fs_open(fixture->fs, node, O_WRONLY, &root, &handle);
	if (r < 0)
		return r;
	r = fs_write(fixture->fs, handle, &root, text, strlen(text));
	fs_close(fixture->fs, handle);
	return r;
}

static gboolean exists(Fixture *fixture, const char *path)
{
	g_autoptr(Node) node = walk(fixture, path);

	return node != NULL;
}

static gboolean is_listed(Fixture *fixture, const char *dir, const char *name)
{
	g_autoptr(Node) node = walk(fixture, dir);
	g_autoptr(GPtrArray) children = NULL;

	assert_non_null(node);
	assert_int_equal(fs_list(fixture->fs, node, &children), 0);
	for (guint i = 0; i < children->len; i++)
		if (g_str_equal(((Node *) children->pdata[i])->name, name))
			return TRUE;
	return FALSE;
}

static void test_native_key(void **state)
{
	Fixture *fixture = *state;
	g_autofree char *written = NULL;

	native_file(fixture, "vm/swappiness", "33", 0644);
	assert_true(build(fixture, NULL));
	/* gVisor leaves the newline out. */
	assert_reads(fixture, "vm/swappiness", "33\n");
	/* The native file decides what a right value is. */
	assert_int_equal(write_to(fixture, "vm/swappiness", "77"), 0);
	written = native_content(fixture, "vm/swappiness");
	assert_string_equal(written, "77");
}

static void test_missing_key(void **state)
{
	Fixture *fixture = *state;

	native_file(fixture, "vm/swappiness", "33", 0644);
	assert_true(build(fixture, NULL));
	assert_reads(fixture, "kernel/panic_on_oops", "0\n");
	assert_int_equal(write_to(fixture, "kernel/panic_on_oops", "1"), 0);
	assert_reads(fixture, "kernel/panic_on_oops", "1\n");
	assert_int_equal(write_to(fixture, "kernel/panic_on_oops", "abc"), -EINVAL);
}

static void test_native_read_only(void **state)
{
	Fixture *fixture = *state;
	g_autofree char *kept = NULL;
	g_autoptr(Node) node = NULL;

	native_file(fixture, "vm/overcommit_memory", "2\n", 0444);
	native_file(fixture, "kernel/cap_last_cap", "37\n", 0444);
	assert_true(build(fixture, NULL));
	assert_reads(fixture, "vm/overcommit_memory", "2\n");
	node = walk(fixture, "vm/overcommit_memory");
	assert_int_equal(node->mode, 0644);
	assert_int_equal(write_to(fixture, "vm/overcommit_memory", "1"), 0);
	assert_reads(fixture, "vm/overcommit_memory", "1\n");
	kept = native_content(fixture, "vm/overcommit_memory");
	assert_string_equal(kept, "2\n");
	/* What Linux lets nobody write stays that way. */
	assert_reads(fixture, "kernel/cap_last_cap", "37\n");
	assert_int_equal(write_to(fixture, "kernel/cap_last_cap", "1"), -EACCES);
}

static void test_extra_key(void **state)
{
	Fixture *fixture = *state;

	native_file(fixture, "net/ipv4/conf/eth0/forwarding", "1\n", 0644);
	native_file(fixture, "vm/of_the_future", "x y\n", 0600);
	assert_true(build(fixture, NULL));
	assert_true(is_listed(fixture, "net/ipv4/conf", "eth0"));
	assert_true(is_listed(fixture, "net/ipv4/conf", "all"));
	assert_reads(fixture, "net/ipv4/conf/eth0/forwarding", "1\n");
	assert_int_equal(write_to(fixture, "net/ipv4/conf/eth0/forwarding", "0\n"), 0);
	assert_reads(fixture, "net/ipv4/conf/eth0/forwarding", "0\n");
	assert_reads(fixture, "vm/of_the_future", "x y\n");
}

static void test_later_key(void **state)
{
	Fixture *fixture = *state;

	native_file(fixture, "vm/swappiness", "33", 0644);
	assert_true(build(fixture, NULL));
	assert_false(exists(fixture, "net/ipv4/conf/veth1/tag"));
	native_file(fixture, "net/ipv4/conf/veth1/tag", "5\n", 0644);
	assert_reads(fixture, "net/ipv4/conf/veth1/tag", "5\n");
}

static void test_vanished(void **state)
{
	Fixture *fixture = *state;
	g_autofree char *file = native_path(fixture, "net/ipv4/conf/eth0/tag");
	g_autofree char *dir = native_path(fixture, "net/ipv4/conf/eth0");
	g_autoptr(GString) content = g_string_new(NULL);
	g_autoptr(Node) node = NULL;

	native_file(fixture, "net/ipv4/conf/eth0/tag", "5\n", 0644);
	assert_true(build(fixture, NULL));
	node = walk(fixture, "net/ipv4/conf/eth0/tag");
	assert_non_null(node);
	assert_int_equal(g_unlink(file), 0);
	assert_int_equal(read_node(fixture, node, content), -ENOENT);
	assert_false(exists(fixture, "net/ipv4/conf/eth0/tag"));
	assert_int_equal(g_rmdir(dir), 0);
	assert_false(is_listed(fixture, "net/ipv4/conf", "eth0"));
	assert_true(is_listed(fixture, "net/ipv4/conf", "all"));
}

/* A key of the table is there without the native file, too. */
static void test_vanished_but_known(void **state)
{
	Fixture *fixture = *state;
	g_autofree char *file = native_path(fixture, "vm/swappiness");

	native_file(fixture, "vm/swappiness", "33\n", 0644);
	assert_true(build(fixture, NULL));
	assert_reads(fixture, "vm/swappiness", "33\n");
	assert_int_equal(g_unlink(file), 0);
	assert_reads(fixture, "vm/swappiness", "60\n");
}

static void test_links_are_not_followed(void **state)
{
	Fixture *fixture = *state;
	g_autofree char *link = native_path(fixture, "vm/passwd"), *known = native_path(fixture, "vm/swappiness");

	native_file(fixture, "vm/drop_caches", "", 0200);
	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(symlink("/etc/passwd", known), 0);
	assert_true(build(fixture, NULL));
	assert_false(exists(fixture, "vm/passwd"));
	assert_false(is_listed(fixture, "vm", "passwd"));
	assert_false(exists(fixture, "vm/../vm"));
}

static void test_override(void **state)
{
	Fixture *fixture = *state;
	g_autofree char *kept = NULL;

	native_file(fixture, "vm/overcommit_memory", "0\n", 0644);
	assert_true(build(fixture, "vm.overcommit_memory=1;net/ipv4/conf/eth0.5/tag=9"));
	assert_reads(fixture, "vm/overcommit_memory", "1\n");
	assert_reads(fixture, "net/ipv4/conf/eth0.5/tag", "9\n");
	assert_int_equal(write_to(fixture, "vm/overcommit_memory", "2"), 0);
	kept = native_content(fixture, "vm/overcommit_memory");
	assert_string_equal(kept, "0\n");
}

static void test_override_of_nonsense(void **state)
{
	Fixture *fixture = *state;

	assert_false(build(fixture, "vm.overcommit_memory=7"));
	assert_non_null(fixture->error);
	assert_non_null(strstr(fixture->error->message, "vm.overcommit_memory"));
}

static void test_write_only(void **state)
{
	Fixture *fixture = *state;
	g_autoptr(GString) content = g_string_new(NULL);
	g_autoptr(Node) node = NULL;

	native_file(fixture, "vm/swappiness", "33", 0644);
	assert_true(build(fixture, NULL));
	node = walk(fixture, "vm/drop_caches");
	assert_int_equal(node->mode, 0200);
	assert_int_equal(read_node(fixture, node, content), -EACCES);
	assert_int_equal(write_to(fixture, "vm/drop_caches", "3"), 0);
	assert_int_equal(write_to(fixture, "vm/drop_caches", "5"), -EINVAL);
}

static gboolean write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return FALSE;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t) strlen(text);
}

/* A process in a network namespace of its own, with another somaxconn; 0 where there can be none. */
static pid_t start_elsewhere(void)
{
	int ready[2];
	char answer = 'n';
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		gboolean other = unshare(CLONE_NEWNET) == 0 && write_file("/proc/sys/net/core/somaxconn", "1234");

		if (write(ready[1], other ? "y" : "n", 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &answer, 1) != 1)
		answer = 'n';
	close(ready[0]);
	if (answer == 'y')
		return pid;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}

static void assert_reads_as(Fixture *fixture, const Caller *caller, const char *path, const char *expected)
{
	g_autoptr(Node) node = walk(fixture, path);
	g_autoptr(GString) content = g_string_new(NULL);
	Handle *handle;

	assert_int_equal(fs_open(fixture->fs, node, O_RDWR, caller, &handle), 0);
	assert_int_equal(fs_read(fixture->fs, handle, caller, 0, 4096, content), 0);
	fs_close(fixture->fs, handle);
	assert_string_equal(content->str, expected);
}

/* Network keys are those of the caller's network namespace. */
static void test_namespace_of_the_caller(void **state)
{
	Fixture *fixture = *state;
	Caller elsewhere = {.pid = start_elsewhere()}, here = {.pid = getpid()};
	g_autofree char *own = NULL, *after = NULL;
	g_autoptr(Node) node = NULL;
	Handle *handle;

	if (!elsewhere.pid) {
		print_message("skip: no network namespace can be made here\n");
		skip();
	}
	assert_true(g_file_get_contents("/proc/sys/net/core/somaxconn", &own, NULL, NULL));
	fixture->source = "/proc/sys";
	assert_true(build(fixture, NULL));
	assert_reads_as(fixture, &elsewhere, "net/core/somaxconn", "1234\n");
	assert_reads_as(fixture, &here, "net/core/somaxconn", own);
	node = walk(fixture, "net/core/somaxconn");
	assert_int_equal(fs_open(fixture->fs, node, O_WRONLY, &elsewhere, &handle), 0);
	assert_int_equal(fs_write(fixture->fs, handle, &elsewhere, "2345", 4), 0);
	fs_close(fixture->fs, handle);
	assert_reads_as(fixture, &elsewhere, "net/core/somaxconn", "2345\n");
	assert_true(g_file_get_contents("/proc/sys/net/core/somaxconn", &after, NULL, NULL));
	assert_string_equal(after, own);
	kill(elsewhere.pid, SIGKILL);
	waitpid(elsewhere.pid, NULL, 0);
}

typedef struct Attempt {
	const char *path, *text;
	int result;
	const char *content;
} Attempt;

/* In this order: some depend on what was written before. */
static void test_parsers(void **state)
{
	static const Attempt attempts[] = {
		{"kernel/core_pattern", "|/usr/bin/dump %p\n", 0, "|/usr/bin/dump %p\n"},
		{"kernel/printk_devkmsg", "on", -EINVAL, "ratelimit\n"},
		{"kernel/printk_devkmsg", "on\n", 0, "on\n"},
		{"kernel/modules_disabled", "0", -EINVAL, "0\n"},
		{"kernel/modules_disabled", "1", 0, "1\n"},
		{"kernel/unprivileged_bpf_disabled", "1", 0, "1\n"},
		{"kernel/unprivileged_bpf_disabled", "0", -EPERM, "1\n"},
		{"kernel/seccomp/actions_logged", "trap kill_thread", 0, "kill_thread trap\n"},
		{"kernel/seccomp/actions_logged", "allow", -EINVAL, "kill_thread trap\n"},
		{"kernel/printk", "7 4", 0, "7\t4\t1\t7\n"},
		{"kernel/printk", "3 x", -EINVAL, "3\t4\t1\t7\n"},
		{"net/ipv4/ip_local_port_range", "1024 65000", 0, "1024\t65000\n"},
		{"net/ipv4/ip_local_port_range", "65000 1024", -EINVAL, "1024\t65000\n"},
		{"net/ipv4/ip_unprivileged_port_start", "2000", -EINVAL, "1024\n"},
		{"net/ipv4/ip_local_reserved_ports", "80,8000-8010", 0, "80,8000-8010\n"},
		{"net/ipv4/ip_local_reserved_ports", "9-8", -EINVAL, "80,8000-8010\n"},
		{"net/ipv4/ip_local_reserved_ports", "65536", -EINVAL, "80,8000-8010\n"},
		{"net/ipv4/tcp_congestion_control", "reno\n", 0, "reno\n"},
		{"net/ipv4/tcp_congestion_control", "bbr", -ENOENT, "reno\n"},
		{"net/ipv4/tcp_fastopen_key", "1-2-3-4", 0, "00000001-00000002-00000003-00000004\n"},
		{"net/ipv6/conf/default/stable_secret", "fe80::1", 0, "fe80:0000:0000:0000:0000:0000:0000:0001\n"},
		{"net/ipv4/ip_forward", "1", 0, "1\n"},
		{"net/ipv4/conf/default/forwarding", "", 0, "1\n"},
		{"net/ipv4/conf/all/accept_redirects", "", 0, "0\n"},
		{"net/ipv4/neigh/default/base_reachable_time", "2", 0, "2\n"},
		{"net/ipv4/neigh/default/base_reachable_time_ms", "", 0, "2000\n"},
		{"vm/dirty_ratio", "", 0, "20\n"},
		{"vm/dirty_bytes", "65536", 0, "65536\n"},
		{"vm/dirty_ratio", "", 0, "0\n"},
		{"fs/inotify/max_user_watches", "524288", 0, "524288\n"},
		{"user/max_inotify_watches", "", 0, "524288\n"},
		{"kernel/panic", "-2147483649", -EINVAL, "-1\n"},
		{"kernel/panic_on_io_nmi", "-2147483648", 0, "-2147483648\n"},
		{"kernel/panic_on_io_nmi", "08", -EINVAL, "-2147483648\n"},
		{"kernel/panic_on_io_nmi", "1,", -EINVAL, "-2147483648\n"},
	};
	Fixture *fixture = *state;

	assert_true(build(fixture, NULL));
	for (unsigned i = 0; i < G_N_ELEMENTS(attempts); i++) {
		const Attempt *attempt = &attempts[i];
		int r = write_to(fixture, attempt->path, attempt->text);

		if (r != attempt->result)
			fail_msg("\"%s\" to %s: %d", attempt->text, attempt->path, r);
		assert_reads(fixture, attempt->path, attempt->content);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_native_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_native_read_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_extra_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_later_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vanished, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vanished_but_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links_are_not_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_override, setup, teardown),
		cmocka_unit_test_setup_teardown(test_override_of_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_namespace_of_the_caller, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parsers, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
