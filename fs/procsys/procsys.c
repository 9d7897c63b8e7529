#include "fs/procsys/procsys.h"
#include "fs/procsys/key.h"
#include "fs/procsys/kind.h"
#include "fs/procsys/namespace.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>

struct ProcSys {
	Fs *fs;
	Node *top;
	NativeSysctls *native;
	GHashTable *keys; /* path → SysctlKey, owned: those of the table, which stay */
	GMutex lock;      /* guards every key's value */
};

static void list_native(Fs *fs, Node *dir);
static void find_native(Fs *fs, Node *dir, const char *name);

static const NodeOps native_ops = {.list = list_native, .find = find_native};
/* Of a directory that only the native tree has, and that goes when it goes. */
static const NodeOps mirror_ops = {.list = list_native, .find = find_native};

/* An override of a key that no row describes is plain text. */
static const Sysctl plain_text = {.mode = 0644, .rule = STRING(4096)};

SysctlKey *procsys_key(const ProcSys *procsys, const char *path)
{
	return g_hash_table_lookup(procsys->keys, path);
}

void procsys_lock(ProcSys *procsys)
{
	g_mutex_lock(&procsys->lock);
}

void procsys_unlock(ProcSys *procsys)
{
	g_mutex_unlock(&procsys->lock);
}

static char *path_below(const char *path, const char *name)
{
	return *path ? g_strdup_printf("%s/%s", path, name) : g_strdup(name);
}

static SysctlKey *key_of(const VFile *file)
{
	return (SysctlKey *) ((char *) file - offsetof(SysctlKey, file));
}

static gboolean is_native(const SysctlKey *key)
{
	return key->procsys->native && !key->detached;
}

/* Was the node made because the native tree has it, and for no other reason? */
static gboolean is_mirror(const Node *node)
{
	if (node->type == NODE_DIRECTORY)
		return node->dir.ops == &mirror_ops;
	return node->file.free_row != NULL;
}

static void remove_node(ProcSys *procsys, Node *node)
{
	g_rw_lock_writer_lock(&procsys->fs->lock);
	if (!node->dead && is_mirror(node))
		tree_remove(procsys->fs->tree, node);
	g_rw_lock_writer_unlock(&procsys->fs->lock);
}

typedef struct NativeCall {
	const SysctlKey *key;
	GString *out; /* to read into, or NULL: write text */
	const char *text;
	size_t len;
} NativeCall;

static int call_native(gpointer data)
{
	const NativeCall *call = data;
	const SysctlKey *key = call->key;

	if (call->out)
		return native_sysctls_read(key->procsys->native, key->path, call->out);
	return native_sysctls_write(key->procsys->native, key->path, call->text, call->len);
}

/* Reads or writes the native file as the caller sees it. Where the caller's namespace cannot be entered, it is shown
 * the daemon's value, but must not change it. A native file that has gone takes the key that only it gave with it. */
static int use_native(const VContext *ctx, NativeCall *call)
{
	const pid_t pid = ctx->caller ? ctx->caller->pid : 0;
	int r;

	if (!is_native(call->key))
		return -ENOENT;
	r = namespace_call(pid, call->key->path, call_native, call);
	if (r == -EPERM && call->out && namespace_differs(pid, call->key->path))
		r = call_native(call);
	if (r == -ENOENT && !call->key->row && !namespace_differs(pid, call->key->path))
		remove_node(call->key->procsys, ctx->node);
	return r;
}

static int key_show(const VContext *ctx, GString *out)
{
	const SysctlKey *key = key_of(ctx->file);
	int r = use_native(ctx, &(NativeCall){.key = key, .out = out});

	return r == -ENOENT && key->row ? sysctl_key_show(key, out) : r;
}

static int key_store(const VContext *ctx, const char *text, size_t len)
{
	SysctlKey *key = key_of(ctx->file);
	int r = use_native(ctx, &(NativeCall){.key = key, .text = text, .len = len});

	/* A native file that has a write bit and yet cannot be written (an older gVisor: EIO) is only a picture, too.
	 */
	if (r == -EIO && key->row && key->row->mode & 0222) {
		r = sysctl_key_store(key, text, len);
		key->detached = r == 0;
		return r;
	}
	return r == -ENOENT && key->row ? sysctl_key_store(key, text, len) : r;
}

