/*
 * What groups use, from what their members use.
 *
 * A group's time is the sum of what its members spent while they were here: at each look at the process list the growth
 * since the last look goes to the group that the process is in, and stays there. The time that a process spent between
 * the last look and its end is known only when its parent reaps it (cutime and cstime of the parent): the part of that
 * growth which was not counted yet goes to the group of the child, or to the parent's where the child was never seen.
 *
 * Time of a thread that was moved by itself goes to its own group.
 *
 * What a process read and wrote (/proc/PID/io) is looked at when it moves, when somebody asks for the I/O of its group,
 * and at its end where the kernel tells of that; elsewhere what came after the last look is lost with the process.
 */
#include "fs/cgroup/backing.h"
#include "fs/cgroup/charges.h"
#include "fs/cgroup/core.h"
#include "fs/cgroup/members.h"
#include "fs/cgroup/page-counter.h"

#include <string.h>

static guint64 growth(guint64 now, guint64 before)
{
	return now > before ? now - before : 0;
}

static void add_cpu(Group *group, unsigned cpu, guint64 user, guint64 system)
{
	Core *core = group_core(group);
	unsigned n = group->hierarchy->fs->cgroups->n_cpus;

	core->own.cpu_user += user;
	core->own.cpu_system += system;
	if (!core->cpu_user) {
		core->cpu_user = g_new0(guint64, n);
		core->cpu_system = g_new0(guint64, n);
	}
	core->cpu_user[cpu % n] += user;
	core->cpu_system[cpu % n] += system;
}

/* A sample may have read the process before somebody else did: what was seen once never goes back. */
static void remember(Process *last, const Process *now)
{
	Process merged = *now;

	merged.user_ns = MAX(now->user_ns, last->user_ns);
	merged.system_ns = MAX(now->system_ns, last->system_ns);
	merged.children_user_ns = MAX(now->children_user_ns, last->children_user_ns);
	merged.children_system_ns = MAX(now->children_system_ns, last->children_system_ns);
	merged.minor_faults = MAX(now->minor_faults, last->minor_faults);
	merged.major_faults = MAX(now->major_faults, last->major_faults);
	*last = merged;
}

/* CPU time of one process, or of one of its threads, since the last look, ns. */
typedef struct CpuGrowth {
	guint64 user, system;
} CpuGrowth;

static gboolean read_thread(const Task *task, pid_t tid, Process *ret)
{
	const Sampler *sampler = task->groups[0]->hierarchy->fs->sampler;
	g_autoptr(GString) buffer = g_string_new(NULL);

	return process_read_thread(sampler_proc_fd(sampler), task->pid, tid, sampler_machine(sampler), buffer, ret) ==
	       0;
}

void accounting_begin_thread(const Task *task, pid_t tid)
{
	MovedThread *thread = task_moved_thread(task, tid);
	Process now;

	if (!thread || thread->is_known || !read_thread(task, tid, &now))
		return;
	thread->user_ns = now.user_ns;
	thread->system_ns = now.system_ns;
	thread->is_known = TRUE;
}

/* How much of what its process spent (all: what of that was not told apart yet) the thread did. */
static CpuGrowth growth_of_thread(MovedThread *thread, const Process *now, CpuGrowth *all)
{
	CpuGrowth own = {MIN(growth(now->user_ns, thread->user_ns), all->user),
			 MIN(growth(now->system_ns, thread->system_ns), all->system)};

	thread->user_ns += own.user;
	thread->system_ns += own.system;
	all->user -= own.user;
	all->system -= own.system;
	return own;
}

/* Where the process is, its thread is not: rest loses what the thread's group gets. */
static void add_thread_growth(const MovedThread *thread, unsigned cpu, CpuGrowth own, CpuGrowth *rest, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!thread->places[i])
			continue;
		rest[i].user -= own.user;
		rest[i].system -= own.system;
		if (thread->places[i]->parent)
			add_cpu(thread->places[i], cpu, own.user, own.system);
	}
}

