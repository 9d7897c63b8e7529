#include "conformance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the recording kept of a file, in bytes. */
enum { KEPT_OF_CONTROL_FILE = 6000, KEPT_OF_SYSCTL = 500, KEPT_OF_READ_BACK = 300, KEPT_OF_SYSCTL_READ_BACK = 400 };

static char *answer_name(int err)
{
	const char *name = err ? strerrorname_np(err) : "OK";
	return name ? g_strdup(name) : g_strdup_printf("E%d", err);
}

void answer_clear(Answer *answer)
{
	g_clear_pointer(&answer->answer, g_free);
	g_clear_pointer(&answer->text, g_free);
}

static gboolean is_sysctl(const Row *row)
{
	return *row->label == '/';
}

/* The directory a row speaks about. */
static char *row_directory(const Row *row, const Place *place)
{
	if (is_sysctl(row))
		return g_strconcat(place->root, row->label + strlen("/proc/sys"), NULL);
	return g_strdup(g_str_has_suffix(row->label, "/root") ? place->root : place->child);
}

/* Reads a file to its end. Returns the bytes, or NULL and errno in ret_errno; what came before an error counts. */
static GString *read_all(const char *path, int *ret_errno)
{
	char buffer[65536];
	GString *out = g_string_new(NULL);
	ssize_t n = -1;
	const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) {
		while ((n = read(fd, buffer, sizeof(buffer))) > 0)
			g_string_append_len(out, buffer, n);
	}
	*ret_errno = n < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return out;
}

static int write_once(const char *path, const char *text, gsize len)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	const int err = write(fd, text, len) < 0 ? errno : 0;
	close(fd);
	return err;
}

static void replay_file(const Row *row, const char *directory, Answer *ret)
{
	g_autofree char *path = g_build_filename(directory, row->name, NULL);
	struct stat st;
	if (lstat(path, &st) < 0) {
		ret->answer = answer_name(errno);
		return;
	}
	ret->mode = st.st_mode & 07777;
	ret->nlink = (int) st.st_nlink;
	int err;
	GString *content = read_all(path, &err);
	const gsize kept = is_sysctl(row) ? KEPT_OF_SYSCTL : KEPT_OF_CONTROL_FILE;
	ret->answer = answer_name(err);
	ret->text = text_escape(content->str, MIN(content->len, kept));
	g_string_free(content, TRUE);
}

/* Link count of a directory, less its subdirectories: 2 wherever counts are kept. */
static int links_without_subdirectories(const char *directory, nlink_t links)
{
	int subdirectories = 0;
	DIR *stream = opendir(directory);
	if (!stream)
		return (int) links;
	for (const struct dirent *entry; (entry = readdir(stream));)
		subdirectories += entry->d_type == DT_DIR && entry->d_name[0] != '.';
	closedir(stream);
	return (int) links - subdirectories;
}

static void replay_dir(const char *directory, Answer *ret)
{
	struct stat st;
	const int err = stat(directory, &st) < 0 ? errno : 0;
	ret->answer = answer_name(err);
	if (err)
		return;
	ret->mode = st.st_mode & 07777;
	ret->nlink = links_without_subdirectories(directory, st.st_nlink);
}

/* A group that is being emptied may stay busy for a moment. */
static void remove_group(const char *path)
{
	for (int attempt = 0; attempt < 500 && rmdir(path) < 0 && errno == EBUSY; attempt++)
		g_usleep(20000);
}

static void replay_write(const Row *row, const char *directory, Answer *ret)
{
	g_autofree char *group = is_sysctl(row) ? g_strdup(directory) : g_strconcat(directory, "-w", NULL);
	g_autofree char *path = g_build_filename(group, row->name, NULL);
	if (!is_sysctl(row) && mkdir(group, 0755) < 0 && errno != EEXIST) {
		ret->answer = g_strdup_printf("mkdir %s", strerrorname_np(errno));
		return;
	}
	int err = write_once(path, row->input, row->input_len);
	ret->answer = answer_name(err);
	if (!err) {
		GString *content = read_all(path, &err);
		const gsize kept = is_sysctl(row) ? KEPT_OF_SYSCTL_READ_BACK : KEPT_OF_READ_BACK;
		g_autofree char *name = answer_name(err);
		if (content->len == 0 && !is_sysctl(row))
			ret->text = g_strdup_printf("<%s>", name);
		else
			ret->text = text_escape(content->str, MIN(content->len, kept));
		g_string_free(content, TRUE);
	}
	if (!is_sysctl(row))
		remove_group(group);
}

