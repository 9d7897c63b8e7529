/*
 * A probe with what follows from it, for people and for programs.
 */
#pragma once

#include "daemon/probe/forecast.h"

typedef struct Report {
	Probe *probe;
	Plan *mount, *exec;
	GArray *forecasts; /* of Forecast */
} Report;

/* Runs the whole probe. */
Report *report_make(GError **error);
void report_free(Report *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Report, report_free)

/* EXIT_OK: both plans are full; EXIT_UNUSABLE: neither --mount nor --exec works; else EXIT_DEGRADED. */
int report_exit_code(const Report *report);

/* What a result means: the check's sentence for its verdict. */
const char *report_meaning(const ProbeResult *result);

/* For people, in so many columns; free it. */
char *report_print(const Report *report, guint width);
/* As daemon/probe/probe.schema.json describes; free it. NULL and an error in a build without json-glib. */
char *report_print_json(const Report *report, GError **error);
