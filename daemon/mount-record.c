#include "daemon/mount-record.h"
#include "daemon/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define END_SECONDS            15
#define ROOT_RUNTIME_DIRECTORY "/run/cgemud"

/* One line of a record: a word, a mount's id or 0, a path. */
typedef struct Step {
	gboolean is_mount;
	int mount_id; /* 0: the kernel does not tell */
	char *path;
} Step;

struct MountRecord {
	char *directory;
	char *private_directory;
	char *path; /* of the record */
	int fd;
	gboolean is_own; /* this process holds the lock */
	pid_t pid;
	guint n_served;
	guint64 start_time; /* of the process, to tell it from a later one with its number */
	GPtrArray *steps;
	char *state; /* file */
	char *root;  /* of the session */
	guchar *greeting;
	gsize greeting_size;
};

static void free_step(gpointer data)
{
	Step *step = data;

	g_free(step->path);
	g_free(step);
}

static gboolean set_errno_error(GError **error, const char *what, const char *path)
{
	int r = errno;

	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(r), "cannot %s %s: %s", what, path, g_strerror(r));
	return FALSE;
}

/* A directory that this user owns and nobody else can write to: others could plant records in it. */
static gboolean make_own_directory(const char *path, mode_t mode, GError **error)
{
	struct stat st;

	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return set_errno_error(error, "make the directory", path);
	if (lstat(path, &st) < 0)
		return set_errno_error(error, "look at", path);
	if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022))
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "%s belongs to someone else; remove it", path);
	return FALSE;
}

static char *runtime_directory(GError **error)
{
	const char *user = g_getenv("XDG_RUNTIME_DIR");
	g_autofree char *path = NULL;

	if (geteuid() == 0 && make_own_directory(ROOT_RUNTIME_DIRECTORY, 0755, NULL))
		return g_strdup(ROOT_RUNTIME_DIRECTORY);
	if (user && g_path_is_absolute(user) && access(user, W_OK) == 0)
		path = g_build_filename(user, "cgemud", NULL);
	else
		path = g_strdup_printf("%s/cgemud-%u", g_get_tmp_dir(), (unsigned) geteuid());
	return make_own_directory(path, 0700, error) ? g_steal_pointer(&path) : NULL;
}

/* "sys-fs-cgroup-1a2b3c4d": readable, and different for each directory and mount namespace. */
static char *record_name(const char *directory)
{
	struct stat ns = {0};
	g_autofree char *key = NULL;
	g_autofree char *sum = NULL;
	g_autofree char *readable = g_strdelimit(g_strdup(directory + strspn(directory, "/")), "/", '-');

	if (stat("/proc/self/ns/mnt", &ns) < 0)
		ns.st_ino = 0;
	key = g_strdup_printf("%llu %s", (unsigned long long) ns.st_ino, directory);
	sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
	return g_strdup_printf("%.64s-%.8s", readable, sum);
}

static MountRecord *record_new(const char *directory, GError **error)
{
	g_autofree char *base = runtime_directory(error);
	g_autofree char *name = record_name(directory);
	MountRecord *record;

	if (!base)
		return NULL;
	record = g_new0(MountRecord, 1);
	record->directory = g_strdup(directory);
	record->private_directory = g_build_filename(base, name, NULL);
	record->path = g_strconcat(record->private_directory, ".record", NULL);
	record->fd = -1;
	record->steps = g_ptr_array_new_with_free_func(free_step);
	return record;
}

void mount_record_free(MountRecord *record)
{
	if (!record)
		return;
	if (record->fd >= 0)
		close(record->fd);
	g_ptr_array_unref(record->steps);
	g_free(record->directory);
	g_free(record->private_directory);
	g_free(record->path);
	g_free(record->state);
	g_free(record->root);
	g_free(record->greeting);
	g_free(record);
}

