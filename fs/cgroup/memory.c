/*
 * The memory controller: how much memory a group and its descendants use, and may use (mm/memcontrol.c,
 * memcontrol-v1.c).
 *
 * Nothing can be reclaimed from outside. So a limit of v1 that is below what a group holds for good is refused with
 * EBUSY, which the kernel does after it has tried; memory.reclaim and memory.force_empty do nothing; and the soft
 * settings (low, min, high, swappiness, soft limit) are kept and shown only. Limits are looked after by memory-watch.c.
 * Watermarks know what was seen when somebody, or the watch, looked. Resetting memory.peak resets it for all, not only
 * for the descriptor that wrote.
 */
#include "fs/cgroup/memory.h"

#include "fs/cgroup/enforce.h"
#include "fs/cgroup/memory-listener.h"

#include <errno.h>
#include <stddef.h>

#define SWAPPINESS_DEFAULT 60
#define SWAPPINESS_MAX     200

static void memory_init(Fs *fs, Group *group, void *state, Group *parent, void *parent_state)
{
	MemoryState *memory = state;
	const MemoryState *above = parent_state;
	guint64 none = PAGE_COUNTER_MAX;

	memory->max = memory->high = memory->swap_max = memory->swap_high = none;
	memory->memsw_max = memory->soft_limit = memory->tcp_max = none;
	memory->swappiness = above ? above->swappiness : SWAPPINESS_DEFAULT;
	memory->oom_kill_disabled = above && above->oom_kill_disabled;
	memory->listeners = g_ptr_array_new_with_free_func((GDestroyNotify) memory_listener_unref);
}

static void memory_clear(Fs *fs, Group *group, void *state)
{
	memory_listeners_clear(fs, ((MemoryState *) state)->listeners);
}

static void memory_attached(Fs *fs, Group *group, void *state, Group *from, pid_t pid)
{
	for (; group; group = group->parent)
		if (memory_is_watched(group))
			enforce_wake_memory(fs);
}

guint64 memory_effective_limit(const Group *group, size_t field)
{
	guint64 limit = PAGE_COUNTER_MAX;

	for (; group; group = group->parent) {
		const char *memory = group->states[CONTROLLER_MEMORY];

		if (memory)
			limit = MIN(limit, *(const guint64 *) (memory + field));
	}
	return limit;
}

guint64 limits_memory(const Group *group)
{
	return page_counter_bytes(memory_effective_limit(group, offsetof(MemoryState, max)));
}

guint64 limits_memory_own(const Group *group)
{
	const MemoryState *memory = memory_of(group);

	return memory ? page_counter_bytes(memory->max) : G_MAXUINT64;
}

/* What a row of use or of a watermark is about: the offset of that watermark is its arg. */
static guint64 use_of(const VContext *ctx)
{
	Usage usage;

	group_usage(ctx->owner, ctx->sample, &usage);
	switch (ctx->file->arg) {
	case offsetof(MemoryState, swap_peak):
		return usage.swap;
	case offsetof(MemoryState, memsw_peak):
		return group_memory_usage(ctx->owner, ctx->sample) + usage.swap;
	case offsetof(MemoryState, kernel_peak):
		return memory_kernel_bytes(ctx->owner, ctx->sample);
	default:
		return group_memory_usage(ctx->owner, ctx->sample);
	}
}

static int memory_use(const VContext *ctx, GString *out)
{
	guint64 use = use_of(ctx);

	watermark_raise(VFILE_FIELD(ctx, guint64), use);
	g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", use);
	return 0;
}

static int memory_peak(const VContext *ctx, GString *out)
{
	g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", watermark_raise(VFILE_FIELD(ctx, guint64), use_of(ctx)));
	return 0;
}

/* Bytes that the kernel could not take from the group either: anonymous memory that does not fit into free swap, shared
 * memory and its own. */
static guint64 unreclaimable(const Group *group, const Sample *sample, guint64 swap_free)
{
	Usage usage;
	guint64 swappable;

	group_usage(group, sample, &usage);
	swappable = usage.anon + usage.shmem;
	return swappable - MIN(swappable, swap_free) + usage.kernel;
}

void memory_use_of(const Group *group, const Sample *sample, MemoryUse *ret)
{
	Usage usage;

	group_usage(group, sample, &usage);
	ret->memory = group_memory_usage(group, sample);
	ret->swap = usage.swap;
	ret->fixed = usage.anon + usage.shmem + usage.kernel;
	ret->fixed_with_swap = ret->fixed + usage.swap;
}

