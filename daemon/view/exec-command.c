/*
 * Running the command, traced or not.
 */
#include "daemon/view/exec.h"

#include "daemon/view/job.h"

#include "build-features.h"

#if defined HAVE_SECCOMP && defined __x86_64__
#define VIEW_TRACE
#include "daemon/view/trace-view.h"
#endif

extern char **environ;

#ifdef VIEW_TRACE
gboolean exec_trace_run(Exec *exec, GError **error)
{
	return trace_view_run(exec->config, exec->tree, &exec->limits, &exec->status, error);
}
#else
gboolean exec_trace_run(Exec *exec, GError **error)
{
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "cgemud was built without the trace view");
	return FALSE;
}

gboolean exec_preload_run(Exec *exec, GError **error)
{
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "cgemud was built without the preload view");
	return FALSE;
}
#endif

gboolean exec_can_trace(void)
{
#ifdef VIEW_TRACE
	return TRUE;
#else
	return FALSE;
#endif
}

gboolean exec_command_run(Exec *exec, GError **error)
{
	const JobHook hook = {exec_limits_take, &exec->limits};
#ifdef VIEW_TRACE
	if (exec->views & EXEC_VIEW_TRACE)
		return exec_traced_run(exec, error);
#endif
	return job_run((const char *const *) exec->options->command, (const char *const *) environ, &hook,
		       &exec->status, error);
}
