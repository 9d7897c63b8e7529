#include "fs/source/sample.h"

#include "fs/source/reader.h"

Sample *sample_new(unsigned n_cpus)
{
	Sample *sample = g_new0(Sample, 1);

	g_atomic_ref_count_init(&sample->ref);
	sample->n_cpus = MAX(n_cpus, 1);
	sample->cpus = g_new0(CpuTimes, sample->n_cpus);
	return sample;
}

Sample *sample_ref(Sample *sample)
{
	g_atomic_ref_count_inc(&sample->ref);
	return sample;
}

void sample_unref(Sample *sample)
{
	if (!g_atomic_ref_count_dec(&sample->ref))
		return;
	g_free(sample->cpus);
	g_free(sample->disks);
	g_free(sample->processes);
	g_free(sample->native);
	g_free(sample);
}

Sample *sample_copy(const Sample *sample)
{
	Sample *copy = g_memdup2(sample, sizeof *sample);

	g_atomic_ref_count_init(&copy->ref);
	copy->cpus = g_memdup2(sample->cpus, sample->n_cpus * sizeof *sample->cpus);
	copy->disks = g_memdup2(sample->disks, sample->n_disks * sizeof *sample->disks);
	copy->native = g_strdup(sample->native);
	copy->processes = NULL;
	copy->n_processes = 0;
	copy->parts &= ~(unsigned) SAMPLE_PROCESSES;
	return copy;
}

const Process *sample_find_process(const Sample *sample, pid_t pid)
{
	unsigned low = 0, high = sample->n_processes;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (sample->processes[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < sample->n_processes && sample->processes[low].pid == pid ? &sample->processes[low] : NULL;
}
