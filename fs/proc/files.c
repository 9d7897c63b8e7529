/*
 * The rows of the composite tree's /proc directory, and what each needs of a sample.
 */
#include "fs/proc/proc.h"

#include "fs/cgroup/hierarchy.h"
#include "fs/proc/caller.h"
#include "fs/proc/cgroups.h"
#include "fs/proc/render.h"

#include <errno.h>

/* A row's arg: the parts of the sample, and whether the kernel's own text is wanted too. */
#define WITH_NATIVE (1U << 16)

typedef void (*Render)(const ProcScene *scene, GString *out);

static int show(const VContext *ctx, Render render, GString *out)
{
	ProcLimits limits;
	const ProcScene scene = {ctx->sample, sampler_machine(ctx->fs->sampler), &limits};

	proc_caller_limits(ctx->fs, ctx->caller, ctx->sample, &limits);
	render(&scene, out);
	proc_limits_clear(&limits);
	return 0;
}

#define SHOW(name)                                                                                                     \
	static int show_##name(const VContext *ctx, GString *out)                                                      \
	{                                                                                                              \
		return show(ctx, proc_show_##name, out);                                                               \
	}

SHOW(stat)
SHOW(uptime)
SHOW(loadavg)
SHOW(meminfo)
SHOW(vmstat)
SHOW(swaps)
SHOW(cpuinfo)
SHOW(diskstats)

static int show_pressure_of(const VContext *ctx, GString *out)
{
	proc_show_pressure(&ctx->sample->pressure[ctx->file->arg], out);
	return 0;
}

static gboolean serves_v1(const Fs *fs)
{
	const GPtrArray *hierarchies = fs->cgroups ? fs->cgroups->hierarchies : NULL;

	return hierarchies && hierarchies->len > (fs->cgroups->v2 ? 1 : 0);
}

static int show_filesystems(const VContext *ctx, GString *out)
{
	const char *more[3] = {NULL};
	unsigned n = 0;

	if (serves_v1(ctx->fs))
		more[n++] = "nodev\tcgroup";
	if (ctx->fs->cgroups && ctx->fs->cgroups->v2)
		more[n++] = "nodev\tcgroup2";
	proc_show_filesystems(ctx->sample->native, more, out);
	return 0;
}

static int show_cgroups(const VContext *ctx, GString *out)
{
	proc_show_cgroups(ctx->fs, out);
	return 0;
}

#define FILE_ROW(name, origin, parts, meaning)                                                                         \
	{                                                                                                              \
#name, 0444, 0, origin, show_##name, NULL, parts, meaning                                              \
	}

static const VFile proc_files[] = {
	FILE_ROW(cgroups, ORIGIN_TREE, 0, "the controllers, their hierarchies and numbers of groups"),
	FILE_ROW(cpuinfo, ORIGIN_NATIVE, WITH_NATIVE, "the CPUs that may be used"),
	FILE_ROW(diskstats, ORIGIN_NATIVE, WITH_NATIVE, "block I/O of each device"),
	FILE_ROW(filesystems, ORIGIN_NATIVE, WITH_NATIVE, "types of file systems, those served here among them"),
	FILE_ROW(loadavg, ORIGIN_PIDS, SAMPLE_LOAD, "load averages, running and existing tasks, last process ID"),
	FILE_ROW(meminfo, ORIGIN_MEMORY, SAMPLE_MEMORY | WITH_NATIVE, "memory that there is and what it is used for"),
	FILE_ROW(stat, ORIGIN_CPU, SAMPLE_CPU | SAMPLE_LOAD | WITH_NATIVE,
		 "CPU time by kind and CPU, boot time, forks"),
	FILE_ROW(swaps, ORIGIN_MEMORY, SAMPLE_MEMORY | WITH_NATIVE, "swap areas"),
	FILE_ROW(uptime, ORIGIN_CPU, SAMPLE_CPU | SAMPLE_LOAD, "seconds since boot, and seconds that CPUs were idle"),
	FILE_ROW(vmstat, ORIGIN_MEMORY, SAMPLE_MEMORY | WITH_NATIVE, "events of memory management since boot"),
	{0},
};

static const VFile pressure_files[] = {
	{"cpu", 0444, 0, ORIGIN_PRESSURE, show_pressure_of, NULL, PRESSURE_CPU, "time lost waiting for a CPU"},
	{"io", 0444, 0, ORIGIN_PRESSURE, show_pressure_of, NULL, PRESSURE_IO, "time lost waiting for block I/O"},
	{"memory", 0444, 0, ORIGIN_PRESSURE, show_pressure_of, NULL, PRESSURE_MEMORY, "time lost waiting for memory"},
	{0},
};

static Sample *take_sample(Fs *fs, Node *file, const Caller *caller)
{
	const VFile *row = file->file.row;
	unsigned parts = (unsigned) row->arg & ~WITH_NATIVE;

	if (row->origin != ORIGIN_TREE)
		proc_caller_refresh(fs, caller, parts & SAMPLE_MEMORY);
	if (row->arg & WITH_NATIVE)
		return sampler_get_with_native(fs->sampler, parts, row->name);
	return parts ? sampler_get(fs->sampler, parts) : NULL;
}

static const NodeOps proc_ops = {.sample = take_sample, .find = proc_find_pid, .list = proc_list_pids};

void proc_init(Fs *fs, Node *dir)
{
	dir->dir.ops = &proc_ops;
	tree_add_files(fs->tree, dir, proc_files, TRUE, NULL, NULL);
	if (sampler_machine(fs->sampler)->has_pressure)
		tree_add_files(fs->tree, tree_add_directory(fs->tree, dir, "pressure", 0555, NULL, NULL),
			       pressure_files, TRUE, NULL, NULL);
}
