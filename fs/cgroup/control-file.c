#include "fs/cgroup/control-file.h"

#include "fs/cgroup/members.h"
#include "fs/parse.h"

#include <errno.h>

int control_file_lock(VContext *ctx)
{
	g_rw_lock_writer_lock(&ctx->fs->lock);
	if (ctx->node->dead) {
		g_rw_lock_writer_unlock(&ctx->fs->lock);
		return -ENODEV;
	}
	ctx->owner = ctx->node->owner;
	ctx->state = ctx->node->file.state;
	return 0;
}

void control_file_unlock(const VContext *ctx)
{
	g_rw_lock_writer_unlock(&ctx->fs->lock);
}

Sample *control_file_sample(const VContext *ctx, const char *name)
{
	g_autoptr(Node) file = NULL;

	g_rw_lock_reader_lock(&ctx->fs->lock);
	if (!ctx->node->dead)
		file = tree_child(ctx->node->parent, name);
	if (file)
		node_ref(file);
	g_rw_lock_reader_unlock(&ctx->fs->lock);
	return file ? members_sample(ctx->fs, file, ctx->caller) : NULL;
}

guint64 watermark_raise(guint64 *mark, guint64 now)
{
	guint64 seen = __atomic_load_n(mark, __ATOMIC_RELAXED);

	while (seen < now && !__atomic_compare_exchange_n(mark, &seen, now, TRUE, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return MAX(seen, now);
}

int control_file_store_reset(const VContext *ctx, const char *text, size_t len)
{
	*VFILE_FIELD(ctx, guint64) = 0;
	return 0;
}

void control_file_show_nodes(Fs *fs, guint64 value, GString *out)
{
	const Machine *machine = sampler_machine(fs->sampler);
	BitList nodes;

	bit_list_init(&nodes, machine->max_node + 1);
	if (!machine->node_list || bit_list_parse(&nodes, machine->node_list) < 0 || bit_list_is_empty(&nodes))
		bit_list_set(&nodes, 0, TRUE);
	for (unsigned node = 0; node < nodes.n_bits; node++) {
		if (!bit_list_get(&nodes, node))
			continue;
		g_string_append_printf(out, " N%u=%" G_GUINT64_FORMAT, node, value);
		value = 0;
	}
	bit_list_clear(&nodes);
}
