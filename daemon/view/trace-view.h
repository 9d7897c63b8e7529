/*
 * The trace view of --exec: nothing is mounted; the trees are held by the tracer itself, and the command's calls are
 * led to a shadow of them.
 */
#pragma once

#include "config/config.h"
#include "daemon/layout.h"
#include "daemon/options.h"

/* As trace_run(). */
gboolean trace_view_run(const Options *options, const Config *config, LayoutTree tree, int *ret_status, GError **error);
