#include "fs/fs.h"

#include "build-features.h"
#include "fs/cgroup/enforce.h"
#include "fs/cgroup/hierarchy.h"
#include "fs/proc/proc.h"
#include "fs/procsys/procsys.h"

#include <errno.h>
#include <string.h>

static Node *fs_add_top(Fs *fs, const char *name)
{
	return tree_add_directory(fs->tree, fs->tree->root, name, 0555, NULL, NULL);
}

static gboolean fs_build(Fs *fs, unsigned trees, GError **error)
{
	if (trees & (FS_TREE_V1 | FS_TREE_V2)) {
		Node *v1 = trees & FS_TREE_V1 ? fs_add_top(fs, "v1") : NULL;

		fs->cgroups = cgroups_new(fs, v1, trees & FS_TREE_V2 ? fs->tree->root : NULL, error);
		if (!fs->cgroups)
			return FALSE;
	}
	if (trees & FS_TREE_PROCSYS) {
		fs->procsys = procsys_new(fs, fs_add_top(fs, "procsys"), "/proc/sys", error);
		if (!fs->procsys)
			return FALSE;
	}
	if (trees & FS_TREE_PROC)
		proc_init(fs, fs_add_top(fs, "proc"));
	return TRUE;
}

Fs *fs_new_at(const Config *config, unsigned trees, const char *proc, const char *sys, GError **error)
{
	Fs *fs = g_new0(Fs, 1);

	fs->config = config;
	g_rw_lock_init(&fs->lock);
	fs->tree = tree_new();
	fs->background = background_new();
	fs->sampler = sampler_new(proc, sys, config_int(config, "sampler", "interval-ms"));
	if (!fs_build(fs, trees, error)) {
		fs_free(fs);
		return NULL;
	}
	fs->tree->is_built = TRUE;
	return fs;
}

Fs *fs_new(const Config *config, unsigned trees, GError **error)
{
	return fs_new_at(config, trees, "/proc", "/sys", error);
}

void fs_rest(Fs *fs)
{
	background_stop(fs->background);
	if (fs->cgroups)
		enforce_let_go(fs);
}

void fs_free(Fs *fs)
{
	if (!fs)
		return;
	fs_rest(fs);
	cgroups_free(fs->cgroups);
	procsys_free(fs->procsys);
	tree_free(fs->tree);
	sampler_free(fs->sampler);
	background_free(fs->background);
	g_rw_lock_clear(&fs->lock);
	g_free(fs);
}

static int fs_find_locked(Node *dir, const char *name, Node **ret)
{
	Node *child;

	if (dir->dead)
		return -ENOENT;
	if (dir->type != NODE_DIRECTORY)
		return -ENOTDIR;
	child = tree_child(dir, name);
	if (!child)
		return -ENOENT;
	*ret = node_ref(child);
	return 0;
}

int fs_lookup(Fs *fs, Node *dir, const char *name, Node **ret)
{
	int r;

	g_rw_lock_reader_lock(&fs->lock);
	r = fs_find_locked(dir, name, ret);
	g_rw_lock_reader_unlock(&fs->lock);
	if (r != -ENOENT || dir->type != NODE_DIRECTORY || !dir->dir.ops || !dir->dir.ops->find)
		return r;
	dir->dir.ops->find(fs, dir, name);
	g_rw_lock_reader_lock(&fs->lock);
	r = fs_find_locked(dir, name, ret);
	g_rw_lock_reader_unlock(&fs->lock);
	return r;
}

/* r is the answer of an operation. */
static int note_change(Fs *fs, int r)
{
	if (r == 0)
		fs_changed(fs, TRUE);
	return r;
}

int fs_setattr(Fs *fs, Node *node, mode_t mode, uid_t uid, gid_t gid, unsigned what)
{
	int r = 0;

	g_rw_lock_writer_lock(&fs->lock);
	if (node->dead) {
		r = -ENOENT;
	} else {
		if (what & FS_SET_MODE)
			node->mode = mode & 07777;
		if (what & FS_SET_UID)
			node->uid = uid;
		if (what & FS_SET_GID)
			node->gid = gid;
	}
	g_rw_lock_writer_unlock(&fs->lock);
	return note_change(fs, r);
}

/* EACCES on what exists is what vfs_create() gives a directory without a create operation. */
int fs_create(Fs *fs, Node *dir, const char *name)
{
	g_autoptr(Node) child = NULL;
	int r = fs_lookup(fs, dir, name, &child);

	return r == 0 ? -EEXIST : r == -ENOENT ? -EACCES : r;
}