/* The files of threads that were moved by themselves are read here, with the tree locked: there are few such threads,
 * and what is theirs must never have been seen in their process' group. What a thread spent after the last look before
 * its end stays there. */
static void tell_threads_apart(Task *task, CpuGrowth all, CpuGrowth *rest, unsigned n)
{
	GHashTableIter iter;
	gpointer tid, thread;
	Process now;

	if (!task->threads)
		return;
	g_hash_table_iter_init(&iter, task->threads);
	while (g_hash_table_iter_next(&iter, &tid, &thread)) {
		accounting_begin_thread(task, GPOINTER_TO_INT(tid));
		if (read_thread(task, GPOINTER_TO_INT(tid), &now))
			add_thread_growth(thread, now.processor, growth_of_thread(thread, &now, &all), rest, n);
	}
}

static void add_growth(Task *task, const Process *now)
{
	unsigned n = task->groups[0]->hierarchy->fs->cgroups->hierarchies->len;
	const Process *last = &task->last;
	CpuGrowth all = {growth(now->user_ns, last->user_ns), growth(now->system_ns, last->system_ns)};
	guint64 faults = growth(now->minor_faults, last->minor_faults) + growth(now->major_faults, last->major_faults);
	g_autofree CpuGrowth *rest = NULL;

	if (!all.user && !all.system && !faults)
		return;
	rest = g_new(CpuGrowth, n);
	for (unsigned i = 0; i < n; i++)
		rest[i] = all;
	tell_threads_apart(task, all, rest, n);
	for (unsigned i = 0; i < n; i++) {
		Group *group = task->groups[i];

		if (!group->parent)
			continue;
		add_cpu(group, now->processor, rest[i].user, rest[i].system);
		group_core(group)->own.faults += faults;
		group_core(group)->own.major_faults += growth(now->major_faults, last->major_faults);
	}
}

void accounting_note_ended(Members *members, Task *gone)
{
	Task *parent = members_find(members, gone->ppid);
	unsigned n = members->fs->cgroups->hierarchies->len;
	const Process *last = &gone->last;
	guint64 own = last->user_ns + last->system_ns;
	/* With it ends what it reaped, whether or not that was seen in its children's times. */
	guint64 counted = own + last->children_user_ns + last->children_system_ns + gone->gone;

	if (!parent)
		return;
	parent->gone += growth(counted, gone->told);
	gone->told = MAX(counted, gone->told);
	g_free(parent->gone_groups);
	parent->gone_groups = g_memdup2(gone->groups, n * sizeof *gone->groups);
}

static void settle_gone(Task *parent, const Process *now)
{
	unsigned n = parent->groups[0]->hierarchy->fs->cgroups->hierarchies->len;
	/* Of who was not seen before the times may be of anybody, not only of the last that ended. */
	Group **groups = parent->gone_groups && parent->last.pid ? parent->gone_groups : parent->groups;
	guint64 user = growth(now->children_user_ns, parent->last.children_user_ns);
	guint64 system = growth(now->children_system_ns, parent->last.children_system_ns);

	guint64 known = MIN(user + system, parent->gone), unknown = user + system - known;
	guint64 unknown_system = user + system ? (guint64) ((double) unknown * system / (user + system)) : 0;

	/* At its first sight a process brings along the times of children that it reaped as a member of these groups
	 * too. */
	if (unknown)
		for (unsigned i = 0; i < n; i++)
			if (groups[i]->parent)
				add_cpu(groups[i], now->processor, unknown - unknown_system, unknown_system);
	/* The rest is of those that it has not reaped yet. */
	parent->gone -= known;
	if (!parent->gone)
		g_clear_pointer(&parent->gone_groups, g_free);
}

void accounting_update(Task *task, const Process *now)
{
	add_growth(task, now);
	settle_gone(task, now);
	remember(&task->last, now);
}

/* What the kernel counts by process are system calls, most of which never meet a disk: as many of them as moved a page
 * are taken for operations of the disk. */
