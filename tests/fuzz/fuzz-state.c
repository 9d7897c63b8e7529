/* A saved state: as it stands; with a right head; and as the text of a value of the right type, which is then whole. */
#include "tests/fuzz/fuzz.h"

#include "fs/cgroup/state-format.h"

#define ROOT "(b'/', 493, 0, 0, 0, 0, 0, 0, [], [])"

const char *const fuzz_seeds[] = {
	"cgemud-state 1 0 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
	"('', 1, [], [], {})",
	"('boot 1', 9, [(b'v2', [" ROOT ", (b'/a', 493, 1, 2, 3, 4, 5, 6, [('cgroup.procs', 384, 1, 2, 77)],"
	" [('', [('cgroup.max.depth', b'3\\n')], {'own': <@at [1, 2, 3]>, 'freeze': <true>,"
	" 'subtree-control': <'cpu memory'>, 'cpu-user': <@at [1, 2, 3, 4]>})])])], [], {})",
	"('boot 1', 9, [(b'v2', [" ROOT ", (b'/a', 493, 0, 0, 0, 0, 0, 1, [], [('cpu', [('cpu.weight', b'150\\n'),"
	" ('cpu.max', b'5 10\\n')], {'periods': <@at [3]>}), ('cpuset', [('cpuset.cpus', b'0\\n')],"
	" {'partition': <(@u 1, @t 4)>}), ('memory', [('memory.max', b'max\\n')], {'events': <@at [1]>})])])],"
	" [(1, 0, 5, 3, [1, 2, 3], [1], [(7, [1])], (4, [1]))], {})",
	NULL,
};

static void try_restore(GBytes *bytes)
{
	Config *config = config_new_default();
	Fs *fs = fs_new_at(config, FS_TREE_V2, "/nonexistent", "/nonexistent", NULL);
	g_autoptr(GError) error = NULL;
	StateReport report;
	gboolean ok = state_restore(fs, bytes, &report, &error);

	g_assert_true(ok == (error == NULL));
	g_assert_true(ok || (report.n_groups == 0 && fs->cgroups->v2->n_groups == 1));
	state_report_clear(&report);
	fs_free(fs);
	config_free(config);
}

static GBytes *with_head(const uint8_t *data, size_t size)
{
	g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, size);
	g_autoptr(GString) out = g_string_new(NULL);

	g_string_printf(out, "cgemud-state %d %zu %s\n", STATE_VERSION, size, sum);
	g_string_append_len(out, (const char *) data, (gssize) size);
	return g_string_free_to_bytes(g_steal_pointer(&out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *) data, size);
	g_autoptr(GBytes) bare = g_bytes_new(data, size);
	g_autoptr(GBytes) headed = with_head(data, size);
	GVariant *value = NULL;

	if (g_utf8_validate(text, -1, NULL))
		value = g_variant_parse(G_VARIANT_TYPE(STATE_TYPE), text, NULL, NULL, NULL);
	try_restore(bare);
	try_restore(headed);
	if (value) {
		g_autoptr(GBytes) bytes = state_wrap(value);

		try_restore(bytes);
	}
	return 0;
}
