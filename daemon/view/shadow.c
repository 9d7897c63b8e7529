#include "daemon/view/shadow.h"

#include "daemon/view/real-files.h"
#include "daemon/view/workdir.h"
#include "fs/cgroup/members.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct Shadow {
	Fs *fs;
	char *root;
	int root_lock;
	size_t root_length;
	dev_t device;
	GPtrArray *places;  /* shown paths of what was bound or added, owned */
	GHashTable *bound;  /* shown path → Node, a reference */
	GHashTable *copied; /* shown path → path of the original */
	GHashTable *silent; /* shown path → descriptor of a FIFO that is kept open */
	GMutex lock;        /* of what follows: the groups' own thread tells of changes as well */
	GPtrArray *changed; /* Node: event files to be brought up to date, references */
	gboolean watched;
	void (*listener)(Node *node); /* NULL: none */
};

/* Called with the tree locked, in the middle of an operation. */
static void note_change(Node *node, void *data)
{
	Shadow *shadow = data;
	g_mutex_lock(&shadow->lock);
	if (shadow->watched)
		g_ptr_array_add(shadow->changed, node_ref(node));
	void (*listener)(Node *) = shadow->listener;
	g_mutex_unlock(&shadow->lock);
	if (listener)
		listener(node);
}

static gboolean fail(GError **error, const char *what, const char *path)
{
	int code = errno;
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code), "cannot %s %s: %s", what, path, g_strerror(code));
	return FALSE;
}

/* A tmpfs if there is one: its files are written all the time. */
static char *make_root(int *ret_lock, GError **error)
{
	char *path = workdir_make("/dev/shm", 0755, ret_lock, NULL);
	return path ? path : workdir_make(NULL, 0755, ret_lock, error);
}

static void close_descriptor(void *fd)
{
	close(GPOINTER_TO_INT(fd));
}

Shadow *shadow_new(Fs *fs, GError **error)
{
	struct stat st;
	int lock;
	g_autofree char *made = make_root(&lock, error);
	g_autofree char *root = made ? realpath(made, NULL) : NULL;
	if (!root || stat(root, &st) < 0) {
		if (made && !fail(error, "use", made))
			close(lock);
		return NULL;
	}
	Shadow *shadow = g_new0(Shadow, 1);
	shadow->fs = fs;
	shadow->root_lock = lock;
	shadow->root_length = strlen(root);
	shadow->root = g_steal_pointer(&root);
	shadow->device = st.st_dev;
	shadow->places = g_ptr_array_new_with_free_func(g_free);
	shadow->bound = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify) node_unref);
	shadow->copied = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	shadow->silent = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, close_descriptor);
	shadow->changed = g_ptr_array_new_with_free_func((GDestroyNotify) node_unref);
	g_mutex_init(&shadow->lock);
	if (fs) {
		fs->notify = note_change;
		fs->notify_data = shadow;
	}
	return shadow;
}

void shadow_free(Shadow *shadow)
{
	if (!shadow)
		return;
	if (shadow->fs)
		shadow->fs->notify = NULL;
	real_remove(AT_FDCWD, shadow->root);
	close(shadow->root_lock);
	g_ptr_array_unref(shadow->places);
	g_hash_table_unref(shadow->bound);
	g_hash_table_unref(shadow->copied);
	g_hash_table_unref(shadow->silent);
	g_ptr_array_unref(shadow->changed);
	g_mutex_clear(&shadow->lock);
	g_free(shadow->root);
	g_free(shadow);
}

const GPtrArray *shadow_places(const Shadow *shadow)
{
	return shadow->places;
}

dev_t shadow_device(const Shadow *shadow)
{
	return shadow->device;
}

static gboolean is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);
	return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

gboolean shadow_shows(const Shadow *shadow, const char *path)
{
	for (guint i = 0; i < shadow->places->len; i++)
		if (is_below(path, shadow->places->pdata[i]))
			return TRUE;
	return FALSE;
}

gboolean shadow_is_directory(const Shadow *shadow, const char *shown)
{
	g_autofree char *real = shadow_real(shadow, shown);
	return g_file_test(real, G_FILE_TEST_IS_DIR);
}

