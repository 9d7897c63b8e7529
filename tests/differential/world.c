#include "differential.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

World *world_new(const Hierarchy *hierarchy, int listener, gboolean looks)
{
	static guint number;
	g_autofree char *name = g_strdup_printf("s%u", number++);
	World *world = g_new0(World, 1);

	world->hierarchy = hierarchy;
	world->listener = listener;
	world->looks = looks;
	world->procs = g_ptr_array_new();
	world->held = g_ptr_array_new();
	for (Side side = 0; side < N_SIDES; side++) {
		world->top[side] = g_build_filename(hierarchy->base[side], name, NULL);
		if (mkdir(world->top[side], 0755) < 0) {
			fprintf(stderr, "differential: %s: %s\n", world->top[side], g_strerror(errno));
			exit(2);
		}
		hierarchy_enable(hierarchy, world->top[side]);
	}
	return world;
}

Proc *world_proc(const World *world, const char *name)
{
	for (guint i = 0; i < world->procs->len; i++) {
		Proc *proc = world->procs->pdata[i];

		if (!proc->reaped && strcmp(proc->name, name) == 0)
			return proc;
	}
	return NULL;
}

Thread *world_thread(const World *world, const char *name, Proc **ret_proc)
{
	g_auto(GStrv) parts = g_strsplit(name, "/", 2);
	Proc *proc = parts[0] ? world_proc(world, parts[0]) : NULL;
	guint number = proc && parts[1] ? (guint) atoi(parts[1]) : 0;

	if (!proc || number >= proc->threads->len)
		return NULL;
	if (ret_proc)
		*ret_proc = proc;
	return proc->threads->pdata[number];
}

Held *world_held(const World *world, const char *name)
{
	for (guint i = 0; i < world->held->len; i++)
		if (strcmp(((Held *) world->held->pdata[i])->name, name) == 0)
			return world->held->pdata[i];
	return NULL;
}

Thread *proc_add_thread(Proc *proc, const Hello hello[N_SIDES], const int sock[N_SIDES])
{
	Thread *thread = g_new0(Thread, 1);

	for (Side side = 0; side < N_SIDES; side++) {
		thread->tid[side] = hello[side].tid;
		thread->sock[side] = sock[side];
	}
	g_ptr_array_add(proc->threads, thread);
	return thread;
}

Proc *world_add_proc(World *world, const char *name, Proc *parent, const Hello hello[N_SIDES], const int sock[N_SIDES])
{
	Proc *proc = g_new0(Proc, 1);

	g_ptr_array_add(world->procs, proc);
	proc->world = world;
	proc->name = g_strdup(name);
	proc->parent = parent;
	proc->threads = g_ptr_array_new_with_free_func(g_free);
	for (Side side = 0; side < N_SIDES; side++) {
		proc->pid[side] = hello[side].pid;
		proc->pidfd[side] = (int) syscall(SYS_pidfd_open, hello[side].pid, 0);
	}
	proc_add_thread(proc, hello, sock);
	return proc;
}