static Origin origin_of(const SysctlKey *key)
{
	struct stat st;

	if (is_native(key) && native_sysctls_stat(key->procsys->native, key->path, &st) == 0)
		return ORIGIN_NATIVE;
	if (key->row->rule.kind->unlocked)
		return ORIGIN_NATIVE;
	return key->row->mode & 0222 ? ORIGIN_SETTING : ORIGIN_CONSTANT;
}

/* The file of a key: with the native mode where there is a native file. */
static void describe(SysctlKey *key, mode_t mode)
{
	key->file.mode = mode;
	key->file.flags = VF_UNLOCKED | VF_UNLOCKED_SHOW | VF_KEEP_SPACE | VF_STRICT_MODE;
	key->file.show = key_show;
	key->file.store = key_store;
	key->file.origin = origin_of(key);
	key->file.meaning = key->row ? key->row->meaning : NULL;
}

/* What the file looks like: as the native one where that is used. Where the native file lets nobody write what Linux
 * would, it is only a picture (gVisor): the key is detached from it. */
static struct stat attributes_of(SysctlKey *key)
{
	struct stat st, synthetic = {.st_mode = key->row->mode};

	if (!is_native(key) || native_sysctls_stat(key->procsys->native, key->path, &st) < 0 || !S_ISREG(st.st_mode))
		return synthetic;
	if (!(st.st_mode & 0222) && key->row->mode & 0222) {
		key->detached = TRUE;
		return synthetic;
	}
	return st;
}

static void add_key(ProcSys *procsys, Node *dir, const char *path, const Sysctl *row, const char *value)
{
	SysctlKey *key = sysctl_key_new(procsys, path, row, value);
	struct stat st = attributes_of(key);
	Node *node;

	g_hash_table_insert(procsys->keys, key->path, key);
	describe(key, st.st_mode & 0777);
	node = tree_add_file(procsys->fs->tree, dir, &key->file, NULL, NULL);
	node->uid = st.st_uid;
	node->gid = st.st_gid;
}

static Node *add_directory(ProcSys *procsys, Node *parent, const char *name)
{
	return tree_add_directory(procsys->fs->tree, parent, name, 0555, procsys->native ? &native_ops : NULL, NULL);
}

/* The value that a row has in this place. */
static const char *value_here(const Sysctl *row, const char *const *values)
{
	for (; values && *values; values += 2)
		if (g_str_equal(values[0], row->name))
			return values[1];
	return row->value;
}

static void add_rows(ProcSys *procsys, Node *dir, const char *path, const Sysctl *rows, const char *const *values)
{
	for (const Sysctl *row = rows; row->name; row++) {
		g_autofree char *below = path_below(path, row->name);

		if (!*row->name)
			add_rows(procsys, dir, path, row->entries, row->values);
		else if (row->entries)
			add_rows(procsys, add_directory(procsys, dir, row->name), below, row->entries, NULL);
		else
			add_key(procsys, dir, below, row, value_here(row, values));
	}
}

/* A detached key starts with what the native file shows, if that is a value it can have. */
static void take_over(SysctlKey *key)
{
	g_autoptr(GString) content = g_string_new(NULL);

	if (native_sysctls_read(key->procsys->native, key->path, content) == 0)
		sysctl_key_store(key, content->str, content->len);
}

static SysctlKey *shared_key(const SysctlKey *key)
{
	const char *with = key->row->same_as;
	g_autofree char *dir = g_path_get_dirname(key->path);
	g_autofree char *sibling = path_below(dir, with);

	return procsys_key(key->procsys, strchr(with, '/') ? with : sibling);
}

