/* A group's CPU quota, kept by stopping its members: bandwidth.c. */
#pragma once

#include "fs/cgroup/group.h"

typedef struct Bandwidth {
	GHashTable *clocks;   /* pid → guint64: CPU time of each member at the last look, ns; NULL: not looked yet */
	gint64 looked;        /* monotonic time of that look, us */
	gint64 period_start;  /* us */
	gint64 due;           /* when to look again, us */
	guint64 used_ns;      /* in this period, and too much in those before */
	gint64 stopped;       /* since when it is stopped in this period, us; 0: it is not */
	guint64 throttled_ns; /* in this period, up to `stopped` */
	gboolean was_throttled; /* in this period */
} Bandwidth;

static inline void bandwidth_clear(Bandwidth *bandwidth)
{
	g_clear_pointer(&bandwidth->clocks, g_hash_table_unref);
}
