/*
 * memory.stat and memory.numa_stat, v1 and v2.
 *
 * Both versions show one set of counts under names of their own. The root's are the machine's, from /proc/meminfo and
 * /proc/vmstat. A group's are what its members use: resident anonymous, file and shared memory. Which of it is active
 * cannot be told from outside: all counts as active, since all is mapped. What has no source is 0: the page cache of
 * files that are not mapped, kernel memory, and v1's charging events (pgpgin, pgpgout).
 */
#include "fs/cgroup/memory.h"

#include <stddef.h>

/* X(key, by_node): v2's keys in their order; by_node: also in memory.numa_stat. */
#define KEYS(X)                                                                                                        \
	X(anon, 1)                                                                                                     \
	X(file, 1)                                                                                                     \
	X(kernel, 0)                                                                                                   \
	X(kernel_stack, 1)                                                                                             \
	X(pagetables, 1) X(sec_pagetables, 1) X(percpu, 0) X(sock, 0) X(vmalloc, 0) X(shmem, 1) X(file_mapped, 1)      \
		X(file_dirty, 1) X(file_writeback, 1) X(swapcached, 1) X(anon_thp, 1) X(file_thp, 1) X(shmem_thp, 1)   \
			X(inactive_anon, 1) X(active_anon, 1) X(inactive_file, 1) X(active_file, 1) X(unevictable, 1)  \
				X(slab_reclaimable, 1) X(slab_unreclaimable, 1) X(slab, 0) EVENT_KEYS(X) X(pgscan, 0)  \
					X(pgsteal, 0) LATE_EVENT_KEYS(X)

/* Those that /proc/vmstat has under the same name, before and after pgscan and pgsteal. */
#define EVENT_KEYS(X)                                                                                                  \
	X(workingset_refault_anon, 1)                                                                                  \
	X(workingset_refault_file, 1)                                                                                  \
	X(workingset_activate_anon, 1)                                                                                 \
	X(workingset_activate_file, 1)                                                                                 \
	X(workingset_restore_anon, 1) X(workingset_restore_file, 1) X(workingset_nodereclaim, 1) X(pgdemote_kswapd, 1) \
		X(pgdemote_direct, 1) X(pgdemote_khugepaged, 1) X(pgpromote_success, 1)

#define LATE_EVENT_KEYS(X)                                                                                             \
	X(pgscan_kswapd, 0)                                                                                            \
	X(pgscan_direct, 0)                                                                                            \
	X(pgscan_khugepaged, 0)                                                                                        \
	X(pgsteal_kswapd, 0)                                                                                           \
	X(pgsteal_direct, 0) X(pgsteal_khugepaged, 0) X(pgfault, 0) X(pgmajfault, 0) X(pgrefill, 0) X(pgactivate, 0)   \
		X(pgdeactivate, 0) X(pglazyfree, 0) X(pglazyfreed, 0) X(swpin_zero, 0) X(swpout_zero, 0)               \
			X(thp_fault_alloc, 0) X(thp_collapse_alloc, 0) X(thp_swpout, 0) X(thp_swpout_fallback, 0)      \
				X(numa_pages_migrated, 0) X(numa_pte_updates, 0) X(numa_hint_faults, 0)

/* Bytes, and events. */
typedef struct Counts {
#define X(key, by_node) guint64 key;
	KEYS(X)
#undef X
	guint64 swap;
	guint64 pgpgin, pgpgout; /* always 0 */
} Counts;

typedef struct Key {
	const char *name;
	size_t offset; /* in Counts */
	gboolean by_node;
} Key;

static const Key v2_keys[] = {
#define X(key, by_node) {#key, offsetof(Counts, key), by_node},
	KEYS(X)
#undef X
};

static const Key v1_keys[] = {
	{"cache", offsetof(Counts, file)},
	{"rss", offsetof(Counts, anon)},
	{"rss_huge", offsetof(Counts, anon_thp)},
	{"shmem", offsetof(Counts, shmem)},
	{"mapped_file", offsetof(Counts, file_mapped)},
	{"dirty", offsetof(Counts, file_dirty)},
	{"writeback", offsetof(Counts, file_writeback)},
	{"workingset_refault_anon", offsetof(Counts, workingset_refault_anon)},
	{"workingset_refault_file", offsetof(Counts, workingset_refault_file)},
	{"swap", offsetof(Counts, swap)},
	{"swapcached", offsetof(Counts, swapcached)},
	{"pgpgin", offsetof(Counts, pgpgin)},
	{"pgpgout", offsetof(Counts, pgpgout)},
	{"pgfault", offsetof(Counts, pgfault)},
	{"pgmajfault", offsetof(Counts, pgmajfault)},
	{"inactive_anon", offsetof(Counts, inactive_anon)},
	{"active_anon", offsetof(Counts, active_anon)},
	{"inactive_file", offsetof(Counts, inactive_file)},
	{"active_file", offsetof(Counts, active_file)},
	{"unevictable", offsetof(Counts, unevictable)},
};

static guint64 value_of(const Counts *counts, const Key *key)
{
	return *(const guint64 *) ((const char *) counts + key->offset);
}

static guint64 kernel_of_machine(const Memory *memory)
{
	return memory->slab + memory->kernel_stack + memory->page_tables + memory->sec_page_tables + memory->percpu;
}

guint64 memory_kernel_bytes(const Group *group, const Sample *sample)
{
	Usage usage;

	if (group_is_root(group))
		return kernel_of_machine(&sample->memory);
	group_usage(group, sample, &usage);
	return usage.kernel;
}

