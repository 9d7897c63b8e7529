/*
 * Runs checks in children, many at a time, each with a time limit.
 */
#pragma once

#include "daemon/probe/probe.h"

/* Fills in the results (ProbeResult, with only check and subject set). Checks of one subject that allow it share a
 * child, since making a process is what costs most on some machines; what hangs or dies costs the others nothing but a
 * new child. scratch: where each check gets a directory; NULL: nothing is writable. -errno only if no child can be
 * started. */
int runner_run(GArray *results, const char *scratch);
