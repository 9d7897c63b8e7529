/* What happened to groups for the sake of their memory limits: memory.events of v2, memory.oom_control of v1. */
#include "fs/cgroup/memory.h"

#include <errno.h>
#include <stddef.h>

static const char *const event_names[MEMORY_EVENTS] = {
	[MEMORY_EVENT_LOW] = "low",           [MEMORY_EVENT_HIGH] = "high",
	[MEMORY_EVENT_MAX] = "max",           [MEMORY_EVENT_OOM] = "oom",
	[MEMORY_EVENT_OOM_KILL] = "oom_kill", [MEMORY_EVENT_OOM_GROUP_KILL] = "oom_group_kill",
};

int memory_show_events(const VContext *ctx, GString *out)
{
	const guint64 *events = VFILE_FIELD(ctx, guint64);

	for (int i = 0; i < MEMORY_EVENTS; i++)
		g_string_append_printf(out, "%s %" G_GUINT64_FORMAT "\n", event_names[i], events[i]);
	return 0;
}

/* Limits of swap are not enforced, so that they are never met. */
int memory_show_swap_events(const VContext *ctx, GString *out)
{
	g_string_append(out, "high 0\nmax 0\nfail 0\n");
	return 0;
}

gboolean memory_is_short(const Group *group)
{
	for (; group; group = group->parent)
		if (memory_of(group) && memory_of(group)->under_oom)
			return TRUE;
	return FALSE;
}

int memory_show_oom_control(const VContext *ctx, GString *out)
{
	const MemoryState *memory = ctx->state;

	g_string_append_printf(out, "oom_kill_disable %d\nunder_oom %d\noom_kill %" G_GUINT64_FORMAT "\n",
			       memory->oom_kill_disabled, memory_is_short(ctx->owner),
			       memory->local_events[MEMORY_EVENT_OOM_KILL]);
	return 0;
}

int memory_set_oom_control(const VContext *ctx, const char *text, size_t len)
{
	guint64 value;
	int r = parse_u64(text, &value);

	if (r < 0)
		return r;
	if (group_is_root(ctx->owner) || value > 1)
		return -EINVAL;
	((MemoryState *) ctx->state)->oom_kill_disabled = value == 1;
	return 0;
}

void limits_memory_count(Group *group, MemoryEvent event)
{
	MemoryState *memory = memory_of(group);

	if (!memory)
		return;
	memory->local_events[event]++;
	if (event == MEMORY_EVENT_MAX)
		memory->failures++;
	group_notify(group, "memory.events.local");
	for (Group *above = group; above && memory_of(above); above = above->parent) {
		memory_of(above)->events[event]++;
		group_notify(above, "memory.events");
	}
}

gboolean limits_memory_oom_group(const Group *group)
{
	const MemoryState *memory = memory_of(group);

	return memory && memory->oom_group;
}