static void count_kernel_memory(const Memory *memory, Counts *counts)
{
	counts->kernel = kernel_of_machine(memory);
	counts->kernel_stack = memory->kernel_stack;
	counts->pagetables = memory->page_tables;
	counts->sec_pagetables = memory->sec_page_tables;
	counts->percpu = memory->percpu;
	counts->vmalloc = memory->vmalloc_used;
	counts->slab_reclaimable = memory->slab_reclaimable;
	counts->slab_unreclaimable = memory->slab_unreclaimable;
	counts->slab = memory->slab;
}

static void count_pages(const Memory *memory, Counts *counts)
{
	counts->file_mapped = memory->mapped;
	counts->file_dirty = memory->dirty;
	counts->file_writeback = memory->writeback;
	counts->swapcached = memory->swap_cached;
	counts->anon_thp = memory->anon_huge;
	counts->file_thp = memory->file_huge;
	counts->shmem_thp = memory->shmem_huge;
	counts->inactive_anon = memory->inactive_anon;
	counts->active_anon = memory->active_anon;
	counts->inactive_file = memory->inactive_file;
	counts->active_file = memory->active_file;
	counts->unevictable = memory->unevictable;
}

static void count_events(const Memory *memory, Counts *counts)
{
#define X(key, by_node) counts->key = memory->key;
	EVENT_KEYS(X)
	LATE_EVENT_KEYS(X)
#undef X
	counts->pgscan = memory->pgscan_kswapd + memory->pgscan_direct + memory->pgscan_khugepaged;
	counts->pgsteal = memory->pgsteal_kswapd + memory->pgsteal_direct + memory->pgsteal_khugepaged;
}

/* local: without descendants */
static void count(const VContext *ctx, gboolean local, Counts *counts)
{
	Usage usage;

	*counts = (Counts){0};
	(local ? group_usage_local : group_usage)(ctx->owner, ctx->sample, &usage);
	counts->anon = usage.anon;
	counts->file = usage.file;
	counts->shmem = usage.shmem;
	counts->swap = usage.swap;
	if (group_is_root(ctx->owner)) {
		count_kernel_memory(&ctx->sample->memory, counts);
		count_pages(&ctx->sample->memory, counts);
		count_events(&ctx->sample->memory, counts);
		return;
	}
	counts->kernel = usage.kernel;
	counts->file_mapped = usage.file;
	counts->active_anon = usage.anon + usage.shmem;
	counts->active_file = usage.file - MIN(usage.file, usage.shmem);
	counts->pgfault = usage.faults;
	counts->pgmajfault = usage.major_faults;
}

static void show_v1_keys(const char *prefix, const Counts *counts, GString *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(v1_keys); i++)
		g_string_append_printf(out, "%s%s %" G_GUINT64_FORMAT "\n", prefix, v1_keys[i].name,
				       value_of(counts, &v1_keys[i]));
}

static void show_v1_limit(const VContext *ctx, const char *name, size_t field, GString *out)
{
	g_string_append_printf(out, "%s %" G_GUINT64_FORMAT "\n", name,
			       memory_effective_limit(ctx->owner, field) * PAGE_BYTES);
}

int memory_show_v1_stat(const VContext *ctx, GString *out)
{
	Counts counts;

	count(ctx, TRUE, &counts);
	show_v1_keys("", &counts, out);
	show_v1_limit(ctx, "hierarchical_memory_limit", offsetof(MemoryState, max), out);
	show_v1_limit(ctx, "hierarchical_memsw_limit", offsetof(MemoryState, memsw_max), out);
	count(ctx, FALSE, &counts);
	show_v1_keys("total_", &counts, out);
	return 0;
}

static void show_v1_nodes(const VContext *ctx, const char *prefix, gboolean local, GString *out)
{
	Counts counts;

	count(ctx, local, &counts);
	guint64 file = (counts.inactive_file + counts.active_file) / PAGE_BYTES;
	guint64 anon = (counts.inactive_anon + counts.active_anon) / PAGE_BYTES;
	guint64 unevictable = counts.unevictable / PAGE_BYTES;
	const struct {
		const char *name;
		guint64 pages;
	} lines[] = {
		{"total", file + anon + unevictable}, {"file", file}, {"anon", anon}, {"unevictable", unevictable}};

	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_string_append_printf(out, "%s%s=%" G_GUINT64_FORMAT, prefix, lines[i].name, lines[i].pages);
		control_file_show_nodes(ctx->fs, lines[i].pages, out);
		g_string_append_c(out, '\n');
	}
}

int memory_show_v1_numa_stat(const VContext *ctx, GString *out)
{
	show_v1_nodes(ctx, "", TRUE, out);
	show_v1_nodes(ctx, "hierarchical_", FALSE, out);
	return 0;
}

int memory_show_v2_stat(const VContext *ctx, GString *out)
{
	Counts counts;

	count(ctx, FALSE, &counts);
	for (size_t i = 0; i < G_N_ELEMENTS(v2_keys); i++)
		g_string_append_printf(out, "%s %" G_GUINT64_FORMAT "\n", v2_keys[i].name,
				       value_of(&counts, &v2_keys[i]));
	return 0;
}

int memory_show_v2_numa_stat(const VContext *ctx, GString *out)
{
	Counts counts;

	count(ctx, FALSE, &counts);
	for (size_t i = 0; i < G_N_ELEMENTS(v2_keys); i++) {
		if (!v2_keys[i].by_node)
			continue;
		g_string_append(out, v2_keys[i].name);
		control_file_show_nodes(ctx->fs, value_of(&counts, &v2_keys[i]), out);
		g_string_append_c(out, '\n');
	}
	return 0;
}
