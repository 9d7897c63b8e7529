#include "fs/source/memory.h"

#include "fs/source/scan.h"

#include <sys/sysinfo.h>

static const ScanField meminfo_fields[] = {
#define X(field, key) {key, offsetof(Memory, field)},
	MEMORY_FIELDS(X)
#undef X
};

static const ScanField vmstat_fields[] = {
#define X(field) {#field, offsetof(Memory, field)},
	VMSTAT_FIELDS(X)
#undef X
};

unsigned memory_parse_meminfo(const char *text, Memory *memory)
{
	return scan_fields(text, meminfo_fields, G_N_ELEMENTS(meminfo_fields), memory);
}

unsigned memory_parse_vmstat(const char *text, Memory *memory)
{
	return scan_fields(text, vmstat_fields, G_N_ELEMENTS(vmstat_fields), memory);
}

static guint64 total_of_machine(void)
{
	struct sysinfo info;

	return sysinfo(&info) < 0 ? 0 : (guint64) info.totalram * info.mem_unit;
}

void memory_from_processes(const Process *processes, unsigned n_processes, Memory *memory)
{
	guint64 used = 0;

	for (unsigned i = 0; i < n_processes; i++)
		used += processes[i].rss;
	memory->total = total_of_machine();
	used = MIN(used, memory->total);
	memory->free = memory->available = memory->total - used;
	memory->anon_pages = memory->active = memory->active_anon = used;
}

void memory_keep_invariants(Memory *memory)
{
	guint64 total;

	if (memory->total == 0)
		memory->total = MAX(total_of_machine(), 1);
	total = memory->total;
	memory->free = MIN(memory->free, total);
	if (memory->available == 0)
		memory->available = memory->free + memory->cached + memory->buffers;
	memory->available = MIN(memory->available, total);
	memory->swap_free = MIN(memory->swap_free, memory->swap_total);

	guint64 *const parts[] = {&memory->buffers,
				  &memory->cached,
				  &memory->active,
				  &memory->inactive,
				  &memory->active_anon,
				  &memory->inactive_anon,
				  &memory->active_file,
				  &memory->inactive_file,
				  &memory->anon_pages,
				  &memory->mapped,
				  &memory->shmem,
				  &memory->slab,
				  &memory->slab_reclaimable,
				  &memory->slab_unreclaimable};

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		*parts[i] = MIN(*parts[i], total);
}
