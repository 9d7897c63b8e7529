/*
 * Open files: snapshots, reading, writing, attributes.
 *
 * A read at offset 0 shows the content as it is now, a read further on continues in the same snapshot, so that a long
 * file is never torn. Kernels that cut reads at st_size (fs->exact_sizes) ask for the size before a read: then the
 * content is rendered for the answer, and the read at offset 0 that follows uses that rendering.
 */
#include "fs/fs.h"

#include "build-features.h"
#include "fs/cgroup/pids-of.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

enum { PAGE = 4096 };

struct Handle {
	Node *node;
	uid_t uid; /* who opened it */
	gid_t gid;
	GMutex lock;
	GString *current;   /* being read; NULL before the first read */
	GString *next;      /* rendered for a size, waits for the read at offset 0 */
	gboolean at_end;    /* current has been read to its end */
	HandleExtra *extra; /* NULL: none */
	guint seen_events;  /* 0: has read nothing yet, which kernfs_generic_poll() takes for news */
};

unsigned parts_of_origin(Origin origin)
{
	switch (origin) {
	case ORIGIN_CPU:
		return SAMPLE_CPU;
	case ORIGIN_MEMORY:
		return SAMPLE_MEMORY;
	case ORIGIN_PIDS:
		return SAMPLE_LOAD;
	case ORIGIN_IO:
		return SAMPLE_IO;
	case ORIGIN_PRESSURE:
		return SAMPLE_PRESSURE;
	case ORIGIN_CONSTANT:
	case ORIGIN_SETTING:
	case ORIGIN_TREE:
	case ORIGIN_NATIVE:
		break;
	}
	return 0;
}

/* The sample must be there before the tree is locked. */
static Sample *take_sample(Fs *fs, Node *node, const Caller *caller)
{
	const NodeOps *ops = NULL;
	unsigned parts;

	g_rw_lock_reader_lock(&fs->lock);
	if (node->parent)
		ops = node->parent->dir.ops;
	g_rw_lock_reader_unlock(&fs->lock);
	if (ops && ops->sample)
		return ops->sample(fs, node, caller);
	parts = parts_of_origin(node->file.row->origin);
	return parts ? sampler_get(fs->sampler, parts) : NULL;
}

/* Such rows are no event files. */
static int show_unlocked(Fs *fs, Node *node, const Sample *sample, const Caller *caller, guint *ret_events,
			 GString *out)
{
	VContext ctx = {fs, node, node->file.row, NULL, NULL, sample, caller};

	*ret_events = node->file.events;
	return node->file.row->show(&ctx, out);
}

static int show_locked(Fs *fs, Node *node, const Sample *sample, const Caller *caller, guint *ret_events, GString *out)
{
	VContext ctx = {fs, node, node->file.row, NULL, NULL, sample, caller};
	int r = -ENODEV;

	g_rw_lock_reader_lock(&fs->lock);
	if (!node->dead) {
		ctx.owner = node->owner;
		ctx.state = node->file.state;
		*ret_events = node->file.events;
		r = ctx.file->show(&ctx, out);
	}
	g_rw_lock_reader_unlock(&fs->lock);
	return r;
}

static int render(Fs *fs, Node *node, const Caller *caller, guint *ret_events, GString **ret)
{
	const VFile *row = node->file.row;
	g_autoptr(Sample) sample = NULL;
	GString *out;
	int r;

	if (!row->show)
		return -EINVAL;
	sample = take_sample(fs, node, caller);
	out = g_string_sized_new(INITIAL_BUFFER);
	if (row->flags & VF_UNLOCKED_SHOW)
		r = show_unlocked(fs, node, sample, caller, ret_events, out);
	else
		r = show_locked(fs, node, sample, caller, ret_events, out);
	if (r < 0) {
		g_string_free(out, TRUE);
		return r;
	}
	if (row->flags & VF_PIDS)
		pids_to_caller(caller->pid, out);
	*ret = out;
	return 0;
}

static void drop(GString **string)
{
	if (*string)
		g_string_free(g_steal_pointer(string), TRUE);
}

