/*
 * poll(2) and select(2) where event files are among what they wait for: both become ppoll(2) on an array in the scratch
 * memory, in which the pipes of event files stand for them.
 */
#include "daemon/view/trace-engine.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

#define ALWAYS  (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)
#define MAX_FDS ((TRACE_SCRATCH_SIZE - sizeof(struct timespec)) / sizeof(struct pollfd))

/* What the call asked for. */
typedef struct Polled {
	guint n;
	struct pollfd fds[];
} Polled;

static Polled *polled_new(guint n)
{
	Polled *polled = g_malloc0(sizeof *polled + n * sizeof *polled->fds);
	polled->n = n;
	return polled;
}

/* Puts pipes into `fds`. FALSE: *ret_verdict is what `enter` must answer. */
static gboolean put_pipes(Call *call, const Polled *polled, struct pollfd *fds, Verdict *ret_verdict)
{
	gboolean any = FALSE;
	for (guint i = 0; i < polled->n; i++) {
		TraceWait *wait = trace_wait(call, polled->fds[i].fd);
		if (!wait)
			continue;
		any = TRUE;
		if (!trace_wait_ready(call, wait, polled->fds[i].fd, ret_verdict))
			return FALSE;
		/* What can be read and written at any time is not waited for. */
		if (!(polled->fds[i].events & ALWAYS))
			fds[i].fd = wait->pipe;
	}
	*ret_verdict = CALL_PASS;
	return any;
}

/* The timeout is that at `address`, or (0) the one given, or (both 0) none. */
static Verdict become_ppoll(Call *call, Polled *polled, guint64 address, const struct timespec *timeout)
{
	Verdict verdict;
	pid_t tid = call->task->tid;
	g_autofree struct pollfd *fds = g_memdup2(polled->fds, polled->n * sizeof *fds);
	if (!put_pipes(call, polled, fds, &verdict) || !scratch_ready(call, &verdict)) {
		g_free(polled);
		return verdict;
	}
	guint64 at = call->task->scratch, array = at + sizeof *timeout;
	int r = trace_write(call->tracer, tid, array, fds, polled->n * sizeof *fds);
	if (r == 0 && timeout)
		r = trace_write(call->tracer, tid, at, timeout, sizeof *timeout);
	call->task->state = polled;
	call->task->free_state = g_free;
	if (r < 0)
		return call_answer(call, r);
	call_become(call, SYS_ppoll);
	call_set_argument(call, 0, array);
	call_set_argument(call, 1, polled->n);
	call_set_argument(call, 2, timeout ? at : address);
	return CALL_WATCH;
}

/* The answers, and how many there are; or what the call fails with, or is restarted for. */
static long take_answers(Call *call, Polled *polled)
{
	long result = call_result(call), n = 0;
	g_autofree struct pollfd *fds = g_new(struct pollfd, polled->n);
	guint64 array = call->task->scratch + sizeof(struct timespec);
	if (result < 0)
		return result;
	int r = trace_read(call->tracer, call->task->tid, array, fds, polled->n * sizeof *fds);
	for (guint i = 0; r == 0 && i < polled->n; i++) {
		struct pollfd *asked = &polled->fds[i];
		TraceWait *wait = trace_wait(call, asked->fd);
		asked->revents = fds[i].fd == asked->fd ? fds[i].revents : 0;
		if (wait) {
			asked->revents |= (short) shadow_wait_news(wait->wait) & (asked->events | POLLERR);
			shadow_wait_told(wait->wait);
		}
		n += asked->revents != 0;
	}
	return r < 0 ? r : n;
}

Verdict poll_enter(Call *call)
{
	gboolean is_ppoll = call->task->row->nr == SYS_ppoll;
	guint64 n = call_argument(call, 1), third = call_argument(call, 2);
	struct timespec timeout = {(int) third / 1000, (int) third % 1000 * 1000000L};
	if (n == 0 || n > MAX_FDS)
		return CALL_PASS;
	Polled *polled = polled_new((guint) n);
	if (trace_read(call->tracer, call->task->tid, call_argument(call, 0), polled->fds, n * sizeof *polled->fds) <
	    0) {
		g_free(polled);
		return CALL_PASS;
	}
	if (is_ppoll)
		return become_ppoll(call, polled, third, NULL);
	Verdict verdict = become_ppoll(call, polled, 0, (int) third < 0 ? NULL : &timeout);
	if (verdict == CALL_WATCH) { /* no signal mask */
		call_set_argument(call, 3, 0);
		call_set_argument(call, 4, 0);
	}
	return verdict;
}

