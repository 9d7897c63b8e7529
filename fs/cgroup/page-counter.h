/* Limits and marks that are counted in pages (mm/page_counter.c), shared by memory and hugetlb. */
#pragma once

#include "fs/cgroup/control-file.h"
#include "fs/parse.h"

#define PAGE_BYTES 4096

/* G_MAXUINT64: no limit */
static inline guint64 page_counter_bytes(guint64 pages)
{
	return pages < PAGE_COUNTER_MAX ? pages * PAGE_BYTES : G_MAXUINT64;
}

/* show: the guint64 at file->arg, in pages, as bytes. */
int page_counter_show_bytes(const VContext *ctx, GString *out);
/* show: the same, "max" when there is no limit. */
int page_counter_show_max(const VContext *ctx, GString *out);
/* store: a size in bytes, or "max". */
int page_counter_store_max(const VContext *ctx, const char *text, size_t len);
/* store: a size in bytes, or "-1". */
int page_counter_store_v1(const VContext *ctx, const char *text, size_t len);
