/* State of the io controller ("blkio" in v1), shared by its files: io.c has the rows and weights, io-limit.c the limits
 * of devices, io-stat.c what was read and written. */
#pragma once

#include "fs/cgroup/control-file.h"

/* Columns of io.max, in its order; v1 has a file for each. */
typedef enum IoLimitKind { IO_READ_BPS, IO_WRITE_BPS, IO_READ_IOPS, IO_WRITE_IOPS, IO_LIMITS } IoLimitKind;

#define IO_NO_LIMIT G_MAXUINT64

typedef struct IoLimit {
	guint32 major, minor;
	guint64 values[IO_LIMITS]; /* bytes or operations per second; IO_NO_LIMIT */
} IoLimit;

typedef struct Io {
	guint64 weight;     /* v2, 1 … 10000 */
	guint64 bfq_weight; /* v1, 1 … 1000 */
	GArray *limits;     /* IoLimit, the newest first, as the kernel lists them */
} Io;

/* "MAJOR:MINOR ", after which *at points to the first word of the rest. 0, -EINVAL, or -ENODEV if the machine has no
 * such disk. Reads /sys: not with the tree locked. */
int io_read_device(Fs *fs, const char **at, guint32 *ret_major, guint32 *ret_minor);

/* io-limit.c; VF_UNLOCKED. v1's rows have an IoLimitKind as arg. */
int io_show_limit(const VContext *ctx, GString *out);
int io_set_limit(const VContext *ctx, const char *text, size_t len);
int io_show_max(const VContext *ctx, GString *out);
int io_set_max(const VContext *ctx, const char *text, size_t len);

/* io-stat.c; arg of v1's rows: IoStatWhat flags. */
typedef enum IoStatWhat { IO_STAT_BYTES = 0, IO_STAT_OPS = 1, IO_STAT_LOCAL = 2 } IoStatWhat;
int io_show_v1_stat(const VContext *ctx, GString *out);
int io_show_v2_stat(const VContext *ctx, GString *out);
