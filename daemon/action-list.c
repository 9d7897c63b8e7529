/*
 * --list builds each tree as --mount would, with one child group in each hierarchy, and walks it: it cannot name a file
 * that is not served. Nothing is mounted, and nothing outside the process is changed.
 */
#include "daemon/actions.h"
#include "daemon/exit-codes.h"
#include "fs/fs.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Stands for any group below the root. */
#define CHILD_GROUP "GROUP"

static const struct {
	const char *name;
	FsTree tree;
	gboolean is_cgroup, is_hybrid;
} listed[] = {
	{"v1", FS_TREE_V1, TRUE, TRUE},
	{"v2", FS_TREE_V2, TRUE, TRUE},
	{"procsys", FS_TREE_PROCSYS},
	{"proc", FS_TREE_PROC},
};

/* One line, still in its columns. */
typedef struct Row {
	char *path;
	mode_t mode;
	Origin origin;
	const char *meaning;
} Row;

static void row_free(void *data)
{
	Row *row = data;

	g_free(row->path);
	g_free(row);
}

static Caller own_caller(void)
{
	return (Caller){.pid = getpid(), .uid = 0, .gid = 0};
}

static void collect(Fs *fs, Node *dir, const char *path, GPtrArray *rows)
{
	g_autoptr(GPtrArray) children = NULL;

	if (fs_list(fs, dir, &children) < 0)
		return;
	for (unsigned i = 0; i < children->len; i++) {
		Node *child = g_ptr_array_index(children, i);
		g_autofree char *child_path = g_strconcat(path, "/", child->name, NULL);

		if (child->type == NODE_DIRECTORY) {
			collect(fs, child, child_path, rows);
		} else if (child->type == NODE_FILE) {
			const VFile *file = child->file.row;
			Row row = {g_steal_pointer(&child_path), child->mode, file->origin, file->meaning};

			g_ptr_array_add(rows, g_memdup2(&row, sizeof(row)));
		}
	}
}

/* Reads or (text not NULL) writes a small file. 0 or -errno. */
static int access_file(Fs *fs, Node *dir, const char *name, const char *text, GString *out)
{
	g_autoptr(Node) node = NULL;
	Caller caller = own_caller();
	Handle *handle;
	int r = fs_lookup(fs, dir, name, &node);

	if (r < 0)
		return r;
	r = fs_open(fs, node, text ? O_WRONLY : O_RDONLY, &caller, &handle);
	if (r < 0)
		return r;
	r = text ? fs_write(fs, handle, &caller, text, strlen(text)) : fs_read(fs, handle, &caller, 0, 65536, out);
	fs_close(fs, handle);
	return MIN(r, 0);
}

/* v2: child groups have a controller's files once the root hands it on. */
static int enable_controllers(Fs *fs, Node *root)
{
	g_autoptr(GString) available = g_string_new(NULL), wanted = g_string_new(NULL);
	g_auto(GStrv) names = NULL;
	int r = access_file(fs, root, "cgroup.controllers", NULL, available);

	if (r < 0)
		return r;
	names = g_strsplit_set(available->str, " \n", -1);
	for (char **name = names; *name; name++)
		if (**name)
			g_string_append_printf(wanted, "+%s ", *name);
	return wanted->len ? access_file(fs, root, "cgroup.subtree_control", wanted->str, NULL) : 0;
}

static int add_child_group(Fs *fs, Node *root)
{
	g_autoptr(Node) made = NULL;
	Caller caller = own_caller();

	return fs_mkdir(fs, root, CHILD_GROUP, 0755, &caller, &made);
}

static int add_child_groups(Fs *fs, Node *top, gboolean is_v2)
{
	g_autoptr(GPtrArray) hierarchies = NULL;
	int r;

	if (is_v2) {
		r = enable_controllers(fs, top);
		return r < 0 ? r : add_child_group(fs, top);
	}
	r = fs_list(fs, top, &hierarchies);
	for (unsigned i = 0; r >= 0 && i < hierarchies->len; i++) {
		Node *hierarchy = g_ptr_array_index(hierarchies, i);

		if (hierarchy->type == NODE_DIRECTORY)
			r = add_child_group(fs, hierarchy);
	}
	return r;
}

static void print_rows(const char *tree, GPtrArray *rows)
{
	int width = 0;

	for (unsigned i = 0; i < rows->len; i++)
		width = MAX(width, (int) strlen(((Row *) rows->pdata[i])->path));
	for (unsigned i = 0; i < rows->len; i++) {
		const Row *row = rows->pdata[i];

		g_print("%-7s  %-*s  %04o  %-18s  %s\n", tree, width, row->path, row->mode, origin_name(row->origin),
			row->meaning ? row->meaning : "");
	}
}

static gboolean list_tree(const Config *config, size_t which, GError **error)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(row_free);
	g_autoptr(Node) top = NULL;
	Fs *fs = fs_new(config, listed[which].tree, error);
	int r;

	if (!fs)
		return FALSE;
	r = fs_lookup(fs, fs->tree->root, listed[which].name, &top);
	if (r >= 0 && listed[which].is_cgroup)
		r = add_child_groups(fs, top, listed[which].tree == FS_TREE_V2);
	if (r < 0)
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(-r), "cannot build the %s tree: %s",
			    listed[which].name, g_strerror(-r));
	else
		collect(fs, top, "", rows);
	g_clear_pointer(&top, node_unref);
	fs_free(fs);
	print_rows(listed[which].name, rows);
	return r >= 0;
}

/* The same configuration, but nothing of it that reaches out of the process. */
static Config *load_inert(const Options *options, GError **error)
{
	g_autoptr(GPtrArray) set = g_ptr_array_new();

	for (char **override = options->set; override && *override; override++)
		g_ptr_array_add(set, *override);
	g_ptr_array_add(set, (char *) "cgroup.backing=none");
	g_ptr_array_add(set, (char *) "cgroup.state-file=");
	g_ptr_array_add(set, NULL);
	return config_load(options->config, (const char *const *) set->pdata, error);
}

static gboolean is_wanted(const char *tree, size_t which)
{
	return !tree || !strcmp(tree, "auto") || !strcmp(tree, listed[which].name) ||
	       (!strcmp(tree, "hybrid") && listed[which].is_hybrid);
}

int action_list(const Options *options, Config *config)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Config) inert = load_inert(options, &error);
	gboolean done = inert != NULL;

	for (size_t i = 0; done && i < G_N_ELEMENTS(listed); i++)
		if (is_wanted(options->tree, i))
			done = list_tree(inert, i, &error);
	if (done)
		return EXIT_OK;
	g_printerr("cgemud: %s\n", error->message);
	return EXIT_INTERNAL;
}