/* What needs other keys to be there. */
static void finish_keys(ProcSys *procsys)
{
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, procsys->keys);
	while (g_hash_table_iter_next(&iter, NULL, &key)) {
		if (((SysctlKey *) key)->row->same_as)
			sysctl_key_share(key, shared_key(key));
	}
	g_hash_table_iter_init(&iter, procsys->keys);
	while (g_hash_table_iter_next(&iter, NULL, &key))
		if (((SysctlKey *) key)->detached)
			take_over(key);
}

/* Overrides come as sysctl(8) takes them: "vm.overcommit_memory=1" or with slashes. */
static char *override_path(const char *name)
{
	char *path = g_strdup(name);

	return strchr(path, '/') ? path : g_strdelimit(path, ".", '/');
}

/* The key of a path that neither the table nor, now, the native tree has. */
static SysctlKey *add_unknown(ProcSys *procsys, Node *dir, const char *path)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);
	SysctlKey *key;

	for (char **name = names; *name; name++) {
		Node *child = tree_child(dir, *name);

		if (!**name || g_str_equal(*name, ".") || g_str_equal(*name, "..") || (child && !name[1]))
			return NULL;
		if (name[1])
			dir = child ? child : add_directory(procsys, dir, *name);
		if (dir->type != NODE_DIRECTORY)
			return NULL;
	}
	key = sysctl_key_new(procsys, path, &plain_text, NULL);
	g_hash_table_insert(procsys->keys, key->path, key);
	key->detached = TRUE;
	describe(key, plain_text.mode);
	tree_add_file(procsys->fs->tree, dir, &key->file, NULL, NULL);
	return key;
}

static gboolean override(ProcSys *procsys, Node *dir, const char *assignment, GError **error)
{
	const char *value = strchr(assignment, '=') + 1;
	g_autofree char *name = g_strstrip(g_strndup(assignment, value - 1 - assignment));
	g_autofree char *path = override_path(name);
	SysctlKey *key = procsys_key(procsys, path);
	int r = -ENOENT;

	if (!key)
		key = add_unknown(procsys, dir, path);
	if (key) {
		key->detached = TRUE;
		key->file.origin = ORIGIN_SETTING;
		r = sysctl_key_store(key, value, strlen(value));
	}
	if (r < 0)
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-r), "[procsys] override: %s cannot be \"%s\": %s",
			    name, value, key ? g_strerror(-r) : "it is no name of a file below /proc/sys");
	return r == 0;
}

ProcSys *procsys_new(Fs *fs, Node *dir, const char *native_path, GError **error)
{
	g_autoptr(GError) native_error = NULL;
	ProcSys *procsys = g_new0(ProcSys, 1);

	procsys->fs = fs;
	procsys->top = dir;
	procsys->keys = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify) sysctl_key_free);
	g_mutex_init(&procsys->lock);
	if (config_bool(fs->config, "procsys", "native"))
		procsys->native = native_sysctls_open(native_path, &native_error);
	if (native_error) {
		g_propagate_error(error, g_steal_pointer(&native_error));
		procsys_free(procsys);
		return NULL;
	}
	dir->dir.ops = procsys->native ? &native_ops : NULL;
	add_rows(procsys, dir, "", sysctl_root, NULL);
	finish_keys(procsys);
	for (const char *const *assignment = config_list(fs->config, "procsys", "override"); *assignment;
	     assignment++) {
		if (!override(procsys, dir, *assignment, error)) {
			procsys_free(procsys);
			return NULL;
		}
	}
	return procsys;
}

void procsys_free(ProcSys *procsys)
{
	if (!procsys)
		return;
	g_hash_table_unref(procsys->keys);
	native_sysctls_close(procsys->native);
	g_mutex_clear(&procsys->lock);
	g_free(procsys);
}

/* Path of a node below the directory that the tree was built in. */
static char *path_of(const Node *node, const Node *top)
{
	GString *path = g_string_new(NULL);

	for (; node && node != top; node = node->parent) {
		if (path->len > 0)
			g_string_prepend_c(path, '/');
		g_string_prepend(path, node->name);
	}
	return g_string_free(path, FALSE);
}

