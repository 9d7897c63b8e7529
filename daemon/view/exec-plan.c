/*
 * Which views are used, and saying so.
 */
#include "daemon/view/exec.h"

#include "daemon/probe/plan.h"

#include <string.h>

/* A namespace whose FUSE files admit to being FUSE's is taken for v1 by everybody who asks statfs(2), as v1 on a tmpfs
 * is meant to be; v2 is nothing without the right answer. */
static gboolean needs_trace(const Exec *exec)
{
	return exec->tree == LAYOUT_V2;
}

static const char *chosen_view(const Exec *exec)
{
	return exec->options->view ? exec->options->view : config_string(exec->config, "exec", "view");
}

static Probe *ask(const char *check, GError **error)
{
	const char *const names[] = {check, NULL};
	return probe_run(names, error);
}

/* Why statfs cannot be traced here; NULL: it can. */
static char *why_no_trace(GError **error)
{
	if (!exec_can_trace())
		return g_strdup("built without libseccomp, or for another architecture than x86-64");
	g_autoptr(Probe) probe = ask("seccomp-trace", error);
	if (!probe || probe_has(probe, "seccomp-trace", PROBE_YES))
		return NULL;
	return g_strdup(probe_result(probe, "seccomp-trace")->seen);
}

/* In auto: nothing traced is better than nothing at all, if what is left can be believed. */
static gboolean go_without_trace(const Exec *exec, const char *problem, GError **error)
{
	if (needs_trace(exec)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
			    "calls cannot be traced here (%s), and without that nobody takes the v2 tree for cgroup2: "
			    "try --tree=v1, or --view=namespace if that does not matter",
			    problem);
		return FALSE;
	}
	g_printerr("cgemud: calls cannot be traced here (%s): statfs and fstatfs will say that files are FUSE's\n",
		   problem);
	return TRUE;
}

gboolean exec_plan(Exec *exec, GError **error)
{
	const char *view = chosen_view(exec);
	g_autoptr(GError) failure = NULL;
	if (strcmp(view, "preload") == 0) {
		exec->views = EXEC_VIEW_PRELOAD;
		return TRUE;
	}
	exec->views = strcmp(view, "trace") == 0 ? 0 : EXEC_VIEW_NAMESPACE;
	if (strcmp(view, "namespace") == 0)
		return TRUE;
	g_autofree char *problem = why_no_trace(&failure);
	if (failure) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return FALSE;
	}
	if (problem && exec->views)
		return go_without_trace(exec, problem, error);
	if (problem) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
			    "calls cannot be traced here (%s): try --view=namespace, or preload", problem);
		return FALSE;
	}
	exec->may_fall_back = exec->views != 0;
	exec->views |= EXEC_VIEW_TRACE;
	return TRUE;
}

static void explain_steps(const Plan *plan)
{
	for (guint i = 0; i < plan->steps->len; i++) {
		const PlanStep *step = &g_array_index(plan->steps, PlanStep, i);
		/* What is traced in a namespace is known better when it is there. */
		if (!plan->mounts || !strstr(step->what, "trace"))
			g_print("%s: %s (%s)\n", step->part, step->what, step->why);
	}
}

static void explain_trees(const Exec *exec)
{
	const Options *options = exec->options;
	g_print("tree: %s on /sys/fs/cgroup, and /proc/sys\n", layout_tree_name(exec->tree));
	if (!exec->limits.group)
		return;
	g_print("group: one of its own, shown as the root of each hierarchy;");
	if (options->cpus > 0)
		g_print(" %g CPUs;", options->cpus);
	if (options->memory)
		g_print(" %" G_GUINT64_FORMAT " bytes of memory;", options->memory);
	if (options->pids)
		g_print(" %" G_GUINT64_FORMAT " tasks;", options->pids);
	g_print(" runs on CPUs %s\n", exec->limits.cpu_list ? exec->limits.cpu_list : "as now");
}

static gboolean explain_traced(Exec *exec, const Probe *probe, GError **error)
{
	g_autoptr(Plan) plan = plan_trace(probe);
	explain_steps(plan);
	explain_trees(exec);
	if (plan->level != PLAN_NONE)
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
		    "the command cannot be run like this here; cgemud --probe tells more");
	return FALSE;
}

/* By doing all of it but the last. */
static gboolean explain_mounted(Exec *exec, const Probe *probe, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(Plan) plan = plan_exec(probe);
	if (plan->mounts)
		explain_steps(plan);
	if (plan->mounts && exec_run_mounted(exec, &problem)) {
		explain_trees(exec);
		return TRUE;
	}
	if (problem && !exec->may_fall_back) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	if (problem)
		g_print("no namespace after all: %s\n", problem->message);
	return explain_traced(exec, probe, error);
}

gboolean exec_explain(Exec *exec, GError **error)
{
	if (exec->views & EXEC_VIEW_PRELOAD) {
		g_print("view: preload, of all calls with a path (a library in each dynamic program; nothing is "
			"mounted or traced)\n");
		explain_trees(exec);
		return TRUE;
	}
	g_autoptr(Probe) probe = probe_run(NULL, error);
	if (!probe)
		return FALSE;
	return exec->views & EXEC_VIEW_NAMESPACE ? explain_mounted(exec, probe, error)
						 : explain_traced(exec, probe, error);
}
