/*
 * The rdma controller: limits of RDMA devices (kernel/cgroup/rdma.c). No device is ever registered here, so there is
 * nothing to show, and a limit, once well formed, is for a device that does not exist.
 */
#include "fs/cgroup/group.h"
#include "fs/parse.h"

#include <errno.h>
#include <string.h>

/* "hca_handle=N", "hca_object=N" or "=max". 0 or -EINVAL. */
static int check_option(const char *option)
{
	static const char *const names[] = {"hca_handle=", "hca_object="};
	gint32 value;

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (!g_str_has_prefix(option, names[i]))
			continue;
		option += strlen(names[i]);
		return strcmp(option, "max") == 0 || (parse_s32(option, &value) == 0 && value >= 0) ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static int rdma_set_max(const VContext *ctx, const char *text, size_t len)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);

	/* the device's name comes first, but is looked up last */
	for (char **word = words; *word && *++word;)
		if (check_option(*word) < 0)
			return -EINVAL;
	return -ENODEV;
}

static const VFile rdma_files[] = {
	{"rdma.max", 0644, VF_NOT_ROOT, ORIGIN_SETTING, vfile_show_empty, rdma_set_max, 0,
	 "limits of each RDMA device"},
	{"rdma.current", 0444, VF_NOT_ROOT, ORIGIN_CONSTANT, vfile_show_empty, NULL, 0, "use of each RDMA device"},
	{0},
};

const Controller rdma_controller = {
	.v1_name = "rdma",
	.v2_name = "rdma",
	.v1_files = rdma_files,
	.v2_files = rdma_files,
};
