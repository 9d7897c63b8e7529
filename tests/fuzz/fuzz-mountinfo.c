/* Mount tables: whatever can be read is written in a form that reads the same again. */
#include "tests/fuzz/fuzz.h"

#include "fs/proc/magic.h"
#include "fs/proc/mounts.h"

const char *const fuzz_seeds[] = {
	"",
	"1 0 8:1 / / rw shared:1 master:2 - ext4 /dev/sda1 rw,errors=remount-ro\n",
	"2 1 0:5 /a\\040b /c\\134d ro,nosuid - fuse.sshfs x\\043y rw,sync\n3 2 0:6 / /c\\134d/e rw -  a  rw\n",
	NULL,
};

static char *show(const MountTable *table)
{
	GString *out = g_string_new(NULL);

	mount_table_show_mountinfo(table, out);
	return g_string_free(out, FALSE);
}

static void check_finding(const MountTable *table)
{
	for (guint i = 0; i < table->entries->len; i++) {
		const MountEntry *entry = table->entries->pdata[i];
		const MountEntry *found = mount_table_find(table, entry->target);

		g_assert(!found || g_str_has_prefix(entry->target, found->target) ||
			 g_str_has_suffix(found->target, "/"));
		magic_of_fstype(entry->fstype);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *) data, size);
	g_autoptr(GString) mounts = g_string_new(NULL);
	MountTable *table = NULL, *again = NULL;
	unsigned line = 0;

	if (mount_table_parse(text, &table, &line) < 0) {
		g_assert(line > 0 && !table);
		return 0;
	}
	g_autofree char *shown = show(table);

	g_assert_cmpint(mount_table_parse(shown, &again, NULL), ==, 0);
	g_autofree char *shown_again = show(again);

	g_assert_cmpstr(shown, ==, shown_again);
	mount_table_show_mounts(table, mounts);
	check_finding(table);
	if (table->entries->len)
		mount_table_remove(table, table->entries->pdata[table->entries->len / 2]);
	mount_table_add(table, "/x/y", "tmpfs", "tmpfs", "rw", 0, 1);
	mount_table_free(table);
	mount_table_free(again);
	return 0;
}
