/* Limits of block devices: v1's blkio.throttle.*_device, v2's io.max (block/blk-throttle.c, blk-cgroup.c). Kept and
 * shown. */
#include "fs/cgroup/io.h"

#include "fs/convert.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static gboolean is_disk_of_sample(Fs *fs, guint32 major, guint32 minor)
{
	g_autoptr(Sample) sample = sampler_get(fs->sampler, SAMPLE_IO);

	for (unsigned i = 0; i < sample->n_disks; i++)
		if (sample->disks[i].major == major && sample->disks[i].minor == minor)
			return TRUE;
	return FALSE;
}

/* Also those that the sample leaves out, such as idle loop devices; a partition is no device here. */
static gboolean is_disk(Fs *fs, guint32 major, guint32 minor)
{
	g_autofree char *device = g_strdup_printf("/sys/dev/block/%u:%u", major, minor);
	g_autofree char *partition = g_build_filename(device, "partition", NULL);

	if (is_disk_of_sample(fs, major, minor))
		return TRUE;
	return access(device, F_OK) == 0 && access(partition, F_OK) != 0;
}

int io_read_device(Fs *fs, const char **at, guint32 *ret_major, guint32 *ret_minor)
{
	guint32 major, minor;

	if (!convert_u32(at, &major) || !convert_literal(at, ":") || !convert_u32(at, &minor))
		return -EINVAL;
	if (!g_ascii_isspace(**at))
		return -EINVAL;
	if (!is_disk(fs, major, minor))
		return -ENODEV;
	*at = convert_skip_space(*at);
	*ret_major = major;
	*ret_minor = minor;
	return 0;
}

static void limit_init(IoLimit *limit, guint32 major, guint32 minor)
{
	limit->major = major;
	limit->minor = minor;
	for (int i = 0; i < IO_LIMITS; i++)
		limit->values[i] = IO_NO_LIMIT;
}

static IoLimit *limit_of_device(Io *io, guint32 major, guint32 minor)
{
	IoLimit limit;

	for (guint i = 0; i < io->limits->len; i++) {
		IoLimit *present = &g_array_index(io->limits, IoLimit, i);

		if (present->major == major && present->minor == minor)
			return present;
	}
	limit_init(&limit, major, minor);
	g_array_prepend_val(io->limits, limit);
	return &g_array_index(io->limits, IoLimit, 0);
}

int io_show_limit(const VContext *ctx, GString *out)
{
	const Io *io = ctx->state;

	for (guint i = 0; i < io->limits->len; i++) {
		const IoLimit *limit = &g_array_index(io->limits, IoLimit, i);
		guint64 value = limit->values[ctx->file->arg];

		if (value != IO_NO_LIMIT)
			g_string_append_printf(out, "%u:%u %" G_GUINT64_FORMAT "\n", limit->major, limit->minor, value);
	}
	return 0;
}

/* Operations per second are 32-bit numbers; all ones is no limit. */
static guint64 operations(guint32 value)
{
	return value == G_MAXUINT32 ? IO_NO_LIMIT : value;
}

/* "MAJOR:MINOR VALUE"; 0: no limit. */
int io_set_limit(const VContext *ctx, const char *text, size_t len)
{
	VContext locked = *ctx;
	IoLimit wanted;
	guint64 value;
	int r = io_read_device(ctx->fs, &text, &wanted.major, &wanted.minor);

	if (r < 0)
		return r;
	if (!convert_u64(&text, &value))
		return -EINVAL;
	if (value == 0)
		value = IO_NO_LIMIT;
	if (ctx->file->arg == IO_READ_IOPS || ctx->file->arg == IO_WRITE_IOPS)
		value = operations((guint32) value);
	r = control_file_lock(&locked);
	if (r < 0)
		return r;
	limit_of_device(locked.state, wanted.major, wanted.minor)->values[ctx->file->arg] = value;
	control_file_unlock(&locked);
	return 0;
}

static const char *const limit_names[IO_LIMITS] = {
	[IO_READ_BPS] = "rbps",
	[IO_WRITE_BPS] = "wbps",
	[IO_READ_IOPS] = "riops",
	[IO_WRITE_IOPS] = "wiops",
};

static gboolean has_limit(const IoLimit *limit)
{
	for (int i = 0; i < IO_LIMITS; i++)
		if (limit->values[i] != IO_NO_LIMIT)
			return TRUE;
	return FALSE;
}

int io_show_max(const VContext *ctx, GString *out)
{
	const Io *io = ctx->state;

	for (guint i = 0; i < io->limits->len; i++) {
		const IoLimit *limit = &g_array_index(io->limits, IoLimit, i);

		if (!has_limit(limit))
			continue;
		g_string_append_printf(out, "%u:%u", limit->major, limit->minor);
		for (int kind = 0; kind < IO_LIMITS; kind++) {
			if (limit->values[kind] == IO_NO_LIMIT)
				g_string_append_printf(out, " %s=max", limit_names[kind]);
			else
				g_string_append_printf(out, " %s=%" G_GUINT64_FORMAT, limit_names[kind],
						       limit->values[kind]);
		}
		g_string_append_c(out, '\n');
	}
	return 0;
}

/* "rbps=N", "wiops=max" … */
static int read_column(char *word, guint64 values[IO_LIMITS])
{
	char *value_text = strchr(word, '=');
	const char *at;
	guint64 value = IO_NO_LIMIT;

	if (!value_text)
		return -EINVAL;
	at = value_text + 1;
	if (!convert_u64(&at, &value) && strcmp(at, "max") != 0)
		return -EINVAL;
	if (value == 0)
		return -ERANGE;
	*value_text = '\0';
	for (int kind = 0; kind < IO_LIMITS; kind++) {
		if (strcmp(word, limit_names[kind]) != 0)
			continue;
		if (kind == IO_READ_IOPS || kind == IO_WRITE_IOPS)
			value = operations((guint32) MIN(value, G_MAXUINT32));
		values[kind] = value;
		return 0;
	}
	return -EINVAL;
}

static int read_columns(const char *text, guint64 values[IO_LIMITS])
{
	/* as long as "wiops=18446744073709551616" */
	enum { WORD = 26 };

	for (;;) {
		g_autofree char *word = convert_word(&text, WORD);
		int r;

		if (!word)
			return 0;
		r = read_column(word, values);
		if (r < 0)
			return r;
	}
}

/* "MAJOR:MINOR rbps=N wbps=N riops=N wiops=N", any of the columns. */
int io_set_max(const VContext *ctx, const char *text, size_t len)
{
	VContext locked = *ctx;
	IoLimit *limit;
	guint64 values[IO_LIMITS];
	guint32 major, minor;
	int r = io_read_device(ctx->fs, &text, &major, &minor);

	if (r < 0)
		return r;
	r = control_file_lock(&locked);
	if (r < 0)
		return r;
	limit = limit_of_device(locked.state, major, minor);
	memcpy(values, limit->values, sizeof(values));
	r = read_columns(text, values);
	if (r == 0)
		memcpy(limit->values, values, sizeof(values));
	control_file_unlock(&locked);
	return r;
}
