/*
 * The reader knows where each part of a sample comes from (the ladders) and takes it. It holds no lock and keeps no
 * sample; the sampler decides when to call it.
 */
#pragma once

#include "fs/source/machine.h"
#include "fs/source/sample.h"

/* All zero, with room for n_cpus; one reference. */
Sample *sample_new(unsigned n_cpus);

/* A copy of its own, without the process table. */
Sample *sample_copy(const Sample *sample);

typedef struct Reader Reader;

/* Opens the machine-wide files once and keeps them open: what is later mounted over their names, be it our own tree, is
 * never read. A directory that cannot be opened leaves everything that it would tell unknown. */
Reader *reader_new(const char *proc, const char *sys);
void reader_free(Reader *reader);

const Machine *reader_machine(const Reader *reader);
int reader_proc(const Reader *reader); /* descriptor of /proc, or -1 */

/* The parts for which the process table must be read. Of the calls of reader_take() that ask for any of these, only one
 * may run at a time; others may run beside it. */
unsigned reader_walk_parts(const Reader *reader);

/* buffer is scratch space. */
Sample *reader_take(Reader *reader, unsigned parts, GString *buffer);

/* The kernel's own text of a machine-wide file: "cpuinfo", "pressure/io" … -ENOENT if it has none. */
int reader_native(const Reader *reader, const char *name, GString *out);
