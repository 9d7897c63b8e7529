#include "fs/cgroup/page-counter.h"

int page_counter_show_bytes(const VContext *ctx, GString *out)
{
	g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", *VFILE_FIELD(ctx, guint64) * PAGE_BYTES);
	return 0;
}

int page_counter_show_max(const VContext *ctx, GString *out)
{
	if (*VFILE_FIELD(ctx, guint64) < PAGE_COUNTER_MAX)
		return page_counter_show_bytes(ctx, out);
	g_string_append(out, "max\n");
	return 0;
}

int page_counter_store_max(const VContext *ctx, const char *text, size_t len)
{
	return parse_page_counter(text, "max", VFILE_FIELD(ctx, guint64));
}

int page_counter_store_v1(const VContext *ctx, const char *text, size_t len)
{
	return parse_page_counter(text, "-1", VFILE_FIELD(ctx, guint64));
}
