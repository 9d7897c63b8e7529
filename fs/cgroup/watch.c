/*
 * Following forks and exits as they happen, where the kernel tells them (process-events.h).
 *
 * A thread sleeps until something happened; whoever needs to know at once takes what has happened by itself. Nothing is
 * asked of the kernel while no process is in any group, so that an idle daemon stays asleep.
 */
#include "fs/cgroup/members.h"
#include "fs/cgroup/process-events.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct Watch {
	Fs *fs;
	ProcessEvents *events;
	GMutex lock; /* one drain at a time */
	GThread *thread;
	int stop;           /* eventfd */
	gboolean listening; /* under lock */
} Watch;

/* One event with what /proc says of the process, so that nothing is read while the tree is locked. */
typedef struct Happening {
	ProcessEvent event;
	gboolean is_gone, is_running;
	Process process;
	ProcessIo io; /* of a process that has ended */
} Happening;

static void collect(const ProcessEvent *event, void *data)
{
	Happening happening = {.event = *event};

	g_array_append_val((GArray *) data, happening);
}

/* The end of one thread is not the end of its process; and a newborn is known by its start, without which it could be
 * neither frozen nor killed. */
static void look_up(Fs *fs, GArray *happenings)
{
	for (guint i = 0; i < happenings->len; i++) {
		Happening *happening = &g_array_index(happenings, Happening, i);
		Process *process = &happening->process;

		if (happening->event.kind == PROCESS_EVENTS_LOST)
			continue;
		happening->is_gone = sampler_read_process(fs->sampler, happening->event.pid, FALSE, process) < 0;
		happening->is_running = !happening->is_gone && !process_has_ended(process);
		happening->io = happening->event.io;
		if (happening->event.kind == PROCESS_EXITED && !happening->is_running && !happening->is_gone)
			process_read_io(sampler_proc_fd(fs->sampler), happening->event.pid, &happening->io);
	}
}

/* What it spent since the last look: from /proc while it is a zombie, and from the exit records. */
static void count_last_times(Task *task, const Happening *happening)
{
	gboolean is_there = !happening->is_gone && happening->process.start == task->start;
	Process last = is_there ? happening->process : task->last;
	guint64 known = last.user_ns + last.system_ns;

	/* /proc counts in ticks: of a short life it may know nothing. */
	if (happening->event.cpu_ns > known)
		last.user_ns += happening->event.cpu_ns - known;
	accounting_update(task, &last);
	accounting_update_io(task, &happening->io);
}

static void apply(Members *members, const Happening *happening)
{
	Task *task;

	if (happening->event.kind == PROCESS_FORKED) {
		members_forked(members, &happening->event, happening->is_gone ? 0 : happening->process.start);
		return;
	}
	task = members_find(members, happening->event.pid);
	if (!task || happening->is_running)
		return;
	if (!task->start && !happening->is_gone)
		task->start = happening->process.start;
	members->last_exit = g_get_monotonic_time();
	count_last_times(task, happening);
	members_exited(members, task, happening->is_gone);
}

/* TRUE if some were lost. */
static gboolean apply_all(Fs *fs, GArray *happenings)
{
	gboolean lost = FALSE;

	g_rw_lock_writer_lock(&fs->lock);
	for (guint i = 0; i < happenings->len; i++) {
		const Happening *happening = &g_array_index(happenings, Happening, i);

		if (happening->event.kind == PROCESS_EVENTS_LOST)
			lost = TRUE;
		else
			apply(fs->cgroups->members, happening);
	}
	g_rw_lock_writer_unlock(&fs->lock);
	return lost;
}

void members_told(Fs *fs, const ProcessEvent *event)
{
	Members *members = fs->cgroups ? fs->cgroups->members : NULL;
	GArray *happenings;
	gboolean wanted;

	if (!members)
		return;
	g_rw_lock_reader_lock(&fs->lock);
	wanted = members->n_placed > 0 && !members->watch;
	g_rw_lock_reader_unlock(&fs->lock);
	if (!wanted)
		return;
	happenings = g_array_new(FALSE, FALSE, sizeof(Happening));
	collect(event, happenings);
	look_up(fs, happenings);
	(void) apply_all(fs, happenings);
	g_array_unref(happenings);
}

static void look_at_all(Fs *fs)
{
	g_autoptr(Sample) sample = sampler_get_fresh(fs->sampler, SAMPLE_PROCESSES);

	members_reconcile(fs, sample);
}

static void drain_locked(Watch *watch)
{
	GArray *happenings = g_array_new(FALSE, FALSE, sizeof(Happening));
	gboolean lost = FALSE;

	process_events_drain(watch->events, collect, happenings);
	if (happenings->len > 0) {
		look_up(watch->fs, happenings);
		lost = apply_all(watch->fs, happenings);
	}
	g_array_unref(happenings);
	if (lost)
		look_at_all(watch->fs);
}

/* Nobody is in a group any more: the kernel need not tell us. */
static void rest_if_idle(Watch *watch)
{
	unsigned n_placed;

	g_rw_lock_reader_lock(&watch->fs->lock);
	n_placed = watch->fs->cgroups->members->n_placed;
	g_rw_lock_reader_unlock(&watch->fs->lock);
	if (n_placed == 0)
		watch->listening = !process_events_listen(watch->events, FALSE);
}

static gpointer follow(gpointer data)
{
	Watch *watch = data;
	struct pollfd fds[] = {{.fd = process_events_fd(watch->events), .events = POLLIN},
			       {.fd = watch->stop, .events = POLLIN}};

	while (TRUE) {
		if (poll(fds, G_N_ELEMENTS(fds), -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			break;
		g_mutex_lock(&watch->lock);
		drain_locked(watch);
		if (watch->listening)
			rest_if_idle(watch);
		g_mutex_unlock(&watch->lock);
	}
	return NULL;
}

void members_watch_new(Members *members)
{
	ProcessEvents *events = process_events_new();
	Watch *watch;

	if (!events)
		return;
	watch = g_new0(Watch, 1);
	watch->fs = members->fs;
	watch->events = events;
	watch->stop = -1;
	g_mutex_init(&watch->lock);
	members->watch = watch;
}

void members_watch_free(Members *members)
{
	Watch *watch = members->watch;
	guint64 one = 1;

	if (!watch)
		return;
	if (watch->thread) {
		if (write(watch->stop, &one, sizeof one) < 0)
			g_error("cannot stop following processes: %s", g_strerror(errno));
		g_thread_join(watch->thread);
		close(watch->stop);
	}
	process_events_free(watch->events);
	g_mutex_clear(&watch->lock);
	g_free(watch);
}

void members_watch_start(Fs *fs)
{
	Watch *watch = fs->cgroups->members->watch;
	gboolean started = FALSE;

	if (!watch)
		return;
	g_mutex_lock(&watch->lock);
	if (!watch->listening)
		started = watch->listening = process_events_listen(watch->events, TRUE);
	if (started && !watch->thread) {
		watch->stop = eventfd(0, EFD_CLOEXEC);
		watch->thread = g_thread_new("follow", follow, watch);
	}
	if (started)
		look_at_all(fs);
	g_mutex_unlock(&watch->lock);
}

gboolean members_watch_drain(Fs *fs)
{
	Watch *watch = fs->cgroups->members->watch;
	gboolean listening;

	if (!watch)
		return FALSE;
	g_mutex_lock(&watch->lock);
	listening = watch->listening;
	if (listening)
		drain_locked(watch);
	g_mutex_unlock(&watch->lock);
	return listening;
}
