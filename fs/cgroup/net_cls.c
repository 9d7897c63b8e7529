/*
 * The net_cls controller (v1): a number that tags the packets of a group's sockets for tc and netfilter
 * (net/core/netclassid_cgroup.c). Here it is a setting only: packets are not tagged.
 */
#include "fs/cgroup/group.h"
#include "fs/parse.h"

typedef struct NetCls {
	guint32 class_id; /* 0xMMMMmmmm: major and minor of a tc handle */
} NetCls;

static void net_cls_init(Fs *fs, Group *group, void *state, Group *parent, void *parent_state)
{
	if (parent_state)
		*(NetCls *) state = *(NetCls *) parent_state;
}

static int net_cls_class_id(const VContext *ctx, GString *out)
{
	g_string_append_printf(out, "%u\n", ((NetCls *) ctx->state)->class_id);
	return 0;
}

static int net_cls_set_class_id(const VContext *ctx, const char *text, size_t len)
{
	guint64 value;
	int r = parse_u64(text, &value);

	if (r < 0)
		return r;
	((NetCls *) ctx->state)->class_id = (guint32) value;
	return 0;
}

static const VFile net_cls_v1_files[] = {
	{"net_cls.classid", 0644, VF_KEEP_SPACE, ORIGIN_SETTING, net_cls_class_id, net_cls_set_class_id, 0,
	 "class of the packets that the group sends"},
	{0},
};

const Controller net_cls_controller = {
	.v1_name = "net_cls",
	.v1_files = net_cls_v1_files,
	.state_size = sizeof(NetCls),
	.init = net_cls_init,
};
