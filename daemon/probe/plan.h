/*
 * What follows from a probe: how to serve (--mount) and how to wrap (--exec).
 */
#pragma once

#include "daemon/probe/probe.h"

typedef enum PlanLevel {
	PLAN_NONE,     /* does not work */
	PLAN_DEGRADED, /* works with restrictions that the steps name */
	PLAN_FULL,
} PlanLevel;

typedef struct PlanStep {
	const char *part; /* "view", "root", "cgroup lines" … */
	const char *what; /* what is done */
	const char *why;
	const char *check; /* that decides it; NULL: none */
} PlanStep;

typedef struct Plan {
	PlanLevel level;
	char *command;       /* the exact command line; NULL where there is none */
	GArray *steps;       /* of PlanStep */
	gboolean mounts;     /* trees are shown by mounting */
	gboolean intercepts; /* calls are intercepted by the trace view */
	gboolean redirects;  /* so that trees are shown without mounting */
} Plan;

/* "none", "degraded", "full". */
const char *plan_level_name(PlanLevel level);

Plan *plan_mount(const Probe *probe);
Plan *plan_exec(const Probe *probe);
/* --exec --view=trace. */
Plan *plan_trace(const Probe *probe);
void plan_free(Plan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Plan, plan_free)