static guint64 free_swap(Fs *fs)
{
	g_autoptr(Sample) machine = sampler_get(fs->sampler, SAMPLE_MEMORY);

	return machine->memory.swap_free;
}

/* Keeps memory.limit_in_bytes <= memory.memsw.limit_in_bytes. */
static int resize(const VContext *ctx, guint64 pages, guint64 swap_free)
{
	MemoryState *memory = ctx->state;
	gboolean with_swap = ctx->file->arg == offsetof(MemoryState, memsw_max);

	if (group_is_root(ctx->owner) || (with_swap ? pages < memory->max : pages > memory->memsw_max))
		return -EINVAL;
	if (unreclaimable(ctx->owner, ctx->sample, with_swap ? 0 : swap_free) > page_counter_bytes(pages))
		return -EBUSY;
	*VFILE_FIELD(ctx, guint64) = pages;
	return 0;
}

static int memory_set_limit(const VContext *ctx, const char *text, size_t len)
{
	g_autoptr(Sample) sample = NULL;
	VContext locked = *ctx;
	guint64 pages, swap_free;
	int r = parse_page_counter(text, "-1", &pages);

	if (r < 0)
		return r;
	locked.sample = sample = control_file_sample(ctx, "memory.usage_in_bytes");
	if (!sample)
		return -ENODEV;
	swap_free = free_swap(ctx->fs);
	r = control_file_lock(&locked);
	if (r < 0)
		return r;
	r = resize(&locked, pages, swap_free);
	control_file_unlock(&locked);
	return r;
}

static int memory_set_tcp_limit(const VContext *ctx, const char *text, size_t len)
{
	return group_is_root(ctx->owner) ? -EINVAL : page_counter_store_v1(ctx, text, len);
}

static int memory_kernel_limit(const VContext *ctx, GString *out)
{
	g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", PAGE_COUNTER_MAX * PAGE_BYTES);
	return 0;
}

/* Since 5.16 any size is taken, and has no effect. */
static int memory_set_kernel_limit(const VContext *ctx, const char *text, size_t len)
{
	guint64 pages;
	int r = parse_page_counter(text, "-1", &pages);

	if (r < 0)
		return r;
	return group_is_root(ctx->owner) ? -EINVAL : 0;
}

static int memory_use_hierarchy(const VContext *ctx, GString *out)
{
	g_string_append(out, "1\n");
	return 0;
}

/* arg: the only value that can still be written */
static int memory_set_only(const VContext *ctx, const char *text, size_t len)
{
	guint64 value;
	int r = parse_u64(text, &value);

	if (r < 0)
		return r;
	return value == ctx->file->arg ? 0 : -EINVAL;
}

static int memory_set_swappiness(const VContext *ctx, const char *text, size_t len)
{
	guint64 value;
	int r = parse_u64(text, &value);

	if (r < 0)
		return r;
	if (value > SWAPPINESS_MAX)
		return -EINVAL;
	((MemoryState *) ctx->state)->swappiness = value;
	return 0;
}

static int memory_force_empty(const VContext *ctx, const char *text, size_t len)
{
	return group_is_root(ctx->owner) ? -EINVAL : 0;
}

static int memory_set_oom_group(const VContext *ctx, const char *text, size_t len)
{
	gint32 value;
	int r = parse_s32(text, &value);

	if (r < 0)
		return r;
	if (value != 0 && value != 1)
		return -EINVAL;
	*VFILE_FIELD(ctx, gboolean) = value;
	return 0;
}

/* "swappiness=N", "swappiness=max" */
static int check_reclaim_option(const char *option)
{
	static const char name[] = "swappiness=";
	gint32 value;

	if (!g_str_has_prefix(option, name))
		return -EINVAL;
	option += sizeof(name) - 1;
	if (g_str_equal(option, "max"))
		return 0;
	return parse_s32(option, &value) == 0 && value >= 0 && value <= SWAPPINESS_MAX ? 0 : -EINVAL;
}

static int memory_reclaim(const VContext *ctx, const char *text, size_t len)
{
	const char *end;
	guint64 pages = parse_memparse(text, &end) / PAGE_BYTES;
	g_auto(GStrv) options = NULL;

	if (end == text)
		return -EINVAL;
	options = g_strsplit_set(end, " \t\n", -1);
	for (char **option = options; *option; option++)
		if (**option && check_reclaim_option(*option) < 0)
			return -EINVAL;
	return pages ? -EAGAIN : 0;
}

#define FIELD(name) offsetof(MemoryState, name)

