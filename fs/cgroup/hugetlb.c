/*
 * The hugetlb controller: huge pages of each size (mm/hugetlb_cgroup.c), those in use and those reserved ("rsvd").
 *
 * Limits are kept and rounded down to whole huge pages as in the kernel. Use is 0: who uses huge pages cannot be told
 * from outside. The sizes are those of x86-64 and arm64 with 4 KiB pages, 2 MiB and 1 GiB.
 */
#include "fs/cgroup/page-counter.h"

#include <errno.h>
#include <stddef.h>

/* What belongs to one size; limits in pages of 4 KiB. */
typedef struct HugePages {
	guint64 limit, reserved_limit;
} HugePages;

typedef struct HugeTlb {
	HugePages mb2, gb1;
} HugeTlb;

#define PAGES_2MB ((guint64) 512)
#define PAGES_1GB ((guint64) 262144)

static void hugetlb_init(Fs *fs, Group *group, void *state, Group *parent, void *parent_state)
{
	HugeTlb *hugetlb = state;

	hugetlb->mb2 = hugetlb->gb1 = (HugePages){PAGE_COUNTER_MAX, PAGE_COUNTER_MAX};
}

/* 4 KiB pages in a huge page of the row's size. */
static guint64 pages_of_row(const VFile *row)
{
	return row->arg >= offsetof(HugeTlb, gb1) ? PAGES_1GB : PAGES_2MB;
}

static int store_limit(const VContext *ctx, const char *text, const char *max_word)
{
	guint64 pages, size = pages_of_row(ctx->file);
	int r;

	if (group_is_root(ctx->owner))
		return -EINVAL;
	r = parse_page_counter(text, max_word, &pages);
	if (r < 0)
		return r;
	*VFILE_FIELD(ctx, guint64) = pages / size * size;
	return 0;
}

static int hugetlb_set_limit(const VContext *ctx, const char *text, size_t len)
{
	return store_limit(ctx, text, "-1");
}

static int hugetlb_set_max(const VContext *ctx, const char *text, size_t len)
{
	return store_limit(ctx, text, "max");
}

static int hugetlb_max(const VContext *ctx, GString *out)
{
	guint64 size = pages_of_row(ctx->file);

	if (*VFILE_FIELD(ctx, guint64) < PAGE_COUNTER_MAX / size * size)
		return page_counter_show_bytes(ctx, out);
	g_string_append(out, "max\n");
	return 0;
}

static int hugetlb_events(const VContext *ctx, GString *out)
{
	g_string_append(out, "max 0\n");
	return 0;
}

static void show_total(const VContext *ctx, const char *name, GString *out)
{
	g_string_append_printf(out, "%s=0", name);
	control_file_show_nodes(ctx->fs, 0, out);
	g_string_append_c(out, '\n');
}

static int hugetlb_numa_stat(const VContext *ctx, GString *out)
{
	const Group *group = ctx->owner;

	show_total(ctx, "total", out);
	if (!group->hierarchy->is_v2)
		show_total(ctx, "hierarchical_total", out);
	return 0;
}

