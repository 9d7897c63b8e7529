/* The mount table and the magic numbers. */
#include "fs/proc/magic.h"
#include "fs/proc/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char linux_text[] =
	"21 26 0:20 / /proc rw,relatime shared:5 - proc proc rw\n"
	"26 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw,discard,resuid=65534\n"
	"30 26 0:27 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs rw,sync,mode=755\n"
	"31 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 master:2 - cgroup cgroup rw,cpu,cpuacct\n"
	"40 26 0:40 /a\\040b /mnt/x\\134y\\011z rw - fuse.sshfs me@host:\\040\\043d rw,opt=a\\040b\n"
	"41 26 0:41 / /mnt/empty rw - tmpfs  rw\n"
	"42 26 0:42 net:[4026531840] /run/netns/x rw - nsfs nsfs rw\n";

static MountTable *parse(const char *text)
{
	MountTable *table;

	assert_int_equal(mount_table_parse(text, &table, NULL), 0);
	return table;
}

static char *show(void (*how)(const MountTable *, GString *), const MountTable *table)
{
	GString *out = g_string_new(NULL);

	how(table, out);
	return g_string_free(out, FALSE);
}

static char *fixture(const char *name)
{
	g_autofree char *path = g_build_filename(SOURCE_ROOT "/tests/unit/fixtures", name, NULL);
	char *text;

	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

static void test_unedited_text_is_the_same(void **state)
{
	g_autoptr(MountTable) table = parse(linux_text);
	g_autofree char *text = show(mount_table_show_mountinfo, table);
	const MountEntry *entry = table->entries->pdata[4];

	assert_string_equal(text, linux_text);
	assert_string_equal(entry->root, "/a b");
	assert_string_equal(entry->target, "/mnt/x\\y\tz");
	assert_string_equal(entry->source, "me@host: #d");
	assert_string_equal(entry->super_options, "rw,opt=a\\040b");
	entry = table->entries->pdata[3];
	assert_string_equal(entry->optional, "shared:9 master:2");
	entry = table->entries->pdata[5];
	assert_string_equal(entry->source, "");
}

static void test_mounts(void **state)
{
	g_autoptr(MountTable) table = parse(linux_text);
	g_autofree char *text = show(mount_table_show_mounts, table);

	assert_string_equal(text, "proc /proc proc rw,relatime 0 0\n"
				  "/dev/root / ext4 rw,relatime,discard,resuid=65534 0 0\n"
				  "tmpfs /sys/fs/cgroup tmpfs ro,sync,nosuid,mode=755 0 0\n"
				  "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n"
				  "me@host:\\040\\043d /mnt/x\\134y\\011z fuse.sshfs rw,opt=a\\040b 0 0\n"
				  " /mnt/empty tmpfs rw 0 0\n"
				  "nsfs /run/netns/x nsfs rw 0 0\n");
}

/* The kernel's own two files of the same moment. */
static void test_mounts_of_this_machine(void **state)
{
	g_autofree char *mountinfo = NULL, *mounts = NULL, *again = NULL;

	for (int try = 0; try < 5; try++) {
		g_clear_pointer(&mountinfo, g_free);
		g_clear_pointer(&mounts, g_free);
		g_clear_pointer(&again, g_free);
		assert_true(g_file_get_contents("/proc/self/mountinfo", &mountinfo, NULL, NULL));
		assert_true(g_file_get_contents("/proc/self/mounts", &mounts, NULL, NULL));
		assert_true(g_file_get_contents("/proc/self/mountinfo", &again, NULL, NULL));
		if (strcmp(mountinfo, again) == 0)
			break;
	}
	g_autoptr(MountTable) table = parse(mountinfo);
	g_autofree char *shown_mountinfo = show(mount_table_show_mountinfo, table);
	g_autofree char *shown_mounts = show(mount_table_show_mounts, table);

	assert_string_equal(shown_mountinfo, mountinfo);
	assert_string_equal(shown_mounts, mounts);
}

static void test_gvisor(void **state)
{
	g_autofree char *mountinfo = fixture("gvisor/proc/1/mountinfo"), *mounts = fixture("gvisor/proc/1/mounts");
	g_autofree char *old = fixture("gvisor-2022/proc/1/mountinfo");
	g_autoptr(MountTable) table = parse(mountinfo), old_table = parse(old);
	g_autofree char *shown_mountinfo = show(mount_table_show_mountinfo, table);
	g_autofree char *shown_mounts = show(mount_table_show_mounts, table);
	g_auto(GStrv) parts = g_strsplit(old, "  - ", -1);
	g_autofree char *old_with_one_blank = g_strjoinv(" - ", parts);
	g_autofree char *shown_old = show(mount_table_show_mountinfo, old_table);

	assert_string_equal(shown_mountinfo, mountinfo);
	assert_string_equal(shown_mounts, mounts);
	assert_string_equal(shown_old, old_with_one_blank);
	/* The root is its own parent there. */
	assert_string_equal(mount_table_find(old_table, "/etc/passwd")->fstype, "9p");
	assert_string_equal(mount_table_find(old_table, "/dev/pts/0")->fstype, "devpts");
}

static void test_malformed(void **state)
{
	static const char *const lines[] = {"x",
					    "1",
					    "1 2 3:4",
					    "1 2 3:4 / /",
					    "1 2 3:4 / / rw",
					    "1 2 3:4 / / rw shared:1",
					    "1 2 3:4 / / rw - ext4",
					    "1 2 3:4 / / rw - ext4 /dev/x",
					    "1 2 34 / / rw - a b c",
					    "",
					    NULL};
	MountTable *table = NULL;
	unsigned line = 0;

	for (int i = 0; lines[i]; i++) {
		g_autofree char *text = g_strconcat("1 2 0:4 / / rw - ext4 /dev/x rw\n", lines[i], "\n", NULL);

		line = 0;
		assert_int_equal(mount_table_parse(text, &table, &line), -EINVAL);
		assert_int_equal(line, 2);
		assert_null(table);
	}
	assert_int_equal(mount_table_parse("", &table, NULL), 0);
	assert_null(mount_table_find(table, "/"));
	mount_table_free(table);
}

static void test_find(void **state)
{
	g_autoptr(MountTable) table = parse("10 1 8:1 / / rw - ext4 /dev/a rw\n"
					    "11 10 8:2 / /a/b rw - xfs /dev/b rw\n"
					    "12 11 8:3 / /a/b/c rw - btrfs /dev/c rw\n"
					    "13 10 0:5 / /ab rw - tmpfs t rw\n"
					    "14 13 0:6 / /ab rw - ramfs t rw\n");

	assert_string_equal(mount_table_find(table, "/")->fstype, "ext4");
	assert_string_equal(mount_table_find(table, "/a")->fstype, "ext4");
	assert_string_equal(mount_table_find(table, "/a/bc")->fstype, "ext4");
	assert_string_equal(mount_table_find(table, "/a/b")->fstype, "xfs");
	assert_string_equal(mount_table_find(table, "/a/b/cd")->fstype, "xfs");
	assert_string_equal(mount_table_find(table, "/a/b/c/d/e")->fstype, "btrfs");
	assert_string_equal(mount_table_find(table, "/ab/x")->fstype, "ramfs"); /* stacked */
	assert_null(mount_table_find_target(table, "/a"));
	assert_string_equal(mount_table_find_target(table, "/a/b")->fstype, "xfs");
	assert_string_equal(mount_table_find_target(table, "/")->fstype, "ext4");
	/* A mount on /a hides what was mounted below it before. */
	mount_table_add(table, "/a", "tmpfs", "over", "rw", 0, 9);
	assert_string_equal(mount_table_find(table, "/a/b/c")->source, "over");
}

static void test_edit(void **state)
{
	g_autoptr(MountTable) table = parse("10 1 0:17 / / rw - 9p none rw,trans=fd\n"
					    "11 10 0:18 / /sys rw - sysfs none rw\n");
	MountEntry *tmpfs = mount_table_add(table, "/sys/fs/cgroup", "tmpfs", "tmpfs", "rw,mode=755", 0, 19);
	g_autofree char *text = NULL, *rest = NULL;

	mount_table_add(table, "/sys/fs/cgroup/memory", "cgroup", "cgroup", "rw,memory", 0, 20);
	mount_entry_retype(mount_table_find_target(table, "/"), "ext4", "/dev/vda", NULL);
	text = show(mount_table_show_mountinfo, table);
	assert_string_equal(text, "10 1 0:17 / / rw - ext4 /dev/vda rw,trans=fd\n"
				  "11 10 0:18 / /sys rw - sysfs none rw\n"
				  "12 11 0:19 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
				  "13 12 0:20 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n");
	mount_table_remove(table, tmpfs);
	rest = show(mount_table_show_mountinfo, table);
	assert_string_equal(rest, "10 1 0:17 / / rw - ext4 /dev/vda rw,trans=fd\n"
				  "11 10 0:18 / /sys rw - sysfs none rw\n"
				  "13 11 0:20 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n");
}

static void test_parents_in_a_circle(void **state)
{
	g_autoptr(MountTable) table =
		parse("1 2 0:1 / / rw - a a rw\n2 3 0:2 / / rw - b b rw\n3 1 0:3 / / rw - c c rw\n"
		      "4 4 0:4 / / rw - d d rw\n");

	assert_string_equal(mount_table_find(table, "/x")->fstype, "d");
}

static void test_magic_both_ways(void **state)
{
	assert_int_equal(magic_of_fstype("ext4"), EXT4_SUPER_MAGIC);
	assert_int_equal(magic_of_fstype("ext3"), EXT4_SUPER_MAGIC);
	assert_int_equal(magic_of_fstype("fuse.sshfs"), 0x65735546);
	assert_int_equal(magic_of_fstype("cgroup2"), CGROUP2_SUPER_MAGIC);
	assert_int_equal(magic_of_fstype("cgroup"), CGROUP_SUPER_MAGIC);
	assert_int_equal(magic_of_fstype("tmpfs"), TMPFS_MAGIC);
	assert_int_equal(magic_of_fstype("overlay"), OVERLAYFS_SUPER_MAGIC);
	assert_int_equal(magic_of_fstype("9p"), V9FS_MAGIC);
	assert_int_equal(magic_of_fstype("ext"), 0);
	assert_int_equal(magic_of_fstype(""), 0);
	assert_string_equal(magic_to_fstype(EXT4_SUPER_MAGIC), "ext4");
	assert_string_equal(magic_to_fstype(PROC_SUPER_MAGIC), "proc");
	assert_string_equal(magic_to_fstype(CGROUP_SUPER_MAGIC), "cgroup");
	assert_string_equal(magic_to_fstype(TMPFS_MAGIC), "tmpfs");
	assert_null(magic_to_fstype(0));
	assert_null(magic_to_fstype(12345));
}

/* Every mount of this machine that can be asked answers statfs as its type says. */
static void test_magic_of_this_machine(void **state)
{
	MountTable *read;
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned checked = 0;

	assert_int_equal(mount_table_read(proc, 0, &read), 0);
	g_autoptr(MountTable) table = read;

	for (guint i = 0; i < table->entries->len; i++) {
		const MountEntry *entry = table->entries->pdata[i];
		struct statfs answer;
		struct stat status;

		/* A FUSE mount may be without a daemon: leave those alone. */
		if (g_str_has_prefix(entry->fstype, "fuse") || mount_table_find(table, entry->target) != entry ||
		    stat(entry->target, &status) < 0 || statfs(entry->target, &answer) < 0 ||
		    status.st_dev != makedev(entry->major, entry->minor))
			continue;
		if (magic_of_fstype(entry->fstype)) {
			assert_int_equal((guint32) answer.f_type, magic_of_fstype(entry->fstype));
			checked++;
		}
	}
	assert_true(checked > 0);
	assert_int_equal(mount_table_read(proc, G_MAXINT, &read), -ESRCH);
	close(proc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unedited_text_is_the_same),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_mounts_of_this_machine),
		cmocka_unit_test(test_gvisor),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_edit),
		cmocka_unit_test(test_parents_in_a_circle),
		cmocka_unit_test(test_magic_both_ways),
		cmocka_unit_test(test_magic_of_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
