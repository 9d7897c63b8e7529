/*
 * inotify(7): a change that did not come through the mount raises no event of itself. So the file is touched through
 * the mount: a new modification time, which nobody keeps, is to inotify what it is on the kernel's own files, IN_MODIFY
 * and nothing else (fsnotify_change() in include/linux/fsnotify.h).
 *
 * That is a request to ourselves, made by a thread of its own while the workers answer: it begins after them, and ends
 * before they do. It is made only for files that somebody has looked up, for nobody else can watch them, and only below
 * a mount that is known to be ours.
 */
#include "daemon/fuse-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Ends the queue. */
static char no_more[] = "";

static void touch(const FuseServer *server, const char *path)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
	struct stat st;

	if (lstat(path, &st) < 0 || st.st_dev != server->touch.device)
		return;
	if (utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) < 0)
		g_debug("nobody hears of a change of %s through inotify: %s", path, g_strerror(errno));
}

static gpointer toucher(gpointer data)
{
	FuseServer *server = data;
	char *path;

	while ((path = g_async_queue_pop(server->touch.queue)) != no_more) {
		/* What changes from here on is queued again. */
		g_mutex_lock(&server->touch.lock);
		g_hash_table_steal(server->touch.queued, path);
		g_mutex_unlock(&server->touch.lock);
		touch(server, path);
		g_free(path);
	}
	return NULL;
}

void fuse_touch_start(FuseServer *server, const char *mountpoint)
{
	struct stat st;

	if (server->touch.thread)
		return;
	if (stat(mountpoint, &st) < 0) {
		g_debug("nobody will hear of changes through inotify: %s: %s", mountpoint, g_strerror(errno));
		return;
	}
	g_mutex_lock(&server->touch.lock);
	server->touch.mountpoint = g_strdup(mountpoint);
	server->touch.device = st.st_dev;
	server->touch.queue = g_async_queue_new();
	server->touch.queued = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	server->touch.thread = g_thread_new("fuse-touch", toucher, server);
	g_mutex_unlock(&server->touch.lock);
}

void fuse_touch_stop(FuseServer *server)
{
	if (!server->touch.thread)
		return;
	g_mutex_lock(&server->touch.lock);
	g_clear_pointer(&server->touch.mountpoint, g_free);
	g_async_queue_push_front(server->touch.queue, no_more);
	g_mutex_unlock(&server->touch.lock);
	g_thread_join(server->touch.thread);
	g_async_queue_unref(server->touch.queue);
	g_hash_table_unref(server->touch.queued);
}

/* NULL: not below what is mounted. */
static char *path_in_mount(const FuseServer *server, const Node *node)
{
	g_autofree char *root = node_path(server->root), *path = node_path(node);
	size_t skip = strcmp(root, "/") == 0 ? 0 : strlen(root);

	return node_is_below(node, server->root) ? g_strconcat(server->touch.mountpoint, path + skip, NULL) : NULL;
}

/* Each path is in the queue once, and owned by the table of those that are. */
void fuse_touch_node(FuseServer *server, const Node *node)
{
	char *path = NULL;

	g_mutex_lock(&server->touch.lock);
	if (server->touch.mountpoint && (server->touch.all_known || g_atomic_int_get(&node->file.known)))
		path = path_in_mount(server, node);
	if (path && g_hash_table_contains(server->touch.queued, path)) {
		g_free(path);
	} else if (path) {
		g_hash_table_add(server->touch.queued, path);
		g_async_queue_push(server->touch.queue, path);
	}
	g_mutex_unlock(&server->touch.lock);
}
