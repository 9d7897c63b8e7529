/*
 * The tracer on top of the namespace view: it answers what mounting cannot show, and only the calls that this takes are
 * stopped.
 */
#include "daemon/view/exec.h"
#include "daemon/view/process-files.h"
#include "daemon/view/trace.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static gboolean statfs_matters(const struct statfs *answer, void *data)
{
	const Exec *exec = data;
	/* Files in memory are shown as the list of CPUs, and in the shadow. */
	return answer->f_type == FUSE_SUPER_MAGIC ||
	       (answer->f_type == TMPFS_MAGIC && (exec->limits.cpu_list || exec->needs & EXEC_NEED_FILES));
}

static void show_statfs(const char *path, struct statfs *answer, void *data)
{
	shown_mounts_statfs(((const Exec *) data)->mounts, path, answer);
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

static gboolean show_process_file(pid_t pid, const char *name, const Caller *caller, GString *out, void *data)
{
	const Exec *exec = data;
	if (strcmp(name, "cgroup") != 0)
		return process_files_show(exec->mounts, pid, name, out);
	g_autofree char *path = g_strdup_printf("%s/proc/%d/cgroup", exec->composite, (int) pid);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return FALSE;
	g_string_append(out, text);
	return TRUE;
}

static gboolean serves(const char *path, void *data)
{
	g_autofree char *source = shown_mounts_source(((const Exec *) data)->mounts, path);
	return source != NULL;
}

static int write_served(const char *path, const Caller *caller, const char *text, size_t size, void *data)
{
	const Exec *exec = data;
	g_autofree char *source = shown_mounts_source(exec->mounts, path);
	int r = exec_serve_ask_write(&exec->server, source, caller, text, size);
	return r == -ENOENT ? -ENODEV : r;
}

static int allow_fork(pid_t pid, void *data)
{
	return exec_serve_ask_fork(&((const Exec *) data)->server, pid);
}

static void tell_fork(pid_t parent, pid_t tid, void *data)
{
	exec_serve_tell_fork(&((const Exec *) data)->server, parent, tid);
}

static void tell_end(pid_t pid, void *data)
{
	exec_serve_tell_end(&((const Exec *) data)->server, pid);
}

static unsigned features_for(unsigned needs)
{
	static const struct {
		ExecNeed need;
		TraceFeature feature;
	} table[] = {
		{EXEC_NEED_STATFS, TRACE_STATFS},   {EXEC_NEED_OPENAT2, TRACE_OPENAT2},
		{EXEC_NEED_PROCESS, TRACE_PROCESS}, {EXEC_NEED_FILES, TRACE_FILES | TRACE_SEEKS},
		{EXEC_NEED_FORKS, TRACE_FORKS},     {EXEC_NEED_MEMORY, TRACE_MEMORY},
		{EXEC_NEED_WRITES, TRACE_WRITES},
	};
	unsigned features = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		if (needs & table[i].need)
			features |= table[i].feature;
	return features;
}

/* Of what the kernel lacks, copies of what is served, and a log. */
static gboolean show_missing(const Exec *exec, Shadow *shadow, GError **error)
{
	for (const char *const *name = exec_proc_names; *name; name++) {
		g_autofree char *path = g_build_filename("/proc", *name, NULL);
		g_autofree char *served = g_build_filename(exec->composite, "proc", *name, NULL);
		if (access(path, F_OK) == 0 || access(served, F_OK) < 0)
			continue;
		shown_mounts_add(exec->mounts, path, "proc", "rw", shadow_device(shadow));
		if (!shadow_add_copy(shadow, path, served, error))
			return FALSE;
	}
	return access(EXEC_KMSG, F_OK) == 0 || shadow_add_silent(shadow, EXEC_KMSG, error);
}

static gboolean run(Exec *exec, Shadow *shadow, GError **error)
{
	gboolean refuse = strcmp(config_string(exec->config, "exec", "foreign-syscalls"), "refuse") == 0;
	gboolean forks = exec->needs & EXEC_NEED_FORKS;
	const TracePlan plan = {
		.features = features_for(exec->needs),
		.foreign = refuse ? FOREIGN_REFUSE : FOREIGN_ALLOW,
		.shadow = shadow,
		.story = {.statfs_matters = statfs_matters,
			  .statfs = show_statfs,
			  .process_file = show_process_file,
			  .sysinfo = show_sysinfo,
			  .serves = serves,
			  .write = write_served,
			  .fork = allow_fork,
			  .forked = forks ? tell_fork : NULL,
			  .ended = forks ? tell_end : NULL,
			  .data = exec},
		.hook = {exec_limits_take, &exec->limits},
	};
	return trace_run(&plan, (const char *const *) exec->options->command, (const char *const *) environ,
			 &exec->status, error);
}

gboolean exec_traced_run(Exec *exec, GError **error)
{
	if (!(exec->needs & (EXEC_NEED_PROCESS | EXEC_NEED_FILES)))
		return run(exec, NULL, error);
	Shadow *shadow = shadow_new(NULL, error);
	gboolean ok = shadow && (!(exec->needs & EXEC_NEED_FILES) || show_missing(exec, shadow, error)) &&
		      run(exec, shadow, error);
	shadow_free(shadow);
	return ok;
}