/* {USAGE, MARK, LIMIT}: the columns that v1 has for each kind of memory */
#define V1_USE(name, field, what)                                                                                      \
	{name ".usage_in_bytes", 0444, 0, ORIGIN_MEMORY, memory_use, NULL, FIELD(field), what " in use, bytes"},       \
	{                                                                                                              \
		name ".max_usage_in_bytes", 0644, 0, ORIGIN_MEMORY, memory_peak, control_file_store_reset,             \
			FIELD(field), "most " what " seen in use, bytes; any write resets it"                          \
	}

#define V1_FAILURES(name, field)                                                                                       \
	{                                                                                                              \
		name ".failcnt", 0644, 0, ORIGIN_TREE, vfile_show_u64, control_file_store_reset, FIELD(field),         \
			"how often the limit was met; any write resets it"                                             \
	}

#define V1_NEVER_FAILS(name)                                                                                           \
	{                                                                                                              \
		name ".failcnt", 0644, 0, ORIGIN_CONSTANT, vfile_show_zero, vfile_store_ignore, 0,                     \
			"how often the limit was met; any write resets it"                                             \
	}

static const VFile memory_v1_files[] = {
	V1_USE("memory", peak, "memory"),
	{"memory.limit_in_bytes", 0644, VF_UNLOCKED, ORIGIN_SETTING, page_counter_show_bytes, memory_set_limit,
	 FIELD(max), "limit of memory, bytes; -1: none", enforce_after_memory},
	{"memory.soft_limit_in_bytes", 0644, 0, ORIGIN_SETTING, page_counter_show_bytes, page_counter_store_v1,
	 FIELD(soft_limit), "size to which the group is to be reduced when memory is short, bytes"},
	V1_FAILURES("memory", failures),
	{"memory.stat", 0444, 0, ORIGIN_MEMORY, memory_show_v1_stat, NULL, 0,
	 "kinds of memory in use, bytes, and events; total_: with descendants"},
	{"memory.force_empty", 0200, 0, ORIGIN_SETTING, NULL, memory_force_empty, 0, "any write: give memory back"},
	{"memory.use_hierarchy", 0644, VF_KEEP_SPACE, ORIGIN_CONSTANT, memory_use_hierarchy, memory_set_only, 1,
	 "descendants count too: always"},
	{"memory.pressure_level", 0444, 0, ORIGIN_CONSTANT, NULL, NULL, 0,
	 "for notification through cgroup.event_control"},
	{"memory.swappiness", 0644, VF_KEEP_SPACE, ORIGIN_SETTING, vfile_show_u64, memory_set_swappiness,
	 FIELD(swappiness), "how much swapping is preferred to dropping caches, 0 to 200"},
	{"memory.move_charge_at_immigrate", 0644, VF_KEEP_SPACE, ORIGIN_CONSTANT, vfile_show_zero, memory_set_only, 0,
	 "memory stays where it was charged: always"},
	{"memory.oom_control", 0644, VF_KEEP_SPACE | VF_EVENT, ORIGIN_TREE, memory_show_oom_control,
	 memory_set_oom_control, 0, "1: do not kill when memory runs out; and how often that happened"},
	{"memory.numa_stat", 0444, 0, ORIGIN_MEMORY, memory_show_v1_numa_stat, NULL, 0, "pages in use by memory node"},
	V1_USE("memory.memsw", memsw_peak, "memory and swap"),
	{"memory.memsw.limit_in_bytes", 0644, VF_UNLOCKED, ORIGIN_SETTING, page_counter_show_bytes, memory_set_limit,
	 FIELD(memsw_max), "limit of memory and swap, bytes; -1: none", enforce_after_memory},
	V1_FAILURES("memory.memsw", memsw_failures),
	V1_USE("memory.kmem", kernel_peak, "kernel memory"),
	{"memory.kmem.limit_in_bytes", 0644, 0, ORIGIN_CONSTANT, memory_kernel_limit, memory_set_kernel_limit, 0,
	 "limit of kernel memory: none, whatever is written"},
	V1_NEVER_FAILS("memory.kmem"),
	{"memory.kmem.slabinfo", 0444, 0, ORIGIN_CONSTANT, vfile_show_empty, NULL, 0,
	 "slabs of the group: no longer told"},
	{"memory.kmem.tcp.usage_in_bytes", 0444, 0, ORIGIN_CONSTANT, vfile_show_zero, NULL, 0, "TCP buffers, bytes"},
	{"memory.kmem.tcp.max_usage_in_bytes", 0644, 0, ORIGIN_CONSTANT, vfile_show_zero, vfile_store_ignore, 0,
	 "most TCP buffers, bytes; any write resets it"},
	{"memory.kmem.tcp.limit_in_bytes", 0644, 0, ORIGIN_SETTING, page_counter_show_bytes, memory_set_tcp_limit,
	 FIELD(tcp_max), "limit of TCP buffers, bytes; -1: none"},
	V1_NEVER_FAILS("memory.kmem.tcp"),
	{0},
};