void poll_leave(Call *call)
{
	Polled *polled = call->task->state;
	if (!polled)
		return;
	long n = take_answers(call, polled);
	if (n >= 0 && trace_write(call->tracer, call->task->tid, call_original_argument(call, 0), polled->fds,
				  polled->n * sizeof *polled->fds) < 0)
		n = -EFAULT;
	call_set_result(call, n);
}

#define N_SETS 3
static const short set_events[N_SETS] = {POLLIN, POLLOUT, POLLPRI};
/* fs/select.c POLLIN_SET, POLLOUT_SET, POLLEX_SET */
static const short set_answers[N_SETS] = {POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR,
					  POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR, POLLPRI};

/* As many bytes as the kernel reads and writes of each set. */
static size_t set_size(guint n)
{
	return (n + 63) / 64 * 8;
}

static int read_sets(Call *call, guint n, guint8 sets[N_SETS][FD_SETSIZE / 8])
{
	int r = 0;
	for (int i = 0; r == 0 && i < N_SETS; i++) {
		guint64 address = call_argument(call, 1 + i);
		memset(sets[i], 0, FD_SETSIZE / 8);
		if (address)
			r = trace_read(call->tracer, call->task->tid, address, sets[i], set_size(n));
	}
	return r;
}

static Polled *sets_to_polled(guint n, guint8 sets[N_SETS][FD_SETSIZE / 8])
{
	Polled *polled = polled_new(n);
	guint used = 0;
	for (guint fd = 0; fd < n; fd++) {
		short events = 0;
		for (int i = 0; i < N_SETS; i++)
			if (sets[i][fd / 8] & 1 << fd % 8)
				events |= set_events[i];
		if (events)
			polled->fds[used++] = (struct pollfd){(int) fd, events, 0};
	}
	polled->n = used;
	return polled;
}

/* timeval: select's; timespec: pselect6's. TRUE: *ret is set. */
static gboolean select_timeout(Call *call, struct timespec *ret)
{
	guint64 address = call_argument(call, 4);
	if (!address || trace_read(call->tracer, call->task->tid, address, ret, sizeof *ret) < 0)
		return FALSE;
	if (call->task->row->nr == SYS_select)
		ret->tv_nsec *= 1000;
	return TRUE;
}

Verdict select_enter(Call *call)
{
	int n = (int) call_argument(call, 0);
	guint8 sets[N_SETS][FD_SETSIZE / 8];
	guint64 mask[2] = {0, 0};
	struct timespec timeout;
	if (n <= 0 || n > FD_SETSIZE || read_sets(call, (guint) n, sets) < 0)
		return CALL_PASS;
	guint64 sixth = call->task->row->nr == SYS_pselect6 ? call_argument(call, 5) : 0;
	if (sixth && trace_read(call->tracer, call->task->tid, sixth, mask, sizeof mask) < 0)
		return CALL_PASS;
	gboolean ends = select_timeout(call, &timeout);
	Polled *polled = sets_to_polled((guint) n, sets);
	if (polled->n == 0 || polled->n > MAX_FDS) {
		g_free(polled);
		return CALL_PASS;
	}
	Verdict verdict = become_ppoll(call, polled, 0, ends ? &timeout : NULL);
	if (verdict == CALL_WATCH) {
		call_set_argument(call, 3, mask[0]);
		call_set_argument(call, 4, mask[1]);
	}
	return verdict;
}

/* The bits of one set that have come true. */
static long answer_set(const Polled *polled, int set, guint8 bits[FD_SETSIZE / 8])
{
	long n = 0;
	memset(bits, 0, FD_SETSIZE / 8);
	for (guint i = 0; i < polled->n; i++) {
		const struct pollfd *fd = &polled->fds[i];
		if (!(fd->events & set_events[set]) || !(fd->revents & set_answers[set]))
			continue;
		bits[fd->fd / 8] |= (guint8) (1 << fd->fd % 8);
		n++;
	}
	return n;
}

static long write_sets(Call *call, const Polled *polled)
{
	guint8 bits[FD_SETSIZE / 8];
	long n = 0;
	for (guint i = 0; i < polled->n; i++)
		if (polled->fds[i].revents & POLLNVAL)
			return -EBADF;
	for (int i = 0; i < N_SETS; i++) {
		guint64 address = call_original_argument(call, 1 + i);
		if (!address)
			continue;
		n += answer_set(polled, i, bits);
		if (trace_write(call->tracer, call->task->tid, address, bits,
				set_size((guint) call_original_argument(call, 0))) < 0)
			return -EFAULT;
	}
	return n;
}

void select_leave(Call *call)
{
	Polled *polled = call->task->state;
	if (!polled)
		return;
	long n = take_answers(call, polled);
	call_set_result(call, n < 0 ? n : write_sets(call, polled));
}
