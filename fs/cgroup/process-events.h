/*
 * The kernel's own word of processes that start and end: the proc connector (Documentation/driver-api/connector.rst)
 * and the exit records of taskstats (Documentation/accounting/taskstats.rst). Both need CAP_NET_ADMIN in the first
 * network namespace, and gVisor has neither: then members are found by looking at the process list.
 */
#pragma once

#include "fs/source/processes.h"

typedef enum ProcessEventKind { PROCESS_FORKED, PROCESS_EXITED, PROCESS_EVENTS_LOST } ProcessEventKind;

typedef struct ProcessEvent {
	ProcessEventKind kind;
	pid_t pid;        /* the thread group that started, or of which a thread ended: perhaps the last one */
	pid_t parent;     /* PROCESS_FORKED: the thread group that forked it … */
	pid_t parent_tid; /* … and which thread of it; 0: not known */
	/* PROCESS_EXITED: CPU time of its threads that ended while we listened, ns, and what they read and wrote */
	guint64 cpu_ns;
	ProcessIo io;
} ProcessEvent;

typedef struct ProcessEvents ProcessEvents;

/* NULL where the kernel does not offer them to us. */
ProcessEvents *process_events_new(void);
void process_events_free(ProcessEvents *events);
/* Events come only while listening; what happened before is not told. */
gboolean process_events_listen(ProcessEvents *events, gboolean on);
/* Readable when there are events. */
int process_events_fd(const ProcessEvents *events);
/* Calls visit for everything that happened up to now, in order. */
void process_events_drain(ProcessEvents *events, void (*visit)(const ProcessEvent *event, void *data), void *data);
