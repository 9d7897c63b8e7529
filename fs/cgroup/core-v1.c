/* The files that every v1 group has (kernel/cgroup/cgroup-v1.c, cgroup1_base_files). */
#include "fs/cgroup/control-file.h"
#include "fs/cgroup/core.h"
#include "fs/cgroup/exit-watch.h"

#include "fs/cgroup/hierarchy.h"
#include "fs/cgroup/members.h"
#include "fs/cgroup/release.h"
#include "fs/parse.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static int release_agent_show(const VContext *ctx, GString *out)
{
	const Group *group = ctx->owner;

	g_string_append_printf(out, "%s\n", group->hierarchy->release_agent ? group->hierarchy->release_agent : "");
	return 0;
}

/* Whoever sets it chooses what the daemon runs as root. */
static int release_agent_store(const VContext *ctx, const char *text, size_t len)
{
	VContext locked = *ctx;
	const Group *group;
	int r = release_may_choose(ctx->caller);

	if (r == 0)
		r = control_file_lock(&locked);
	if (r < 0)
		return r;
	group = locked.owner;
	g_free(group->hierarchy->release_agent);
	group->hierarchy->release_agent = g_strdup(text);
	control_file_unlock(&locked);
	return 0;
}

/* From now on the end of its members is of interest. */
static void notify_on_release_set(const VContext *ctx)
{
	VContext locked = *ctx;

	if (control_file_lock(&locked) < 0)
		return;
	exit_watch_update(locked.owner);
	control_file_unlock(&locked);
}

const VFile core_v1_files[] = {
	{"cgroup.procs", 0644, VF_UNLOCKED | VF_PIDS, ORIGIN_TREE, members_show_procs, members_store_procs, 0,
	 "Processes in the group; a PID written moves that process here, 0 the writer"},
	{"tasks", 0644, VF_UNLOCKED | VF_PIDS, ORIGIN_TREE, members_show_threads, members_store_threads, 0,
	 "Threads in the group; a TID written moves that thread here"},
	{"cgroup.clone_children", 0644, VF_KEEP_SPACE, ORIGIN_SETTING, vfile_show_bool, vfile_store_bool,
	 offsetof(Core, clone_children), "1: new cpuset children copy their parent's CPUs and memory nodes"},
	{"notify_on_release", 0644, VF_KEEP_SPACE, ORIGIN_SETTING, vfile_show_bool, vfile_store_bool,
	 offsetof(Core, notify_on_release), "1: release_agent runs when the group becomes empty",
	 notify_on_release_set},
	{"cgroup.sane_behavior", 0444, VF_ROOT_ONLY, ORIGIN_CONSTANT, vfile_show_zero, NULL, 0,
	 "Always 0: this is a v1 hierarchy"},
	{"release_agent", 0644, VF_ROOT_ONLY | VF_UNLOCKED, ORIGIN_SETTING, release_agent_show, release_agent_store, 0,
	 "Program to run, with its path as argument, for a group that became empty"},
	{0},
};
