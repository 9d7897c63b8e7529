/*
 * Open files and directories.
 *
 * Every file is opened for direct I/O: content comes from the daemon at each read, and reads are not limited by a size.
 */
#include "daemon/fuse-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Buffers above this size are not kept for the worker's next request. */
#define KEPT_BUFFER 65536

static void free_buffer(gpointer buffer)
{
	g_string_free(buffer, TRUE);
}

static GPrivate worker_buffer = G_PRIVATE_INIT(free_buffer);

/* The worker's own buffer, empty. */
static GString *get_buffer(void)
{
	GString *buffer = g_private_get(&worker_buffer);

	if (!buffer || buffer->allocated_len > KEPT_BUFFER) {
		buffer = g_string_sized_new(4096);
		g_private_replace(&worker_buffer, buffer);
	}
	return g_string_truncate(buffer, 0);
}

static OpenFile *reopen(fuse_req_t req, fuse_ino_t ino, uint64_t id)
{
	FuseServer *server = fuse_req_userdata(req);
	const Caller caller = fuse_caller(req);
	g_autoptr(Node) node = fuse_node(server, ino);
	Handle *handle = NULL;
	OpenFile *file;

	if (!node || node->type == NODE_LINK)
		return NULL;
	if (node->type == NODE_DIRECTORY)
		return open_table_adopt(&server->files, id, NULL, g_steal_pointer(&node));
	/* The client's own access mode was checked when it opened the file. */
	if (fs_open(server->fs, node, O_RDWR, &caller, &handle) < 0)
		return NULL;
	file = open_table_adopt(&server->files, id, handle, NULL);
	if (!file || file->handle != handle)
		fs_close(server->fs, handle);
	return file;
}

OpenFile *fuse_open_file(fuse_req_t req, fuse_ino_t ino, const struct fuse_file_info *fi)
{
	FuseServer *server = fuse_req_userdata(req);
	OpenFile *file = open_table_get(&server->files, fi->fh);

	return file ? file : reopen(req, ino, fi->fh);
}

static void open_node(fuse_req_t req, Node *node, struct fuse_file_info *fi)
{
	FuseServer *server = fuse_req_userdata(req);
	const Caller caller = fuse_caller(req);
	Handle *handle = NULL;
	OpenFile *file;
	int r = fi->flags & O_DIRECT ? -EINVAL : fs_open(server->fs, node, fi->flags, &caller, &handle);

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	file = open_table_add(&server->files, handle, NULL);
	if (!file) {
		fs_close(server->fs, handle);
		fuse_reply_err(req, ENFILE);
		return;
	}
	fi->fh = file->id;
	fi->direct_io = 1;
	fi->noflush = server->modern;
	/* The kernel reports only that the open was interrupted: there will be no release. */
	if (fuse_reply_open(req, fi) == -ENOENT)
		open_table_remove(&server->files, file, server->fs);
}

void fuse_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	FuseServer *server = fuse_req_userdata(req);
	g_autoptr(Node) node = NULL;

	if (ino == FUSE_PROBE_INO) {
		fi->direct_io = 1;
		fuse_reply_open(req, fi);
		return;
	}
	node = fuse_node(server, ino);
	if (node)
		open_node(req, node, fi);
	else
		fuse_reply_err(req, fuse_gone(server));
}

void fuse_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	FuseServer *server = fuse_req_userdata(req);
	const Caller caller = fuse_caller(req);
	GString *out = get_buffer();
	OpenFile *file;
	int r;

	if (ino == FUSE_PROBE_INO) {
		fuse_reply_buf(req, "1\n", offset ? 0 : MIN(size, 2));
		return;
	}
	file = fuse_open_file(req, ino, fi);
	r = file && file->handle ? fs_read(server->fs, file->handle, &caller, offset, size, out) : -ENODEV;
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_buf(req, out->str, MIN(out->len, size));
}

void fuse_op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
		   struct fuse_file_info *fi)
{
	FuseServer *server = fuse_req_userdata(req);
	const Caller caller = fuse_caller(req);
	OpenFile *file = ino == FUSE_PROBE_INO ? NULL : fuse_open_file(req, ino, fi);
	int r = file && file->handle ? fs_write(server->fs, file->handle, &caller, data, size) : -ENODEV;

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_write(req, size);
}

void fuse_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	FuseServer *server = fuse_req_userdata(req);
	OpenFile *file = ino == FUSE_PROBE_INO ? NULL : open_table_get(&server->files, fi->fh);

	if (file) {
		if (file->handle)
			fuse_poll_forget(server, file);
		open_table_remove(&server->files, file, server->fs);
	}
	fuse_reply_err(req, 0);
}

