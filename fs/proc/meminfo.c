/* meminfo, vmstat, swaps: fs/proc/meminfo.c, mm/vmstat.c and mm/swapfile.c of the kernel. */
#include "fs/proc/render.h"

#include "fs/source/scan.h"

#include <string.h>

typedef enum LineKind {
	FIELD,    /* of Memory */
	COMPUTED, /* from fields, by computed() */
	COPIED,   /* the kernel's own line, or 0 */
	OPTIONAL, /* the kernel's own line, if it has one */
} LineKind;

typedef struct MeminfoLine {
	const char *key;
	LineKind kind;
	size_t offset;
} MeminfoLine;

#define FIELD_LINE(key, field)                                                                                         \
	{                                                                                                              \
		key, FIELD, offsetof(Memory, field)                                                                    \
	}

/* In the kernel's order. */
static const MeminfoLine meminfo_lines[] = {
	FIELD_LINE("MemTotal", total),
	FIELD_LINE("MemFree", free),
	FIELD_LINE("MemAvailable", available),
	FIELD_LINE("Buffers", buffers),
	FIELD_LINE("Cached", cached),
	FIELD_LINE("SwapCached", swap_cached),
	FIELD_LINE("Active", active),
	FIELD_LINE("Inactive", inactive),
	FIELD_LINE("Active(anon)", active_anon),
	FIELD_LINE("Inactive(anon)", inactive_anon),
	FIELD_LINE("Active(file)", active_file),
	FIELD_LINE("Inactive(file)", inactive_file),
	FIELD_LINE("Unevictable", unevictable),
	FIELD_LINE("Mlocked", mlocked),
	FIELD_LINE("SwapTotal", swap_total),
	FIELD_LINE("SwapFree", swap_free),
	{"Zswap", OPTIONAL},
	{"Zswapped", OPTIONAL},
	FIELD_LINE("Dirty", dirty),
	FIELD_LINE("Writeback", writeback),
	FIELD_LINE("AnonPages", anon_pages),
	FIELD_LINE("Mapped", mapped),
	FIELD_LINE("Shmem", shmem),
	FIELD_LINE("KReclaimable", slab_reclaimable),
	FIELD_LINE("Slab", slab),
	FIELD_LINE("SReclaimable", slab_reclaimable),
	FIELD_LINE("SUnreclaim", slab_unreclaimable),
	FIELD_LINE("KernelStack", kernel_stack),
	FIELD_LINE("PageTables", page_tables),
	FIELD_LINE("SecPageTables", sec_page_tables),
	{"NFS_Unstable", COPIED},
	{"Bounce", COPIED},
	{"WritebackTmp", COPIED},
	{"CommitLimit", COMPUTED},
	{"Committed_AS", COMPUTED},
	{"VmallocTotal", COMPUTED},
	FIELD_LINE("VmallocUsed", vmalloc_used),
	{"VmallocChunk", COPIED},
	FIELD_LINE("Percpu", percpu),
	{"HardwareCorrupted", OPTIONAL},
	FIELD_LINE("AnonHugePages", anon_huge),
	FIELD_LINE("ShmemHugePages", shmem_huge),
	{"ShmemPmdMapped", COPIED},
	FIELD_LINE("FileHugePages", file_huge),
	{"FilePmdMapped", COPIED},
	{"CmaTotal", OPTIONAL},
	{"CmaFree", OPTIONAL},
	{"Unaccepted", OPTIONAL},
	{"Balloon", OPTIONAL},
	{"HugePages_Total", COPIED},
	{"HugePages_Free", COPIED},
	{"HugePages_Rsvd", COPIED},
	{"HugePages_Surp", COPIED},
	{"Hugepagesize", COPIED},
	{"Hugetlb", COPIED},
	{"DirectMap4k", OPTIONAL},
	{"DirectMap2M", OPTIONAL},
	{"DirectMap4M", OPTIONAL},
	{"DirectMap1G", OPTIONAL},
};

/* The kernel's own line with this key, without its end; NULL if there is none. */
static char *native_line(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; line && *line; line = scan_next_line(line))
		if (strncmp(line, key, len) == 0 && line[len] == ':')
			return g_strndup(line, strcspn(line, "\n"));
	return NULL;
}

static void append_kib(GString *out, const char *key, guint64 bytes)
{
	g_autofree char *label = g_strconcat(key, ":", NULL);

	g_string_append_printf(out, "%-16s%8" G_GUINT64_FORMAT " kB\n", label, bytes / 1024);
}

