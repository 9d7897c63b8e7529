#include "fs/source/sampler.h"

#include "fs/source/processes.h"
#include "fs/source/reader.h"

/* Taking samples may use at most one part in this of the time of those who read without a pause … */
#define COST_SHARE 10
/* … and where that would make a sample older than max_age, one in this. */
#define COST_SHARE_MIN 3

/*
 * Samples that need the process table and those that do not are kept apart, so that who asks for the cheap parts never
 * waits for, nor is given, a picture as old as a long walk makes it.
 */
typedef struct Flight {
	Sample *sample;  /* the last one; NULL at first */
	gboolean busy;   /* some thread is taking one */
	GString *buffer; /* of that thread */
} Flight;

enum { N_PARTS = 6 };

struct Sampler {
	Reader *reader;
	GMutex lock; /* never held while a sample is taken */
	GCond landed;
	gint64 max_age;
	Flight light, walk;
	gint64 wanted[N_PARTS]; /* when each part was last asked for */
};

Sampler *sampler_new(const char *proc, const char *sys, unsigned max_age_ms)
{
	Sampler *sampler = g_new0(Sampler, 1);

	sampler->reader = reader_new(proc, sys);
	g_mutex_init(&sampler->lock);
	g_cond_init(&sampler->landed);
	sampler->max_age = (gint64) max_age_ms * 1000;
	sampler->light.buffer = g_string_new(NULL);
	sampler->walk.buffer = g_string_new(NULL);
	return sampler;
}

static void flight_clear(Flight *flight)
{
	if (flight->sample)
		sample_unref(flight->sample);
	g_string_free(flight->buffer, TRUE);
}

void sampler_free(Sampler *sampler)
{
	if (!sampler)
		return;
	flight_clear(&sampler->light);
	flight_clear(&sampler->walk);
	reader_free(sampler->reader);
	g_mutex_clear(&sampler->lock);
	g_cond_clear(&sampler->landed);
	g_free(sampler);
}

const Machine *sampler_machine(const Sampler *sampler)
{
	return reader_machine(sampler->reader);
}

void sampler_set_max_age(Sampler *sampler, unsigned max_age_ms)
{
	g_mutex_lock(&sampler->lock);
	sampler->max_age = (gint64) max_age_ms * 1000;
	g_mutex_unlock(&sampler->lock);
}

/* How long a sample may be given out: ten times what it cost, but no longer than max_age; a sample so expensive that
 * this would be less than three times its cost, those three times. */
static gint64 freshness(const Sampler *sampler, const Sample *sample)
{
	if (sampler->max_age == 0)
		return 0;
	return MAX(COST_SHARE_MIN * sample->cost, MIN(COST_SHARE * sample->cost, sampler->max_age));
}

/* `since`: a sample that was begun after this is always good; others only if old_ones is set and they are fresh. */
static gboolean is_usable(const Sampler *sampler, const Sample *sample, unsigned parts, gint64 since, gboolean old_ones)
{
	if (!sample || (sample->parts & parts) != parts)
		return FALSE;
	if (sample->taken - sample->cost >= since)
		return TRUE;
	return old_ones && since - sample->taken < freshness(sampler, sample);
}

static void note_wanted(Sampler *sampler, unsigned parts, gint64 now)
{
	for (int i = 0; i < N_PARTS; i++)
		if (parts & (1U << i))
			sampler->wanted[i] = now;
}

/* What the next sample shall hold: also what others have asked for lately, or readers of different parts would make
 * each other's sample useless by turns. */
static unsigned parts_to_take(const Sampler *sampler, unsigned parts, gint64 now)
{
	unsigned walk_parts = reader_walk_parts(sampler->reader);

	for (int i = 0; i < N_PARTS; i++) {
		unsigned part = 1U << i;

		if (sampler->wanted[i] && now - sampler->wanted[i] <= sampler->max_age &&
		    (!(walk_parts & part) || (parts & walk_parts)))
			parts |= part;
	}
	return parts;
}

/* Takes a sample and puts it in its place. Called and returns with the lock held. */
static void take(Sampler *sampler, Flight *flight, unsigned parts, gint64 now)
{
	Sample *sample;

	parts = parts_to_take(sampler, parts, now);
	flight->busy = TRUE;
	g_mutex_unlock(&sampler->lock);
	sample = reader_take(sampler->reader, parts, flight->buffer);
	if (flight == &sampler->walk)
		g_debug("a sample of %u processes took %" G_GINT64_FORMAT " us", sample->n_processes, sample->cost);
	g_mutex_lock(&sampler->lock);
	if (flight->sample)
		sample_unref(flight->sample);
	flight->sample = sample;
	flight->busy = FALSE;
	g_cond_broadcast(&sampler->landed);
}

static Sample *get(Sampler *sampler, unsigned parts, gboolean old_ones)
{
	Flight *flight = parts & reader_walk_parts(sampler->reader) ? &sampler->walk : &sampler->light;
	gint64 since = g_get_monotonic_time();
	Sample *sample;

	g_mutex_lock(&sampler->lock);
	note_wanted(sampler, parts, since);
	while (!is_usable(sampler, flight->sample, parts, since, old_ones)) {
		if (flight->busy)
			g_cond_wait(&sampler->landed, &sampler->lock);
		else
			take(sampler, flight, parts, since);
	}
	sample = sample_ref(flight->sample);
	g_mutex_unlock(&sampler->lock);
	return sample;
}

Sample *sampler_get(Sampler *sampler, unsigned parts)
{
	return get(sampler, parts, TRUE);
}

Sample *sampler_get_fresh(Sampler *sampler, unsigned parts)
{
	return get(sampler, parts, FALSE);
}

int sampler_read_native(Sampler *sampler, const char *name, GString *out)
{
	return reader_native(sampler->reader, name, out);
}

Sample *sampler_get_with_native(Sampler *sampler, unsigned parts, const char *name)
{
	g_autoptr(Sample) shared = sampler_get(sampler, parts);
	g_autoptr(GString) text = g_string_new(NULL);
	Sample *sample = sample_copy(shared);

	if (sampler_read_native(sampler, name, text) == 0)
		sample->native = g_strdup(text->str);
	return sample;
}

int sampler_proc_fd(const Sampler *sampler)
{
	return reader_proc(sampler->reader);
}

int sampler_read_process(Sampler *sampler, pid_t pid, gboolean with_memory, Process *ret)
{
	g_autoptr(GString) buffer = g_string_new(NULL);
	const Machine *machine = sampler_machine(sampler);
	ProcessMemory memory;
	Process process;
	int r;

	r = process_read(sampler_proc_fd(sampler), pid, machine, buffer, &process);
	if (r < 0)
		return r;
	if (with_memory) {
		r = process_read_memory(sampler_proc_fd(sampler), pid, machine, &memory);
		if (r < 0)
			return r;
		process.rss = memory.anon + memory.file + memory.shmem;
		process.rss_file = memory.file;
		process.rss_shmem = memory.shmem;
	}
	*ret = process;
	return 0;
}
