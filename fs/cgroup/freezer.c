/*
 * The freezer controller (v1): stops the processes of a group and of the groups below it
 * (kernel/cgroup/legacy_freezer.c). v2 does the same by cgroup.freeze. Processes are stopped by signals: members.c.
 */
#include "fs/cgroup/core.h"
#include "fs/cgroup/members.h"

#include <errno.h>
#include <string.h>

static int freezer_state(const VContext *ctx, GString *out)
{
	const Group *group = ctx->owner;

	if (!group_is_freezing(group))
		g_string_append(out, "THAWED\n");
	else
		g_string_append(out, group_is_frozen(group) ? "FROZEN\n" : "FREEZING\n");
	return 0;
}

static int freezer_set_state(const VContext *ctx, const char *text, size_t len)
{
	if (strcmp(text, "FROZEN") == 0)
		return group_set_frozen(ctx->fs, ctx->node, TRUE);
	if (strcmp(text, "THAWED") == 0)
		return group_set_frozen(ctx->fs, ctx->node, FALSE);
	return -EINVAL;
}

static int freezer_self_freezing(const VContext *ctx, GString *out)
{
	g_string_append(out, group_core(ctx->owner)->freeze ? "1\n" : "0\n");
	return 0;
}

static int freezer_parent_freezing(const VContext *ctx, GString *out)
{
	const Group *group = ctx->owner;

	g_string_append(out, group->parent && group_is_freezing(group->parent) ? "1\n" : "0\n");
	return 0;
}

static const VFile freezer_v1_files[] = {
	{"freezer.state", 0644, VF_NOT_ROOT | VF_UNLOCKED, ORIGIN_TREE, freezer_state, freezer_set_state, 0,
	 "THAWED, FREEZING or FROZEN; write FROZEN or THAWED"},
	{"freezer.self_freezing", 0444, VF_NOT_ROOT, ORIGIN_SETTING, freezer_self_freezing, NULL, 0,
	 "does the group itself ask for freezing?"},
	{"freezer.parent_freezing", 0444, VF_NOT_ROOT, ORIGIN_SETTING, freezer_parent_freezing, NULL, 0,
	 "does a group above it ask for freezing?"},
	{0},
};

const Controller freezer_controller = {
	.v1_name = "freezer",
	.v1_files = freezer_v1_files,
};
