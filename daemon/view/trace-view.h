/*
 * The trace view of --exec: nothing is mounted; the trees are held by the tracer itself, and the command's calls are
 * led to a shadow of them.
 */
#pragma once

#include "daemon/view/exec.h"
#include "daemon/view/shadow.h"

#include <sys/statfs.h>
#include <sys/sysinfo.h>

/* The trees, held by this process, and what is shown of them where nothing is mounted. */
typedef struct View View;

/* With the groups that limits asks for; limits must stay, and is not to be used once the view is closed. */
View *view_open(const Config *config, LayoutTree tree, ExecLimits *limits, GError **error);
void view_close(View *view);
Shadow *view_shadow(const View *view);
void view_show_statfs(const View *view, const char *path, struct statfs *answer);
void view_show_sysinfo(const View *view, const Caller *caller, struct sysinfo *answer);
/* /proc/PID/NAME; FALSE: the kernel's own is shown. */
gboolean view_show_process_file(const View *view, pid_t pid, const char *name, const Caller *caller, GString *out);

/* As trace_run(); the command, its environment and its root are those of limits->options. */
gboolean trace_view_run(const Config *config, LayoutTree tree, ExecLimits *limits, int *ret_status, GError **error);