const char *shadow_shown(const Shadow *shadow, const char *path)
{
	if (!is_below(path, shadow->root))
		return NULL;
	return path[shadow->root_length] ? path + shadow->root_length : "/";
}

char *shadow_real(const Shadow *shadow, const char *shown)
{
	return g_strconcat(shadow->root, shown, NULL);
}

static void add_place(Shadow *shadow, const char *shown)
{
	if (!shadow_shows(shadow, shown))
		g_ptr_array_add(shadow->places, g_strdup(shown));
}

gboolean shadow_bind(Shadow *shadow, const char *shown, const char *source, GError **error)
{
	Node *node = tree_by_path(shadow->fs->tree, source);
	g_autofree char *real = shadow_real(shadow, shown);
	if (!node) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "cannot show %s: there is no %s", shown, source);
		return FALSE;
	}
	if (real_make_parents(real) < 0)
		return fail(error, "make the directory of", real);
	add_place(shadow, shown);
	g_hash_table_replace(shadow->bound, g_strdup(shown), node_ref(node));
	return TRUE;
}

gboolean shadow_add_directory(Shadow *shadow, const char *shown, GError **error)
{
	g_autofree char *real = shadow_real(shadow, shown);
	add_place(shadow, shown);
	return g_mkdir_with_parents(real, 0755) == 0 || fail(error, "make the directory", real);
}

gboolean shadow_add_link(Shadow *shadow, const char *shown, const char *target, GError **error)
{
	g_autofree char *real = shadow_real(shadow, shown);
	add_place(shadow, shown);
	return symlink(target, real) == 0 || fail(error, "make the link", real);
}

/* Where the bound tree begins that holds the path: `*ret_rest` is what is left of it. NULL: none. */
static Node *find_bound(const Shadow *shadow, const char *shown, const char **ret_rest)
{
	g_autofree char *prefix = g_strdup(shown);
	for (char *slash = prefix + strlen(prefix); slash > prefix; slash = strrchr(prefix, '/')) {
		*slash = '\0';
		Node *node = g_hash_table_lookup(shadow->bound, prefix);
		if (node) {
			*ret_rest = shown + (slash - prefix);
			return node;
		}
	}
	return NULL;
}

/* The node of a path, a new reference; *ret NULL: the path belongs to no bound tree, but to the shadow alone. */
static int find_node(const Shadow *shadow, const char *shown, Node **ret)
{
	const char *rest;
	Node *start = find_bound(shadow, shown, &rest);
	*ret = NULL;
	if (!start)
		return 0;
	g_autoptr(Node) node = node_ref(start);
	g_auto(GStrv) names = g_strsplit(rest, "/", -1);
	for (char **name = names; *name; name++) {
		Node *child = NULL;
		if (!**name)
			continue;
		int r = fs_lookup(shadow->fs, node, *name, &child);
		if (r < 0)
			return r;
		node_unref(node);
		node = child;
	}
	*ret = g_steal_pointer(&node);
	return 0;
}

/* The directory that a path lies in, and its last name (a part of `shown`). */
static int find_parent(const Shadow *shadow, const char *shown, Node **ret, const char **ret_name)
{
	const char *slash = strrchr(shown, '/');
	g_autofree char *directory = g_strndup(shown, (gsize) (slash - shown));
	*ret_name = slash + 1;
	return find_node(shadow, directory, ret);
}

