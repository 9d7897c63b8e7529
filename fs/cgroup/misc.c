/*
 * The misc controller: scalar resources of the machine, such as keys of encrypted guests (kernel/cgroup/misc.c). None
 * is registered here: everything is empty, and no limit has a resource to be set on.
 */
#include "fs/cgroup/group.h"

#include <errno.h>

static int misc_set_max(const VContext *ctx, const char *text, size_t len)
{
	return -EINVAL;
}

#define FILES                                                                                                          \
	{"misc.max", 0644, VF_NOT_ROOT, ORIGIN_SETTING, vfile_show_empty, misc_set_max, 0, "limit of each resource"},  \
		{"misc.current", 0444, 0, ORIGIN_CONSTANT, vfile_show_empty, NULL, 0, "use of each resource"},         \
		{"misc.peak", 0444, 0, ORIGIN_CONSTANT, vfile_show_empty, NULL, 0, "highest use of each resource"},    \
		{"misc.capacity",                                                                                      \
		 0444,                                                                                                 \
		 VF_ROOT_ONLY,                                                                                         \
		 ORIGIN_CONSTANT,                                                                                      \
		 vfile_show_empty,                                                                                     \
		 NULL,                                                                                                 \
		 0,                                                                                                    \
		 "how much the machine has of each resource"},                                                         \
	{                                                                                                              \
		"misc.events", 0444, VF_NOT_ROOT | VF_EVENT, ORIGIN_CONSTANT, vfile_show_empty, NULL, 0,               \
			"how often a limit was met"                                                                    \
	}

static const VFile misc_v1_files[] = {FILES, {0}};

static const VFile misc_v2_files[] = {
	FILES,
	{"misc.events.local", 0444, VF_NOT_ROOT | VF_EVENT, ORIGIN_CONSTANT, vfile_show_empty, NULL, 0,
	 "how often a limit was met, descendants not counted"},
	{0},
};

const Controller misc_controller = {
	.v1_name = "misc",
	.v2_name = "misc",
	.v1_files = misc_v1_files,
	.v2_files = misc_v2_files,
};
