#include "daemon/view/control-files.h"

#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_real(const char *path, void *data)
{
	return mkdir(path, 0755) < 0 ? -errno : 0;
}

static int write_real(const char *path, const char *text, void *data)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return r;
}

static int read_real(const char *path, char **ret, void *data)
{
	/* errno is that of the read: g_file_get_contents() leaves it. */
	return g_file_get_contents(path, ret, NULL, NULL) ? 0 : -errno;
}

const ControlFiles control_files_real = {make_real, write_real, read_real, NULL};

/* A new reference to the node of a path, of which the last `without` bytes are left out. */
static int find(Fs *fs, const char *path, size_t without, Node **ret)
{
	g_autofree char *part = g_strndup(path, strlen(path) - without);
	g_auto(GStrv) names = g_strsplit(part, "/", -1);
	g_autoptr(Node) node = node_ref(fs->tree->root);
	for (char **name = names; *name; name++) {
		Node *child;
		int r = **name ? fs_lookup(fs, node, *name, &child) : 0;
		if (r < 0)
			return r;
		if (!**name)
			continue;
		node_unref(node);
		node = child;
	}
	*ret = g_steal_pointer(&node);
	return 0;
}

int control_files_make(const char *path, void *data)
{
	const Caller caller = {.pid = getpid()};
	const char *name = strrchr(path, '/') + 1;
	g_autoptr(Node) parent = NULL, made = NULL;
	int r = find(data, path, strlen(name), &parent);
	return r < 0 ? r : fs_mkdir(data, parent, name, 0755, &caller, &made);
}

static int open_file(Fs *fs, const char *path, const Caller *caller, Handle **ret)
{
	g_autoptr(Node) node = NULL;
	int r = find(fs, path, 0, &node);
	return r < 0 ? r : fs_open(fs, node, O_RDONLY, caller, ret);
}

int control_files_store(Fs *fs, const char *path, const Caller *caller, const char *text, size_t size)
{
	Handle *handle;
	/* Whether he may is seen when he opens it. */
	int r = open_file(fs, path, NULL, &handle);
	if (r < 0)
		return r;
	r = fs_write(fs, handle, caller, text, size);
	fs_close(fs, handle);
	return r;
}

int control_files_write(const char *path, const char *text, void *data)
{
	const Caller caller = {.pid = getpid()};
	return control_files_store(data, path, &caller, text, strlen(text));
}

int control_files_show(Fs *fs, const char *path, const Caller *caller, GString *out)
{
	Handle *handle;
	int r = open_file(fs, path, caller, &handle);
	if (r < 0)
		return r;
	r = fs_read(fs, handle, caller, 0, G_MAXSSIZE, out);
	fs_close(fs, handle);
	return r;
}

int control_files_read(const char *path, char **ret, void *data)
{
	const Caller caller = {.pid = getpid()};
	g_autoptr(GString) text = g_string_new(NULL);
	int r = control_files_show(data, path, &caller, text);
	if (r == 0)
		*ret = g_strdup(text->str);
	return r;
}
