#include "daemon/probe/probe.h"

#include "daemon/probe/attempt.h"
#include "daemon/probe/scratch.h"
#include "daemon/probe/subjects.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* How many checks run at a time. Some wait (for a tick of the clock, for a time limit) and most sleep in the kernel. */
#define MAX_RUNNING 12
/* How long a check may take before it counts as hanging: this, or on a slow machine as long as so many forks. All take
 * some milliseconds where nothing hangs. */
#define TIME_LIMIT_US    (3 * G_TIME_SPAN_SECOND)
#define TIME_LIMIT_FORKS 1500
#define MEASURED_FORKS   3

typedef struct Running {
	ProbeResult *result;
	pid_t pid;
	int answer; /* read end of the child's pipe */
	gint64 deadline;
	GByteArray *received;
} Running;

struct Probe {
	GArray *results; /* of ProbeResult */
	char *scratch;
	gint64 time_limit, took;
};

const ProbeSubject probe_subjects[] = {
	{"Kernel", kernel_checks},
	{"Root, cgroups as they are", cgroup_checks},
	{"/proc and live numbers", proc_checks},
	{"/proc/sys", sysctl_checks},
	{"FUSE", fuse_checks},
	{"Namespaces", namespace_checks},
	{"Mounts", mount_checks},
	{"Interception of system calls", tracing_checks},
	{0},
};

const char *probe_verdict_name(ProbeVerdict verdict)
{
	static const char *const names[] = {"unknown", "no", "partly", "yes"};

	return names[verdict];
}

static void result_clear(gpointer data)
{
	ProbeResult *result = data;

	g_free(result->seen);
	g_free(result->more);
	g_strfreev(result->found);
	g_strfreev(result->missing);
}

static const ProbeCheck *find_check(const char *name)
{
	for (const ProbeSubject *subject = probe_subjects; subject->title; subject++)
		for (const ProbeCheck *check = subject->checks; check->name; check++)
			if (g_str_equal(check->name, name))
				return check;
	g_error("there is no check named '%s'", name);
}

static void add_result(Probe *probe, const ProbeCheck *check)
{
	ProbeResult result = {.check = check};

	g_array_append_val(probe->results, result);
}

static void choose_checks(Probe *probe, const char *const *names)
{
	if (names) {
		for (; *names; names++)
			add_result(probe, find_check(*names));
		return;
	}
	for (const ProbeSubject *subject = probe_subjects; subject->title; subject++)
		for (const ProbeCheck *check = subject->checks; check->name; check++)
			add_result(probe, check);
}

/* In the child. */
static void send_answer(int fd, const ProbeAttempt *attempt, ProbeVerdict verdict)
{
	g_autoptr(GBytes) packed = probe_attempt_pack(attempt, verdict);
	gsize size;
	const guint8 *data = g_bytes_get_data(packed, &size);

	while (size > 0) {
		ssize_t written = write(fd, data, size);

		if (written < 0 && errno != EINTR)
			return;
		if (written > 0) {
			data += written;
			size -= (gsize) written;
		}
	}
}

static G_GNUC_NORETURN void run_child(const Probe *probe, const ProbeCheck *check, int answer)
{
	g_autofree char *scratch = probe->scratch ? g_build_filename(probe->scratch, check->name, NULL) : NULL;
	ProbeAttempt *attempt;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	if (scratch && mkdir(scratch, 0700) < 0)
		g_clear_pointer(&scratch, g_free);
	attempt = probe_attempt_new(scratch);
	send_answer(answer, attempt, check->run(attempt));
	/* What the check started and did not end holds the pipe open. */
	if (getpgrp() == getpid())
		kill(0, SIGKILL);
	_exit(0);
}

static int start(Probe *probe, ProbeResult *result, Running *ret)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		int error = -errno;

		close(ends[0]);
		close(ends[1]);
		return error;
	}
	if (pid == 0) {
		close(ends[0]);
		run_child(probe, result->check, ends[1]);
	}
	setpgid(pid, pid);
	close(ends[1]);
	*ret = (Running){
		.result = result,
		.pid = pid,
		.answer = ends[0],
		.deadline = g_get_monotonic_time() + probe->time_limit,
		.received = g_byte_array_new(),
	};
	return 0;
}

/* A child that is stuck in the kernel may outlive SIGKILL; it is left to init then. */
static int reap(pid_t pid)
{
	int status = 0;

	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	for (int i = 0; i < 50 && waitpid(pid, &status, WNOHANG) == 0; i++)
		g_usleep(2 * G_TIME_SPAN_MILLISECOND);
	return status;
}

/* Takes seen. */
static void set_unknown(ProbeResult *result, char *seen)
{
	*result = (ProbeResult){
		.check = result->check,
		.seen = seen,
		.found = g_new0(char *, 1),
		.missing = g_new0(char *, 1),
	};
}

static void finish(Running *running, gboolean in_time)
{
	g_autoptr(GBytes) answer = g_byte_array_free_to_bytes(g_steal_pointer(&running->received));
	ProbeResult *result = running->result;
	int status;

	close(running->answer);
	status = reap(running->pid);
	if (in_time && g_bytes_get_size(answer) > 0 && probe_result_unpack(result, answer))
		return;
	result_clear(result);
	if (!in_time)
		set_unknown(result, g_strdup("no answer in time"));
	else
		set_unknown(result, g_strdup_printf("the check ended early (status 0x%x)", (unsigned) status));
}

