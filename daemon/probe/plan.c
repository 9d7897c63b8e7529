#include "daemon/probe/plan.h"

const char *plan_level_name(PlanLevel level)
{
	static const char *const names[] = {"none", "degraded", "full"};

	return names[level];
}

static Plan *plan_new(void)
{
	Plan *plan = g_new0(Plan, 1);

	plan->steps = g_array_new(FALSE, FALSE, sizeof(PlanStep));
	return plan;
}

void plan_free(Plan *plan)
{
	g_free(plan->command);
	g_array_unref(plan->steps);
	g_free(plan);
}

static void add(Plan *plan, const char *part, const char *what, const char *why, const char *check)
{
	PlanStep step = {part, what, why, check};

	g_array_append_val(plan->steps, step);
}

static gboolean all_have(const Probe *probe, const char *const *names, ProbeVerdict least)
{
	for (; *names; names++)
		if (!probe_has(probe, *names, least))
			return FALSE;
	return TRUE;
}

static gboolean fuse_serves(const Probe *probe, ProbeVerdict rights)
{
	static const char *const needed[] = {"fuse-lookup", "fuse-read", "fuse-write", "fuse-readdir", NULL};

	return probe_has(probe, "fuse-mount", rights) && all_have(probe, needed, PROBE_YES);
}

/* Real, complete trees and keys are better than emulated ones. */
static gboolean nothing_is_missing(const Probe *probe)
{
	static const char *const needed[] = {"cgroup-files", "cgroup-mounted", "cgroup-type", "sysctl-kubelet", NULL};

	return all_have(probe, needed, PROBE_YES);
}

static void plan_places(Plan *plan, const Probe *probe)
{
	if (probe_has(probe, "mount-tmpfs", PROBE_YES))
		add(plan, "place", "a real tmpfs on /sys/fs/cgroup, one tree per controller in it",
		    "clients take a tmpfs there as cgroup v1", "mount-tmpfs");
	if (probe_has(probe, "mount-bind", PROBE_YES))
		add(plan, "place", "one FUSE session, bound to each place", "one daemon answers for all", "mount-bind");
	if (probe_found(probe, "mount-cgroup", "memory"))
		add(plan, "cgroup lines", "native cgroup mounts under the FUSE ones",
		    "mountinfo keeps their lines, which most clients look for", "mount-cgroup");
	else
		add(plan, "cgroup lines", "none: mountinfo will say fuse",
		    "native cgroups cannot be mounted; clients that look for cgroup lines need --exec", "mount-cgroup");
}

Plan *plan_mount(const Probe *probe)
{
	Plan *plan = plan_new();

	if (nothing_is_missing(probe)) {
		plan->level = PLAN_FULL;
		add(plan, "view", "none",
		    "the cgroup tree and the keys of /proc/sys are real and complete; serving over "
		    "them takes --force",
		    "cgroup-files");
	} else if (fuse_serves(probe, PROBE_YES)) {
		plan->level = PLAN_FULL;
		plan->mounts = TRUE;
		plan->command = g_strdup("cgemud --mount /sys/fs/cgroup");
		add(plan, "view", "mount", "FUSE serves files here, and this process may mount for everybody",
		    "fuse-mount");
		plan_places(plan, probe);
	} else if (probe_has(probe, "fuse-helper", PROBE_YES)) {
		plan->level = PLAN_DEGRADED;
		plan->command = g_strdup("cgemud --mount DIRECTORY");
		add(plan, "view", "mount, through fusermount3",
		    "without privileges, on a directory of one's own and seen by this user only", "fuse-helper");
	} else if (probe_has(probe, "fuse-mount", PROBE_PARTLY)) {
		add(plan, "view", "none",
		    "FUSE can be mounted in a user namespace only, where nobody else sees it: use --exec",
		    "fuse-mount");
	} else {
		add(plan, "view", "none", "FUSE does not serve files to everybody here", "fuse-mount");
	}
	return plan;
}

static void plan_namespace(Plan *plan, const Probe *probe)
{
	gboolean directly = probe_has(probe, "fuse-mount", PROBE_YES);

	plan->mounts = TRUE;
	add(plan, "view", directly ? "namespace" : "namespace, in a user namespace",
	    directly ? "FUSE works and this process may mount"
		     : "FUSE works, and a user namespace gives the right to mount",
	    "fuse-mount");
	if (!probe_has(probe, "root-filesystem", PROBE_YES) && probe_has(probe, "mount-overlay-root", PROBE_PARTLY))
		add(plan, "root",
		    probe_has(probe, "pivot-root", PROBE_PARTLY) ? "an overlay over /, entered by pivot_root"
								 : "an overlay over /, entered by chroot",
		    "cAdvisor drops a root of the present type", "root-filesystem");
	else
		add(plan, "root", "kept", "clients accept its type, or it cannot be replaced", "root-filesystem");
}

/* FUSE files say by statfs(2) that they are FUSE's; the trace view answers in their place. */
static void plan_statfs(Plan *plan, const Probe *probe)
{
	plan->intercepts = probe_has(probe, "seccomp-trace", PROBE_YES);
	if (plan->intercepts)
		add(plan, "view", "trace, of statfs and fstatfs",
		    "files that are served say that they are cgroup files; other calls are left alone",
		    "seccomp-trace");
	else
		add(plan, "view", "no trace",
		    "no call can be intercepted: files that are served say that they are FUSE's", "seccomp-trace");
}

Plan *plan_trace(const Probe *probe)
{
	Plan *plan = plan_new();

	if (!probe_has(probe, "seccomp-trace", PROBE_YES)) {
		add(plan, "view", "none", "calls cannot be intercepted here", "seccomp-trace");
		return plan;
	}
	plan->level = PLAN_DEGRADED;
	plan->intercepts = plan->redirects = TRUE;
	plan->command = g_strdup("cgemud --exec --view=trace -- COMMAND");
	add(plan, "view", "trace, of all calls with a path",
	    "nothing is mounted, no rights are needed; a call that opens or looks something up takes longer",
	    "seccomp-trace");
	return plan;
}

Plan *plan_exec(const Probe *probe)
{
	Plan *plan;

	if (!fuse_serves(probe, PROBE_PARTLY) || !probe_has(probe, "mount-bind", PROBE_PARTLY))
		return plan_trace(probe);
	plan = plan_new();
	plan_namespace(plan, probe);
	plan_statfs(plan, probe);
	plan->level = plan->intercepts ? PLAN_FULL : PLAN_DEGRADED;
	plan->command =
		g_strdup(plan->intercepts ? "cgemud --exec -- COMMAND" : "cgemud --exec --view=namespace -- COMMAND");
	return plan;
}