static void append_copied(GString *out, const MeminfoLine *line, const char *native)
{
	g_autofree char *own = native_line(native, line->key);

	if (own)
		g_string_append_printf(out, "%s\n", own);
	else if (line->kind == OPTIONAL)
		return;
	else if (g_str_has_prefix(line->key, "HugePages_"))
		g_string_append_printf(out, "%s:%*d\n", line->key, (int) (24 - strlen(line->key) - 1), 0);
	else
		append_kib(out, line->key, 0);
}

static guint64 own_value(const char *native, const char *key, guint64 otherwise)
{
	const ScanField field = {key, 0};
	guint64 value = otherwise;

	if (native)
		scan_fields(native, &field, 1, &value);
	return value;
}

/* What follows from the size of the machine, and so cannot be copied where that is not the kernel's. */
static guint64 computed(const char *key, const Memory *memory, const char *native)
{
	if (strcmp(key, "VmallocTotal") == 0)
		return own_value(native, key, 34359738367ULL * 1024); /* all that x86-64 has room for */
	if (strcmp(key, "CommitLimit") == 0)                          /* vm.overcommit_ratio is 50 unless changed */
		return MIN(own_value(native, key, G_MAXUINT64), memory->total / 2 + memory->swap_total);
	return MIN(own_value(native, key, G_MAXUINT64), memory->total - memory->free + memory->swap_total);
}

void proc_show_meminfo(const ProcScene *scene, GString *out)
{
	Memory memory = proc_limits_memory(scene->limits, scene->sample);
	const char *native = scene->sample->native;

	for (size_t i = 0; i < G_N_ELEMENTS(meminfo_lines); i++) {
		const MeminfoLine *line = &meminfo_lines[i];

		if (line->kind == FIELD)
			append_kib(out, line->key, *(const guint64 *) ((const char *) &memory + line->offset));
		else if (line->kind == COMPUTED)
			append_kib(out, line->key, computed(line->key, &memory, native));
		else
			append_copied(out, line, native);
	}
}

static void append_pages(GString *out, const char *name, guint64 bytes, const ProcScene *scene)
{
	g_string_append_printf(out, "%s %" G_GUINT64_FORMAT "\n", name, bytes / scene->machine->page_size);
}

void proc_show_vmstat(const ProcScene *scene, GString *out)
{
	const Memory *memory = &scene->sample->memory;

	if (scene->sample->native) {
		g_string_append(out, scene->sample->native);
		return;
	}
	append_pages(out, "nr_free_pages", memory->free, scene);
	append_pages(out, "nr_mlock", memory->mlocked, scene);
	append_pages(out, "nr_inactive_anon", memory->inactive_anon, scene);
	append_pages(out, "nr_active_anon", memory->active_anon, scene);
	append_pages(out, "nr_inactive_file", memory->inactive_file, scene);
	append_pages(out, "nr_active_file", memory->active_file, scene);
	append_pages(out, "nr_unevictable", memory->unevictable, scene);
	append_pages(out, "nr_slab_reclaimable", memory->slab_reclaimable, scene);
	append_pages(out, "nr_slab_unreclaimable", memory->slab_unreclaimable, scene);
	append_pages(out, "nr_anon_pages", memory->anon_pages, scene);
	append_pages(out, "nr_mapped", memory->mapped, scene);
	append_pages(out, "nr_file_pages", memory->cached + memory->buffers + memory->swap_cached, scene);
	append_pages(out, "nr_dirty", memory->dirty, scene);
	append_pages(out, "nr_writeback", memory->writeback, scene);
	append_pages(out, "nr_shmem", memory->shmem, scene);
	append_pages(out, "nr_page_table_pages", memory->page_tables, scene);
#define X(field) g_string_append_printf(out, #field " %" G_GUINT64_FORMAT "\n", memory->field);
	VMSTAT_FIELDS(X)
#undef X
}

void proc_show_swaps(const ProcScene *scene, GString *out)
{
	Memory memory = proc_limits_memory(scene->limits, scene->sample);

	if (scene->sample->native && memory.swap_total == scene->sample->memory.swap_total) {
		g_string_append(out, scene->sample->native);
		return;
	}
	g_string_append(out, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	if (memory.swap_total > 0)
		g_string_append_printf(out, "%-40sfile\t\t%" G_GUINT64_FORMAT "\t\t%" G_GUINT64_FORMAT "\t\t-2\n",
				       "/swap", memory.swap_total / 1024,
				       (memory.swap_total - memory.swap_free) / 1024);
}
