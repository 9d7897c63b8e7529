#include "fs/vfile.h"

#include "fs/parse.h"

int vfile_show_u64(const VContext *ctx, GString *out)
{
	g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", *VFILE_FIELD(ctx, guint64));
	return 0;
}

int vfile_show_s64(const VContext *ctx, GString *out)
{
	g_string_append_printf(out, "%" G_GINT64_FORMAT "\n", *VFILE_FIELD(ctx, gint64));
	return 0;
}

int vfile_show_bool(const VContext *ctx, GString *out)
{
	g_string_append(out, *VFILE_FIELD(ctx, gboolean) ? "1\n" : "0\n");
	return 0;
}

int vfile_show_zero(const VContext *ctx, GString *out)
{
	g_string_append(out, "0\n");
	return 0;
}

int vfile_show_empty(const VContext *ctx, GString *out)
{
	return 0;
}

int vfile_store_bool(const VContext *ctx, const char *text, size_t len)
{
	guint64 value;
	int r = parse_u64(text, &value);

	if (r < 0)
		return r;
	*VFILE_FIELD(ctx, gboolean) = value != 0;
	return 0;
}

int vfile_store_ignore(const VContext *ctx, const char *text, size_t len)
{
	return 0;
}

static const char *const origin_names[] = {
	[ORIGIN_CONSTANT] = "constant", [ORIGIN_SETTING] = "setting",      [ORIGIN_TREE] = "groups and members",
	[ORIGIN_CPU] = "CPU time",      [ORIGIN_MEMORY] = "memory in use", [ORIGIN_PIDS] = "processes",
	[ORIGIN_IO] = "block I/O",      [ORIGIN_PRESSURE] = "pressure",    [ORIGIN_NATIVE] = "kernel",
};

const char *origin_name(Origin origin)
{
	return origin_names[origin];
}
