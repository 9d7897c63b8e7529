/*
 * Settings, kept as what their files show and had again by writing that.
 *
 * Rules between settings (a child's CPUs are among its parent's, a quota fits its period) forbid some orders of
 * writing. Nothing here knows them: what is refused is tried again after the others, until all are as they were, or a
 * whole round has changed nothing. A file that reads right already is not written: several may be views of one number.
 */
#include "fs/cgroup/state-format.h"

#include <string.h>
#include <unistd.h>

static const Caller root_caller = {0, 0, 0};

static gboolean is_kept(const VFile *row)
{
	return row->show && row->store && row->origin == ORIGIN_SETTING &&
	       !(row->flags & (VF_OWN_STATE | VF_UNLOCKED_SHOW));
}

gboolean setting_show(Node *file, GString *out)
{
	const VFile *row = file->file.row;
	const Group *group = file->owner;
	VContext ctx = {group->hierarchy->fs, file, row, file->owner, file->file.state, NULL, &root_caller};

	return is_kept(row) && row->show(&ctx, out) == 0;
}

void settings_save(const Group *group, const VFile *rows, GVariantBuilder *settings)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (const VFile *row = rows; row && row->name; row++) {
		Node *file = group_file(group, row->name);

		g_string_truncate(text, 0);
		if (file && file->type == NODE_FILE && setting_show(file, text))
			g_variant_builder_add(settings, "(s^ay)", row->name, text->str);
	}
}

static void wish_free(gpointer data)
{
	Wish *wish = data;

	if (!wish)
		return;
	node_unref(wish->file);
	g_free(wish->text);
	g_free(wish);
}

GPtrArray *wishes_new(void)
{
	return g_ptr_array_new_with_free_func(wish_free);
}

void wishes_add(GPtrArray *wishes, const Group *group, const char *name, const char *text)
{
	Node *file = group_file(group, name);
	Wish *wish;

	if (!file || file->type != NODE_FILE || !is_kept(file->file.row))
		return;
	wish = g_new(Wish, 1);
	wish->file = node_ref(file);
	wish->text = g_strdup(text);
	g_ptr_array_add(wishes, wish);
}

static gboolean is_fulfilled(Fs *fs, const Wish *wish)
{
	g_autoptr(GString) text = g_string_new(NULL);
	gboolean same;

	g_rw_lock_reader_lock(&fs->lock);
	same = !wish->file->dead && setting_show(wish->file, text) && strcmp(text->str, wish->text) == 0;
	g_rw_lock_reader_unlock(&fs->lock);
	return same;
}

/* One line is one command. What one refuses does not keep the others from trying. */
static void try_wish(Fs *fs, const Wish *wish)
{
	g_autofree char *text = g_strchomp(g_strdup(wish->text));
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	const Caller self = {.pid = getpid()}; /* may choose a release agent */
	int r = 0;

	if (!*lines)
		r = fs_store(fs, wish->file, &self, "");
	for (char **line = lines; *line; line++) {
		int one = fs_store(fs, wish->file, &self, *line);

		r = one < 0 ? one : r;
	}
	if (r < 0)
		g_debug("%s: '%s': %s", wish->file->name, wish->text, g_strerror(-r));
}

static gboolean fulfil(Fs *fs, const Wish *wish)
{
	if (is_fulfilled(fs, wish))
		return TRUE;
	try_wish(fs, wish);
	return is_fulfilled(fs, wish);
}

void wishes_fulfil(Fs *fs, GPtrArray *wishes)
{
	guint before;

	do {
		g_autoptr(GPtrArray) open = wishes_new();

		before = wishes->len;
		for (guint i = 0; i < wishes->len; i++)
			if (!fulfil(fs, wishes->pdata[i]))
				g_ptr_array_add(open, g_steal_pointer(&wishes->pdata[i]));
		g_ptr_array_set_size(wishes, 0); /* what was taken out left NULL */
		g_ptr_array_extend_and_steal(wishes, g_steal_pointer(&open));
	} while (wishes->len && wishes->len < before);
}

void kept_save(const KeptField *fields, const void *state, GVariantDict *dict)
{
	for (const KeptField *field = fields; field && field->name; field++) {
		const char *at = (const char *) state + field->offset;

		if (field->type == KEPT_BOOL)
			g_variant_dict_insert(dict, field->name, "b", *(const gboolean *) (const void *) at);
		else
			g_variant_dict_insert_value(
				dict, field->name,
				g_variant_new_fixed_array(G_VARIANT_TYPE_UINT64, at, field->count, sizeof(guint64)));
	}
}

static void restore_numbers(const KeptField *field, guint64 *to, GVariantDict *dict)
{
	g_autoptr(GVariant) numbers = g_variant_dict_lookup_value(dict, field->name, G_VARIANT_TYPE("at"));
	const guint64 *from;
	gsize n;

	if (!numbers)
		return;
	from = g_variant_get_fixed_array(numbers, &n, sizeof *from);
	for (gsize i = 0; i < MIN(n, field->count); i++)
		to[i] = from[i];
}

void kept_restore(const KeptField *fields, void *state, GVariantDict *dict)
{
	for (const KeptField *field = fields; field && field->name; field++) {
		void *at = (char *) state + field->offset;

		if (field->type == KEPT_BOOL)
			g_variant_dict_lookup(dict, field->name, "b", (gboolean *) at);
		else
			restore_numbers(field, at, dict);
	}
}
