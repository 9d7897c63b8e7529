#include "daemon/state-file.h"

#include "fs/cgroup/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long after a change it is written, milliseconds: soon what somebody asked for, and may rely on; later what
 * happens by itself, such as a fork. At least SAVE_SHARE times as long as the last save took, to stay cheap. */
enum { SOON_MS = 100, LATER_MS = 2000, SAVE_SHARE = 20 };

/* Levels of StateFile.due. */
enum { NOTHING_DUE, LATER_DUE, SOON_DUE };

struct StateFile {
	Fs *fs;
	char *path; /* NULL: nothing is written */
	char *temporary;
	atomic_int due;
	atomic_uint cost_ms; /* of the last save */
	gboolean has_warned;
};

StateFile *state_file_new(Fs *fs, const char *path)
{
	StateFile *state;

	if (!fs->cgroups)
		return NULL;
	state = g_new0(StateFile, 1);
	state->fs = fs;
	state->path = g_strdup(path);
	state->temporary = path ? g_strconcat(path, ".new", NULL) : NULL;
	return state;
}

static void unfollow(StateFile *state)
{
	g_rw_lock_writer_lock(&state->fs->lock);
	state->fs->changed = NULL;
	g_rw_lock_writer_unlock(&state->fs->lock);
	while (g_source_remove_by_user_data(state))
		;
}

void state_file_free(StateFile *state)
{
	if (!state)
		return;
	unfollow(state);
	g_free(state->path);
	g_free(state->temporary);
	g_free(state);
}

static gboolean set_error(GError **error, const char *what, const char *path)
{
	int r = errno;

	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(r), "cannot %s %s: %s", what, path, g_strerror(r));
	return FALSE;
}

static gboolean write_all(int fd, GBytes *bytes)
{
	gsize left;
	const char *at = g_bytes_get_data(bytes, &left);

	while (left > 0) {
		ssize_t n = write(fd, at, left);

		if (n < 0 && errno != EINTR)
			return FALSE;
		if (n > 0) {
			at += n;
			left -= (gsize) n;
		}
	}
	return TRUE;
}

