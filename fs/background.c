#include "fs/background.h"

#include <signal.h>

struct Background {
	GMutex lock;
	GMainContext *context;
	GMainLoop *loop;
	GThread *thread; /* NULL: nothing was asked for yet */
	gboolean stopped;
};

Background *background_new(void)
{
	Background *background = g_new0(Background, 1);

	g_mutex_init(&background->lock);
	background->context = g_main_context_new();
	background->loop = g_main_loop_new(background->context, FALSE);
	return background;
}

static gboolean quit(gpointer data)
{
	g_main_loop_quit(((Background *) data)->loop);
	return G_SOURCE_REMOVE;
}

void background_stop(Background *background)
{
	GSource *source = g_idle_source_new();
	GThread *thread;

	g_mutex_lock(&background->lock);
	background->stopped = TRUE;
	thread = g_steal_pointer(&background->thread);
	g_mutex_unlock(&background->lock);
	/* From within, so that a loop which has only just been started is ended too. */
	g_source_set_priority(source, G_PRIORITY_HIGH);
	g_source_set_callback(source, quit, background, NULL);
	g_source_attach(source, background->context);
	g_source_unref(source);
	if (thread)
		g_thread_join(thread);
}

void background_free(Background *background)
{
	if (!background)
		return;
	background_stop(background);
	g_main_loop_unref(background->loop);
	g_main_context_unref(background->context);
	g_mutex_clear(&background->lock);
	g_free(background);
}

static gpointer work(gpointer data)
{
	Background *background = data;

	g_main_loop_run(background->loop);
	return NULL;
}

/* Signals are for the program's own threads. */
static void start(Background *background)
{
	sigset_t all, before;

	g_mutex_lock(&background->lock);
	if (!background->thread && !background->stopped) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		background->thread = g_thread_new("background", work, background);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	g_mutex_unlock(&background->lock);
}

static void attach(Background *background, GSource *source)
{
	g_source_attach(source, background->context);
	start(background);
}

typedef struct Run {
	void (*run)(void *data);
	void *data;
	GDestroyNotify done;
} Run;

static gboolean run_once(gpointer data)
{
	const Run *run = data;

	run->run(run->data);
	return G_SOURCE_REMOVE;
}

static void run_free(gpointer data)
{
	Run *run = data;

	if (run->done)
		run->done(run->data);
	g_free(run);
}

void background_run(Background *background, void (*run)(void *data), void *data, GDestroyNotify done)
{
	GSource *source = g_idle_source_new();
	Run *call = g_new(Run, 1);

	*call = (Run){run, data, done};
	g_source_set_callback(source, run_once, call, run_free);
	attach(background, source);
	g_source_unref(source);
}

typedef struct Timer {
	GSource source; /* of which nothing but the ready time counts */
	void (*run)(void *data);
	void *data;
} Timer;

static gboolean timer_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
	const Timer *timer = (const Timer *) source;

	g_source_set_ready_time(source, -1);
	timer->run(timer->data);
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs timer_functions = {.dispatch = timer_dispatch};

GSource *background_timer(Background *background, gint64 microseconds, void (*run)(void *data), void *data)
{
	GSource *source = g_source_new(&timer_functions, sizeof(Timer));
	Timer *timer = (Timer *) source;

	timer->run = run;
	timer->data = data;
	g_source_set_ready_time(source, g_get_monotonic_time() + microseconds);
	attach(background, source);
	return source;
}

GSource *background_watch(Background *background, int fd, GIOCondition events, GUnixFDSourceFunc run, void *data,
			  GDestroyNotify done)
{
	GSource *source = g_unix_fd_source_new(fd, events);

	g_source_set_callback(source, G_SOURCE_FUNC(run), data, done);
	attach(background, source);
	return source;
}

void background_cancel(GSource **source)
{
	GSource *old = g_steal_pointer(source);

	if (!old)
		return;
	g_source_destroy(old);
	g_source_unref(old);
}