/* FALSE when the answer is complete: the child closed its end. */
static gboolean receive(Running *running)
{
	guint8 bytes[4096];
	ssize_t length = read(running->answer, bytes, sizeof bytes);

	if (length > 0)
		g_byte_array_append(running->received, bytes, (guint) length);
	return length > 0 || (length < 0 && errno == EINTR);
}

static void wait_for_answers(GArray *active)
{
	struct pollfd fds[MAX_RUNNING];
	gint64 now = g_get_monotonic_time(), first = G_MAXINT64;

	for (guint i = 0; i < active->len; i++) {
		const Running *running = &g_array_index(active, Running, i);

		fds[i] = (struct pollfd){.fd = running->answer, .events = POLLIN};
		first = MIN(first, running->deadline);
	}
	poll(fds, active->len, first <= now ? 0 : (int) ((first - now) / 1000 + 1));
	now = g_get_monotonic_time();
	for (guint i = active->len; i-- > 0;) {
		Running *running = &g_array_index(active, Running, i);
		gboolean complete = (fds[i].revents & (POLLIN | POLLHUP)) && !receive(running);

		if (!complete && now < running->deadline)
			continue;
		finish(running, complete);
		g_array_remove_index_fast(active, i);
	}
}

/* Runs all that was chosen. -errno if the first child cannot be started. */
static int run_checks(Probe *probe)
{
	g_autoptr(GArray) active = g_array_new(FALSE, FALSE, sizeof(Running));
	guint next = 0;

	while (next < probe->results->len || active->len > 0) {
		Running running;
		int r = -EAGAIN;

		if (next < probe->results->len && active->len < MAX_RUNNING)
			r = start(probe, &g_array_index(probe->results, ProbeResult, next), &running);
		if (r == 0) {
			g_array_append_val(active, running);
			next++;
		} else if (active->len == 0) {
			return r;
		} else {
			wait_for_answers(active);
		}
	}
	return 0;
}

/* What a fork costs now says how slow this machine is: gVisor, an emulator, a loaded build host. */
static gint64 measure_time_limit(void)
{
	gint64 begin = g_get_monotonic_time();

	for (int i = 0; i < MEASURED_FORKS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
	return MAX(TIME_LIMIT_US, (g_get_monotonic_time() - begin) * (TIME_LIMIT_FORKS / MEASURED_FORKS));
}

static Probe *probe_new(const char *const *names)
{
	Probe *probe = g_new0(Probe, 1);

	probe->results = g_array_new(FALSE, TRUE, sizeof(ProbeResult));
	g_array_set_clear_func(probe->results, result_clear);
	choose_checks(probe, names);
	return probe;
}

Probe *probe_new_unknown(void)
{
	Probe *probe = probe_new(NULL);

	for (guint i = 0; i < probe->results->len; i++)
		set_unknown(&g_array_index(probe->results, ProbeResult, i), g_strdup(""));
	return probe;
}

void probe_assume(Probe *probe, const char *name, ProbeVerdict verdict, const char *found, const char *missing)
{
	ProbeResult *result = (ProbeResult *) probe_result(probe, name);

	result_clear(result);
	*result = (ProbeResult){
		.check = result->check,
		.verdict = verdict,
		.seen = g_strdup("given"),
		.found = g_strsplit(found ? found : "", " ", -1),
		.missing = g_strsplit(missing ? missing : "", " ", -1),
	};
}

Probe *probe_run(const char *const *names, GError **error)
{
	g_autoptr(Probe) probe = probe_new(names);
	gint64 begin = g_get_monotonic_time();
	int r;

	probe->scratch = scratch_make();
	probe->time_limit = measure_time_limit();
	r = run_checks(probe);
	if (probe->scratch)
		scratch_remove(probe->scratch);
	probe->took = g_get_monotonic_time() - begin;
	if (r < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-r), "cannot start a process to probe with: %s",
			    g_strerror(-r));
		return NULL;
	}
	return g_steal_pointer(&probe);
}

void probe_free(Probe *probe)
{
	g_array_unref(probe->results);
	g_free(probe->scratch);
	g_free(probe);
}

const ProbeResult *probe_result(const Probe *probe, const char *name)
{
	const ProbeCheck *check = find_check(name);

	for (guint i = 0; i < probe->results->len; i++) {
		const ProbeResult *result = &g_array_index(probe->results, ProbeResult, i);

		if (result->check == check)
			return result;
	}
	return NULL;
}

ProbeVerdict probe_verdict(const Probe *probe, const char *name)
{
	const ProbeResult *result = probe_result(probe, name);

	return result ? result->verdict : PROBE_UNKNOWN;
}

gboolean probe_has(const Probe *probe, const char *name, ProbeVerdict least)
{
	return probe_verdict(probe, name) >= least;
}

gboolean probe_found(const Probe *probe, const char *name, const char *what)
{
	const ProbeResult *result = probe_result(probe, name);

	return result && g_strv_contains((const char *const *) result->found, what);
}

gint64 probe_took_us(const Probe *probe)
{
	return probe->took;
}
