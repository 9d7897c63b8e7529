/* Who asked through cgroup.event_control to be told of events of a group's memory (mm/memcontrol-v1.c, vmpressure.c).
 */
#pragma once

#include "fs/cgroup/memory.h"

typedef enum MemoryEventFile {
	MEMORY_FILE_USE,
	MEMORY_FILE_USE_WITH_SWAP,
	MEMORY_FILE_OOM,
	MEMORY_FILE_PRESSURE,
} MemoryEventFile;

typedef enum PressureLevel { PRESSURE_LOW, PRESSURE_MEDIUM, PRESSURE_CRITICAL, PRESSURE_LEVELS } PressureLevel;
/* Of descendants' pressure: not if one below was told, always, or never. */
typedef enum PressureMode { PRESSURE_DEFAULT, PRESSURE_HIERARCHY, PRESSURE_LOCAL, PRESSURE_MODES } PressureMode;

typedef struct MemoryListener {
	gatomicrefcount ref;
	int eventfd;
	MemoryEventFile file;
	guint64 threshold; /* bytes */
	gboolean reached;
	PressureLevel level;
	PressureMode mode;
} MemoryListener;

/* What the argument means for the file. 0 or -EINVAL; the listener has no eventfd yet. Unref it. */
int memory_listener_parse(MemoryEventFile file, const char *argument, MemoryListener **ret);
void memory_listener_unref(MemoryListener *listener);

/* The group takes the listener over; a shortage that is there already is told at once. Tree locked for writing. */
void memory_listener_add(Group *group, MemoryListener *listener, const MemoryUse *use);
/* The group is going: all are told a last time (memcg_event_remove()). */
void memory_listeners_clear(Fs *fs, GPtrArray *listeners);
/* The group is not dead and the listener was one of its own: it is no longer. Tree locked for writing. */
void memory_listener_remove(Group *group, MemoryListener *listener);

/* Tree locked for writing. */
void memory_listeners_tell_use(Group *group, const MemoryUse *use);
void memory_listeners_tell_oom(Group *group); /* and those of groups below it */
void memory_listeners_tell_pressure(Group *group, const MemoryUse *use);
