/*
 * What was read from and written to block devices: v1's blkio.throttle.io_*, v2's io.stat.
 *
 * The root's numbers are those of /proc/diskstats by disk. A group's are the sums of its members' /proc/PID/io, which
 * does not name the disk: they stand under the first one.
 */
#include "fs/cgroup/io.h"

static DiskStat disk_of_usage(const Sample *sample, const Usage *usage)
{
	return (DiskStat){
		.major = sample->disks[0].major,
		.minor = sample->disks[0].minor,
		.read_bytes = usage->read_bytes,
		.write_bytes = usage->write_bytes,
		.read_ops = usage->read_ops,
		.write_ops = usage->write_ops,
	};
}

static gboolean is_used(const DiskStat *disk)
{
	return disk->read_bytes || disk->write_bytes || disk->read_ops || disk->write_ops || disk->discard_ops;
}

/* Calls show for each disk that the group has used. */
static void for_each_disk(const VContext *ctx, gboolean local,
			  void (*show)(const DiskStat *disk, size_t what, GString *out), size_t what, GString *out)
{
	const Sample *sample = ctx->sample;
	DiskStat disk;
	Usage usage;

	if (group_is_root(ctx->owner)) {
		for (unsigned i = 0; i < sample->n_disks; i++)
			if (is_used(&sample->disks[i]))
				show(&sample->disks[i], what, out);
		return;
	}
	if (sample->n_disks == 0)
		return;
	(local ? group_usage_local : group_usage)(ctx->owner, sample, &usage);
	disk = disk_of_usage(sample, &usage);
	if (is_used(&disk))
		show(&disk, what, out);
}

static guint64 total_of_disk(const DiskStat *disk, size_t what)
{
	return what & IO_STAT_OPS ? disk->read_ops + disk->write_ops + disk->discard_ops
				  : disk->read_bytes + disk->write_bytes + disk->discard_bytes;
}

/* Reads are synchronous, writes mostly are not: the kernel tells them apart by bio, /proc/diskstats does not. */
static void show_v1_disk(const DiskStat *disk, size_t what, GString *out)
{
	gboolean ops = (what & IO_STAT_OPS) != 0;
	guint64 read = ops ? disk->read_ops : disk->read_bytes, write = ops ? disk->write_ops : disk->write_bytes;
	const struct {
		const char *name;
		guint64 value;
	} lines[] = {
		{"Read", read},
		{"Write", write},
		{"Sync", read},
		{"Async", write},
		{"Discard", ops ? disk->discard_ops : disk->discard_bytes},
		{"Total", total_of_disk(disk, what)},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
		g_string_append_printf(out, "%u:%u %s %" G_GUINT64_FORMAT "\n", disk->major, disk->minor, lines[i].name,
				       lines[i].value);
}

static guint64 total_of_group(const VContext *ctx, size_t what)
{
	guint64 total = 0;
	Usage usage;

	if (group_is_root(ctx->owner)) {
		for (unsigned i = 0; i < ctx->sample->n_disks; i++)
			total += total_of_disk(&ctx->sample->disks[i], what);
		return total;
	}
	(what & IO_STAT_LOCAL ? group_usage_local : group_usage)(ctx->owner, ctx->sample, &usage);
	return what & IO_STAT_OPS ? usage.read_ops + usage.write_ops : usage.read_bytes + usage.write_bytes;
}

int io_show_v1_stat(const VContext *ctx, GString *out)
{
	size_t what = ctx->file->arg;

	for_each_disk(ctx, (what & IO_STAT_LOCAL) != 0, show_v1_disk, what, out);
	g_string_append_printf(out, "Total %" G_GUINT64_FORMAT "\n", total_of_group(ctx, what));
	return 0;
}

static void show_v2_disk(const DiskStat *disk, size_t what, GString *out)
{
	g_string_append_printf(out,
			       "%u:%u rbytes=%" G_GUINT64_FORMAT " wbytes=%" G_GUINT64_FORMAT " rios=%" G_GUINT64_FORMAT
			       " wios=%" G_GUINT64_FORMAT " dbytes=%" G_GUINT64_FORMAT " dios=%" G_GUINT64_FORMAT "\n",
			       disk->major, disk->minor, disk->read_bytes, disk->write_bytes, disk->read_ops,
			       disk->write_ops, disk->discard_bytes, disk->discard_ops);
}

int io_show_v2_stat(const VContext *ctx, GString *out)
{
	for_each_disk(ctx, FALSE, show_v2_disk, 0, out);
	return 0;
}
