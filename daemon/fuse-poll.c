/*
 * poll(2), by the rules of kernfs (fs/kernfs/file.c, kernfs_generic_poll): a file is always readable and writable; if
 * it has changed since it was last read, POLLERR and POLLPRI come on top.
 *
 * Waking waits for the kernel, which may wait for a worker: it is done by a thread of its own, and never where the
 * kernel did not offer it.
 */
#include "daemon/fuse-private.h"

#include <errno.h>
#include <poll.h>

#define ALWAYS (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

/* Ends the notifier's queue. */
static char no_more;

static void *notifier(void *data)
{
	FuseServer *server = data;
	gpointer waiter;

	while ((waiter = g_async_queue_pop(server->poll.ready)) != &no_more) {
		fuse_lowlevel_notify_poll(waiter);
		fuse_pollhandle_destroy(waiter);
	}
	return NULL;
}

/* The tree is locked: nothing here may ask it anything. */
static void wake(Node *node, void *data)
{
	FuseServer *server = data;
	GPtrArray *files;

	g_mutex_lock(&server->poll.lock);
	files = g_hash_table_lookup(server->poll.waiting, node);
	for (guint i = 0; files && i < files->len; i++) {
		OpenFile *file = files->pdata[i];
		g_async_queue_push(server->poll.ready, g_steal_pointer(&file->poll));
	}
	if (files)
		g_hash_table_remove(server->poll.waiting, node);
	g_mutex_unlock(&server->poll.lock);
	fuse_touch_node(server, node);
}

void fuse_poll_start(FuseServer *server)
{
	server->poll.waiting = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
	server->poll.ready = g_async_queue_new();
	g_mutex_init(&server->poll.lock);
	g_mutex_init(&server->touch.lock);
	server->poll.notifier = g_thread_new("fuse-notify", notifier, server);
	g_rw_lock_writer_lock(&server->fs->lock);
	server->fs->notify = wake;
	server->fs->notify_data = server;
	g_rw_lock_writer_unlock(&server->fs->lock);
}

/* A successor does not know who waits: they are to ask again. */
static void wake_all(FuseServer *server)
{
	GHashTableIter iter;
	gpointer files;

	g_hash_table_iter_init(&iter, server->poll.waiting);
	while (g_hash_table_iter_next(&iter, NULL, &files)) {
		GPtrArray *array = files;

		for (guint i = 0; i < array->len; i++) {
			OpenFile *file = array->pdata[i];
			g_async_queue_push(server->poll.ready, g_steal_pointer(&file->poll));
		}
	}
}

void fuse_poll_stop(FuseServer *server)
{
	g_rw_lock_writer_lock(&server->fs->lock);
	server->fs->notify = NULL;
	server->fs->notify_data = NULL;
	g_rw_lock_writer_unlock(&server->fs->lock);
	wake_all(server);
	g_async_queue_push(server->poll.ready, &no_more);
	g_thread_join(server->poll.notifier);
	g_async_queue_unref(server->poll.ready);
	g_hash_table_unref(server->poll.waiting);
	g_mutex_clear(&server->poll.lock);
}

static void wait_for_event(FuseServer *server, OpenFile *file, struct fuse_pollhandle *waiter)
{
	Node *node = handle_node(file->handle);
	GPtrArray *files;

	g_mutex_lock(&server->poll.lock);
	if (file->poll) {
		fuse_pollhandle_destroy(file->poll);
	} else {
		files = g_hash_table_lookup(server->poll.waiting, node);
		if (!files) {
			files = g_ptr_array_new();
			g_hash_table_insert(server->poll.waiting, node, files);
		}
		g_ptr_array_add(files, file);
	}
	file->poll = waiter;
	g_mutex_unlock(&server->poll.lock);
}

void fuse_poll_forget(FuseServer *server, OpenFile *file)
{
	GPtrArray *files;

	g_mutex_lock(&server->poll.lock);
	if (file->poll) {
		g_clear_pointer(&file->poll, fuse_pollhandle_destroy);
		files = g_hash_table_lookup(server->poll.waiting, handle_node(file->handle));
		if (files)
			g_ptr_array_remove_fast(files, file);
		if (files && !files->len)
			g_hash_table_remove(server->poll.waiting, handle_node(file->handle));
	}
	g_mutex_unlock(&server->poll.lock);
}

void fuse_op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *waiter)
{
	FuseServer *server = fuse_req_userdata(req);
	OpenFile *file = fuse_open_file(req, ino, fi);
	unsigned events = ALWAYS;

	if (!file) {
		if (waiter)
			fuse_pollhandle_destroy(waiter);
		fuse_reply_poll(req, ALWAYS | POLLERR | POLLPRI);
		return;
	}
	/* First wait, then look: an event in between wakes for nothing, but is not missed. */
	if (waiter && server->modern)
		wait_for_event(server, file, waiter);
	else if (waiter)
		fuse_pollhandle_destroy(waiter);
	fuse_reply_poll(req, events | handle_poll(file->handle));
}
