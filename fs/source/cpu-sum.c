#include "fs/source/cpu.h"

/* What a process had used when it was last seen. */
typedef struct Seen {
	gint pid; /* the key in the table of them */
	guint64 start;
	guint64 user, system, children_user, children_system;
	guint64 round; /* of the last look that saw it */
} Seen;

/*
 * Settles the time of reaped children against that of the dead, which was counted while they lived: only what exceeds
 * it is new. A look at /proc is not taken at one moment, so that a child's end and its parent's gain may be seen one
 * round apart: either side waits one round for the other.
 */
typedef struct Settlement {
	guint64 dead;    /* of the last round, with no gain of a parent yet */
	guint64 surplus; /* booked in the last round; turns out to be counted twice if a child is missed in this one */
	guint64 debt;    /* booked twice: taken off what is booked next, as a counter cannot go back */
} Settlement;

struct CpuSum {
	unsigned n_cpus;
	Settlement user, system;
	CpuTimes *cpus;   /* only user, system and idle are used */
	GHashTable *seen; /* Seen.pid → Seen, owned */
	guint64 round;
};

CpuSum *cpu_sum_new(unsigned n_cpus)
{
	CpuSum *sum = g_new0(CpuSum, 1);

	sum->n_cpus = MAX(n_cpus, 1);
	sum->cpus = g_new0(CpuTimes, sum->n_cpus);
	sum->seen = g_hash_table_new_full(g_int_hash, g_int_equal, NULL, g_free);
	return sum;
}

void cpu_sum_free(CpuSum *sum)
{
	if (!sum)
		return;
	g_free(sum->cpus);
	g_hash_table_unref(sum->seen);
	g_free(sum);
}

/* Books time on a CPU; what would make it busier than the machine is old goes to the next one. (A kernel that does not
 * tell on which CPU a process runs names CPU 0 for all.) */
static void book(CpuSum *sum, unsigned cpu, guint64 user, guint64 system, guint64 uptime_ns)
{
	for (unsigned i = 0; i < sum->n_cpus && user + system > 0; i++) {
		CpuTimes *times = &sum->cpus[(cpu + i) % sum->n_cpus];
		guint64 busy = times->user + times->system;
		guint64 room = uptime_ns > busy ? uptime_ns - busy : 0;
		guint64 part = MIN(user, room);

		times->user += part;
		user -= part;
		part = MIN(system, room - part);
		times->system += part;
		system -= part;
	}
	sum->cpus[cpu].user += user;
	sum->cpus[cpu].system += system;
}

static guint64 settle(Settlement *settlement, guint64 reaped, guint64 dead)
{
	guint64 matched = MIN(reaped, dead + settlement->dead);
	guint64 surplus = reaped - matched;
	guint64 alone = dead - MIN(dead, matched);
	guint64 twice = MIN(alone, settlement->surplus);

	settlement->debt += twice;
	settlement->dead = alone - twice;
	settlement->surplus = surplus;
	return surplus;
}

static guint64 pay(Settlement *settlement, guint64 amount)
{
	guint64 part = MIN(amount, settlement->debt);

	settlement->debt -= part;
	return amount - part;
}

static guint64 growth(guint64 now, guint64 *last)
{
	guint64 grown = now > *last ? now - *last : 0;

	*last = MAX(now, *last);
	return grown;
}

static Seen *seen_find(CpuSum *sum, const Process *process)
{
	Seen *seen = g_hash_table_lookup(sum->seen, &process->pid);

	/* A pid that is used again is another process; the old one is among the dead of this round. */
	if (!seen || seen->start != process->start)
		return NULL;
	return seen;
}

static void add_dead(const Seen *seen, guint64 *user, guint64 *system)
{
	*user += seen->user + seen->children_user;
	*system += seen->system + seen->children_system;
}

static Seen *seen_add(CpuSum *sum, const Process *process, guint64 *dead_user, guint64 *dead_system)
{
	const Seen *old = g_hash_table_lookup(sum->seen, &process->pid);
	Seen *seen = g_new0(Seen, 1);

	if (old)
		add_dead(old, dead_user, dead_system);
	seen->pid = process->pid;
	seen->start = process->start;
	g_hash_table_replace(sum->seen, &seen->pid, seen);
	return seen;
}

static void bury(CpuSum *sum, guint64 *dead_user, guint64 *dead_system)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, sum->seen);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Seen *seen = value;

		if (seen->round == sum->round)
			continue;
		add_dead(seen, dead_user, dead_system);
		g_hash_table_iter_remove(&iter);
	}
}

void cpu_sum_update(CpuSum *sum, const Process *processes, unsigned n_processes, guint64 uptime_ns)
{
	guint64 reaped_user = 0, reaped_system = 0, dead_user = 0, dead_system = 0;

	sum->round++;
	for (unsigned i = 0; i < n_processes; i++) {
		const Process *process = &processes[i];
		Seen *seen = seen_find(sum, process);

		if (!seen)
			seen = seen_add(sum, process, &dead_user, &dead_system);
		seen->round = sum->round;
		reaped_user += growth(process->children_user_ns, &seen->children_user);
		reaped_system += growth(process->children_system_ns, &seen->children_system);
		book(sum, process->processor % sum->n_cpus, pay(&sum->user, growth(process->user_ns, &seen->user)),
		     pay(&sum->system, growth(process->system_ns, &seen->system)), uptime_ns);
	}
	bury(sum, &dead_user, &dead_system);
	reaped_user = settle(&sum->user, reaped_user, dead_user);
	reaped_system = settle(&sum->system, reaped_system, dead_system);
	book(sum, 0, pay(&sum->user, reaped_user), pay(&sum->system, reaped_system), uptime_ns);
}

void cpu_sum_fill(CpuSum *sum, guint64 uptime_ns, Sample *sample)
{
	for (unsigned i = 0; i < MIN(sum->n_cpus, sample->n_cpus); i++) {
		CpuTimes *times = &sum->cpus[i];
		guint64 busy = times->user + times->system;

		times->idle = MAX(times->idle, uptime_ns > busy ? uptime_ns - busy : 0);
		sample->cpus[i] = *times;
		sample->cpu.user += times->user;
		sample->cpu.system += times->system;
		sample->cpu.idle += times->idle;
	}
}