static long op_open(const char *path, int flags)
{
	const int fd = open(path, flags | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/* mkdir, and rmdir again. */
static long op_try_mkdir(const char *path)
{
	const long result = mkdir(path, 0755);
	const int err = errno;
	rmdir(path);
	errno = err;
	return result;
}

static long op_rename_and_back(const char *from, const char *to)
{
	const long result = rename(from, to);
	const int err = errno;
	rename(to, from);
	errno = err;
	return result;
}

/* The operations by the names that the recording gave them, in a directory that has no `sub` at first. */
static long run_op(const char *name, const char *directory)
{
	g_autofree char *sub = g_build_filename(directory, "sub", NULL);
	g_autofree char *subsub = g_build_filename(sub, "subsub", NULL);
	g_autofree char *sub2 = g_build_filename(directory, "sub2", NULL);
	g_autofree char *procs = g_build_filename(directory, "cgroup.procs", NULL);
	g_autofree char *sub_procs = g_build_filename(sub, "cgroup.procs", NULL);
	g_autofree char *file = g_build_filename(directory, "newfile", NULL);
	g_autofree char *link = g_build_filename(directory, "link", NULL);
	g_autofree char *newline = g_build_filename(directory, "a\nb", NULL);
	g_autofree char *dotted =
		g_build_filename(directory, g_str_has_prefix(name, "mkdir cpu") ? "cpu.foo" : "cgroup.foo", NULL);
	g_autofree char *xs = g_strnfill(300, 'x');
	g_autofree char *lengthy = g_build_filename(directory, xs, NULL);
#define OP(text, call)                                                                                                 \
	if (g_str_equal(name, text))                                                                                   \
	return call
	OP("create regular file", op_open(file, O_CREAT | O_WRONLY));
	OP("mkdir sub", mkdir(sub, 0755));
	OP("mkdir sub again", mkdir(sub, 0755));
	OP("mkdir sub/subsub", mkdir(subsub, 0755));
	OP("rmdir sub (has child)", rmdir(sub));
	OP("rmdir sub/subsub", rmdir(subsub));
	OP("rmdir sub with a process in it", rmdir(sub));
	OP("rmdir sub", rmdir(sub));
	OP("rename sub sub2", op_rename_and_back(sub, sub2));
	OP("unlink cgroup.procs", unlink(procs));
	OP("rename cgroup.procs", rename(procs, sub));
	OP("chmod sub/cgroup.procs 0600", chmod(sub_procs, 0600));
	OP("chown sub/cgroup.procs 1000", chown(sub_procs, 1000, 1000));
	OP("truncate cgroup.procs", truncate(sub_procs, 0));
	OP("open O_TRUNC|O_WRONLY cgroup.procs", op_open(sub_procs, O_WRONLY | O_TRUNC));
	OP("open O_APPEND", op_open(sub_procs, O_WRONLY | O_APPEND));
	OP("open O_CREAT existing", op_open(sub_procs, O_WRONLY | O_CREAT));
	OP("symlink", symlink("sub", link));
	OP("mkdir name with newline", op_try_mkdir(newline));
	OP("mkdir 300 char name", op_try_mkdir(lengthy));
	OP("mkdir cgroup.foo", op_try_mkdir(dotted));
	OP("mkdir cpu.foo", op_try_mkdir(dotted));
#undef OP
	errno = ENOTSUP; /* a table with an operation that this program does not know */
	return -1;
}

/* Out of the group again: into the parent of the tested directory, or where that takes no processes, into itself. */
static void leave_sub(const char *directory, const char *file)
{
	g_autofree char *me = g_strdup_printf("%d", (int) getpid());
	g_autofree char *parent = g_build_filename(directory, "..", file, NULL);
	g_autofree char *own = g_build_filename(directory, file, NULL);
	if (write_once(parent, me, strlen(me)))
		write_once(own, me, strlen(me));
}

/* "write 'TEXT' to sub/FILE", "self now in sub/FILE" and the rmdir that follows it. */
static void replay_op(const Row *row, const char *directory, Answer *ret)
{
	static char *file_with_self;
	if (g_str_has_prefix(row->name, "write '")) {
		const char *text = row->name + strlen("write '"), *end = strstr(text, "' to ");
		g_autofree char *path = g_build_filename(directory, end + strlen("' to "), NULL);
		ret->answer = answer_name(write_once(path, text, end - text));
	} else if (g_str_has_prefix(row->name, "self now in ")) {
		int err;
		g_autofree char *path = g_build_filename(directory, row->name + strlen("self now in "), NULL);
		GString *content = read_all(path, &err);
		ret->answer = g_strdup(content->len ? "yes" : "no");
		g_string_free(content, TRUE);
		file_with_self = strrchr(row->name, '/') + 1;
	} else {
		const long result = run_op(row->name, directory);
		ret->answer = answer_name(result < 0 ? errno : 0);
		if (g_str_equal(row->name, "rmdir sub with a process in it") && file_with_self) {
			leave_sub(directory, file_with_self);
			file_with_self = NULL;
		}
	}
}

void replay_row(const Row *row, const Place *place, Answer *ret_answer)
{
	g_autofree char *directory = row_directory(row, place);
	*ret_answer = (Answer){.nlink = -1};
	switch (row->kind) {
	case KIND_FILE:
		replay_file(row, directory, ret_answer);
		break;
	case KIND_DIR:
		replay_dir(directory, ret_answer);
		break;
	case KIND_OP:
		replay_op(row, directory, ret_answer);
		break;
	default:
		replay_write(row, directory, ret_answer);
	}
	if (!ret_answer->text)
		ret_answer->text = g_strdup("");
}

/* Whose file a name is: the part before the first dot, "cgroup" for the core's files. */
static char *name_owner(const char *name)
{
	const char *dot = strchr(name, '.');
	return dot ? g_strndup(name, dot - name) : g_strdup("cgroup");
}

static void add_unrecorded(GHashTable *known, GHashTable *owners, const char *label, const char *directory,
			   GPtrArray *out)
{
	DIR *stream = opendir(directory);
	if (!stream)
		return;
	for (const struct dirent *entry; (entry = readdir(stream));) {
		g_autofree char *owner = name_owner(entry->d_name);
		g_autofree char *key = g_strconcat("FILE ", label, " ", entry->d_name, NULL);
		if (entry->d_type == DT_REG && g_hash_table_contains(owners, owner) &&
		    !g_hash_table_contains(known, key))
			g_ptr_array_add(out, g_steal_pointer(&key));
	}
	closedir(stream);
}

GPtrArray *replay_unrecorded(GPtrArray *rows, const Place *place)
{
	GPtrArray *unrecorded = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GHashTable) owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable) directories = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (guint i = 0; i < rows->len; i++) {
		const Row *row = rows->pdata[i];
		if (row->kind != KIND_FILE || is_sysctl(row))
			continue;
		char *directory = row_directory(row, place);
		if (!directory)
			continue;
		g_hash_table_add(known, row->key);
		g_hash_table_add(owners, name_owner(row->name));
		g_hash_table_insert(directories, g_strdup(row->label), directory);
	}
	g_hash_table_remove(owners, "hugetlb"); /* sizes differ between machines */
	GHashTableIter iter;
	gpointer label, directory;
	g_hash_table_iter_init(&iter, directories);
	while (g_hash_table_iter_next(&iter, &label, &directory))
		add_unrecorded(known, owners, label, directory, unrecorded);
	return unrecorded;
}
