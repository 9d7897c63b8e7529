#include "fs/cgroup/memory-listener.h"

#include "fs/cgroup/eventfd.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[PRESSURE_LEVELS] = {"low", "medium", "critical"};
static const char *const mode_names[PRESSURE_MODES] = {"default", "hierarchy", "local"};

static int find_name(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -EINVAL;
}

/* vmpressure_register_event(): "LEVEL[,MODE]" */
static int parse_pressure(const char *argument, MemoryListener *listener)
{
	g_auto(GStrv) parts = g_strsplit(argument, ",", 2);
	int level = parts[0] ? find_name(level_names, PRESSURE_LEVELS, parts[0]) : -EINVAL;
	int mode = parts[0] && parts[1] ? find_name(mode_names, PRESSURE_MODES, parts[1]) : PRESSURE_DEFAULT;

	if (level < 0 || mode < 0)
		return -EINVAL;
	listener->level = (PressureLevel) level;
	listener->mode = (PressureMode) mode;
	return 0;
}

static int parse_threshold(const char *argument, MemoryListener *listener)
{
	guint64 pages;

	if (parse_page_counter(argument, "-1", &pages) < 0)
		return -EINVAL;
	listener->threshold = page_counter_bytes(pages);
	return 0;
}

int memory_listener_parse(MemoryEventFile file, const char *argument, MemoryListener **ret)
{
	MemoryListener *listener = g_new0(MemoryListener, 1);
	int r = 0;

	g_atomic_ref_count_init(&listener->ref);
	listener->eventfd = -1;
	listener->file = file;
	if (file == MEMORY_FILE_PRESSURE)
		r = parse_pressure(argument, listener);
	else if (file != MEMORY_FILE_OOM)
		r = parse_threshold(argument, listener);
	if (r < 0)
		memory_listener_unref(listener);
	else
		*ret = listener;
	return r;
}

void memory_listener_unref(MemoryListener *listener)
{
	if (!g_atomic_ref_count_dec(&listener->ref))
		return;
	if (listener->eventfd >= 0)
		close(listener->eventfd);
	g_free(listener);
}

static void signal_listener(void *data)
{
	eventfd_signal(((MemoryListener *) data)->eventfd);
}

/* Not with the tree locked: whoever holds the other end could make a write wait. */
static void tell(Fs *fs, MemoryListener *listener)
{
	g_atomic_ref_count_inc(&listener->ref);
	background_run(fs->background, signal_listener, listener, (GDestroyNotify) memory_listener_unref);
}

static guint64 use_for(const MemoryListener *listener, const MemoryUse *use)
{
	return use->memory + (listener->file == MEMORY_FILE_USE_WITH_SWAP ? use->swap : 0);
}

void memory_listener_add(Group *group, MemoryListener *listener, const MemoryUse *use)
{
	listener->reached = use_for(listener, use) >= listener->threshold;
	g_ptr_array_add(memory_of(group)->listeners, listener);
	if (listener->file == MEMORY_FILE_OOM && memory_is_short(group))
		tell(group->hierarchy->fs, listener);
}

void memory_listener_remove(Group *group, MemoryListener *listener)
{
	if (memory_of(group))
		g_ptr_array_remove_fast(memory_of(group)->listeners, listener);
}

void memory_listeners_clear(Fs *fs, GPtrArray *listeners)
{
	for (guint i = 0; i < listeners->len; i++)
		tell(fs, listeners->pdata[i]);
	g_ptr_array_unref(listeners);
}

/* __mem_cgroup_threshold(): told when the use passes the threshold in either direction */
void memory_listeners_tell_use(Group *group, const MemoryUse *use)
{
	GPtrArray *listeners = memory_of(group)->listeners;

	for (guint i = 0; i < listeners->len; i++) {
		MemoryListener *listener = listeners->pdata[i];
		gboolean reached = use_for(listener, use) >= listener->threshold;

		if (listener->file > MEMORY_FILE_USE_WITH_SWAP || reached == listener->reached)
			continue;
		listener->reached = reached;
		tell(group->hierarchy->fs, listener);
	}
}

static int tell_oom(Group *group, void *data)
{
	const MemoryState *memory = memory_of(group);

	for (guint i = 0; memory && i < memory->listeners->len; i++) {
		MemoryListener *listener = memory->listeners->pdata[i];

		if (listener->file == MEMORY_FILE_OOM)
			tell(group->hierarchy->fs, listener);
	}
	return 0;
}

void memory_listeners_tell_oom(Group *group)
{
	group_walk(group, tell_oom, NULL);
}

/* vmpressure_calc_level() of what a scan for memory to reclaim would have met: how much of it in vain? */
static PressureLevel level_of(const MemoryUse *use)
{
	guint64 in_vain = use->memory ? use->fixed * 100 / use->memory : 0;

	return in_vain >= 95 ? PRESSURE_CRITICAL : in_vain >= 60 ? PRESSURE_MEDIUM : PRESSURE_LOW;
}

/* vmpressure_event(): TRUE if somebody was told */
static gboolean tell_level(Group *group, PressureLevel level, gboolean from_below, gboolean was_told)
{
	GPtrArray *listeners = memory_of(group)->listeners;
	gboolean told = FALSE;

	for (guint i = 0; i < listeners->len; i++) {
		MemoryListener *listener = listeners->pdata[i];

		if (listener->file != MEMORY_FILE_PRESSURE || level < listener->level ||
		    (from_below && listener->mode == PRESSURE_LOCAL) ||
		    (was_told && listener->mode == PRESSURE_DEFAULT))
			continue;
		tell(group->hierarchy->fs, listener);
		told = TRUE;
	}
	return told;
}

void memory_listeners_tell_pressure(Group *group, const MemoryUse *use)
{
	PressureLevel level = level_of(use);
	gboolean told = FALSE;

	for (Group *at = group; at && memory_of(at); at = at->parent)
		told |= tell_level(at, level, at != group, told);
}
