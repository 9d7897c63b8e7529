/*
 * The io controller, "blkio" in v1: weights and limits of block devices, and their use (block/blk-cgroup.c).
 *
 * Limits and weights are kept, not enforced. No disk uses BFQ or io.cost here, so that their statistics stay at zero
 * and a weight for a single device is refused with EOPNOTSUPP, as in a kernel where that is so.
 */
#include "fs/cgroup/io.h"

#include "fs/convert.h"
#include "fs/parse.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define WEIGHT_DEFAULT ((guint64) 100)
#define WEIGHT_MAX     ((guint64) 10000)
#define BFQ_WEIGHT_MAX ((guint64) 1000)

static void io_init(Fs *fs, Group *group, void *state, Group *parent, void *parent_state)
{
	Io *io = state;

	io->weight = io->bfq_weight = WEIGHT_DEFAULT;
	io->limits = g_array_new(FALSE, FALSE, sizeof(IoLimit));
}

static void io_clear(Fs *fs, Group *group, void *state)
{
	g_array_unref(((Io *) state)->limits);
}

static int set_bfq_weight(const VContext *ctx, guint64 weight)
{
	VContext locked = *ctx;
	int r;

	if (weight < 1 || weight > BFQ_WEIGHT_MAX)
		return -ERANGE;
	r = control_file_lock(&locked);
	if (r < 0)
		return r;
	((Io *) locked.state)->bfq_weight = weight;
	control_file_unlock(&locked);
	return 0;
}

static int io_set_bfq_weight(const VContext *ctx, const char *text, size_t len)
{
	guint64 weight;
	int r = parse_u64(text, &weight);

	return r < 0 ? r : set_bfq_weight(ctx, weight);
}

/* A setting for one device, by a policy that no device follows. */
static int set_device_weight(const VContext *ctx, const char *text)
{
	guint32 major, minor;
	int r = io_read_device(ctx->fs, &text, &major, &minor);

	return r < 0 ? r : -EOPNOTSUPP;
}

/* "WEIGHT" in any base, "default WEIGHT", or "MAJOR:MINOR WEIGHT". */
static int io_set_bfq_device_weight(const VContext *ctx, const char *text, size_t len)
{
	const char *at = text;
	guint64 weight = 0;

	if (parse_u64(text, &weight) != -EINVAL || *text == '\0')
		return set_bfq_weight(ctx, weight);
	if (convert_literal(&at, "default ") && convert_u64(&at, &weight))
		return set_bfq_weight(ctx, weight);
	return set_device_weight(ctx, text);
}

static int io_default_weight(const VContext *ctx, GString *out)
{
	g_string_append_printf(out, "default %" G_GUINT64_FORMAT "\n", *VFILE_FIELD(ctx, guint64));
	return 0;
}

/* "WEIGHT", "default WEIGHT", or "MAJOR:MINOR WEIGHT"; what follows a number is not looked at. */
static int io_set_weight(const VContext *ctx, const char *text, size_t len)
{
	const char *at = text;
	VContext locked = *ctx;
	guint32 weight;
	int r;

	if (strchr(text, ':') != NULL)
		return set_device_weight(ctx, text);
	convert_literal(&at, "default ");
	if (!convert_u32(&at, &weight))
		return -EINVAL;
	if (weight < 1 || weight > WEIGHT_MAX)
		return -EINVAL;
	r = control_file_lock(&locked);
	if (r < 0)
		return r;
	((Io *) locked.state)->weight = weight;
	control_file_unlock(&locked);
	return 0;
}

static int io_set_cost(const VContext *ctx, const char *text, size_t len)
{
	return set_device_weight(ctx, text);
}

static int io_reset_stats(const VContext *ctx, const char *text, size_t len)
{
	guint64 ignored;

	return parse_u64(text, &ignored);
}

static int io_no_bfq_stat(const VContext *ctx, GString *out)
{
	g_string_append(out, "Total 0\n");
	return 0;
}

#define FIELD(name) offsetof(Io, name)

