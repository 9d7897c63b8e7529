/*
 * cgroup.event_control: eventfd(2) notifications of a v1 group's memory (mm/memcontrol-v1.c,
 * memcg_write_event_control()).
 *
 * The numbers that are written are descriptors of the writer, whose eventfd is copied where the kernel lets us
 * (pidfd_getfd(2)). Elsewhere the wish is checked and accepted, and nothing is ever sent. A copy goes with the group,
 * or, if nobody else has the eventfd any more, with the process that asked.
 */
#include "fs/cgroup/core.h"
#include "fs/cgroup/enforce.h"
#include "fs/cgroup/eventfd.h"
#include "fs/cgroup/memory-listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const file_names[] = {
	[MEMORY_FILE_USE] = "memory.usage_in_bytes",
	[MEMORY_FILE_USE_WITH_SWAP] = "memory.memsw.usage_in_bytes",
	[MEMORY_FILE_OOM] = "memory.oom_control",
	[MEMORY_FILE_PRESSURE] = "memory.pressure_level",
};

typedef struct Wish {
	unsigned eventfd, target;
	const char *argument; /* in the text */
} Wish;

/* "EVENTFD FD[ ARGUMENT]" */
static int parse_wish(const char *text, Wish *ret)
{
	char *end;

	ret->eventfd = (unsigned) strtoul(text, &end, 10);
	if (*end != ' ')
		return -EINVAL;
	ret->target = (unsigned) strtoul(end + 1, &end, 10);
	if (*end != '\0' && *end != ' ')
		return -EINVAL;
	ret->argument = *end ? end + 1 : end;
	return 0;
}

static int which_file(const char *path, MemoryEventFile *ret)
{
	const char *name = strrchr(path, '/');

	for (size_t i = 0; name && i < G_N_ELEMENTS(file_names); i++)
		if (strcmp(name + 1, file_names[i]) == 0) {
			*ret = (MemoryEventFile) i;
			return 0;
		}
	return -EINVAL;
}

/* Wherever the tree is mounted, the path ends like the group's. More would have to be asked of ourselves, through the
 * mount; and a file elsewhere that is called the same gains its owner nothing. Tree locked. */
static gboolean is_file_of(const Group *group, const char *path)
{
	g_autofree char *dir = group_path(group);
	g_autofree char *directory = g_path_get_dirname(path);

	return group_is_root(group) || g_str_has_suffix(directory, dir);
}

typedef struct Writer {
	Fs *fs;
	Node *dir;
	MemoryListener *listener;
	int pidfd;
} Writer;

static void writer_free(gpointer data)
{
	Writer *writer = data;

	close(writer->pidfd);
	node_unref(writer->dir);
	memory_listener_unref(writer->listener);
	g_free(writer);
}

static gboolean on_writer_end(gint fd, GIOCondition events, gpointer data)
{
	Writer *writer = data;

	if (eventfd_is_open_elsewhere(writer->listener->eventfd))
		return G_SOURCE_REMOVE;
	g_rw_lock_writer_lock(&writer->fs->lock);
	if (!writer->dir->dead)
		memory_listener_remove(writer->dir->owner, writer->listener);
	g_rw_lock_writer_unlock(&writer->fs->lock);
	return G_SOURCE_REMOVE;
}

/* Where the kernel does not tell of the end of a process, the copy stays as long as the group. */
static void follow_writer(const VContext *ctx, Node *dir, MemoryListener *listener)
{
	int pidfd = (int) syscall(SYS_pidfd_open, ctx->caller->pid, 0);
	Writer *writer;

	if (pidfd < 0)
		return;
	writer = g_new0(Writer, 1);
	*writer = (Writer){ctx->fs, node_ref(dir), listener, pidfd};
	g_atomic_ref_count_inc(&listener->ref);
	g_source_unref(background_watch(ctx->fs->background, pidfd, G_IO_IN, on_writer_end, writer, writer_free));
}

static int add_locked(const VContext *ctx, MemoryListener *listener, const Sample *sample, const char *path)
{
	Group *group = ctx->owner;
	MemoryUse use;

	if (!is_file_of(group, path))
		return -EINVAL;
	if (listener->eventfd < 0) {
		memory_listener_unref(listener);
		return 0;
	}
	memory_use_of(group, sample, &use);
	follow_writer(ctx, group->dir, listener);
	memory_listener_add(group, listener, &use);
	return 0;
}

/* The group takes the listener over, if it is one of its files. */
static int add_listener(const VContext *ctx, MemoryListener *listener, const char *path)
{
	g_autoptr(Sample) sample = control_file_sample(ctx, file_names[MEMORY_FILE_USE]);
	VContext locked = *ctx;
	int r = sample ? control_file_lock(&locked) : -ENODEV;

	if (r == 0) {
		r = add_locked(&locked, listener, sample, path);
		control_file_unlock(&locked);
	}
	if (r < 0)
		memory_listener_unref(listener);
	return r;
}

static int event_control_store(const VContext *ctx, const char *text, size_t len)
{
	g_autofree char *path = NULL;
	MemoryListener *listener;
	MemoryEventFile file;
	int eventfd = -1, r;
	Wish wish;

	r = parse_wish(text, &wish);
	if (r == 0)
		r = eventfd_take(ctx->caller->pid, wish.eventfd, &eventfd);
	if (r == 0 || r == -EOPNOTSUPP)
		r = descriptor_path(ctx->caller->pid, wish.target, &path);
	if (r == 0)
		r = which_file(path, &file);
	if (r == 0)
		r = memory_listener_parse(file, wish.argument, &listener);
	if (r != 0) {
		if (eventfd >= 0)
			close(eventfd);
		return r;
	}
	listener->eventfd = eventfd;
	return add_listener(ctx, listener, path);
}

const VFile event_control_files[] = {
	{"cgroup.event_control", 0200, VF_UNLOCKED, ORIGIN_TREE, NULL, event_control_store, 0,
	 "Takes a wish for an eventfd notification, \"<eventfd> <fd> <arguments>\"", enforce_after_memory},
	{0},
};