#define V1_FILES(size, field)                                                                                          \
	{"hugetlb." size ".limit_in_bytes",                                                                            \
	 0644,                                                                                                         \
	 0,                                                                                                            \
	 ORIGIN_SETTING,                                                                                               \
	 page_counter_show_bytes,                                                                                      \
	 hugetlb_set_limit,                                                                                            \
	 offsetof(HugeTlb, field.limit),                                                                               \
	 "limit of huge pages in use, bytes"},                                                                         \
		{"hugetlb." size ".rsvd.limit_in_bytes",                                                               \
		 0644,                                                                                                 \
		 0,                                                                                                    \
		 ORIGIN_SETTING,                                                                                       \
		 page_counter_show_bytes,                                                                              \
		 hugetlb_set_limit,                                                                                    \
		 offsetof(HugeTlb, field.reserved_limit),                                                              \
		 "limit of reserved huge pages, bytes"},                                                               \
		{"hugetlb." size ".usage_in_bytes", 0444, 0, ORIGIN_CONSTANT, vfile_show_zero, NULL, 0,                \
		 "huge pages in use, bytes"},                                                                          \
		{"hugetlb." size ".rsvd.usage_in_bytes",                                                               \
		 0444,                                                                                                 \
		 0,                                                                                                    \
		 ORIGIN_CONSTANT,                                                                                      \
		 vfile_show_zero,                                                                                      \
		 NULL,                                                                                                 \
		 0,                                                                                                    \
		 "reserved huge pages, bytes"},                                                                        \
		{"hugetlb." size ".max_usage_in_bytes",                                                                \
		 0644,                                                                                                 \
		 0,                                                                                                    \
		 ORIGIN_CONSTANT,                                                                                      \
		 vfile_show_zero,                                                                                      \
		 vfile_store_ignore,                                                                                   \
		 0,                                                                                                    \
		 "most huge pages in use so far, bytes; any write resets it"},                                         \
		{"hugetlb." size ".rsvd.max_usage_in_bytes",                                                           \
		 0644,                                                                                                 \
		 0,                                                                                                    \
		 ORIGIN_CONSTANT,                                                                                      \
		 vfile_show_zero,                                                                                      \
		 vfile_store_ignore,                                                                                   \
		 0,                                                                                                    \
		 "most reserved huge pages so far, bytes; any write resets it"},                                       \
		{"hugetlb." size ".failcnt",                                                                           \
		 0644,                                                                                                 \
		 0,                                                                                                    \
		 ORIGIN_CONSTANT,                                                                                      \
		 vfile_show_zero,                                                                                      \
		 vfile_store_ignore,                                                                                   \
		 0,                                                                                                    \
		 "how often the limit was met; any write resets it"},                                                  \
		{"hugetlb." size ".rsvd.failcnt",                                                                      \
		 0644,                                                                                                 \
		 0,                                                                                                    \
		 ORIGIN_CONSTANT,                                                                                      \
		 vfile_show_zero,                                                                                      \
		 vfile_store_ignore,                                                                                   \
		 0,                                                                                                    \
		 "how often the limit of reserved pages was met; any write resets it"},                                \
	{                                                                                                              \
		"hugetlb." size ".numa_stat", 0444, 0, ORIGIN_CONSTANT, hugetlb_numa_stat, NULL, 0,                    \
			"huge pages in use by memory node, bytes"                                                      \
	}

#define V2_FILES(size, field)                                                                                          \
	{"hugetlb." size ".max",                                                                                       \
	 0644,                                                                                                         \
	 VF_NOT_ROOT,                                                                                                  \
	 ORIGIN_SETTING,                                                                                               \
	 hugetlb_max,                                                                                                  \
	 hugetlb_set_max,                                                                                              \
	 offsetof(HugeTlb, field.limit),                                                                               \
	 "limit of huge pages in use, bytes, or max"},                                                                 \
		{"hugetlb." size ".rsvd.max",                                                                          \
		 0644,                                                                                                 \
		 VF_NOT_ROOT,                                                                                          \
		 ORIGIN_SETTING,                                                                                       \
		 hugetlb_max,                                                                                          \
		 hugetlb_set_max,                                                                                      \
		 offsetof(HugeTlb, field.reserved_limit),                                                              \
		 "limit of reserved huge pages, bytes, or max"},                                                       \
		{"hugetlb." size ".current", 0444, VF_NOT_ROOT, ORIGIN_CONSTANT, vfile_show_zero, NULL, 0,             \
		 "huge pages in use, bytes"},                                                                          \
		{"hugetlb." size ".rsvd.current", 0444, VF_NOT_ROOT, ORIGIN_CONSTANT, vfile_show_zero, NULL, 0,        \
		 "reserved huge pages, bytes"},                                                                        \
		{"hugetlb." size ".events",    0444, VF_NOT_ROOT | VF_EVENT, ORIGIN_CONSTANT, hugetlb_events, NULL, 0, \
		 "how often the limit was met"},                                                                       \
		{"hugetlb." size ".events.local",                                                                      \
		 0444,                                                                                                 \
		 VF_NOT_ROOT | VF_EVENT,                                                                               \
		 ORIGIN_CONSTANT,                                                                                      \
		 hugetlb_events,                                                                                       \
		 NULL,                                                                                                 \
		 0,                                                                                                    \
		 "how often the group's own limit was met"},                                                           \
	{                                                                                                              \
		"hugetlb." size ".numa_stat", 0444, VF_NOT_ROOT, ORIGIN_CONSTANT, hugetlb_numa_stat, NULL, 0,          \
			"huge pages in use by memory node, bytes"                                                      \
	}

static const VFile hugetlb_v1_files[] = {V1_FILES("2MB", mb2), V1_FILES("1GB", gb1), {0}};
static const VFile hugetlb_v2_files[] = {V2_FILES("2MB", mb2), V2_FILES("1GB", gb1), {0}};

const Controller hugetlb_controller = {
	.v1_name = "hugetlb",
	.v2_name = "hugetlb",
	.v1_files = hugetlb_v1_files,
	.v2_files = hugetlb_v2_files,
	.state_size = sizeof(HugeTlb),
	.init = hugetlb_init,
};
