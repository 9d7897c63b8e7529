/*
 * Names and attributes.
 *
 * Inode numbers are those of the tree, the same for a path for ever: some kernels never look a name up again and go on
 * asking for the number they once got. FORGET has no meaning here, because numbers hold no memory.
 */
#include "daemon/fuse-private.h"

#include <errno.h>
#include <unistd.h>

/* For names and attributes that change only through the mount, where the kernel sees it. */
#define FOREVER 86400.0

Caller fuse_caller(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return (Caller){.pid = ctx->pid, .uid = ctx->uid, .gid = ctx->gid};
}

Node *fuse_node(FuseServer *server, fuse_ino_t ino)
{
	Node *node;

	g_rw_lock_reader_lock(&server->fs->lock);
	node = ino == FUSE_ROOT_ID ? server->root : tree_by_ino(server->fs->tree, ino);
	if (node)
		node_ref(node);
	g_rw_lock_reader_unlock(&server->fs->lock);
	return node;
}

/* ESTALE makes Linux look the path up again; other kernels would hand it to the caller. */
int fuse_gone(const FuseServer *server)
{
	return server->modern ? ESTALE : ENOENT;
}

/* May the name go without an operation through the mount: by a write elsewhere, or because it mirrors a native one? */
static gboolean may_vanish(const Node *node)
{
	const NodeOps *ops = node->parent ? node->parent->dir.ops : NULL;

	return node->dead || (node->type == NODE_FILE && node->file.fleeting) || (ops && (ops->list || ops->find));
}

double fuse_timeout(const FuseServer *server, const Node *node)
{
	double timeout = 0;

	if (!server->modern)
		return 0;
	g_rw_lock_reader_lock(&server->fs->lock);
	if (!may_vanish(node))
		timeout = FOREVER;
	g_rw_lock_reader_unlock(&server->fs->lock);
	return timeout;
}

/* What fstat(2) says of a file that is open though its group is gone. */
static void stat_removed(FuseServer *server, const Node *node, struct stat *ret)
{
	g_rw_lock_reader_lock(&server->fs->lock);
	*ret = (struct stat){
		.st_mode = node->mode | (node->type == NODE_DIRECTORY ? S_IFDIR : S_IFREG),
		.st_uid = node->uid,
		.st_gid = node->gid,
		.st_atim = node->created,
		.st_mtim = node->created,
		.st_ctim = node->created,
	};
	g_rw_lock_reader_unlock(&server->fs->lock);
}

int fuse_stat(FuseServer *server, Node *node, Handle *handle, const Caller *caller, struct stat *ret)
{
	int r = fs_getattr(server->fs, node, handle, caller, ret);

	if (r < 0)
		return r;
	ret->st_ino = node == server->root ? FUSE_ROOT_ID : node->ino;
	ret->st_blksize = 4096;
	return 0;
}

/* A re-made directory must not get its predecessor's inode, which the kernel has marked dead. A file may: what is open
 * is told apart by its handle, and answers ENODEV rather than the EIO of an inode that changed its generation. */
int fuse_entry(FuseServer *server, Node *node, const Caller *caller, struct fuse_entry_param *ret)
{
	int r = fuse_stat(server, node, NULL, caller, &ret->attr);

	if (r < 0)
		return r;
	if (node->type == NODE_FILE && node->file.row->flags & VF_EVENT)
		g_atomic_int_set(&node->file.known, TRUE);
	ret->ino = ret->attr.st_ino;
	ret->generation = node->type == NODE_DIRECTORY ? node->generation : 0;
	ret->entry_timeout = ret->attr_timeout = fuse_timeout(server, node);
	return 0;
}

static void reply_entry(fuse_req_t req, FuseServer *server, Node *node, const Caller *caller)
{
	struct fuse_entry_param entry = {0};
	int r = fuse_entry(server, node, caller, &entry);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_entry(req, &entry);
}

/* Only capabilities that were offered may be asked for: the session fails otherwise. */
void fuse_op_init(void *data, struct fuse_conn_info *conn)
{
	FuseServer *server = data;
	const unsigned no_locks = FUSE_CAP_POSIX_LOCKS | FUSE_CAP_FLOCK_LOCKS;
	const unsigned no_splice = FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE;

	server->modern = (conn->capable & FUSE_CAP_AUTO_INVAL_DATA) && (conn->capable & FUSE_CAP_PARALLEL_DIROPS);
	conn->want &= ~(no_locks | no_splice | FUSE_CAP_ATOMIC_O_TRUNC);
	conn->want |= conn->capable & FUSE_CAP_CACHE_SYMLINKS;
	/* More than a page is no command (E2BIG); the buffers of the workers follow this size. */
	conn->max_write = MIN(conn->max_write, 64 * 1024);

	g_mutex_lock(&server->lock);
	server->greeted = TRUE;
	g_cond_broadcast(&server->greeted_cond);
	g_mutex_unlock(&server->lock);
}

static struct stat probe_stat(void)
{
	return (struct stat){.st_ino = FUSE_PROBE_INO,
			     .st_mode = S_IFREG | 0400,
			     .st_nlink = 1,
			     .st_uid = geteuid(),
			     .st_blksize = 4096};
}