#define V2_LIMIT(name, field, what)                                                                                    \
	{                                                                                                              \
		name, 0644, VF_NOT_ROOT, ORIGIN_SETTING, page_counter_show_max, page_counter_store_max, FIELD(field),  \
			what, enforce_after_memory                                                                     \
	}

static const VFile memory_v2_files[] = {
	{"memory.current", 0444, VF_NOT_ROOT, ORIGIN_MEMORY, memory_use, NULL, FIELD(peak), "memory in use, bytes"},
	{"memory.peak", 0644, VF_NOT_ROOT, ORIGIN_MEMORY, memory_peak, control_file_store_reset, FIELD(peak),
	 "most memory seen in use, bytes; any write resets it"},
	V2_LIMIT("memory.min", min, "memory that is never taken from the group, bytes"),
	V2_LIMIT("memory.low", low, "memory that is taken from the group last, bytes"),
	V2_LIMIT("memory.high", high, "memory above which the group is slowed down, bytes, or max"),
	V2_LIMIT("memory.max", max, "limit of memory, bytes, or max"),
	{"memory.events", 0444, VF_NOT_ROOT | VF_EVENT, ORIGIN_TREE, memory_show_events, NULL, FIELD(events),
	 "how often each limit was met"},
	{"memory.events.local", 0444, VF_NOT_ROOT | VF_EVENT, ORIGIN_TREE, memory_show_events, NULL,
	 FIELD(local_events), "how often each limit was met, descendants not counted"},
	{"memory.stat", 0444, 0, ORIGIN_MEMORY, memory_show_v2_stat, NULL, 0,
	 "kinds of memory in use, bytes, and events"},
	{"memory.numa_stat", 0444, 0, ORIGIN_MEMORY, memory_show_v2_numa_stat, NULL, 0,
	 "kinds of memory in use by memory node, bytes"},
	{"memory.oom.group", 0644, VF_NOT_ROOT, ORIGIN_SETTING, vfile_show_bool, memory_set_oom_group, FIELD(oom_group),
	 "1: when memory runs out, kill all of the group"},
	{"memory.reclaim", 0200, 0, ORIGIN_SETTING, NULL, memory_reclaim, 0, "write how many bytes to give back"},
	{"memory.swap.current", 0444, VF_NOT_ROOT, ORIGIN_MEMORY, memory_use, NULL, FIELD(swap_peak),
	 "swap in use, bytes"},
	V2_LIMIT("memory.swap.high", swap_high, "swap above which the group is slowed down, bytes, or max"),
	V2_LIMIT("memory.swap.max", swap_max, "limit of swap, bytes, or max"),
	{"memory.swap.peak", 0644, VF_NOT_ROOT, ORIGIN_MEMORY, memory_peak, control_file_store_reset, FIELD(swap_peak),
	 "most swap seen in use, bytes; any write resets it"},
	{"memory.swap.events", 0444, VF_NOT_ROOT | VF_EVENT, ORIGIN_CONSTANT, memory_show_swap_events, NULL, 0,
	 "how often each limit of swap was met"},
	{0},
};

static const KeptField memory_kept[] = {
	{"oom-kill-disabled", KEPT_BOOL, FIELD(oom_kill_disabled), 1},
	{"peak", KEPT_U64, FIELD(peak), 1},
	{"swap-peak", KEPT_U64, FIELD(swap_peak), 1},
	{"memsw-peak", KEPT_U64, FIELD(memsw_peak), 1},
	{"kernel-peak", KEPT_U64, FIELD(kernel_peak), 1},
	{"failures", KEPT_U64, FIELD(failures), 1},
	{"memsw-failures", KEPT_U64, FIELD(memsw_failures), 1},
	{"events", KEPT_U64, FIELD(events), MEMORY_EVENTS},
	{"local-events", KEPT_U64, FIELD(local_events), MEMORY_EVENTS},
	{0},
};

const Controller memory_controller = {
	.v1_name = "memory",
	.v2_name = "memory",
	.v1_files = memory_v1_files,
	.v2_files = memory_v2_files,
	.state_size = sizeof(MemoryState),
	.init = memory_init,
	.clear = memory_clear,
	.attached = memory_attached,
	.kept = memory_kept,
};
