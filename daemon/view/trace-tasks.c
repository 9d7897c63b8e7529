/*
 * The tasks of a tracer, and the processes that they belong to.
 */
#include "daemon/view/trace-engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Task *task_find(Tracer *tracer, pid_t tid)
{
	return g_hash_table_lookup(tracer->tasks, GINT_TO_POINTER(tid));
}

Task *task_add(Tracer *tracer, pid_t tid)
{
	Task *task = g_new0(Task, 1);
	task->tid = tid;
	g_hash_table_insert(tracer->tasks, GINT_TO_POINTER(tid), task);
	return task;
}

void task_forget_call(Task *task)
{
	if (task->free_state)
		task->free_state(task->state);
	task->state = NULL;
	task->free_state = NULL;
	task->awaited = AWAIT_NOTHING;
	task->entry_due = FALSE;
	task->changed = FALSE;
	task->persists = FALSE;
	task->rerun = NULL;
	task->row = NULL;
}

static void leave_process(Tracer *tracer, Task *task)
{
	Process *process = task->process;
	if (!process)
		return;
	task->process = NULL;
	if (task->scratch)
		g_array_append_val(process->free_scratch, task->scratch);
	if (--process->n_tasks == 0)
		g_hash_table_remove(tracer->processes, GINT_TO_POINTER(process->tgid));
}

void task_remove(Tracer *tracer, pid_t tid)
{
	Task *task = task_find(tracer, tid);
	if (!task)
		return;
	leave_process(tracer, task);
	g_hash_table_remove(tracer->tasks, GINT_TO_POINTER(tid));
}

/* The thread group of a thread; the thread's own number where /proc cannot tell. */
static pid_t read_tgid(pid_t tid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/status", (int) tid);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return tid;
	const char *line = strstr(text, "\nTgid:");
	return line ? (pid_t) atoi(line + strlen("\nTgid:")) : tid;
}

static void process_free(gpointer data)
{
	Process *process = data;
	g_array_unref(process->free_scratch);
	trace_waits_forget(process);
	g_free(process);
}

Process *task_process(Tracer *tracer, Task *task)
{
	if (task->process)
		return task->process;
	pid_t tgid = read_tgid(task->tid);
	Process *process = g_hash_table_lookup(tracer->processes, GINT_TO_POINTER(tgid));
	if (!process) {
		process = g_new0(Process, 1);
		process->tgid = tgid;
		process->free_scratch = g_array_new(FALSE, FALSE, sizeof(guint64));
		g_hash_table_insert(tracer->processes, GINT_TO_POINTER(tgid), process);
	}
	process->n_tasks++;
	task->process = process;
	return process;
}

static void task_free(gpointer data)
{
	Task *task = data;
	task_forget_call(task);
	g_free(task);
}

void tracer_init(Tracer *tracer, const TracePlan *plan)
{
	*tracer = (Tracer){.plan = plan};
	tracer->tasks = g_hash_table_new_full(NULL, NULL, NULL, task_free);
	tracer->processes = g_hash_table_new_full(NULL, NULL, NULL, process_free);
	tracer->orphans = g_hash_table_new(NULL, NULL);
	tracer->directories = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

void tracer_clear(Tracer *tracer)
{
	g_hash_table_unref(tracer->tasks);
	g_hash_table_unref(tracer->processes);
	g_hash_table_unref(tracer->orphans);
	g_hash_table_unref(tracer->directories);
	filters_clear(tracer);
}