static guint64 disk_ops(guint64 bytes, guint64 calls)
{
	return bytes ? CLAMP(bytes / PAGE_BYTES, 1, MAX(calls, 1)) : 0;
}

void accounting_update_io(Task *task, const ProcessIo *now)
{
	unsigned n = task->groups[0]->hierarchy->fs->cgroups->hierarchies->len;
	ProcessIo *last = &task->io;
	guint64 read = growth(now->read_bytes, last->read_bytes), written = growth(now->write_bytes, last->write_bytes);
	guint64 reads = disk_ops(read, growth(now->read_ops, last->read_ops));
	guint64 writes = disk_ops(written, growth(now->write_ops, last->write_ops));

	for (unsigned i = 0; (read || written) && i < n; i++) {
		Counters *own = &group_core(task->groups[i])->own;

		own->read_bytes += read;
		own->write_bytes += written;
		own->read_ops += reads;
		own->write_ops += writes;
	}
	last->read_bytes += read;
	last->write_bytes += written;
	last->read_ops = MAX(now->read_ops, last->read_ops);
	last->write_ops = MAX(now->write_ops, last->write_ops);
}

static void counters_add(Counters *to, const Counters *from)
{
	to->cpu_user += from->cpu_user;
	to->cpu_system += from->cpu_system;
	to->faults += from->faults;
	to->major_faults += from->major_faults;
	to->read_bytes += from->read_bytes;
	to->write_bytes += from->write_bytes;
	to->read_ops += from->read_ops;
	to->write_ops += from->write_ops;
}

void accounting_merge_into_parent(Group *group)
{
	Core *core = group_core(group), *parent = group_core(group->parent);
	unsigned n = group->hierarchy->fs->cgroups->n_cpus;

	counters_add(&parent->inherited, &core->own);
	counters_add(&parent->inherited, &core->inherited);
	if (!core->cpu_user)
		return;
	if (!parent->cpu_user) {
		parent->cpu_user = g_new0(guint64, n);
		parent->cpu_system = g_new0(guint64, n);
	}
	for (unsigned i = 0; i < n; i++) {
		parent->cpu_user[i] += core->cpu_user[i];
		parent->cpu_system[i] += core->cpu_system[i];
	}
}

static void usage_add_counters(Usage *usage, const Counters *counters)
{
	usage->cpu_user += counters->cpu_user;
	usage->cpu_system += counters->cpu_system;
	usage->faults += counters->faults;
	usage->major_faults += counters->major_faults;
	usage->read_bytes += counters->read_bytes;
	usage->write_bytes += counters->write_bytes;
	usage->read_ops += counters->read_ops;
	usage->write_ops += counters->write_ops;
}

static void usage_add_charge(Usage *usage, const Charge *charge)
{
	usage->anon += charge->anon;
	usage->file += charge->file + charge->shmem;
	usage->shmem += charge->shmem;
	usage->swap += charge->swap;
}

static void usage_add_task(const Group *group, const Task *task, Usage *usage)
{
	Charge charge;

	usage->n_processes++;
	usage->n_tasks += task_count_unmoved(task, group->hierarchy->index);
	/* A process' memory is its leader's group's, as in the kernel (mm->owner). */
	if (task->groups[group->hierarchy->index] != group)
		return;
	charge = charges_here(task, group->hierarchy);
	usage_add_charge(usage, &charge);
}

static void usage_add_members(const Group *group, Usage *usage)
{
	Charge left = {0};
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, group_core(group)->members);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		usage_add_task(group, key, usage);
	charges_add(group, &left);
	usage_add_charge(usage, &left);
	usage->n_tasks += g_hash_table_size(group_core(group)->threads) + group_core(group)->n_zombies;
}

static void usage_add_group(const Group *group, Usage *usage)
{
	usage_add_counters(usage, &group_core(group)->own);
	usage_add_members(group, usage);
}

