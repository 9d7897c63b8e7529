#include "fs/cgroup/pressure-trigger.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char *const file_names[PRESSURE_COUNT] = {
	[PRESSURE_CPU] = "pressure/cpu",
	[PRESSURE_MEMORY] = "pressure/memory",
	[PRESSURE_IO] = "pressure/io",
};

typedef struct Trigger {
	gatomicrefcount ref;
	HandleExtra extra; /* what the open file holds */
	Fs *fs;
	Node *node;
	int fd; /* the machine's own trigger; -1: none */
	GSource *source;
} Trigger;

static void trigger_unref(gpointer data)
{
	Trigger *trigger = data;

	if (!g_atomic_ref_count_dec(&trigger->ref))
		return;
	if (trigger->fd >= 0)
		close(trigger->fd);
	node_unref(trigger->node);
	g_free(trigger);
}

static Trigger *trigger_of(HandleExtra *extra)
{
	return (Trigger *) ((char *) extra - offsetof(Trigger, extra));
}

static void file_closed(HandleExtra *extra)
{
	Trigger *trigger = trigger_of(extra);

	background_cancel(&trigger->source);
	trigger_unref(trigger);
}

static gboolean on_pressure(gint fd, GIOCondition events, gpointer data)
{
	Trigger *trigger = data;

	if (!(events & G_IO_PRI))
		return G_SOURCE_REMOVE;
	g_atomic_int_set(&trigger->extra.event, TRUE);
	g_rw_lock_writer_lock(&trigger->fs->lock);
	if (!trigger->node->dead)
		fs_notify(trigger->fs, trigger->node);
	g_rw_lock_writer_unlock(&trigger->fs->lock);
	return (events & G_IO_ERR) ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

/* A file that is not procfs's own is a fixture. -1: the machine tells no pressure, or not us. */
static int open_machine_trigger(Fs *fs, PressureKind kind, const char *text)
{
	int fd = openat(sampler_proc_fd(fs->sampler), file_names[kind], O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct statfs where;

	if (fd < 0)
		return -1;
	if (fstatfs(fd, &where) == 0 && where.f_type == PROC_SUPER_MAGIC && write(fd, text, strlen(text) + 1) > 0)
		return fd;
	g_debug("no trigger on /proc/%s: %s", file_names[kind], g_strerror(errno));
	close(fd);
	return -1;
}

int pressure_trigger_set(const VContext *ctx, PressureKind kind, const char *text)
{
	Trigger *trigger;

	if (!ctx->handle)
		return 0;
	trigger = g_new0(Trigger, 1);
	g_atomic_ref_count_init(&trigger->ref);
	trigger->extra.closed = file_closed;
	trigger->fs = ctx->fs;
	trigger->node = node_ref(ctx->node);
	trigger->fd = open_machine_trigger(ctx->fs, kind, text);
	if (trigger->fd >= 0) {
		g_atomic_ref_count_inc(&trigger->ref);
		trigger->source = background_watch(ctx->fs->background, trigger->fd, G_IO_PRI | G_IO_ERR, on_pressure,
						   trigger, trigger_unref);
	}
	if (handle_extend(ctx->handle, &trigger->extra))
		return 0;
	file_closed(&trigger->extra);
	return -EBUSY;
}
