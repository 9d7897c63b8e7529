#include "daemon/hand-over.h"

#include "build-features.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

/* "PID FD": as with LISTEN_PID, only for the process that it was meant for. */
#define VARIABLE "CGEMUD_SESSION"
#define FD_NAME  "cgemud-session"

static int take_inherited(void)
{
	g_autofree char *value = g_strdup(g_getenv(VARIABLE));
	char *end;
	gint64 pid;
	int fd;

	if (!value)
		return -1;
	g_unsetenv(VARIABLE);
	pid = g_ascii_strtoll(value, &end, 10);
	fd = (int) g_ascii_strtoll(end, NULL, 10);
	return pid == getpid() && fd > STDERR_FILENO && fcntl(fd, F_GETFD) >= 0 ? fd : -1;
}

#ifdef HAVE_SYSTEMD
/* Of several, the one that was stored last is the one that lives. */
static int take_stored(void)
{
	g_auto(GStrv) names = NULL;
	int n = sd_listen_fds_with_names(TRUE, &names);
	int fd = -1;

	for (int i = 0; i < n; i++) {
		if (!g_str_equal(names[i], FD_NAME))
			continue;
		if (fd >= 0)
			close(fd);
		fd = SD_LISTEN_FDS_START + i;
	}
	return fd;
}

void hand_over_store(int fd)
{
	int r = sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=" FD_NAME, &fd, 1);

	if (r < 0)
		g_info("the service manager does not keep the session: %s", g_strerror(-r));
}

void hand_over_forget(void)
{
	sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" FD_NAME);
}
#else
static int take_stored(void)
{
	return -1;
}

void hand_over_store(int fd)
{
}

void hand_over_forget(void)
{
}
#endif

int hand_over_take(void)
{
	int fd = take_inherited();

	return fd >= 0 ? fd : take_stored();
}

/* The path of the program, also when the file there was replaced since. */
static char *program(GError **error)
{
	g_autofree char *path = g_file_read_link("/proc/self/exe", error);

	if (path && g_str_has_suffix(path, " (deleted)"))
		path[strlen(path) - strlen(" (deleted)")] = '\0';
	return g_steal_pointer(&path);
}

gboolean hand_over_is_possible(GError **error)
{
	g_autofree char *path = program(error);

	if (!path)
		return FALSE;
	if (access(path, X_OK) == 0)
		return TRUE;
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot run %s: %s", path, g_strerror(errno));
	return FALSE;
}

/* The arguments that this process was started with. */
static char **arguments(GError **error)
{
	g_autofree char *text = NULL;
	g_autoptr(GStrvBuilder) builder = NULL;
	gsize len;

	if (!g_file_get_contents("/proc/self/cmdline", &text, &len, error))
		return NULL;
	builder = g_strv_builder_new();
	for (const char *at = text; at < text + len; at += strlen(at) + 1)
		g_strv_builder_add(builder, at);
	return g_strv_builder_end(builder);
}

void hand_over_exec(int fd, GError **error)
{
	g_autofree char *path = program(error);
	g_autofree char *value = g_strdup_printf("%d %d", (int) getpid(), fd);
	g_auto(GStrv) argv = path ? arguments(error) : NULL;

	if (!argv)
		return;
	g_setenv(VARIABLE, value, TRUE);
	fcntl(fd, F_SETFD, 0);
	execv(path, argv);
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot run %s: %s", path, g_strerror(errno));
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}