static void usage_add_subtree(const Group *group, Usage *usage)
{
	usage_add_group(group, usage);
	usage_add_counters(usage, &group_core(group)->inherited);
	for (guint i = 0; i < group->children->len; i++)
		usage_add_subtree(group->children->pdata[i], usage);
}

static void usage_of_disks(const Sample *sample, Usage *usage)
{
	for (unsigned i = 0; i < sample->n_disks; i++) {
		const DiskStat *disk = &sample->disks[i];

		usage->read_bytes += disk->read_bytes;
		usage->write_bytes += disk->write_bytes;
		usage->read_ops += disk->read_ops;
		usage->write_ops += disk->write_ops;
	}
}

/* The machine's memory as mem_cgroup_usage() counts a root group's: page cache and anonymous pages. */
static void usage_of_machine(const Sample *sample, Usage *usage)
{
	const Memory *memory = &sample->memory;

	usage->cpu_user = sample->cpu.user + sample->cpu.nice;
	usage->cpu_nice = sample->cpu.nice;
	usage->cpu_system = sample->cpu.system + sample->cpu.irq + sample->cpu.softirq;
	usage->anon = memory->anon_pages;
	usage->file = memory->cached + memory->buffers;
	usage->shmem = memory->shmem;
	usage->swap = growth(memory->swap_total, memory->swap_free);
	usage->faults = memory->pgfault;
	usage->major_faults = memory->pgmajfault;
	usage->n_processes = sample->n_processes;
	usage->n_tasks = sample->n_tasks;
	usage_of_disks(sample, usage);
}

void group_usage(const Group *group, const Sample *sample, Usage *ret)
{
	memset(ret, 0, sizeof *ret);
	if (group_is_root(group))
		usage_of_machine(sample, ret);
	else {
		usage_add_subtree(group, ret);
		backing_correct(group, ret);
	}
}

void group_usage_local(const Group *group, const Sample *sample, Usage *ret)
{
	memset(ret, 0, sizeof *ret);
	if (group_is_root(group))
		usage_of_machine(sample, ret);
	else
		usage_add_group(group, ret);
}

static void add_subtree_cpu(const Group *group, unsigned cpu, guint64 *user, guint64 *system)
{
	const Core *core = group_core(group);

	if (core->cpu_user) {
		*user += core->cpu_user[cpu];
		*system += core->cpu_system[cpu];
	}
	for (guint i = 0; i < group->children->len; i++)
		add_subtree_cpu(group->children->pdata[i], cpu, user, system);
}

/* On which CPU it was spent the kernel's own group does not say: the first takes the difference, as far as it can. */
static guint64 corrected(guint64 ours, guint64 rest, guint64 all, unsigned cpu)
{
	return cpu == 0 ? growth(all, rest) : MIN(ours, all);
}

static void correct_cpu(const Group *group, unsigned cpu, guint64 *user, guint64 *system)
{
	Usage seen = {0}, all;

	usage_add_subtree(group, &seen);
	all = seen;
	backing_correct(group, &all);
	*user = corrected(*user, seen.cpu_user - *user, all.cpu_user, cpu);
	*system = corrected(*system, seen.cpu_system - *system, all.cpu_system, cpu);
}

void group_usage_cpu(const Group *group, const Sample *sample, unsigned cpu, guint64 *ret_user, guint64 *ret_system)
{
	*ret_user = *ret_system = 0;
	if (!group_is_root(group)) {
		add_subtree_cpu(group, cpu, ret_user, ret_system);
		if (group_core(group)->native_begun)
			correct_cpu(group, cpu, ret_user, ret_system);
	} else if (sample->cpus && cpu < sample->n_cpus) {
		const CpuTimes *times = &sample->cpus[cpu];

		*ret_user = times->user + times->nice;
		*ret_system = times->system + times->irq + times->softirq;
	}
}

guint64 group_memory_usage(const Group *group, const Sample *sample)
{
	Usage usage;

	group_usage(group, sample, &usage);
	return usage.anon + usage.file + usage.kernel;
}
