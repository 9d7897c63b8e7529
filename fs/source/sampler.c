#include "fs/source/sampler.h"

#include <errno.h>
#include <unistd.h>

struct Sampler {
	Machine machine;
};

Sample *sample_ref(Sample *sample)
{
	g_atomic_ref_count_inc(&sample->ref);
	return sample;
}

void sample_unref(Sample *sample)
{
	if (!g_atomic_ref_count_dec(&sample->ref))
		return;
	g_free(sample->processes);
	g_free(sample->cpus);
	g_free(sample);
}

Sampler *sampler_new(const char *proc, const char *sys, unsigned max_age_ms)
{
	Sampler *sampler = g_new0(Sampler, 1);

	sampler->machine.n_cpus = 2;
	sampler->machine.cpu_list = (char *) "0-1";
	sampler->machine.node_list = (char *) "0";
	return sampler;
}

void sampler_free(Sampler *sampler)
{
	g_free(sampler);
}

Sample *sampler_get(Sampler *sampler, unsigned parts)
{
	Sample *sample = g_new0(Sample, 1);

	g_atomic_ref_count_init(&sample->ref);
	sample->n_cpus = 2;
	sample->taken = g_get_monotonic_time();
	return sample;
}

Sample *sampler_get_fresh(Sampler *sampler, unsigned parts)
{
	return sampler_get(sampler, parts);
}

int sampler_read_process(Sampler *sampler, pid_t pid, gboolean with_memory, Process *ret)
{
	return -ESRCH;
}

const Machine *sampler_machine(const Sampler *sampler)
{
	return &sampler->machine;
}
