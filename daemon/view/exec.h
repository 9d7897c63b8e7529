/*
 * `--exec -- CMD`: a private mount namespace in which the trees are shown, and the command in it.
 */
#pragma once

#include "config/config.h"
#include "daemon/layout.h"
#include "daemon/options.h"
#include "daemon/view/control-files.h"

#include <sched.h>

/* Returns the command's exit status, an exit code of cgemud, or ends by the signal that ended the command. */
int exec_run(const Options *options, const Config *config);

/* Parts of it, in the order in which they are used. */

/* exec-namespace.c: a private mount namespace, also a cgroup namespace where there are any. */
gboolean exec_enter_namespace(GError **error);
/* Where unshare() says yes and does nothing (gVisor of 2022) the mounts are everybody's, and are taken away again.
 * root: descriptor of the former root directory. */
void exec_undo_mounts(int root, const char *scratch);

/* exec-root.c: an overlay over / if its type is in [root] replace (or `force`); the caller's root is then the overlay,
 * with all other mounts carried over. Must run in a private mount namespace. scratch: an empty directory. */
gboolean exec_replace_root(const Config *config, const char *choice, const char *scratch, GError **error);

/* exec-serve.c: the FUSE session, in a process of its own that ends when the caller does. */
typedef struct ExecServer {
	pid_t pid;
	int alive; /* closed: the server ends */
	char *composite;
} ExecServer;

/* group: directory of each hierarchy that is shown as its root, as by a cgroup namespace; NULL: the root itself. */
gboolean exec_serve_start(ExecServer *server, const Config *config, LayoutTree tree, const char *group,
			  const char *composite, GError **error);
void exec_serve_stop(ExecServer *server);

/* exec-limits.c: the command's group. */
typedef struct ExecLimits {
	const Options *options;
	const char *group;    /* name of the group in each hierarchy; NULL: there are no limits, and no group */
	cpu_set_t *affinity;  /* NULL: any CPU */
	size_t affinity_size; /* bytes */
	char *cpu_list;       /* the same CPUs as a list, "0-1,4" */
	GPtrArray *directories;
	const ControlFiles *files; /* how groups are made; real files if nobody says otherwise */
} ExecLimits;

gboolean exec_limits_given(const Options *options);
/* Chooses the CPUs. Clear it also after a failure. */
gboolean exec_limits_init(ExecLimits *limits, const Options *options, GError **error);
void exec_limits_clear(ExecLimits *limits);
/* Makes the groups below the composite tree and sets their limits. */
gboolean exec_limits_apply(ExecLimits *limits, const Config *config, LayoutTree tree, const char *composite,
			   GError **error);
/* JobHook: moves the command into its groups and binds it to its CPUs. data: ExecLimits. */
gboolean exec_limits_take(pid_t command, void *data, GError **error);

/* Bytes; 0 where that cannot be told. */
guint64 exec_limits_memory_used(const ExecLimits *limits);

/* exec-show.c: mounts everything from the composite tree on its place. scratch: a directory for files of its own. */
gboolean exec_show(const Config *config, LayoutTree tree, const ExecLimits *limits, const char *composite,
		   const char *scratch, GError **error);
/* The parts of this that do not depend on mounting. */
extern const char *const exec_proc_names[]; /* files that may be shown in /proc; ends with NULL */
gboolean exec_shows_proc(const Config *config, const ExecLimits *limits, const char *name);
extern const char *const exec_cpu_lists[]; /* files of /sys/devices/system/cpu that list CPUs; ends with NULL */
/* The command's group instead of each hierarchy's root in a layout's plan. */
void exec_show_group(const GPtrArray *plan, const char *group);
