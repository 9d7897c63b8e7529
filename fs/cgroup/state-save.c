#include "fs/cgroup/core.h"
#include "fs/cgroup/state-format.h"

/* Opened and read by name: called when nothing of ours is asked meanwhile. */
char *state_boot_id(Fs *fs)
{
	g_autofree char *id = NULL;
	g_autoptr(Sample) sample = NULL;
	Process first = {0};

	/* Not the inode of /proc/self/ns/pid: gVisor shows another one each time. */
	(void) sampler_read_process(fs->sampler, 1, FALSE, &first);
	if (g_file_get_contents("/proc/sys/kernel/random/boot_id", &id, NULL, NULL))
		return g_strdup_printf("%s %" G_GUINT64_FORMAT, g_strchomp(id), first.start);
	sample = sampler_get(fs->sampler, SAMPLE_LOAD);
	return g_strdup_printf("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, sample->boot_time_s, first.start);
}

static guint64 unusual_ino(const Node *node)
{
	return node->ino == tree_natural_ino(node) ? 0 : node->ino;
}

static void save_file(const Node *dir, const Node *file, GVariantBuilder *files)
{
	guint64 ino = unusual_ino(file);

	if (ino || file->mode != file->file.row->mode || file->uid != dir->uid || file->gid != dir->gid)
		g_variant_builder_add(files, STATE_FILE, file->name, (guint32) file->mode, (guint32) file->uid,
				      (guint32) file->gid, ino);
}

static GVariant *save_files(const Node *dir)
{
	GVariantBuilder files;

	g_variant_builder_init(&files, G_VARIANT_TYPE("a" STATE_FILE));
	for (guint i = 0; i < dir->dir.order->len; i++) {
		const Node *node = dir->dir.order->pdata[i];

		if (node->type == NODE_FILE)
			save_file(dir, node, &files);
	}
	return g_variant_builder_end(&files);
}

static void add_part(const Group *group, const char *name, const VFile *const *tables, GVariantDict *dict,
		     GVariantBuilder *parts)
{
	GVariantBuilder settings;

	g_variant_builder_init(&settings, G_VARIANT_TYPE("a" STATE_SETTING));
	for (; *tables; tables++)
		settings_save(group, *tables, &settings);
	g_variant_builder_add(parts, "(s@a" STATE_SETTING "@a{sv})", name, g_variant_builder_end(&settings),
			      g_variant_dict_end(dict));
}

static void save_controller(const Group *group, int id, GVariantBuilder *parts)
{
	const Controller *controller = controllers[id];
	gboolean is_v2 = group->hierarchy->is_v2;
	const VFile *const tables[] = {is_v2 ? controller->v2_files : controller->v1_files, NULL};
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	kept_save(controller->kept, group->states[id], &dict);
	if (controller->save)
		controller->save(group, group->states[id], &dict);
	add_part(group, is_v2 && controller->v2_name ? controller->v2_name : controller->v1_name, tables, &dict, parts);
}

static GVariant *save_parts(const Group *group)
{
	static const VFile *const core_v1[] = {core_v1_files, NULL}, *const core_v2[] = {core_v2_files, NULL};
	GVariantBuilder parts;
	GVariantDict dict;

	g_variant_builder_init(&parts, G_VARIANT_TYPE("a" STATE_PART));
	g_variant_dict_init(&dict, NULL);
	core_save(group, &dict);
	add_part(group, "", group->hierarchy->is_v2 ? core_v2 : core_v1, &dict, &parts);
	for (int id = 0; id < CONTROLLER_COUNT; id++)
		if (group->states[id])
			save_controller(group, id, &parts);
	return g_variant_builder_end(&parts);
}

typedef struct Saving {
	GHashTable *numbers; /* Group → its number */
	GVariantBuilder groups;
} Saving;

static int save_group(Group *group, void *data)
{
	Saving *saving = data;
	const Node *dir = group->dir;
	g_autofree char *path = group_path(group);

	g_hash_table_insert(saving->numbers, group, GUINT_TO_POINTER(g_hash_table_size(saving->numbers)));
	g_variant_builder_add(&saving->groups, "(^ayuuuxxtt@a" STATE_FILE "@a" STATE_PART ")", path,
			      (guint32) dir->mode, (guint32) dir->uid, (guint32) dir->gid, (gint64) dir->created.tv_sec,
			      (gint64) dir->created.tv_nsec, unusual_ino(dir), dir->generation, save_files(dir),
			      save_parts(group));
	return 0;
}

static GVariant *save_hierarchies(const Cgroups *cgroups, GHashTable *numbers)
{
	GVariantBuilder hierarchies;

	g_variant_builder_init(&hierarchies, G_VARIANT_TYPE("a" STATE_HIERARCHY));
	for (guint i = 0; i < cgroups->hierarchies->len; i++) {
		Hierarchy *hierarchy = cgroups->hierarchies->pdata[i];
		Saving saving = {.numbers = numbers};

		g_variant_builder_init(&saving.groups, G_VARIANT_TYPE("a" STATE_GROUP));
		group_walk(hierarchy->root, save_group, &saving);
		g_variant_builder_add(&hierarchies, "(^ay@a" STATE_GROUP ")", hierarchy->name,
				      g_variant_builder_end(&saving.groups));
	}
	return g_variant_builder_end(&hierarchies);
}

void state_count_members(Fs *fs)
{
	g_autoptr(Sample) sample = NULL;

	if (!fs->cgroups->members->n_placed)
		return;
	sample = sampler_get_fresh(fs->sampler, SAMPLE_PROCESSES);
	members_reconcile(fs, sample);
}

GBytes *state_save(Fs *fs)
{
	g_autofree char *boot = state_boot_id(fs);
	g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL);
	GVariant *hierarchies, *tasks, *value;
	GVariantDict more;

	g_variant_dict_init(&more, NULL);
	g_rw_lock_reader_lock(&fs->lock);
	hierarchies = save_hierarchies(fs->cgroups, numbers);
	tasks = tasks_save(fs, numbers);
	value = g_variant_new("(st@a" STATE_HIERARCHY "@a" STATE_TASK "@a{sv})", boot, fs->tree->next_generation,
			      hierarchies, tasks, g_variant_dict_end(&more));
	g_rw_lock_reader_unlock(&fs->lock);
	return state_wrap(value);
}
