#include "daemon/view/shadow-waits.h"

#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ShadowWait {
	Shadow *shadow;
	char *shown, *pipe; /* pipe NULL: not made yet */
	Handle *handle;
	unsigned news; /* under lock, with reader */
	int reader;    /* -1: the pipe is broken */
	gboolean begun;
};

/* Event files change in any thread. */
static GMutex lock;
static GPtrArray *all; /* ShadowWait, under lock */
static unsigned n_made;

static void break_pipe(ShadowWait *wait)
{
	if (wait->reader >= 0)
		close(wait->reader);
	wait->reader = -1;
}

static void mend_pipe(ShadowWait *wait)
{
	if (wait->reader < 0 && wait->pipe)
		wait->reader = open(wait->pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* Lock held. */
static void look(ShadowWait *wait)
{
	wait->news |= handle_poll(wait->handle);
	if (!wait->begun)
		return;
	if (wait->news)
		break_pipe(wait);
	else
		mend_pipe(wait);
}

/* The tree is locked. */
static void file_changed(Node *node)
{
	g_mutex_lock(&lock);
	for (guint i = 0; all && i < all->len; i++) {
		ShadowWait *wait = all->pdata[i];
		if (handle_node(wait->handle) == node)
			look(wait);
	}
	g_mutex_unlock(&lock);
}

static void add(ShadowWait *wait)
{
	g_mutex_lock(&lock);
	if (!all)
		all = g_ptr_array_new();
	g_ptr_array_add(all, wait);
	wait->news = handle_poll(wait->handle);
	g_mutex_unlock(&lock);
}

/* To be closed by the caller. NULL: no event file. */
static Handle *open_event_file(Shadow *shadow, const char *shown)
{
	Handle *handle;
	g_autoptr(Node) node = NULL;
	if (shadow_find(shadow, shown, &node) < 0 || !node || node->type != NODE_FILE ||
	    !(node->file.row->flags & VF_EVENT))
		return NULL;
	return fs_open(shadow_fs(shadow), node, O_RDONLY, NULL, &handle) == 0 ? handle : NULL;
}

ShadowWait *shadow_wait_new(Shadow *shadow, const char *shown, const Caller *caller)
{
	Handle *handle = open_event_file(shadow, shown);
	g_autoptr(GString) text = g_string_new(NULL);
	if (!handle)
		return NULL;
	(void) fs_read(shadow_fs(shadow), handle, caller, 0, 0, text);
	ShadowWait *wait = g_new0(ShadowWait, 1);
	*wait = (ShadowWait){.shadow = shadow, .shown = g_strdup(shown), .handle = handle, .reader = -1};
	add(wait);
	return wait;
}

void shadow_wait_free(ShadowWait *wait)
{
	if (!wait)
		return;
	g_mutex_lock(&lock);
	g_ptr_array_remove_fast(all, wait);
	break_pipe(wait);
	g_mutex_unlock(&lock);
	if (wait->pipe)
		(void) unlink(wait->pipe);
	fs_close(shadow_fs(wait->shadow), wait->handle);
	g_free(wait->pipe);
	g_free(wait->shown);
	g_free(wait);
}

const char *shadow_wait_shown(const ShadowWait *wait)
{
	return wait->shown;
}

/* Whoever the program has become by then must be able to open it. */
static char *make_pipe(const Shadow *shadow)
{
	g_autofree char *name = g_strdup_printf("/.waits/%u", n_made++);
	g_autofree char *path = shadow_real(shadow, name), *directory = g_path_get_dirname(path);
	if (g_mkdir_with_parents(directory, 0755) < 0 || mkfifo(path, 0600) < 0 || chmod(path, 0666) < 0)
		return NULL;
	return g_steal_pointer(&path);
}

const char *shadow_wait_pipe(ShadowWait *wait)
{
	shadow_listen(wait->shadow, file_changed);
	g_mutex_lock(&lock);
	wait->begun = FALSE;
	if (!wait->pipe)
		wait->pipe = make_pipe(wait->shadow);
	/* Without a reader it could not be opened. */
	mend_pipe(wait);
	g_mutex_unlock(&lock);
	return wait->pipe;
}

const char *shadow_wait_pipe_shown(const ShadowWait *wait)
{
	return wait->pipe ? shadow_shown(wait->shadow, wait->pipe) : NULL;
}

void shadow_wait_begin(ShadowWait *wait)
{
	g_mutex_lock(&lock);
	wait->begun = TRUE;
	look(wait);
	g_mutex_unlock(&lock);
}

unsigned shadow_wait_news(ShadowWait *wait)
{
	g_mutex_lock(&lock);
	look(wait);
	unsigned news = wait->news;
	g_mutex_unlock(&lock);
	return news;
}

/* All but a trigger's stays news until the file is read. */
void shadow_wait_told(ShadowWait *wait)
{
	if (!handle_is_extended(wait->handle))
		return;
	g_mutex_lock(&lock);
	wait->news = 0;
	look(wait);
	g_mutex_unlock(&lock);
}

void shadow_wait_read(ShadowWait *wait, const Caller *caller)
{
	g_autoptr(GString) text = g_string_new(NULL);
	if (handle_is_extended(wait->handle))
		return;
	(void) fs_read(shadow_fs(wait->shadow), wait->handle, caller, 0, 0, text);
	g_mutex_lock(&lock);
	wait->news = 0;
	look(wait);
	g_mutex_unlock(&lock);
}

gboolean shadow_wait_takes_triggers(const ShadowWait *wait)
{
	return handle_node(wait->handle)->file.row->flags & VF_TRIGGER;
}

int shadow_wait_write(ShadowWait *wait, const Caller *caller, const char *data, size_t size)
{
	int r = fs_write(shadow_fs(wait->shadow), wait->handle, caller, data, size);
	if (r == 0 && handle_is_extended(wait->handle))
		shadow_wait_told(wait);
	return r;
}

int shadow_check_read(Shadow *shadow, const char *shown, const Caller *caller)
{
	g_autoptr(Node) node = NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	Handle *handle = NULL;
	int r = shadow_find(shadow, shown, &node);
	if (r < 0)
		return -ENODEV;
	if (!node || node->type != NODE_FILE || fs_open(shadow_fs(shadow), node, O_RDONLY, NULL, &handle) < 0)
		return 0;
	r = fs_read(shadow_fs(shadow), handle, caller, 0, 0, text);
	fs_close(shadow_fs(shadow), handle);
	return r;
}