/* fs/proc/proc_sysctl.c test_perm(): for root the owner's bits hold. Others are judged by whoever shows the tree. */
static gboolean is_forbidden(const Node *node, int flags, const Caller *caller)
{
	int access = flags & O_ACCMODE;
	mode_t wanted = (access == O_WRONLY ? 0 : S_IRUSR) | (access == O_RDONLY ? 0 : S_IWUSR);

	return node->type == NODE_FILE && node->file.row->flags & VF_STRICT_MODE && caller && caller->uid == 0 &&
	       wanted & ~node->mode;
}

int fs_open(Fs *fs, Node *node, int flags, const Caller *caller, Handle **ret)
{
	Handle *handle;
	int r;

	if (node->type == NODE_DIRECTORY)
		return -EISDIR;
	g_rw_lock_reader_lock(&fs->lock);
	r = node->dead ? -ENODEV : is_forbidden(node, flags, caller) ? -EACCES : 0;
	g_rw_lock_reader_unlock(&fs->lock);
	if (r < 0)
		return r;
	handle = g_new0(Handle, 1);
	handle->node = node_ref(node);
	handle->uid = caller ? caller->uid : 0;
	handle->gid = caller ? caller->gid : 0;
	g_mutex_init(&handle->lock);
	*ret = handle;
	return 0;
}

void fs_close(Fs *fs, Handle *handle)
{
	if (handle->extra)
		handle->extra->closed(handle->extra);
	drop(&handle->current);
	drop(&handle->next);
	g_mutex_clear(&handle->lock);
	node_unref(handle->node);
	g_free(handle);
}

Node *handle_node(Handle *handle)
{
	return handle->node;
}

/* kernfs_generic_poll(), and psi_trigger_poll() with a trigger: an event that was reported is over */
unsigned handle_poll(Handle *handle)
{
	HandleExtra *extra = g_atomic_pointer_get(&handle->extra);

	if (handle->node->dead)
		return POLLPRI | POLLERR;
	if (extra)
		return g_atomic_int_compare_and_exchange(&extra->event, TRUE, FALSE) ? POLLPRI : 0;
	if (handle->node->file.row->flags & VF_TRIGGER)
		return POLLPRI | POLLERR;
	return handle->seen_events != handle->node->file.events ? POLLPRI | POLLERR : 0;
}

gboolean handle_extend(Handle *handle, HandleExtra *extra)
{
	return g_atomic_pointer_compare_and_exchange(&handle->extra, NULL, extra);
}

gboolean handle_is_extended(Handle *handle)
{
	return g_atomic_pointer_get(&handle->extra) != NULL;
}

static int refresh(Fs *fs, Handle *handle, const Caller *caller)
{
	GString *fresh = g_steal_pointer(&handle->next);

	if (!fresh) {
		int r = render(fs, handle->node, caller, &handle->seen_events, &fresh);

		if (r < 0)
			return r;
	}
	drop(&handle->current);
	handle->current = fresh;
	return 0;
}

static gboolean is_dead(Fs *fs, const Node *node)
{
	gboolean dead;

	g_rw_lock_reader_lock(&fs->lock);
	dead = node->dead;
	g_rw_lock_reader_unlock(&fs->lock);
	return dead;
}

int fs_read(Fs *fs, Handle *handle, const Caller *caller, off_t offset, size_t size, GString *out)
{
	int r = 0;

	if (is_dead(fs, handle->node))
		return -ENODEV;
	g_mutex_lock(&handle->lock);
	if (offset == 0 || !handle->current)
		r = refresh(fs, handle, caller);
	if (r == 0 && offset >= 0) {
		size_t start = MIN((size_t) offset, handle->current->len);
		size_t n = MIN(size, handle->current->len - start);

		g_string_append_len(out, handle->current->str + start, n);
		handle->at_end = start + n == handle->current->len;
	}
	g_mutex_unlock(&handle->lock);
	return r;
}

static char *command_text(const VFile *row, const char *data, size_t size)
{
	char *text = g_strndup(data, size);

	return row->flags & VF_KEEP_SPACE ? text : g_strstrip(text);
}