void fuse_op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	FuseServer *server = fuse_req_userdata(req);
	g_autoptr(Node) node = fuse_node(server, ino);
	OpenFile *file;

	if (!node) {
		fuse_reply_err(req, fuse_gone(server));
		return;
	}
	file = open_table_add(&server->files, NULL, node);
	if (!file) {
		fuse_reply_err(req, ENFILE);
		return;
	}
	node_ref(node);
	fi->fh = file->id;
	if (fuse_reply_open(req, fi) == -ENOENT)
		open_table_remove(&server->files, file, server->fs);
}

/* What one readdir adds to its buffer. */
typedef struct Listing {
	fuse_req_t req;
	FuseServer *server;
	char *buffer;
	size_t size, used;
	gboolean plus; /* with attributes; each counts as a lookup */
} Listing;

/* FALSE: the buffer is full. */
static gboolean add_entry(Listing *listing, const char *name, const struct fuse_entry_param *entry, off_t next)
{
	char *at = listing->buffer + listing->used;
	size_t left = listing->size - listing->used;
	size_t need = listing->plus ? fuse_add_direntry_plus(listing->req, at, left, name, entry, next)
				    : fuse_add_direntry(listing->req, at, left, name, &entry->attr, next);

	if (need > left)
		return FALSE;
	listing->used += need;
	return TRUE;
}

static mode_t type_bits(const Node *node)
{
	switch (node->type) {
	case NODE_DIRECTORY:
		return S_IFDIR;
	case NODE_LINK:
		return S_IFLNK;
	default:
		return S_IFREG;
	}
}

/* "." and "..": never with attributes, which would count as a lookup. */
static gboolean add_dots(Listing *listing, const Node *dir, off_t offset)
{
	const struct fuse_entry_param self = {.attr = {.st_ino = dir->ino, .st_mode = S_IFDIR}};

	return (offset > 0 || add_entry(listing, ".", &self, 1)) && (offset > 1 || add_entry(listing, "..", &self, 2));
}

static void add_nodes(Listing *listing, GPtrArray *entries, off_t offset)
{
	const Caller caller = fuse_caller(listing->req);

	for (guint i = (guint) MAX(offset - 2, 0); i < entries->len; i++) {
		const Listed *listed = entries->pdata[i];
		Node *node = listed->node;
		struct fuse_entry_param entry = {.attr = {.st_ino = node->ino, .st_mode = type_bits(node)}};

		if (listing->plus && fuse_entry(listing->server, node, &caller, &entry) < 0)
			continue;
		if (!add_entry(listing, listed->name, &entry, (off_t) i + 3))
			return;
	}
}

static void free_listed(gpointer data)
{
	Listed *listed = data;

	node_unref(listed->node);
	g_free(listed->name);
	g_free(listed);
}

static int list(FuseServer *server, Node *dir, GPtrArray **ret)
{
	g_autoptr(GPtrArray) nodes = NULL;
	int r = fs_list(server->fs, dir, &nodes);

	if (r < 0)
		return r;
	*ret = g_ptr_array_new_with_free_func(free_listed);
	g_rw_lock_reader_lock(&server->fs->lock);
	for (guint i = 0; i < nodes->len; i++) {
		Listed *listed = g_new(Listed, 1);
		listed->node = node_ref(nodes->pdata[i]);
		listed->name = g_strdup(listed->node->name);
		g_ptr_array_add(*ret, listed);
	}
	g_rw_lock_reader_unlock(&server->fs->lock);
	return 0;
}

/* A listing is taken at its start, so that names that come and go move nothing under a reader. */
static int fill(OpenFile *file, Listing *listing, off_t offset)
{
	if (offset == 0 || !file->entries) {
		g_autoptr(GPtrArray) entries = NULL;
		int r = list(listing->server, file->node, &entries);
		if (r < 0)
			return r;
		g_clear_pointer(&file->entries, g_ptr_array_unref);
		file->entries = g_steal_pointer(&entries);
	}
	if (add_dots(listing, file->node, offset))
		add_nodes(listing, file->entries, offset);
	return 0;
}

static void read_directory(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi,
			   gboolean plus)
{
	FuseServer *server = fuse_req_userdata(req);
	OpenFile *file = fuse_open_file(req, ino, fi);
	g_autofree char *buffer = g_malloc(size);
	Listing listing = {.req = req, .server = server, .buffer = buffer, .size = size, .plus = plus};
	int r = -ENOENT;

	if (file && file->node) {
		g_mutex_lock(&file->lock);
		r = fill(file, &listing, offset);
		g_mutex_unlock(&file->lock);
	}
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_buf(req, buffer, listing.used);
}

void fuse_op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	read_directory(req, ino, size, offset, fi, FALSE);
}

void fuse_op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	read_directory(req, ino, size, offset, fi, TRUE);
}