gboolean world_accept(World *world, Hello *ret_hello, int *ret_sock)
{
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	struct pollfd wait = {world->listener, POLLIN, 0};

	if (poll(&wait, 1, PATIENCE_SECONDS * 1000) <= 0)
		return FALSE;
	*ret_sock = accept4(world->listener, NULL, NULL, SOCK_CLOEXEC);
	setsockopt(*ret_sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return *ret_sock >= 0 && recv(*ret_sock, ret_hello, sizeof *ret_hello, 0) == sizeof *ret_hello;
}

/* The kernel's letter for the state of a thread; 'Z' if there is none. */
static char kernel_state(pid_t pid, pid_t tid)
{
	char path[64], text[512] = "";
	const char *end;
	int fd;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 'Z';
	n = read(fd, text, sizeof text - 1);
	close(fd);
	end = n > 0 ? strrchr(text, ')') : NULL;
	return end ? end[2] : 'Z';
}

static gboolean is_group(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static gboolean asks_for_freezing(const char *group)
{
	g_autofree char *path = g_build_filename(group, "cgroup.freeze", NULL);
	static Answer answer;

	file_do(OP_READ, path, 0, NULL, 0, &answer);
	return !answer.error && strcmp(answer.text, "1\n") == 0;
}

gboolean path_is_frozen(const World *world, const char *path)
{
	g_autofree char *group = g_strdup(path);

	while (world->hierarchy->is_v2 && g_str_has_prefix(group, world->top[LIVE])) {
		char *parent = g_path_get_dirname(group);

		if (asks_for_freezing(group)) {
			g_free(parent);
			return TRUE;
		}
		g_free(group);
		group = parent;
	}
	return FALSE;
}

static gboolean anything_frozen_below(const char *path)
{
	gboolean found = asks_for_freezing(path);
	DIR *dir = opendir(path);

	for (const struct dirent *entry; dir && !found && (entry = readdir(dir));) {
		g_autofree char *below = g_build_filename(path, entry->d_name, NULL);

		found = is_group(entry) && anything_frozen_below(below);
	}
	if (dir)
		closedir(dir);
	return found;
}

gboolean anything_is_frozen(const World *world)
{
	return world->hierarchy->is_v2 && anything_frozen_below(world->top[LIVE]);
}

gboolean anything_is_scattered(const World *world)
{
	for (guint i = 0; i < world->procs->len; i++) {
		const Proc *proc = world->procs->pdata[i];

		if (proc->scattered && !proc->ended)
			return TRUE;
	}
	return FALSE;
}

/* What v2 has frozen looks as if it slept (cgroup_freezer.c). */
static gboolean is_frozen_in_v2(const Proc *proc, const Thread *thread)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task/%d/cgroup", proc->pid[LIVE], thread->tid[LIVE]);
	g_autofree char *mount = g_path_get_dirname(proc->world->hierarchy->base[LIVE]);
	g_autofree char *group = NULL;
	const char *line;
	static Answer answer;

	file_do(OP_READ, path, 0, NULL, 0, &answer);
	line = strstr(answer.text, "0::/");
	if (answer.error || !line)
		return FALSE;
	group = g_strdup_printf("%s%.*s", mount, (int) strcspn(line + 3, "\n"), line + 3);
	return path_is_frozen(proc->world, group);
}

char thread_state(const Proc *proc, const Thread *thread, Side side)
{
	gboolean is_v2 = proc->world->hierarchy->is_v2;

	switch (kernel_state(proc->pid[side], thread->tid[side])) {
	case 'T':
		return 'T';
	case 'D': /* frozen in v1 */
		return is_v2 ? 'R' : 'T';
	case 'Z':
	case 'X':
		return 'Z';
	case 'R':
		return 'R';
	default:
		return is_v2 && side == LIVE && is_frozen_in_v2(proc, thread) ? 'T' : 'S';
	}
}

gboolean anything_lost_its_leader(const World *world)
{
	for (guint i = 0; i < world->procs->len; i++) {
		const Proc *proc = world->procs->pdata[i];

		if (!proc->ended && thread_state(proc, proc->threads->pdata[0], LIVE) == 'Z')
			return TRUE;
	}
	return FALSE;
}

char thread_settled_state(const Proc *proc, const Thread *thread, Side side)
{
	gint64 end = g_get_monotonic_time() + (gint64) PATIENCE_SECONDS * G_USEC_PER_SEC;
	char state;

	while ((state = thread_state(proc, thread, side)) == 'R' && g_get_monotonic_time() < end)
		g_usleep(100);
	return state;
}

/* Nothing else stops or ends anybody unasked. */
static gboolean can_freeze(const World *world)
{
	return world->hierarchy->is_v2 || strcmp(world->hierarchy->name, "freezer") == 0;
}

static gboolean is_running(const Proc *proc, const Thread *thread, Side side)
{
	char state = kernel_state(proc->pid[side], thread->tid[side]);

	return state == 'R' || (state == 'D' && proc->world->hierarchy->is_v2);
}

static gboolean anything_runs(const World *world)
{
	for (guint i = 0; i < world->procs->len; i++) {
		const Proc *proc = world->procs->pdata[i];

		if (proc->reaped)
			continue;
		for (guint t = 0; t < proc->threads->len; t++)
			for (Side side = 0; side < N_SIDES; side++)
				if (is_running(proc, proc->threads->pdata[t], side))
					return TRUE;
	}
	return FALSE;
}

static void note_ended(const World *world)
{
	for (guint i = 0; i < world->procs->len; i++) {
		Proc *proc = world->procs->pdata[i];
		struct pollfd ended[] = {{proc->pidfd[LIVE], POLLIN, 0}, {proc->pidfd[HERE], POLLIN, 0}};

		if (!proc->ended && poll(ended, N_SIDES, 0) == N_SIDES)
			proc->ended = TRUE;
	}
}

/* A thread that a signal wakes runs until it has stopped or ended, and may wake others meanwhile: three looks in a row
 * must find none that runs. */
void world_settle(World *world)
{
	gint64 end = g_get_monotonic_time() + (gint64) PATIENCE_SECONDS * G_USEC_PER_SEC;
	unsigned quiet = 0;

	while (can_freeze(world) && quiet < 3 && g_get_monotonic_time() < end) {
		quiet = anything_runs(world) ? 0 : quiet + 1;
		if (quiet == 0)
			g_usleep(100);
	}
	note_ended(world);
}

static const char *name_of_pid(const World *world, Side side, pid_t pid, char *space, size_t len)
{
	for (guint i = 0; i < world->procs->len; i++) {
		const Proc *proc = world->procs->pdata[i];

		for (guint t = 0; !proc->reaped && t < proc->threads->len; t++) {
			const Thread *thread = proc->threads->pdata[t];

			if (thread->tid[side] != pid)
				continue;
			snprintf(space, len, t ? "%s/%u" : "%s", proc->name, t);
			return space;
		}
	}
	return pid ? "?" : "0";
}

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

void world_name_pids(const World *world, Side side, const char *text, GString *out)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	char space[64];

	for (char **line = lines; *line; line++)
		if (**line)
			g_ptr_array_add(names, g_strdup(name_of_pid(world, side, atoi(*line), space, sizeof space)));
	g_ptr_array_sort(names, by_name);
	for (guint i = 0; i < names->len; i++)
		g_string_append_printf(out, "%s ", (const char *) names->pdata[i]);
}

