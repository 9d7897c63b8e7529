/*
 * Running the command: what the trace view answers for it, if it is traced at all.
 */
#include "daemon/view/exec.h"

#include "daemon/mounts.h"
#include "daemon/view/job.h"

#include "build-features.h"

#if defined HAVE_SECCOMP && defined __x86_64__
#define VIEW_TRACE
#include "daemon/view/trace-view.h"
#include "daemon/view/trace.h"
#endif

#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

extern char **environ;

#ifdef VIEW_TRACE
static gboolean statfs_matters(const struct statfs *answer, void *data)
{
	return answer->f_type == FUSE_SUPER_MAGIC;
}

/* What the kernel's cgroup and proc file systems answer (fs/libfs.c simple_statfs). */
static void show_statfs(const char *path, struct statfs *answer, void *data)
{
	const Exec *exec = data;
	long type;
	if (mounts_is_below(path, "/proc"))
		type = PROC_SUPER_MAGIC;
	else if (!mounts_is_below(path, "/sys/fs/cgroup"))
		return;
	else if (exec->tree == LAYOUT_V2 ||
		 (exec->tree == LAYOUT_HYBRID && mounts_is_below(path, "/sys/fs/cgroup/unified")))
		type = CGROUP2_SUPER_MAGIC;
	else
		type = CGROUP_SUPER_MAGIC;
	*answer = (struct statfs){
		.f_type = type, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = 255, .f_flags = answer->f_flags};
}

/* A machine that is as large as the limit. */
static void show_sysinfo(const Caller *caller, struct sysinfo *answer, void *data)
{
	const ExecLimits *limits = &((const Exec *) data)->limits;
	guint64 unit = MAX(answer->mem_unit, 1), total = limits->options->memory;
	if (answer->totalram * unit <= total)
		return;
	answer->totalram = (total + EXEC_LIMITS_SPARE) / unit;
	answer->freeram = (total - MIN(exec_limits_memory_used(limits), total)) / unit;
	answer->sharedram = answer->bufferram = answer->totalswap = answer->freeswap = 0;
}

static gboolean run_traced(Exec *exec, const JobHook *hook, GError **error)
{
	gboolean refuse = strcmp(config_string(exec->config, "exec", "foreign-syscalls"), "refuse") == 0;
	const TracePlan plan = {
		.features = TRACE_STATFS | (exec->options->memory ? TRACE_MEMORY : 0),
		.foreign = refuse ? FOREIGN_REFUSE : FOREIGN_ALLOW,
		.story = {.statfs_matters = statfs_matters,
			  .statfs = show_statfs,
			  .sysinfo = show_sysinfo,
			  .data = exec},
		.hook = *hook,
	};
	return trace_run(&plan, (const char *const *) exec->options->command, (const char *const *) environ,
			 &exec->status, error);
}

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
		return run_traced(exec, &hook, error);
#endif
	return job_run((const char *const *) exec->options->command, (const char *const *) environ, &hook,
		       &exec->status, error);
}