/* Field 22 of /proc/PID/stat, in clock ticks since boot; 0 if there is no such process. */
static guint64 start_time_of(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int) pid);
	g_autofree char *text = NULL;
	g_auto(GStrv) fields = NULL;
	char *after_name;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	after_name = strrchr(text, ')');
	if (!after_name || !after_name[1])
		return 0;
	fields = g_strsplit(after_name + 2, " ", -1);
	return g_strv_length(fields) > 19 ? g_ascii_strtoull(fields[19], NULL, 10) : 0;
}

static void parse_line(MountRecord *record, const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", 3);
	guint n = g_strv_length(words);

	if (n == 2 && g_str_equal(words[0], "state")) {
		g_free(record->state);
		record->state = g_strcompress(words[1]);
	} else if (n == 3 && g_str_equal(words[0], "session")) {
		g_free(record->root);
		g_free(record->greeting);
		record->root = g_strdup(words[1]);
		record->greeting = g_base64_decode(words[2], &record->greeting_size);
	} else if (n == 3 && g_str_equal(words[0], "process")) {
		record->n_served++;
		record->pid = (pid_t) g_ascii_strtoll(words[1], NULL, 10);
		record->start_time = g_ascii_strtoull(words[2], NULL, 10);
	} else if (n == 3 && (g_str_equal(words[0], "mount") || g_str_equal(words[0], "made"))) {
		Step *step = g_new0(Step, 1);
		step->is_mount = g_str_equal(words[0], "mount");
		step->mount_id = (int) g_ascii_strtoll(words[1], NULL, 10);
		step->path = g_strcompress(words[2]);
		g_ptr_array_add(record->steps, step);
	}
}

/* A last line without its end was being written when the process died: what it names may exist, and is checked. */
static void parse(MountRecord *record, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line; line++)
		parse_line(record, *line);
}

static gboolean read_record(MountRecord *record, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char buf[4096];
	ssize_t n;
	off_t offset = 0;

	while ((n = pread(record->fd, buf, sizeof buf, offset)) > 0) {
		g_string_append_len(text, buf, n);
		offset += n;
	}
	if (n < 0)
		return set_errno_error(error, "read", record->path);
	parse(record, text->str);
	return TRUE;
}

static gboolean write_line(MountRecord *record, const char *line, GError **error)
{
	size_t len = strlen(line);

	return write(record->fd, line, len) == (ssize_t) len || set_errno_error(error, "write", record->path);
}

/* Opens and locks the record; a dead process's is read and undone. The file may be unlinked by its owner while it is
 * waited for: then the next one is made. */