static char *lock_and_get_path(ProcSys *procsys, const Node *dir)
{
	char *path;

	g_rw_lock_reader_lock(&procsys->fs->lock);
	path = dir->dead ? NULL : path_of(dir, procsys->top);
	g_rw_lock_reader_unlock(&procsys->fs->lock);
	return path;
}

static void free_row(gpointer row)
{
	sysctl_key_free(key_of(row));
}

static void insert_file(ProcSys *procsys, Node *dir, SysctlKey *key, const struct stat *st)
{
	Node *node = tree_add_file(procsys->fs->tree, dir, &key->file, NULL, NULL);

	node->file.free_row = free_row;
	node->file.fleeting = TRUE;
	node->uid = st->st_uid;
	node->gid = st->st_gid;
}

/* Adds what the native directory has and the table has not. */
static void add_native(ProcSys *procsys, Node *dir, const char *path, const char *name)
{
	g_autofree char *below = path_below(path, name);
	SysctlKey *key = NULL;
	struct stat st;

	if (native_sysctls_stat(procsys->native, below, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return;
	if (S_ISREG(st.st_mode)) {
		key = sysctl_key_new(procsys, below, NULL, NULL);
		describe(key, st.st_mode & 0777);
	}
	g_rw_lock_writer_lock(&procsys->fs->lock);
	if (!dir->dead && !tree_child(dir, name)) {
		if (key)
			insert_file(procsys, dir, g_steal_pointer(&key), &st);
		else
			tree_add_directory(procsys->fs->tree, dir, name, st.st_mode & 0777, &mirror_ops, NULL);
	}
	g_rw_lock_writer_unlock(&procsys->fs->lock);
	sysctl_key_free(key);
}

static void remove_vanished_locked(ProcSys *procsys, Node *dir, GHashTable *names)
{
	for (guint i = dir->dir.order->len; i-- > 0;) {
		Node *child = dir->dir.order->pdata[i];

		if (is_mirror(child) && !g_hash_table_contains(names, child->name))
			tree_remove(procsys->fs->tree, child);
	}
}

/* Names that no child of the directory has. */
static GPtrArray *new_names(ProcSys *procsys, Node *dir, GPtrArray *names)
{
	GPtrArray *missing = g_ptr_array_new();

	g_rw_lock_reader_lock(&procsys->fs->lock);
	for (guint i = 0; i < names->len && !dir->dead; i++)
		if (!tree_child(dir, names->pdata[i]))
			g_ptr_array_add(missing, names->pdata[i]);
	g_rw_lock_reader_unlock(&procsys->fs->lock);
	return missing;
}

static void list_native(Fs *fs, Node *dir)
{
	ProcSys *procsys = fs->procsys;
	g_autofree char *path = lock_and_get_path(procsys, dir);
	g_autoptr(GPtrArray) names = NULL, missing = NULL;
	g_autoptr(GHashTable) set = g_hash_table_new(g_str_hash, g_str_equal);
	int r;

	if (!path)
		return;
	r = native_sysctls_list(procsys->native, path, &names);
	if (r == -ENOENT)
		remove_node(procsys, dir);
	if (r < 0 && r != -ENOENT)
		return;
	if (!names)
		names = g_ptr_array_new();
	for (guint i = 0; i < names->len; i++)
		g_hash_table_add(set, names->pdata[i]);
	g_rw_lock_writer_lock(&fs->lock);
	if (!dir->dead)
		remove_vanished_locked(procsys, dir, set);
	g_rw_lock_writer_unlock(&fs->lock);
	missing = new_names(procsys, dir, names);
	for (guint i = 0; i < missing->len; i++)
		add_native(procsys, dir, path, missing->pdata[i]);
}

static void find_native(Fs *fs, Node *dir, const char *name)
{
	g_autofree char *path = lock_and_get_path(fs->procsys, dir);

	if (path && *name && !strchr(name, '/') && !g_str_equal(name, ".") && !g_str_equal(name, ".."))
		add_native(fs->procsys, dir, path, name);
}
