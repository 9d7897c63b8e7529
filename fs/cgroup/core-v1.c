/*
 * The files that every v1 group has (kernel/cgroup/cgroup-v1.c, cgroup1_base_files).
 *
 * notify_on_release and release_agent are kept and read back, and nothing is run when a group becomes empty.
 */
#include "fs/cgroup/core.h"

#include "fs/cgroup/hierarchy.h"
#include "fs/cgroup/members.h"
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

static int release_agent_store(const VContext *ctx, const char *text, size_t len)
{
	const Group *group = ctx->owner;

	/* Whoever sets it chooses what the daemon runs as root. */
	if (ctx->caller->uid != 0)
		return -EPERM;
	g_free(group->hierarchy->release_agent);
	group->hierarchy->release_agent = g_strdup(text);
	return 0;
}

const VFile core_v1_files[] = {
	{"cgroup.procs", 0644, VF_UNLOCKED | VF_PIDS, ORIGIN_TREE, members_show_procs, members_store_procs, 0,
	 "Processes in the group; a PID written moves that process here, 0 the writer"},
	{"tasks", 0644, VF_UNLOCKED | VF_PIDS, ORIGIN_TREE, members_show_threads, members_store_threads, 0,
	 "Threads in the group; a TID written moves that thread here"},
	{"cgroup.clone_children", 0644, VF_KEEP_SPACE, ORIGIN_SETTING, vfile_show_bool, vfile_store_bool,
	 offsetof(Core, clone_children), "1: new cpuset children copy their parent's CPUs and memory nodes"},
	{"notify_on_release", 0644, VF_KEEP_SPACE, ORIGIN_SETTING, vfile_show_bool, vfile_store_bool,
	 offsetof(Core, notify_on_release),
	 "1: release_agent is to run when the group becomes empty; kept only, nothing runs"},
	{"cgroup.sane_behavior", 0444, VF_ROOT_ONLY, ORIGIN_CONSTANT, vfile_show_zero, NULL, 0,
	 "Always 0: this is a v1 hierarchy"},
	{"release_agent", 0644, VF_ROOT_ONLY, ORIGIN_SETTING, release_agent_show, release_agent_store, 0,
	 "Program to tell of groups that became empty; kept only, never run"},
	{0},
};

static int event_control_store(const VContext *ctx, const char *text, size_t len)
{
	unsigned event, target;

	/* memcg_write_event_control(): "<eventfd> <fd of the file> [argument]" */
	if (sscanf(text, "%u %u", &event, &target) != 2)
		return -EINVAL;
	return 0;
}

const VFile event_control_files[] = {
	{"cgroup.event_control", 0200, VF_UNLOCKED, ORIGIN_TREE, NULL, event_control_store, 0,
	 "Takes a wish for an eventfd notification, \"<eventfd> <fd> <arguments>\"; none is sent"},
	{0},
};
