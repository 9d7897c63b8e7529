/*
 * Descriptors of what is shown: written to, and read again from the start.
 */
#include "daemon/view/trace-engine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define MAX_WRITE 4096 /* fs_write() refuses more */
#define MAX_PARTS 1024 /* UIO_MAXIOV */

static gboolean is_writable(const Call *call, int fd)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/fdinfo/%d", (int) call->task->tid, fd);
	g_autofree char *info = NULL;
	const char *line = g_file_get_contents(path, &info, NULL, NULL) ? strstr(info, "flags:") : NULL;
	return !line || (g_ascii_strtoull(line + strlen("flags:"), NULL, 8) & O_ACCMODE) != O_RDONLY;
}

static gboolean is_in_shadow(const Call *call, int fd)
{
	g_autofree char *shown = trace_shown_fd(call, fd);
	return shown != NULL;
}

/* The shown path that this call writes to, or NULL. */
static char *written_path(const Call *call)
{
	int fd = (int) call_argument(call, call->task->row->dirfd);
	g_autofree char *path = trace_path_of_fd(call, fd);
	gboolean ours = path && (trace_serves(call, path) ||
				 (is_in_shadow(call, fd) && shadow_shows(call->tracer->plan->shadow, path)));
	return ours && is_writable(call, fd) ? g_steal_pointer(&path) : NULL;
}

static Verdict write_shown(Call *call, const char *shown, const char *data, size_t size)
{
	const TracePlan *plan = call->tracer->plan;
	const Caller caller = trace_caller(call);
	TraceWait *wait = trace_wait(call, (int) call_argument(call, call->task->row->dirfd));
	int r;
	if (trace_serves(call, shown))
		r = plan->story.write(shown, &caller, data, size, plan->story.data);
	else if (wait && shadow_wait_takes_triggers(wait->wait))
		r = shadow_wait_write(wait->wait, &caller, data, size);
	else
		r = shadow_write(plan->shadow, shown, &caller, data, size);
	return call_answer(call, r < 0 ? r : (long) size);
}

Verdict write_enter(Call *call)
{
	char data[MAX_WRITE];
	g_autofree char *shown = written_path(call);
	if (!shown)
		return CALL_PASS;
	size_t size = call_argument(call, 2);
	int r = size > MAX_WRITE ? -E2BIG
				 : trace_read(call->tracer, call->task->tid, call_argument(call, 1), data, size);
	return r < 0 ? call_answer(call, r) : write_shown(call, shown, data, size);
}

/* All parts together are one command. */
static int gather(Call *call, GString *data)
{
	size_t n = call_argument(call, 2);
	if (n > MAX_PARTS)
		return -EINVAL;
	g_autofree struct iovec *parts = g_new(struct iovec, n);
	int r = trace_read(call->tracer, call->task->tid, call_argument(call, 1), parts, n * sizeof *parts);
	for (size_t i = 0; r == 0 && i < n; i++) {
		size_t before = data->len;
		if (parts[i].iov_len > MAX_WRITE - before)
			return -E2BIG;
		g_string_set_size(data, before + parts[i].iov_len);
		r = trace_read(call->tracer, call->task->tid, (guint64) parts[i].iov_base, data->str + before,
			       parts[i].iov_len);
	}
	return r;
}

Verdict writev_enter(Call *call)
{
	g_autofree char *shown = written_path(call);
	if (!shown)
		return CALL_PASS;
	g_autoptr(GString) data = g_string_new(NULL);
	int r = gather(call, data);
	return r < 0 ? call_answer(call, r) : write_shown(call, shown, data->str, data->len);
}

/* Who cannot copy within the kernel reads and writes. */
Verdict copy_enter(Call *call)
{
	g_autofree char *shown = written_path(call);
	return shown ? call_answer(call, -EINVAL) : CALL_PASS;
}

/* Back at the start the content is that of now. */
Verdict rewind_enter(Call *call)
{
	Verdict verdict;
	int fd = (int) call_argument(call, 0);
	g_autofree char *shown = trace_shown_fd(call, fd);
	if (!shown || !shadow_shows(call->tracer->plan->shadow, shown))
		return CALL_PASS;
	const Caller caller = trace_caller(call);
	int r = shadow_prepare(call->tracer->plan->shadow, shown, SHADOW_READ, O_RDONLY, &caller);
	if (r != 0 && call->task->row->nr == SYS_pread64)
		return call_answer(call, r < 0 ? -ENODEV : -r);
	/* To go there succeeds; to read there will not. */
	if (r != 0 && !filter_ready(call, TRACE_READS, &verdict))
		return verdict;
	TraceWait *wait = r == 0 && call->task->added & TRACE_POLLS ? trace_wait(call, fd) : NULL;
	if (wait)
		shadow_wait_read(wait->wait, &caller);
	return CALL_PASS;
}