static int make_node(const Node *node, const char *real)
{
	int fd;
	switch (node->type) {
	case NODE_DIRECTORY:
		return mkdir(real, node->mode | S_IRWXU) < 0 && errno != EEXIST ? -errno : 0;
	case NODE_LINK:
		return symlink(node->target, real) < 0 && errno != EEXIST ? -errno : 0;
	case NODE_FILE:
		fd = open(real, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			return errno == EEXIST ? 0 : -errno;
		(void) fchmod(fd, node->mode);
		close(fd);
	}
	return 0;
}

/* The real one, and the directories above it. */
static int ensure_real(const Node *node, const char *real)
{
	int r = make_node(node, real);
	if (r == -ENOENT)
		r = real_make_parents(real);
	return r == 0 ? make_node(node, real) : r;
}

/* What cannot be read shows nothing: the error, as a positive number, is read(2)'s. */
static int render(Shadow *shadow, Node *node, const char *real, int flags, const Caller *caller)
{
	Handle *handle;
	g_autoptr(GString) text = g_string_new(NULL);
	int r = fs_open(shadow->fs, node, flags, caller, &handle);
	if (r < 0)
		return r;
	int problem = fs_read(shadow->fs, handle, caller, 0, G_MAXSSIZE, text);
	fs_close(shadow->fs, handle);
	r = real_set_content(real, text->str, text->len);
	return r < 0 ? r : -problem;
}

static GHashTable *names_of(Shadow *shadow, Node *dir)
{
	GPtrArray *nodes;
	GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify) node_unref);
	if (fs_list(shadow->fs, dir, &nodes) < 0)
		return names;
	for (guint i = 0; i < nodes->len; i++) {
		Node *node = node_ref(nodes->pdata[i]);
		g_hash_table_replace(names, node->name, node);
	}
	g_ptr_array_unref(nodes);
	return names;
}

