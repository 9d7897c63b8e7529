#include "daemon/probe/runner.h"

#include "daemon/probe/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* How many children run at a time. Some wait (for a tick of the clock, for a time limit) and most sleep in the kernel.
 */
#define MAX_RUNNING 12
/* How long a check may take before it counts as hanging: this, or on a slow machine as long as so many forks. All take
 * some milliseconds where nothing hangs. */
#define TIME_LIMIT_US    (4 * G_TIME_SPAN_SECOND)
#define TIME_LIMIT_FORKS 1500
#define MEASURED_FORKS   3

/* Results next … end - 1 are still to be found out, one after the other, by one child. */
typedef struct Batch {
	guint next, end;
} Batch;

typedef struct Running {
	Batch batch;
	pid_t pid;
	int answers; /* read end of the child's pipe: for each check the length of its answer (guint32) and the answer
		      */
	gint64 started, deadline; /* of the check that it is at */
	GByteArray *received;
} Running;

typedef struct Runner {
	GArray *results;
	const char *scratch;
	gint64 time_limit;
	GArray *waiting; /* of Batch, the first one last */
	GArray *active;  /* of Running */
} Runner;

static ProbeResult *result_at(const Runner *runner, guint index)
{
	return &g_array_index(runner->results, ProbeResult, index);
}

static gboolean may_follow(const ProbeResult *earlier, const ProbeResult *later)
{
	return earlier->subject == later->subject && earlier->subject->together && !earlier->check->alone &&
	       !later->check->alone;
}

static void make_batches(Runner *runner)
{
	guint end = runner->results->len;

	for (guint i = end; i-- > 0;) {
		Batch batch = {i, end};

		if (i > 0 && may_follow(result_at(runner, i - 1), result_at(runner, i)))
			continue;
		g_array_append_val(runner->waiting, batch);
		end = i;
	}
}

static gboolean send_bytes(int fd, gconstpointer bytes, gsize size)
{
	const guint8 *next = bytes;

	while (size > 0) {
		ssize_t written = write(fd, next, size);

		if (written < 0 && errno != EINTR)
			return FALSE;
		if (written > 0) {
			next += written;
			size -= (gsize) written;
		}
	}
	return TRUE;
}

static void send_answer(int fd, const ProbeAttempt *attempt, ProbeVerdict verdict)
{
	g_autoptr(GBytes) packed = probe_attempt_pack(attempt, verdict);
	gsize size;
	const guint8 *data = g_bytes_get_data(packed, &size);
	guint32 length = (guint32) size;

	if (send_bytes(fd, &length, sizeof length))
		send_bytes(fd, data, size);
}

static void run_check(const char *scratch, const ProbeCheck *check, int answers)
{
	g_autofree char *own = scratch ? g_build_filename(scratch, check->name, NULL) : NULL;
	ProbeAttempt *attempt;

	if (own && mkdir(own, 0700) < 0)
		g_clear_pointer(&own, g_free);
	attempt = probe_attempt_new(own);
	send_answer(answers, attempt, check->run(attempt));
	probe_attempt_free(attempt);
}

