/*
 * Descriptors of what is shown: written to, and read again from the start.
 *
 * A filter cannot know descriptors, and to stop all writes of all programs would cost too much. So a process gets a
 * second filter, which stops its writes, when it first opens something shown for writing; its children inherit that.
 */
#include "daemon/view/trace-engine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define MAX_WRITE 4096 /* fs_write() refuses more */
#define MAX_PARTS 1024 /* UIO_MAXIOV */

static void mark_process(Call *call)
{
	GHashTableIter iter;
	gpointer value;
	const Process *process = task_process(call->tracer, call->task);
	g_hash_table_iter_init(&iter, call->tracer->tasks);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (((Task *) value)->process == process)
			((Task *) value)->writes_traced = TRUE;
}

static void filter_added(Call *call, long result)
{
	Task *task = call->task;
	task->filter_result = result;
	if (result == 0)
		mark_process(call);
}

static void privileges_given_up(Call *call, long result)
{
	call->task->filter_result = result;
}

/* Threads that have filters of their own cannot get this one from another thread; the caller then has it alone. */
static Verdict add_filter(Call *call, guint64 flags)
{
	Tracer *tracer = call->tracer;
	guint64 at = call->task->scratch, code = at + sizeof(struct sock_fprog);
	struct sock_fprog program = {.len = tracer->writes.len, .filter = (struct sock_filter *) code};
	if (trace_write(tracer, call->task->tid, at, &program, sizeof program) < 0 ||
	    trace_write(tracer, call->task->tid, code, tracer->writes.filter,
			tracer->writes.len * sizeof *tracer->writes.filter) < 0)
		return call_answer(call, -EFAULT);
	return call_rerun(call, SYS_seccomp, (const guint64[6]){SECCOMP_SET_MODE_FILTER, flags, at}, filter_added);
}

gboolean writes_ready(Call *call, Verdict *ret_verdict)
{
	Task *task = call->task;
	long last = task->filter_result;
	if (task->writes_traced)
		return TRUE;
	if (!scratch_ready(call, ret_verdict))
		return FALSE;
	task->filter_result = 0;
	if (last == -EACCES)
		*ret_verdict =
			call_rerun(call, SYS_prctl, (const guint64[6]){PR_SET_NO_NEW_PRIVS, 1}, privileges_given_up);
	else if (last < 0)
		*ret_verdict = call_answer(call, last);
	else
		*ret_verdict = add_filter(call, last > 0 ? 0 : SECCOMP_FILTER_FLAG_TSYNC);
	return FALSE;
}

static gboolean is_writable(const Call *call, int fd)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/fdinfo/%d", (int) call->task->tid, fd);
	g_autofree char *info = NULL;
	const char *line = g_file_get_contents(path, &info, NULL, NULL) ? strstr(info, "flags:") : NULL;
	return !line || (g_ascii_strtoull(line + strlen("flags:"), NULL, 8) & O_ACCMODE) != O_RDONLY;
}

/* The shown path that this call writes to, or NULL. */
static char *written_path(const Call *call)
{
	int fd = (int) call_argument(call, call->task->row->dirfd);
	g_autofree char *shown = trace_shown_fd(call, fd);
	return shown && shadow_shows(call->tracer->plan->shadow, shown) && is_writable(call, fd)
		       ? g_steal_pointer(&shown)
		       : NULL;
}

static Verdict write_shown(Call *call, const char *shown, const char *data, size_t size)
{
	const Caller caller = trace_caller(call);
	int r = shadow_write(call->tracer->plan->shadow, shown, &caller, data, size);
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
	g_autofree char *shown = trace_shown_fd(call, (int) call_argument(call, 0));
	if (!shown || !shadow_shows(call->tracer->plan->shadow, shown))
		return CALL_PASS;
	const Caller caller = trace_caller(call);
	int r = shadow_prepare(call->tracer->plan->shadow, shown, SHADOW_READ, O_RDONLY, &caller);
	return r < 0 ? call_answer(call, -ENODEV) : CALL_PASS;
}
