/*
 * What the machine is: its CPUs and memory nodes. Their numbers may have gaps (a CPU that is offline), a Sample's
 * arrays have none: CpuMap translates.
 */
#pragma once

#include "fs/source/sampler.h"

typedef struct CpuMap {
	unsigned n_numbers; /* CPU numbers below this are known */
	int *index;         /* of a CPU number: position among the online CPUs, -1: offline */
	unsigned n_cpus;
} CpuMap;

void cpu_map_init(CpuMap *map, const char *cpu_list);
void cpu_map_clear(CpuMap *map);
/* Position of a CPU among the online ones, or -1. */
int cpu_map_index(const CpuMap *map, guint64 number);

/* Position among the online CPUs of the one with this number; 0 for one that is not online (any more). */
unsigned machine_cpu_position(const Machine *machine, guint64 number);

/* Fills in CPUs, nodes, page size and clock ticks. proc and sys: directory descriptors; -1 where there is none. */
void machine_read(int proc, int sys, Machine *ret);
void machine_clear(Machine *machine);