static G_GNUC_NORETURN void run_child(const Runner *runner, const Batch *batch, int answers)
{
	const ProbeSubject *subject = result_at(runner, batch->next)->subject;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	for (guint i = batch->next; i < batch->end; i++)
		run_check(runner->scratch, result_at(runner, i)->check, answers);
	if (subject->end)
		subject->end();
	/* What the checks started and did not end holds the pipe open. */
	if (getpgrp() == getpid())
		kill(0, SIGKILL);
	_exit(0);
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

static void expect_answer(const Runner *runner, Running *running)
{
	running->started = g_get_monotonic_time();
	running->deadline = running->started + runner->time_limit;
}

static int start(Runner *runner, const Batch *batch)
{
	Running running = {.batch = *batch};
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	running.pid = fork();
	if (running.pid < 0) {
		int error = -errno;

		close(ends[0]);
		close(ends[1]);
		return error;
	}
	if (running.pid == 0) {
		close(ends[0]);
		run_child(runner, batch, ends[1]);
	}
	setpgid(running.pid, running.pid);
	close(ends[1]);
	running.answers = ends[0];
	running.received = g_byte_array_new();
	expect_answer(runner, &running);
	g_array_append_val(runner->active, running);
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

/* Takes the next complete answer out of what has come; FALSE if there is none. */
static gboolean take_answer(const Runner *runner, Running *running)
{
	g_autoptr(GBytes) answer = NULL;
	ProbeResult *result;
	guint32 length;

	if (running->batch.next == running->batch.end || running->received->len < sizeof length)
		return FALSE;
	memcpy(&length, running->received->data, sizeof length);
	if (running->received->len - sizeof length < length)
		return FALSE;
	answer = g_bytes_new(running->received->data + sizeof length, length);
	g_byte_array_remove_range(running->received, 0, (guint) sizeof length + length);
	result = result_at(runner, running->batch.next++);
	if (!probe_result_unpack(result, answer))
		probe_result_set_unknown(result, g_strdup("the answer makes no sense"));
	return TRUE;
}

/* Ends the child. What it was at stays unknown, and what would have come after that is left to another child. */
static void finish(Runner *runner, Running *running, gboolean in_time)
{
	Batch *batch = &running->batch;
	int status = reap(running->pid);

	close(running->answers);
	g_byte_array_unref(running->received);
	if (batch->next < batch->end) {
		probe_result_set_unknown(
			result_at(runner, batch->next),
			in_time ? g_strdup_printf("the check ended early (status 0x%x)", (unsigned) status)
				: g_strdup("no answer in time"));
		batch->next++;
	}
	if (batch->next < batch->end)
		g_array_append_val(runner->waiting, *batch);
}

/* FALSE when the child has closed its end. */
static gboolean receive(const Runner *runner, Running *running)
{
	guint8 bytes[4096];
	ssize_t length = read(running->answers, bytes, sizeof bytes);

	if (length <= 0)
		return length < 0 && errno == EINTR;
	g_byte_array_append(running->received, bytes, (guint) length);
	while (take_answer(runner, running))
		expect_answer(runner, running);
	return TRUE;
}

/* The machine may have become slower since the limit was measured. FALSE if it has not. */
static gboolean extend(Running *running, gint64 now)
{
	running->deadline = running->started + measure_time_limit();
	return now < running->deadline;
}

static void wait_for_answers(Runner *runner)
{
	struct pollfd fds[MAX_RUNNING];
	gint64 now = g_get_monotonic_time(), first = G_MAXINT64;

	for (guint i = 0; i < runner->active->len; i++) {
		const Running *running = &g_array_index(runner->active, Running, i);

		fds[i] = (struct pollfd){.fd = running->answers, .events = POLLIN};
		first = MIN(first, running->deadline);
	}
	poll(fds, runner->active->len, first <= now ? 0 : (int) ((first - now) / 1000 + 1));
	now = g_get_monotonic_time();
	for (guint i = runner->active->len; i-- > 0;) {
		Running *running = &g_array_index(runner->active, Running, i);
		gboolean ended = (fds[i].revents & (POLLIN | POLLHUP)) && !receive(runner, running);

		if (!ended && (now < running->deadline || extend(running, now)))
			continue;
		finish(runner, running, ended);
		g_array_remove_index_fast(runner->active, i);
	}
}

static int run(Runner *runner)
{
	while (runner->waiting->len > 0 || runner->active->len > 0) {
		int r = -EAGAIN;

		if (runner->waiting->len > 0 && runner->active->len < MAX_RUNNING)
			r = start(runner, &g_array_index(runner->waiting, Batch, runner->waiting->len - 1));
		if (r == 0)
			g_array_set_size(runner->waiting, runner->waiting->len - 1);
		else if (runner->active->len == 0)
			return r;
		else
			wait_for_answers(runner);
	}
	return 0;
}

int runner_run(GArray *results, const char *scratch)
{
	g_autoptr(GArray) waiting = g_array_new(FALSE, FALSE, sizeof(Batch));
	g_autoptr(GArray) active = g_array_new(FALSE, FALSE, sizeof(Running));
	Runner runner = {results, scratch, measure_time_limit(), waiting, active};

	make_batches(&runner);
	return run(&runner);
}