static int fs_mkdir_locked(Fs *fs, Node *dir, const char *name, mode_t mode, const Caller *caller, Node **ret)
{
	int r;

	if (dir->dead)
		return -ENOENT;
	if (dir->type != NODE_DIRECTORY)
		return -ENOTDIR;
	if (tree_child(dir, name))
		return -EEXIST;
	if (!dir->dir.ops || !dir->dir.ops->make)
		return -EPERM;
	r = dir->dir.ops->make(fs, dir, name, mode, caller);
	if (r == 0)
		*ret = node_ref(tree_child(dir, name));
	return r;
}

int fs_mkdir(Fs *fs, Node *dir, const char *name, mode_t mode, const Caller *caller, Node **ret)
{
	int r;

	g_rw_lock_writer_lock(&fs->lock);
	r = fs_mkdir_locked(fs, dir, name, mode, caller, ret);
	g_rw_lock_writer_unlock(&fs->lock);
	return note_change(fs, r);
}

static int fs_rmdir_locked(Fs *fs, Node *dir, const char *name, const Caller *caller)
{
	g_autoptr(Node) child = NULL;
	int r = fs_find_locked(dir, name, &child);

	if (r < 0)
		return r;
	if (child->type != NODE_DIRECTORY)
		return -ENOTDIR;
	if (!child->dir.ops || !child->dir.ops->remove)
		return -EPERM;
	return child->dir.ops->remove(fs, child, caller);
}

static void fs_prepare_remove(Fs *fs, Node *dir, const char *name)
{
	g_autoptr(Node) child = NULL;

	if (fs_lookup(fs, dir, name, &child) == 0 && child->type == NODE_DIRECTORY && child->dir.ops &&
	    child->dir.ops->prepare)
		child->dir.ops->prepare(fs, child);
}

int fs_rmdir(Fs *fs, Node *dir, const char *name, const Caller *caller)
{
	int r;

	fs_prepare_remove(fs, dir, name);
	g_rw_lock_writer_lock(&fs->lock);
	r = fs_rmdir_locked(fs, dir, name, caller);
	g_rw_lock_writer_unlock(&fs->lock);
	return note_change(fs, r);
}

int fs_unlink(Fs *fs, Node *dir, const char *name)
{
	g_autoptr(Node) child = NULL;
	int r = fs_lookup(fs, dir, name, &child);

	if (r < 0)
		return r;
	return child->type == NODE_DIRECTORY ? -EISDIR : -EPERM;
}

static int fs_rename_locked(Fs *fs, Node *dir, const char *name, Node *new_dir, const char *new_name,
			    const Caller *caller)
{
	g_autoptr(Node) child = NULL;
	int r = fs_find_locked(dir, name, &child);

	if (r < 0)
		return r;
	if (new_dir->dead)
		return -ENOENT;
	if (!dir->dir.ops || !dir->dir.ops->rename)
		return -EPERM;
	return dir->dir.ops->rename(fs, child, new_dir, new_name, caller);
}

int fs_rename(Fs *fs, Node *dir, const char *name, Node *new_dir, const char *new_name, const Caller *caller)
{
	int r;

	g_rw_lock_writer_lock(&fs->lock);
	r = fs_rename_locked(fs, dir, name, new_dir, new_name, caller);
	g_rw_lock_writer_unlock(&fs->lock);
	return note_change(fs, r);
}

int fs_readlink(Fs *fs, Node *node, char **ret)
{
	if (node->type != NODE_LINK)
		return -EINVAL;
	*ret = g_strdup(node->target);
	return 0;
}

int fs_list(Fs *fs, Node *dir, GPtrArray **ret)
{
	GPtrArray *nodes;

	if (dir->type != NODE_DIRECTORY)
		return -ENOTDIR;
	if (dir->dir.ops && dir->dir.ops->list)
		dir->dir.ops->list(fs, dir);
	nodes = g_ptr_array_new_with_free_func((GDestroyNotify) node_unref);
	g_rw_lock_reader_lock(&fs->lock);
	if (!dir->dead)
		for (guint i = 0; i < dir->dir.order->len; i++)
			g_ptr_array_add(nodes, node_ref(dir->dir.order->pdata[i]));
	g_rw_lock_reader_unlock(&fs->lock);
	*ret = nodes;
	return 0;
}

void fs_changed(Fs *fs, gboolean soon)
{
	if (fs->changed)
		fs->changed(soon, fs->changed_data);
}

void fs_notify(Fs *fs, Node *node)
{
	node->file.events++;
	if (fs->notify)
		fs->notify(node, fs->notify_data);
}