static gboolean open_locked(MountRecord *record, GError **error)
{
	struct stat by_fd, by_path;

	for (;;) {
		record->fd = open(record->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (record->fd < 0)
			return set_errno_error(error, "open", record->path);
		if (flock(record->fd, LOCK_EX | LOCK_NB) < 0)
			return set_errno_error(error, "lock", record->path);
		if (fstat(record->fd, &by_fd) == 0 && stat(record->path, &by_path) == 0 &&
		    by_fd.st_ino == by_path.st_ino)
			return TRUE;
		close(record->fd);
	}
}

static gboolean undo_steps(MountRecord *record, GError **error);

/* Whatever is on the private directory is ours, with a record or without. */
static gboolean clear_private_directory(MountRecord *record, GError **error)
{
	for (;;) {
		g_autoptr(GPtrArray) mounts = mounts_read(error);

		if (!mounts)
			return FALSE;
		if (!mounts_on(mounts, record->private_directory) && !mounts_is_dead(record->private_directory))
			return TRUE;
		if (!mounts_detach(record->private_directory, error))
			return FALSE;
	}
}

static gboolean take_over(MountRecord *record, GError **error)
{
	if (!read_record(record, error))
		return FALSE;
	if (record->steps->len)
		g_message("%s: undoing what a process left that ended without unmounting", record->directory);
	if (!undo_steps(record, error) || !clear_private_directory(record, error))
		return FALSE;
	g_ptr_array_set_size(record->steps, 0);
	g_clear_pointer(&record->state, g_free);
	return ftruncate(record->fd, 0) == 0 || set_errno_error(error, "truncate", record->path);
}

/* The last such line counts. */
static gboolean write_process(MountRecord *record, GError **error)
{
	g_autofree char *line = NULL;

	record->is_own = TRUE;
	record->pid = getpid();
	record->start_time = start_time_of(getpid());
	line = g_strdup_printf("process %d %" G_GUINT64_FORMAT "\n", (int) record->pid, record->start_time);
	return write_line(record, line, error);
}

static gboolean begin(MountRecord *record, const char *tree, GError **error)
{
	g_autofree char *head = g_strdup_printf("tree %s\n", tree);

	if (!write_line(record, head, error) || !write_process(record, error))
		return FALSE;
	if (mkdir(record->private_directory, 0700) < 0 && errno != EEXIST)
		return set_errno_error(error, "make the directory", record->private_directory);
	return mount_record_add_directory(record, record->private_directory, error);
}

MountRecord *mount_record_new(const char *directory, const char *tree, GError **error)
{
	g_autoptr(MountRecord) record = record_new(directory, error);
	g_autoptr(GError) reason = NULL;

	if (!record)
		return NULL;
	if (!open_locked(record, &reason)) {
		if (g_error_matches(reason, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
			read_record(record, NULL);
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_BUSY,
				    "%s is already served by process %d; stop it with: cgemud --unmount %s", directory,
				    (int) record->pid, directory);
		} else {
			g_propagate_error(error, g_steal_pointer(&reason));
		}
		return NULL;
	}
	if (!take_over(record, error))
		return NULL;
	if (begin(record, tree, error))
		return g_steal_pointer(&record);
	mount_record_undo(record, NULL);
	return NULL;
}

MountRecord *mount_record_adopt(const char *directory, GError **error)
{
	g_autoptr(MountRecord) record = mount_record_find(directory, error);

	if (!record || !record->greeting || !record->steps->len)
		return NULL;
	if (flock(record->fd, LOCK_EX | LOCK_NB) < 0) {
		set_errno_error(error, "lock", record->path);
		return NULL;
	}
	return write_process(record, error) ? g_steal_pointer(&record) : NULL;
}

gboolean mount_record_set_session(MountRecord *record, const char *root, gconstpointer greeting, gsize size,
				  GError **error)
{
	g_autofree char *encoded = g_base64_encode(greeting, size);
	g_autofree char *line = g_strdup_printf("session %s %s\n", root, encoded);

	return write_line(record, line, error);
}

gboolean mount_record_set_state(MountRecord *record, const char *path, GError **error)
{
	g_autofree char *escaped = g_strescape(path, NULL);
	g_autoptr(GString) line = g_string_new(escaped);

	g_string_replace(line, " ", "\\040", 0);
	g_string_prepend(line, "state ");
	g_string_append_c(line, '\n');
	g_free(record->state);
	record->state = g_strdup(path);
	return write_line(record, line->str, error);
}

const char *mount_record_state(const MountRecord *record)
{
	return record->state;
}

char *mount_record_state_path(const MountRecord *record, const char *path)
{
	g_autofree char *base = g_path_get_dirname(record->private_directory);
	g_autofree char *name = g_path_get_basename(record->private_directory);
	g_autofree char *directory = g_path_get_dirname(path);
	g_autofree char *file = g_path_get_basename(path);

	return g_strdup_printf("%s/%s.%s", g_str_equal(directory, ROOT_RUNTIME_DIRECTORY) ? base : directory, file,
			       name);
}

const char *mount_record_root(const MountRecord *record)
{
	return record->root;
}

gconstpointer mount_record_greeting(const MountRecord *record, gsize size)
{
	return record->greeting_size == size ? record->greeting : NULL;
}

MountRecord *mount_record_find(const char *directory, GError **error)
{
	g_autoptr(MountRecord) record = record_new(directory, error);

	if (!record)
		return NULL;
	record->fd = open(record->path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (record->fd < 0) {
		if (errno != ENOENT)
			set_errno_error(error, "open", record->path);
		return NULL;
	}
	return read_record(record, error) ? g_steal_pointer(&record) : NULL;
}

const char *mount_record_private_directory(const MountRecord *record)
{
	return record->private_directory;
}

static gboolean add_step(MountRecord *record, gboolean is_mount, int mount_id, const char *path, GError **error)
{
	g_autofree char *escaped = g_strescape(path, NULL);
	g_autofree char *line = g_strdup_printf("%s %d %s\n", is_mount ? "mount" : "made", mount_id, escaped);
	Step *step = g_new0(Step, 1);

	step->is_mount = is_mount;
	step->mount_id = mount_id;
	step->path = g_strdup(path);
	g_ptr_array_add(record->steps, step);
	return write_line(record, line, error);
}

gboolean mount_record_add_mount(MountRecord *record, const char *path, GError **error)
{
	g_autoptr(GPtrArray) mounts = mounts_read(error);
	const MountLine *line = mounts ? mounts_on(mounts, path) : NULL;

	return mounts && add_step(record, TRUE, line ? line->id : 0, path, error);
}

gboolean mount_record_add_directory(MountRecord *record, const char *path, GError **error)
{
	return add_step(record, FALSE, 0, path, error);
}

/* A dead FUSE mount is missing from some kernels' mount table, but says ENOTCONN. */
static gboolean is_still_ours(const Step *step, const GPtrArray *mounts)
{
	const MountLine *line = mounts_on(mounts, step->path);

	return (line && line->id == step->mount_id) || mounts_is_dead(step->path);
}

static gboolean undo_step(const Step *step, GError **error)
{
	g_autoptr(GPtrArray) mounts = NULL;

	if (!step->is_mount)
		return rmdir(step->path) == 0 || errno == ENOENT || set_errno_error(error, "remove", step->path);
	mounts = mounts_read(error);
	if (!mounts)
		return FALSE;
	return !is_still_ours(step, mounts) || mounts_detach(step->path, error);
}

static gboolean undo_steps(MountRecord *record, GError **error)
{
	gboolean ok = TRUE;

	for (guint i = record->steps->len; i > 0; i--)
		if (!undo_step(record->steps->pdata[i - 1], ok ? error : NULL))
			ok = FALSE;
	return ok;
}

gboolean mount_record_undo(MountRecord *record, GError **error)
{
	gboolean ok = undo_steps(record, error);

	g_ptr_array_set_size(record->steps, 0);
	if (ok && unlink(record->path) < 0 && errno != ENOENT)
		return set_errno_error(error, "remove", record->path);
	return ok;
}

pid_t mount_record_process(MountRecord *record)
{
	return record->pid > 0 && start_time_of(record->pid) == record->start_time ? record->pid : 0;
}

guint mount_record_n_served(const MountRecord *record)
{
	return record->n_served;
}

/* The lock is free as soon as the process is gone, whatever it was doing. */
static gboolean wait_for_lock(MountRecord *record, GError **error)
{
	gint64 deadline = g_get_monotonic_time() + END_SECONDS * G_TIME_SPAN_SECOND;

	while (flock(record->fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return set_errno_error(error, "lock", record->path);
		if (g_get_monotonic_time() > deadline) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
				    "process %d has not ended within %d seconds", (int) record->pid, END_SECONDS);
			return FALSE;
		}
		g_usleep(10000);
	}
	record->is_own = TRUE;
	return TRUE;
}

gboolean mount_record_end_process(MountRecord *record, GError **error)
{
	pid_t pid = mount_record_process(record);

	if (!pid)
		return TRUE;
	if (kill(pid, SIGTERM) < 0 && errno != ESRCH) {
		set_errno_error(error, "end the process that serves", record->directory);
		return FALSE;
	}
	return wait_for_lock(record, error);
}