/* Whoever reads the file sees all of the old or all of the new one, also after a crash of the machine. */
static gboolean replace_file(const StateFile *state, GBytes *bytes, GError **error)
{
	int fd;
	gboolean ok;

	unlink(state->temporary);
	fd = open(state->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return set_error(error, "make", state->temporary);
	ok = (write_all(fd, bytes) && fsync(fd) == 0) || set_error(error, "write", state->temporary);
	close(fd);
	if (ok && rename(state->temporary, state->path) < 0)
		ok = set_error(error, "replace", state->path);
	if (!ok)
		unlink(state->temporary);
	return ok;
}

static gboolean save(StateFile *state, GError **error)
{
	gint64 start = g_get_monotonic_time();
	g_autoptr(GBytes) bytes = NULL;
	gboolean ok;

	if (!state->path)
		return TRUE;
	bytes = state_save(state->fs);
	ok = replace_file(state, bytes, error);
	state->cost_ms = (unsigned) ((g_get_monotonic_time() - start) / 1000);
	return ok;
}

gboolean state_file_save(StateFile *state, GError **error)
{
	if (!state)
		return TRUE;
	state_count_members(state->fs);
	return save(state, error);
}

/* Said once: the next change would say it again. */
static gboolean save_when_due(gpointer data)
{
	StateFile *state = data;
	g_autoptr(GError) error = NULL;

	if (atomic_exchange(&state->due, NOTHING_DUE) == NOTHING_DUE)
		return G_SOURCE_REMOVE;
	if (save(state, &error)) {
		state->has_warned = FALSE;
	} else if (!state->has_warned) {
		g_warning("groups would not survive a restart: %s", error->message);
		state->has_warned = TRUE;
	}
	return G_SOURCE_REMOVE;
}

/* From any thread. */
static void on_change(gboolean soon, void *data)
{
	StateFile *state = data;
	int level = soon ? SOON_DUE : LATER_DUE;
	int was = atomic_load(&state->due);

	do
		if (was >= level)
			return;
	while (!atomic_compare_exchange_weak(&state->due, &was, level));
	g_timeout_add(MAX(soon ? SOON_MS : LATER_MS, state->cost_ms * SAVE_SHARE), save_when_due, state);
}

void state_file_follow(StateFile *state)
{
	if (!state || !state->path)
		return;
	g_rw_lock_writer_lock(&state->fs->lock);
	state->fs->changed_data = state;
	state->fs->changed = on_change;
	g_rw_lock_writer_unlock(&state->fs->lock);
	on_change(TRUE, state);
}

int state_file_hand_over(StateFile *state, GError **error)
{
	g_autoptr(GBytes) bytes = NULL;
	int fd = memfd_create("cgemud-state", MFD_CLOEXEC);

	if (fd < 0) {
		set_error(error, "make", "a memfd");
		return -1;
	}
	state_count_members(state->fs);
	bytes = state_save(state->fs);
	if (write_all(fd, bytes))
		return fd;
	set_error(error, "write", "a memfd");
	close(fd);
	return -1;
}

static GBytes *read_all(int fd, GError **error)
{
	GString *text = g_string_new(NULL);
	char buffer[65536];
	ssize_t n;

	while ((n = pread(fd, buffer, sizeof buffer, (off_t) text->len)) != 0) {
		if (n > 0) {
			g_string_append_len(text, buffer, n);
		} else if (errno != EINTR) {
			set_error(error, "read", "the saved state");
			g_string_free(text, TRUE);
			return NULL;
		}
	}
	return g_string_free_to_bytes(text);
}

/* Only what nobody else can have written. */
static gboolean is_own(int fd, GError **error)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022))
		return TRUE;
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
			    "it is no file of this user's that nobody else can write to");
	return FALSE;
}

static void tell(const StateReport *report)
{
	if (report->n_groups || report->n_processes)
		g_message("restored %u groups and %u processes in them", report->n_groups, report->n_processes);
	if (report->is_foreign)
		g_message("the groups were saved under another boot or PID namespace: they have no members now");
	if (report->n_lost)
		g_warning("%u saved groups are in no hierarchy that is served now: they are dropped", report->n_lost);
	for (guint i = 0; i < report->refused->len; i++)
		g_warning("%s: the saved setting is refused now", (const char *) report->refused->pdata[i]);
}

static gboolean restore_from(StateFile *state, int fd, GError **error)
{
	g_autoptr(GBytes) bytes = read_all(fd, error);
	StateReport report;
	gboolean ok;

	if (!bytes)
		return FALSE;
	ok = state_restore(state->fs, bytes, &report, error);
	if (ok)
		tell(&report);
	state_report_clear(&report);
	return ok;
}

static void set_aside(const StateFile *state, const GError *reason)
{
	g_autofree char *bad = g_strconcat(state->path, ".bad", NULL);

	if (rename(state->path, bad) == 0)
		g_warning("saved groups were not restored, and are kept as %s: %s", bad, reason->message);
	else
		g_warning("saved groups were not restored from %s: %s; it cannot be renamed: %s", state->path,
			  reason->message, g_strerror(errno));
}

static void restore_file(StateFile *state)
{
	g_autoptr(GError) error = NULL;
	int fd = open(state->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0) {
		if (errno == ENOENT)
			return;
		set_error(&error, "open", state->path);
	} else {
		if (is_own(fd, &error))
			restore_from(state, fd, &error);
		close(fd);
	}
	if (error)
		set_aside(state, error);
}

void state_file_restore(StateFile *state, int handed)
{
	g_autoptr(GError) error = NULL;

	if (state && handed >= 0 && !restore_from(state, handed, &error))
		g_warning("the predecessor's groups were not restored: %s", error->message);
	else if (state && handed < 0 && state->path)
		restore_file(state);
}
