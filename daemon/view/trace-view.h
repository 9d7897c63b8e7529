/*
 * The trace view of --exec: nothing is mounted; the trees are held by the tracer itself, and the command's calls are
 * led to a shadow of them.
 */
#pragma once

#include "daemon/view/exec.h"

/* As trace_run(); the command, its environment and its root are those of limits->options. */
gboolean trace_view_run(const Config *config, LayoutTree tree, ExecLimits *limits, int *ret_status, GError **error);
