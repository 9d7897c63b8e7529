/*
 * Reading what cannot be read: files whose content is an error, and files of groups that are gone. What is handed out
 * are ordinary files; so a process whose reads would tell of an error, and no other, has its reads stopped.
 */
#include "daemon/view/trace-engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Verdict read_enter(Call *call)
{
	g_autofree char *shown = trace_shown_fd(call, (int) call_argument(call, 0));
	if (!shown || !shadow_shows(call->tracer->plan->shadow, shown))
		return CALL_PASS;
	const Caller caller = trace_caller(call);
	int r = shadow_check_read(call->tracer->plan->shadow, shown, &caller);
	return r < 0 ? call_answer(call, r) : CALL_PASS;
}

static gboolean has_open_below(const Tracer *tracer, const Process *process, const char *directory)
{
	size_t length = strlen(directory);
	g_autofree char *path = g_strdup_printf("/proc/%d/fd", (int) process->tgid);
	g_autoptr(GDir) listing = g_dir_open(path, 0, NULL);
	const char *name;
	while (listing && (name = g_dir_read_name(listing))) {
		g_autofree char *link = g_build_filename(path, name, NULL);
		g_autofree char *real = g_file_read_link(link, NULL);
		const char *shown = real ? shadow_shown(tracer->plan->shadow, real) : NULL;
		if (shown && strncmp(shown, directory, length) == 0 && shown[length] == '/')
			return TRUE;
	}
	return FALSE;
}

/* Other processes get their filter when they stop the next time; until then they read what was there. */
gboolean removal_ready(Call *call, const char *shown, Verdict *ret_verdict)
{
	GHashTableIter iter;
	gpointer value;
	Process *own = task_process(call->tracer, call->task);
	if (call->task->added & TRACE_READS)
		return TRUE;
	g_hash_table_iter_init(&iter, call->tracer->tasks);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		Task *task = value;
		if (!task->holds)
			continue;
		Process *process = task_process(call->tracer, task);
		if (!process->has_lost)
			process->has_lost = has_open_below(call->tracer, process, shown);
	}
	return !own->has_lost || filter_ready(call, TRACE_READS, ret_verdict);
}
