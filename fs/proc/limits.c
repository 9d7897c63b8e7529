#include "fs/proc/limits.h"

#include "fs/source/machine.h"

void proc_limits_clear(ProcLimits *limits)
{
	g_clear_pointer(&limits->positions, g_free);
	*limits = (ProcLimits){0};
}

void proc_limits_set_cpus(ProcLimits *limits, const Machine *machine, const char *cpu_list, unsigned max)
{
	CpuMap wanted;
	unsigned *positions = g_new(unsigned, machine->n_cpus), n = 0;

	cpu_map_init(&wanted, cpu_list);
	for (unsigned i = 0; i < machine->n_cpus && (max == 0 || n < max); i++)
		if (cpu_map_index(&wanted, machine->cpu_numbers[i]) >= 0)
			positions[n++] = i;
	cpu_map_clear(&wanted);
	g_free(limits->positions);
	if (n == machine->n_cpus)
		n = 0;
	limits->positions = n ? positions : NULL;
	limits->n_cpus = n;
	if (!n)
		g_free(positions);
}

unsigned proc_limits_n_cpus(const ProcLimits *limits, const Sample *sample)
{
	return limits->n_cpus ? MIN(limits->n_cpus, sample->n_cpus) : sample->n_cpus;
}

unsigned proc_limits_position(const ProcLimits *limits, unsigned shown)
{
	return limits->positions ? limits->positions[shown] : shown;
}

unsigned proc_limits_cpu_number(const ProcLimits *limits, const Machine *machine, unsigned shown)
{
	return limits->n_cpus ? shown : machine->cpu_numbers[shown];
}

Memory proc_limits_memory(const ProcLimits *limits, const Sample *sample)
{
	const Memory *machine = &sample->memory;
	guint64 total = MIN(limits->memory, machine->total), used = MIN(limits->memory_used, total);
	guint64 cache = MIN(limits->memory_cache, used);

	if (!limits->memory || limits->memory >= machine->total)
		return *machine;
	return (Memory){
		.total = total,
		.free = total - used,
		.available = total - used + cache,
		.cached = cache,
		.active = 0,
		.inactive = used,
		.inactive_anon = used - cache,
		.inactive_file = cache,
		.swap_total = limits->swap,
		.swap_free = limits->swap - MIN(limits->swap, limits->swap_used),
		.anon_pages = used - cache,
		.mapped = MIN(machine->mapped, cache),
		.shmem = MIN(limits->memory_shmem, cache),
		.dirty = MIN(machine->dirty, cache),
		.writeback = MIN(machine->writeback, cache),
		.vmalloc_used = machine->vmalloc_used,
	};
}