static int store_locked(const VContext *ctx, const char *text)
{
	VContext locked = *ctx;
	Node *node = ctx->node;
	int r;

	g_rw_lock_writer_lock(&ctx->fs->lock);
	locked.owner = node->owner;
	locked.state = node->file.state;
	r = node->dead ? -ENODEV : ctx->file->store(&locked, text, strlen(text));
	g_rw_lock_writer_unlock(&ctx->fs->lock);
	return r;
}

static int store(Fs *fs, Node *node, Handle *handle, const Caller *caller, const char *text)
{
	const VFile *row = node->file.row;
	const VContext ctx = {fs, node, row, NULL, NULL, NULL, caller, handle};
	int r = row->flags & VF_UNLOCKED ? row->store(&ctx, text, strlen(text)) : store_locked(&ctx, text);

	if (r < 0)
		return r;
	if (row->after)
		row->after(&ctx);
	fs_changed(fs, TRUE);
	return 0;
}

int fs_store(Fs *fs, Node *node, const Caller *caller, const char *text)
{
	return store(fs, node, NULL, caller, text);
}

int fs_write(Fs *fs, Handle *handle, const Caller *caller, const char *data, size_t size)
{
	const VFile *row = handle->node->file.row;
	/* What is allowed was decided when the file was opened (of->file->f_cred); "0" is whoever writes. */
	const Caller by = {.pid = caller->pid, .uid = handle->uid, .gid = handle->gid};
	g_autofree char *text = NULL;

	if (is_dead(fs, handle->node))
		return -ENODEV;
	if (size > PAGE)
		return -E2BIG;
	if (!row->store)
		return -EINVAL;
	if (size == 0)
		return 0;
	text = command_text(row, data, size);
	return store(fs, handle->node, handle, &by, text);
}

/* Where the content cannot be had, some size: a read must be made for its error to be seen. */
static size_t snapshot_size(Fs *fs, Handle *handle, const Caller *caller)
{
	size_t size;
	int r = 0;

	g_mutex_lock(&handle->lock);
	if (is_dead(fs, handle->node))
		r = -ENODEV;
	else if (!handle->next && (!handle->current || handle->at_end))
		r = render(fs, handle->node, caller, &handle->seen_events, &handle->next);
	size = MAX(handle->current ? handle->current->len : 0, handle->next ? handle->next->len : 0);
	g_mutex_unlock(&handle->lock);
	return r < 0 ? PAGE : size;
}

static size_t content_size(Fs *fs, Node *node, Handle *handle, const Caller *caller)
{
	GString *content = NULL;
	size_t size;
	guint events;

	if (handle)
		return snapshot_size(fs, handle, caller);
	if (render(fs, node, caller, &events, &content) < 0)
		return 0;
	size = content->len;
	g_string_free(content, TRUE);
	return size;
}

static mode_t type_bits(const Node *node)
{
	return node->type == NODE_DIRECTORY ? S_IFDIR : node->type == NODE_LINK ? S_IFLNK : S_IFREG;
}

int fs_getattr(Fs *fs, Node *node, Handle *handle, const Caller *caller, struct stat *ret)
{
	size_t size = 0;

	if (node->type == NODE_FILE && fs->exact_sizes)
		size = content_size(fs, node, handle, caller);
	g_rw_lock_reader_lock(&fs->lock);
	if (node->dead && !handle) {
		g_rw_lock_reader_unlock(&fs->lock);
		return -ENOENT;
	}
	*ret = (struct stat){
		.st_ino = node->ino,
		.st_mode = node->mode | type_bits(node),
		.st_nlink = node->type == NODE_DIRECTORY ? 2 + node->dir.n_subdirs : 1,
		.st_uid = node->uid,
		.st_gid = node->gid,
		.st_size = node->type == NODE_LINK ? (off_t) strlen(node->target) : (off_t) size,
		.st_blksize = PAGE,
		.st_blocks = (size + 511) / 512,
		.st_atim = node->created,
		.st_mtim = node->created,
		.st_ctim = node->created,
	};
	g_rw_lock_reader_unlock(&fs->lock);
	return 0;
}
