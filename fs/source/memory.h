/*
 * Memory of the machine: from /proc/meminfo and /proc/vmstat, or added up over the processes.
 */
#pragma once

#include "fs/source/sample.h"

/* Both fill in what the text has and leave the rest alone; they return how many lines were known. */
unsigned memory_parse_meminfo(const char *text, Memory *memory);
unsigned memory_parse_vmstat(const char *text, Memory *memory);

/* What the processes use is anonymous memory, the rest of the machine (sysinfo(2)) is free. */
void memory_from_processes(const Process *processes, unsigned n_processes, Memory *memory);

/* Holds for every sample: total > 0; free and available ≤ total; all that is used, and each kind of it, ≤ total; what
 * an old kernel does not tell (MemAvailable, SReclaimable) is derived as newer ones do, roughly. */
void memory_keep_invariants(Memory *memory);