/* Makes the names of a real directory those of its node. What is bound or added below stays. */
static int sync_directory(Shadow *shadow, Node *dir, const char *shown, const char *real)
{
	g_autoptr(GHashTable) names = names_of(shadow, dir);
	g_autoptr(GDir) listing = g_dir_open(real, 0, NULL);
	const char *name;
	while (listing && (name = g_dir_read_name(listing))) {
		g_autofree char *child = g_build_filename(shown, name, NULL);
		g_autofree char *old = g_build_filename(real, name, NULL);
		if (!g_hash_table_remove(names, name) && !g_hash_table_contains(shadow->bound, child))
			real_remove(AT_FDCWD, old);
	}
	GHashTableIter iter;
	gpointer node;
	g_hash_table_iter_init(&iter, names);
	while (g_hash_table_iter_next(&iter, NULL, &node)) {
		g_autofree char *path = g_build_filename(real, ((Node *) node)->name, NULL);
		int r = make_node(node, path);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The real path of a node as the place `shown` shows it, whose tree begins at `top`; NULL: not there. */
static char *real_below(Shadow *shadow, const Node *node, const char *shown, const Node *top)
{
	g_rw_lock_reader_lock(&shadow->fs->lock);
	g_autofree char *path = node->dead ? NULL : node_path(node), *start = top->dead ? NULL : node_path(top);
	g_rw_lock_reader_unlock(&shadow->fs->lock);
	if (!path || !start || !is_below(path, start))
		return NULL;
	g_autofree char *real = g_strconcat(shadow->root, shown, path + strlen(start), NULL);
	return access(real, F_OK) == 0 ? g_steal_pointer(&real) : NULL;
}

static Node *next_change(Shadow *shadow)
{
	g_mutex_lock(&shadow->lock);
	guint n = shadow->changed->len;
	Node *node = n > 0 ? g_ptr_array_steal_index_fast(shadow->changed, n - 1) : NULL;
	g_mutex_unlock(&shadow->lock);
	return node;
}

/* Event files that have changed are brought up to date if they are there: for those who watch them with inotify. */
static void show_changes(Shadow *shadow)
{
	const Caller nobody = {0};
	Node *changed;
	while ((changed = next_change(shadow))) {
		g_autoptr(Node) node = changed;
		GHashTableIter iter;
		gpointer shown, top;
		g_hash_table_iter_init(&iter, shadow->bound);
		while (g_hash_table_iter_next(&iter, &shown, &top)) {
			g_autofree char *real = real_below(shadow, node, shown, top);
			if (real)
				(void) render(shadow, node, real, O_RDONLY, &nobody);
		}
	}
}

static int refresh_copy(const char *original, const char *real)
{
	g_autofree char *text = NULL;
	gsize size;
	/* Sets errno, as the calls in it do. */
	if (!g_file_get_contents(original, &text, &size, NULL))
		return -errno;
	return real_set_content(real, text, size);
}

int shadow_prepare(Shadow *shadow, const char *shown, ShadowUse use, int flags, const Caller *caller)
{
	g_autoptr(Node) node = NULL;
	g_autofree char *real = shadow_real(shadow, shown);
	const char *original = g_hash_table_lookup(shadow->copied, shown);
	if (original)
		return use == SHADOW_READ ? refresh_copy(original, real) : 0;
	int r = find_node(shadow, shown, &node);
	if (r < 0) {
		if (r == -ENOENT)
			real_remove(AT_FDCWD, real);
		return r;
	}
	if (node)
		r = ensure_real(node, real);
	if (r == 0 && node && use == SHADOW_READ && node->type == NODE_DIRECTORY)
		r = sync_directory(shadow, node, shown, real);
	if (r == 0 && node && use == SHADOW_READ && node->type == NODE_FILE)
		r = render(shadow, node, real, flags, caller);
	show_changes(shadow);
	return r;
}

int shadow_create(Shadow *shadow, const char *shown)
{
	g_autoptr(Node) parent = NULL;
	const char *name;
	int r = find_parent(shadow, shown, &parent, &name);
	return r == 0 && parent ? fs_create(shadow->fs, parent, name) : r;
}

/* May the caller add and remove names in the directory of this path? */
static int may_change(const Shadow *shadow, const char *shown, const Caller *caller)
{
	struct stat st;
	g_autofree char *directory = g_path_get_dirname(shown);
	g_autofree char *real = shadow_real(shadow, directory);
	if (caller->uid == 0 || stat(real, &st) < 0)
		return 0;
	mode_t bit = caller->uid == st.st_uid ? S_IWUSR : caller->gid == st.st_gid ? S_IWGRP : S_IWOTH;
	return st.st_mode & bit ? 0 : -EACCES;
}

int shadow_make_directory(Shadow *shadow, const char *shown, mode_t mode, const Caller *caller)
{
	g_autoptr(Node) parent = NULL, node = NULL;
	g_autofree char *real = shadow_real(shadow, shown);
	const char *name;
	int r = find_parent(shadow, shown, &parent, &name);
	if (r == 0 && !parent)
		r = access(real, F_OK) == 0 ? -EEXIST : -EACCES;
	if (r == 0)
		r = fs_lookup(shadow->fs, parent, name, &node) == 0 ? -EEXIST : may_change(shadow, shown, caller);
	if (r == 0)
		r = fs_mkdir(shadow->fs, parent, name, mode, caller, &node);
	if (r == 0)
		r = ensure_real(node, real);
	show_changes(shadow);
	return r;
}

int shadow_remove_directory(Shadow *shadow, const char *shown, const Caller *caller)
{
	g_autoptr(Node) parent = NULL;
	const char *name;
	if (g_hash_table_contains(shadow->bound, shown))
		return -EBUSY;
	int r = find_parent(shadow, shown, &parent, &name);
	if (r == 0 && !parent)
		r = -EPERM;
	if (r == 0)
		r = may_change(shadow, shown, caller);
	if (r == 0)
		r = fs_rmdir(shadow->fs, parent, name, caller);
	if (r == 0) {
		g_autofree char *real = shadow_real(shadow, shown);
		real_remove(AT_FDCWD, real);
	}
	show_changes(shadow);
	return r;
}

int shadow_unlink(Shadow *shadow, const char *shown)
{
	g_autoptr(Node) parent = NULL;
	const char *name;
	int r = find_parent(shadow, shown, &parent, &name);
	return r < 0 ? r : parent ? fs_unlink(shadow->fs, parent, name) : -EPERM;
}

int shadow_rename(Shadow *shadow, const char *from, const char *to, const Caller *caller)
{
	g_autoptr(Node) parent = NULL, new_parent = NULL;
	const char *name, *new_name;
	int r = find_parent(shadow, from, &parent, &name);
	if (r == 0)
		r = find_parent(shadow, to, &new_parent, &new_name);
	if (r < 0)
		return r;
	if (!parent || !new_parent)
		return -EPERM;
	r = may_change(shadow, from, caller);
	if (r == 0)
		r = fs_rename(shadow->fs, parent, name, new_parent, new_name, caller);
	if (r == 0) {
		g_autofree char *old_real = shadow_real(shadow, from), *new_real = shadow_real(shadow, to);
		if (rename(old_real, new_real) < 0)
			real_remove(AT_FDCWD, old_real);
	}
	return r;
}

int shadow_write(Shadow *shadow, const char *shown, const Caller *caller, const char *data, size_t size)
{
	g_autoptr(Node) node = NULL;
	Handle *handle = NULL;
	int r = find_node(shadow, shown, &node);
	if (r == 0 && !node)
		r = -EINVAL;
	/* Its permissions were looked at when it was opened. */
	if (r == 0)
		r = fs_open(shadow->fs, node, O_RDONLY, NULL, &handle);
	if (r < 0)
		return r == -ENOENT ? -ENODEV : r;
	r = fs_write(shadow->fs, handle, caller, data, size);
	fs_close(shadow->fs, handle);
	show_changes(shadow);
	return r;
}

char *shadow_add_file(Shadow *shadow, const char *shown, const char *text, size_t size)
{
	g_autofree char *real = shadow_real(shadow, shown);
	int r = real_make_parents(real);
	(void) unlink(real);
	int fd = r < 0 ? -1 : open(real, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return NULL;
	gboolean ok = write(fd, text, size) == (ssize_t) size && fchmod(fd, 0444) == 0;
	close(fd);
	if (ok)
		return g_steal_pointer(&real);
	(void) unlink(real);
	return NULL;
}

gboolean shadow_add_text(Shadow *shadow, const char *shown, const char *text, GError **error)
{
	g_autofree char *real = shadow_add_file(shadow, shown, text, strlen(text));
	add_place(shadow, shown);
	return real || fail(error, "make the file shown as", shown);
}

gboolean shadow_add_silent(Shadow *shadow, const char *shown, GError **error)
{
	g_autofree char *real = shadow_real(shadow, shown);
	int r = real_make_parents(real);
	/* Both ends: it is never at its end, and opening it waits for nobody. */
	int fd = r == 0 && mkfifo(real, 0644) == 0 ? open(real, O_RDWR | O_CLOEXEC) : -1;
	add_place(shadow, shown);
	if (fd < 0)
		return fail(error, "make a FIFO, for who reads the kernel's log,", real);
	g_hash_table_replace(shadow->silent, g_strdup(shown), GINT_TO_POINTER(fd));
	return TRUE;
}

gboolean shadow_is_silent(const Shadow *shadow, const char *shown)
{
	return g_hash_table_contains(shadow->silent, shown);
}

gboolean shadow_add_copy(Shadow *shadow, const char *shown, const char *original, GError **error)
{
	if (!shadow_add_text(shadow, shown, "", error))
		return FALSE;
	g_hash_table_replace(shadow->copied, g_strdup(shown), g_strdup(original));
	return TRUE;
}

void shadow_remove_file(Shadow *shadow, const char *real)
{
	(void) unlink(real);
	g_autofree char *directory = g_path_get_dirname(real);
	/* Up to the first one that holds something else. */
	while (strlen(directory) > shadow->root_length && rmdir(directory) == 0) {
		char *above = g_path_get_dirname(directory);
		g_free(directory);
		directory = above;
	}
}

void shadow_set_watched(Shadow *shadow)
{
	g_mutex_lock(&shadow->lock);
	shadow->watched = TRUE;
	g_mutex_unlock(&shadow->lock);
}

Fs *shadow_fs(const Shadow *shadow)
{
	return shadow->fs;
}

int shadow_find(const Shadow *shadow, const char *shown, Node **ret)
{
	return find_node(shadow, shown, ret);
}

void shadow_listen(Shadow *shadow, void (*changed)(Node *node))
{
	g_mutex_lock(&shadow->lock);
	shadow->listener = changed;
	shadow->watched = TRUE;
	g_mutex_unlock(&shadow->lock);
}

void shadow_process_ended(Shadow *shadow)
{
	g_mutex_lock(&shadow->lock);
	gboolean watched = shadow->watched;
	g_mutex_unlock(&shadow->lock);
	if (!watched || !shadow->fs || !shadow->fs->cgroups)
		return;
	members_refresh(shadow->fs);
	show_changes(shadow);
}