/* Thaws and removes what is below the directory, and itself. FALSE: something stayed. */
static gboolean thaw_below(const char *path)
{
	g_autofree char *state = g_build_filename(path, "freezer.state", NULL);
	g_autofree char *freeze = g_build_filename(path, "cgroup.freeze", NULL);
	Answer answer;
	DIR *dir = opendir(path);

	if (!dir)
		return FALSE;
	file_do(OP_WRITE, state, 0, "THAWED", 6, &answer);
	file_do(OP_WRITE, freeze, 0, "0", 1, &answer);
	for (const struct dirent *entry; (entry = readdir(dir));) {
		g_autofree char *below = g_build_filename(path, entry->d_name, NULL);

		if (is_group(entry))
			thaw_below(below);
	}
	closedir(dir);
	return TRUE;
}

static void remove_below(const char *path)
{
	DIR *dir = opendir(path);

	for (const struct dirent *entry; dir && (entry = readdir(dir));) {
		g_autofree char *below = g_build_filename(path, entry->d_name, NULL);

		if (is_group(entry))
			remove_below(below);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

static void end_processes(World *world)
{
	for (guint i = 0; i < world->procs->len; i++) {
		const Proc *proc = world->procs->pdata[i];

		for (Side side = 0; side < N_SIDES; side++)
			if (!proc->reaped)
				syscall(SYS_pidfd_send_signal, proc->pidfd[side], SIGKILL, NULL, 0);
	}
	/* the orphans come to us */
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static void proc_free(Proc *proc)
{
	for (Side side = 0; side < N_SIDES; side++) {
		close(proc->pidfd[side]);
		for (guint t = 0; t < proc->threads->len; t++)
			close(((Thread *) proc->threads->pdata[t])->sock[side]);
	}
	g_ptr_array_unref(proc->threads);
	g_free(proc->name);
	g_free(proc);
}

void world_free(World *world, char **ret_left)
{
	*ret_left = NULL;
	for (guint i = 0; i < world->held->len; i++) {
		Held *held = world->held->pdata[i];

		close(held->fd[LIVE]);
		close(held->fd[HERE]);
		g_free(held->name);
		g_free(held->live_path);
		g_free(held);
	}
	for (Side side = 0; side < N_SIDES && can_freeze(world); side++)
		thaw_below(world->top[side]);
	end_processes(world);
	for (Side side = 0; side < N_SIDES; side++) {
		remove_below(world->top[side]);
		if (access(world->top[side], F_OK) == 0)
			*ret_left = g_strdup(world->top[side]);
		g_free(world->top[side]);
	}
	for (guint i = 0; i < world->procs->len; i++)
		proc_free(world->procs->pdata[i]);
	g_ptr_array_unref(world->procs);
	g_ptr_array_unref(world->held);
	g_free(world);
}
