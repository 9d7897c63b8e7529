#include "daemon/hand-over.h"

#include "build-features.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

/* "PID FD FD FD": as with LISTEN_PID, only for the process that it was meant for. */
#define VARIABLE      "CGEMUD_SESSION"
#define SESSION_NAME  "cgemud-session"
#define REQUESTS_NAME "cgemud-requests"

/* The next number, as a descriptor that goes no further; -1 if it is none. */
static int next_descriptor(char **at)
{
	int fd = (int) g_ascii_strtoll(*at, at, 10);

	return fd > STDERR_FILENO && fcntl(fd, F_SETFD, FD_CLOEXEC) >= 0 ? fd : -1;
}

static HandOver take_inherited(void)
{
	g_autofree char *value = g_strdup(g_getenv(VARIABLE));
	HandOver taken = {-1, -1, -1};
	char *end;

	if (!value)
		return taken;
	g_unsetenv(VARIABLE);
	if (g_ascii_strtoll(value, &end, 10) != getpid())
		return taken;
	taken.session = next_descriptor(&end);
	taken.requests = next_descriptor(&end);
	taken.groups = next_descriptor(&end);
	return taken;
}

static void replace_fd(int *fd, int other)
{
	if (*fd >= 0)
		close(*fd);
	*fd = other;
}

#ifdef HAVE_SYSTEMD
/* Of several with one name, the one that was stored last is the one that lives. */
static HandOver take_stored(void)
{
	g_auto(GStrv) names = NULL;
	HandOver taken = {-1, -1, -1};
	int n = sd_listen_fds_with_names(TRUE, &names);

	for (int i = 0; i < n; i++) {
		if (g_str_equal(names[i], SESSION_NAME))
			replace_fd(&taken.session, SD_LISTEN_FDS_START + i);
		else if (g_str_equal(names[i], REQUESTS_NAME))
			replace_fd(&taken.requests, SD_LISTEN_FDS_START + i);
	}
	return taken;
}

static void store(int fd, const char *name)
{
	g_autofree char *state = g_strdup_printf("FDSTORE=1\nFDNAME=%s", name);
	int r = fd < 0 ? 0 : sd_pid_notify_with_fds(0, 0, state, &fd, 1);

	if (r < 0)
		g_info("the service manager does not keep the session: %s", g_strerror(-r));
}

/* Before the session: a session that is kept without it would leave clients waiting. */
void hand_over_store(const HandOver *left)
{
	store(left->requests, REQUESTS_NAME);
	store(left->session, SESSION_NAME);
}

void hand_over_forget(void)
{
	sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" SESSION_NAME);
	sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" REQUESTS_NAME);
}

int hand_over_new_requests(void)
{
	return g_getenv("NOTIFY_SOCKET") ? memfd_create(REQUESTS_NAME, MFD_CLOEXEC) : -1;
}
#else
static HandOver take_stored(void)
{
	return (HandOver){-1, -1, -1};
}

void hand_over_store(const HandOver *left)
{
}

void hand_over_forget(void)
{
}

int hand_over_new_requests(void)
{
	return -1;
}
#endif

HandOver hand_over_take(void)
{
	HandOver taken = take_inherited();

	return taken.session >= 0 ? taken : take_stored();
}

void hand_over_discard(HandOver *taken)
{
	replace_fd(&taken->session, -1);
	replace_fd(&taken->requests, -1);
	replace_fd(&taken->groups, -1);
	hand_over_forget();
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

static void set_inherited(const HandOver *left, gboolean is_inherited)
{
	const int fds[] = {left->session, left->requests, left->groups};

	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
		if (fds[i] >= 0)
			fcntl(fds[i], F_SETFD, is_inherited ? 0 : FD_CLOEXEC);
}

void hand_over_exec(const HandOver *left, GError **error)
{
	g_autofree char *path = program(error);
	g_autofree char *value =
		g_strdup_printf("%d %d %d %d", (int) getpid(), left->session, left->requests, left->groups);
	g_auto(GStrv) argv = path ? arguments(error) : NULL;

	if (!argv)
		return;
	g_setenv(VARIABLE, value, TRUE);
	set_inherited(left, TRUE);
	execv(path, argv);
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot run %s: %s", path, g_strerror(errno));
	set_inherited(left, FALSE);
}