void fuse_op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	FuseServer *server = fuse_req_userdata(req);
	const Caller caller = fuse_caller(req);
	g_autoptr(Node) dir = NULL;
	g_autoptr(Node) node = NULL;
	int r;

	if (atomic_load(&server->probing) && parent == FUSE_ROOT_ID && g_str_equal(name, FUSE_PROBE_NAME)) {
		struct fuse_entry_param entry = {.ino = FUSE_PROBE_INO, .attr = probe_stat()};
		fuse_reply_entry(req, &entry);
		return;
	}
	dir = fuse_node(server, parent);
	if (!dir) {
		fuse_reply_err(req, fuse_gone(server));
		return;
	}
	r = fs_lookup(server->fs, dir, name, &node);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		reply_entry(req, server, node, &caller);
}

void fuse_op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	fuse_reply_none(req);
}

void fuse_op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	fuse_reply_none(req);
}

static void reply_attr(fuse_req_t req, Node *node, const struct fuse_file_info *fi)
{
	FuseServer *server = fuse_req_userdata(req);
	const Caller caller = fuse_caller(req);
	OpenFile *file = fi && node->type == NODE_FILE ? fuse_open_file(req, node->ino, fi) : NULL;
	struct stat st;
	int r = fuse_stat(server, node, file ? file->handle : NULL, &caller, &st);

	if (r == -ENOENT) {
		stat_removed(server, node, &st);
		st.st_ino = node->ino;
		r = 0;
	}
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, fuse_timeout(server, node));
}

void fuse_op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	FuseServer *server = fuse_req_userdata(req);
	g_autoptr(Node) node = NULL;

	if (ino == FUSE_PROBE_INO) {
		struct stat st = probe_stat();
		fuse_reply_attr(req, &st, 0);
		return;
	}
	node = fuse_node(server, ino);
	if (!node)
		node = open_table_node(&server->files, ino);
	if (node)
		reply_attr(req, node, fi);
	else
		fuse_reply_err(req, fuse_gone(server));
}

/* Sizes and times are accepted and ignored: O_TRUNC means nothing here, and mtime tells when a group was made. */
void fuse_op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	FuseServer *server = fuse_req_userdata(req);
	g_autoptr(Node) node = fuse_node(server, ino);
	unsigned what = 0;
	int r;

	if (!node) {
		fuse_reply_err(req, fuse_gone(server));
		return;
	}
	if (to_set & FUSE_SET_ATTR_MODE)
		what |= FS_SET_MODE;
	if (to_set & FUSE_SET_ATTR_UID)
		what |= FS_SET_UID;
	if (to_set & FUSE_SET_ATTR_GID)
		what |= FS_SET_GID;
	r = what ? fs_setattr(server->fs, node, attr->st_mode, attr->st_uid, attr->st_gid, what) : 0;
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		reply_attr(req, node, fi);
}

/* Some kernels panic when this fails: what is gone has an empty target. */
void fuse_op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	FuseServer *server = fuse_req_userdata(req);
	g_autoptr(Node) node = fuse_node(server, ino);
	g_autofree char *target = NULL;

	if (!node || fs_readlink(server->fs, node, &target) < 0 || !target)
		target = g_strdup(".");
	fuse_reply_readlink(req, target);
}

void fuse_op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	FuseServer *server = fuse_req_userdata(req);
	const Caller caller = fuse_caller(req);
	g_autoptr(Node) dir = fuse_node(server, parent);
	g_autoptr(Node) node = NULL;
	int r = dir ? fs_mkdir(server->fs, dir, name, mode, &caller, &node) : -fuse_gone(server);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		reply_entry(req, server, node, &caller);
}

void fuse_op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	FuseServer *server = fuse_req_userdata(req);
	const Caller caller = fuse_caller(req);
	g_autoptr(Node) dir = fuse_node(server, parent);

	fuse_reply_err(req, dir ? -fs_rmdir(server->fs, dir, name, &caller) : fuse_gone(server));
}

void fuse_op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	FuseServer *server = fuse_req_userdata(req);
	g_autoptr(Node) dir = fuse_node(server, parent);

	fuse_reply_err(req, dir ? -fs_unlink(server->fs, dir, name) : fuse_gone(server));
}

void fuse_op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
		    unsigned flags)
{
	FuseServer *server = fuse_req_userdata(req);
	const Caller caller = fuse_caller(req);
	g_autoptr(Node) dir = fuse_node(server, parent);
	g_autoptr(Node) new_dir = fuse_node(server, new_parent);

	if (flags)
		fuse_reply_err(req, EINVAL);
	else if (!dir || !new_dir)
		fuse_reply_err(req, fuse_gone(server));
	else
		fuse_reply_err(req, -fs_rename(server->fs, dir, name, new_dir, new_name, &caller));
}

/* Asked only where the kernel does not check permissions itself. */
void fuse_op_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	FuseServer *server = fuse_req_userdata(req);
	const Caller caller = fuse_caller(req);
	g_autoptr(Node) node = fuse_node(server, ino);
	struct stat st;
	int r = node ? fuse_stat(server, node, NULL, &caller, &st) : -fuse_gone(server);
	mode_t allowed;

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	if (caller.uid == st.st_uid)
		allowed = st.st_mode >> 6;
	else
		allowed = caller.gid == st.st_gid ? st.st_mode >> 3 : st.st_mode;
	if (caller.uid == 0)
		allowed |= R_OK | W_OK | (S_ISDIR(st.st_mode) ? X_OK : 0);
	fuse_reply_err(req, (mode_t) mask & ~allowed & 7 ? EACCES : 0);
}