#define V1_LIMIT(name, kind, what)                                                                                     \
	{                                                                                                              \
		"blkio.throttle." name, 0644, VF_UNLOCKED, ORIGIN_SETTING, io_show_limit, io_set_limit, kind,          \
			what " per second on each device; write \"MAJOR:MINOR N\""                                     \
	}

#define V1_STAT(name, what, meaning)                                                                                   \
	{"blkio.throttle." name "_recursive",                                                                          \
	 0444,                                                                                                         \
	 0,                                                                                                            \
	 ORIGIN_IO,                                                                                                    \
	 io_show_v1_stat,                                                                                              \
	 NULL,                                                                                                         \
	 what,                                                                                                         \
	 meaning " of each device"},                                                                                   \
	{                                                                                                              \
		"blkio.throttle." name, 0444, 0, ORIGIN_IO, io_show_v1_stat, NULL, what | IO_STAT_LOCAL,               \
			meaning " of each device, descendants not counted"                                             \
	}

#define BFQ_STAT(name)                                                                                                 \
	{                                                                                                              \
		"blkio.bfq." name, 0444, 0, ORIGIN_CONSTANT, io_no_bfq_stat, NULL, 0,                                  \
			"use of devices with the BFQ scheduler: none"                                                  \
	}

static const VFile io_v1_files[] = {
	V1_LIMIT("read_bps_device", IO_READ_BPS, "bytes read"),
	V1_LIMIT("write_bps_device", IO_WRITE_BPS, "bytes written"),
	V1_LIMIT("read_iops_device", IO_READ_IOPS, "reads"),
	V1_LIMIT("write_iops_device", IO_WRITE_IOPS, "writes"),
	V1_STAT("io_service_bytes", IO_STAT_BYTES, "bytes read and written"),
	V1_STAT("io_serviced", IO_STAT_OPS, "reads and writes"),
	{"blkio.bfq.weight", 0644, VF_NOT_ROOT | VF_UNLOCKED | VF_KEEP_SPACE, ORIGIN_SETTING, vfile_show_u64,
	 io_set_bfq_weight, FIELD(bfq_weight), "share of device time against other groups, 1 to 1000"},
	{"blkio.bfq.weight_device", 0644, VF_NOT_ROOT | VF_UNLOCKED, ORIGIN_SETTING, io_default_weight,
	 io_set_bfq_device_weight, FIELD(bfq_weight), "the same by device"},
	BFQ_STAT("io_service_bytes"),
	BFQ_STAT("io_service_bytes_recursive"),
	BFQ_STAT("io_serviced"),
	BFQ_STAT("io_serviced_recursive"),
	{"blkio.reset_stats", 0200, VF_KEEP_SPACE, ORIGIN_SETTING, NULL, io_reset_stats, 0,
	 "write any number to reset the statistics of BFQ"},
	{0},
};

static const VFile io_v2_files[] = {
	{"io.max", 0644, VF_NOT_ROOT | VF_UNLOCKED, ORIGIN_SETTING, io_show_max, io_set_max, 0,
	 "limits of each device; write \"MAJOR:MINOR rbps=N wbps=N riops=N wiops=N\""},
	{"io.weight", 0644, VF_NOT_ROOT | VF_UNLOCKED, ORIGIN_SETTING, io_default_weight, io_set_weight, FIELD(weight),
	 "share of device time against other groups, 1 to 10000"},
	{"io.stat", 0444, 0, ORIGIN_IO, io_show_v2_stat, NULL, 0, "bytes and operations of each device"},
	{"io.cost.model", 0644, VF_ROOT_ONLY | VF_UNLOCKED, ORIGIN_CONSTANT, vfile_show_empty, io_set_cost, 0,
	 "cost model of each device: none"},
	{"io.cost.qos", 0644, VF_ROOT_ONLY | VF_UNLOCKED, ORIGIN_CONSTANT, vfile_show_empty, io_set_cost, 0,
	 "quality of service of each device: none"},
	{0},
};

const Controller io_controller = {
	.v1_name = "blkio",
	.v2_name = "io",
	.v1_files = io_v1_files,
	.v2_files = io_v2_files,
	.state_size = sizeof(Io),
	.init = io_init,
	.clear = io_clear,
};
