#include "fs/proc/mounts.h"

#include "fs/source/file.h"
#include "fs/source/scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What the kernel escapes: fs/proc_namespace.c, mangle(). */
#define ESCAPED_IN_PATH   " \t\n\\"
#define ESCAPED_IN_SOURCE " \t\n\\#"

static void mount_entry_free(gpointer data)
{
	MountEntry *entry = data;

	g_free(entry->root);
	g_free(entry->target);
	g_free(entry->options);
	g_free(entry->optional);
	g_free(entry->fstype);
	g_free(entry->source);
	g_free(entry->super_options);
	g_free(entry);
}

MountTable *mount_table_new(void)
{
	MountTable *table = g_new0(MountTable, 1);

	table->entries = g_ptr_array_new_with_free_func(mount_entry_free);
	return table;
}

void mount_table_free(MountTable *table)
{
	if (!table)
		return;
	g_ptr_array_unref(table->entries);
	g_free(table);
}

static gboolean is_octal(const char *at)
{
	for (int i = 0; i < 3; i++)
		if (at[i] < '0' || at[i] > '7')
			return FALSE;
	return at[0] <= '3';
}

static char *unescape(const char *text, size_t len)
{
	GString *out = g_string_sized_new(len);

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && len - i >= 4 && is_octal(text + i + 1)) {
			g_string_append_c(
				out, (char) ((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
			i += 3;
		} else {
			g_string_append_c(out, text[i]);
		}
	}
	return g_string_free(out, FALSE);
}

static void append_escaped(GString *out, const char *text, const char *escaped)
{
	for (; *text; text++) {
		if (strchr(escaped, *text))
			g_string_append_printf(out, "\\%03o", (unsigned char) *text);
		else
			g_string_append_c(out, *text);
	}
}

/* A field that may be empty: it ends at the next blank or at the line's end. */
static gboolean next_field(const char **at, const char **ret_start, size_t *ret_len)
{
	if (**at != ' ')
		return FALSE;
	*ret_start = *at + 1;
	*ret_len = strcspn(*ret_start, " \n");
	*at = *ret_start + *ret_len;
	return TRUE;
}

static char *unescaped_word(const char **at)
{
	const char *start;
	size_t len;

	return scan_word(at, &start, &len) ? unescape(start, len) : NULL;
}

static gboolean parse_numbers(const char **at, MountEntry *entry)
{
	gint64 id, parent;
	guint64 major, minor;

	if (!scan_s64(at, &id) || !scan_s64(at, &parent) || !scan_u64(at, &major) || *(*at)++ != ':' ||
	    !scan_u64(at, &minor))
		return FALSE;
	entry->id = (int) id;
	entry->parent = (int) parent;
	entry->major = (unsigned) major;
	entry->minor = (unsigned) minor;
	return TRUE;
}

/* The optional fields, up to and with the lone "-" that ends them. */
static gboolean parse_optional(const char **at, MountEntry *entry)
{
	GString *fields = g_string_new(NULL);
	const char *start;
	size_t len;

	while (scan_word(at, &start, &len)) {
		if (len == 1 && *start == '-') {
			entry->optional = g_string_free(fields, FALSE);
			return TRUE;
		}
		if (fields->len)
			g_string_append_c(fields, ' ');
		g_string_append_len(fields, start, (gssize) len);
	}
	g_string_free(fields, TRUE);
	return FALSE;
}

static gboolean parse_line(const char *at, MountEntry *entry)
{
	const char *start;
	size_t len;

	if (!parse_numbers(&at, entry) || !(entry->root = unescaped_word(&at)) ||
	    !(entry->target = unescaped_word(&at)) || !scan_word(&at, &start, &len))
		return FALSE;
	entry->options = g_strndup(start, len);
	if (!parse_optional(&at, entry) || !(entry->fstype = unescaped_word(&at)) || !next_field(&at, &start, &len))
		return FALSE;
	entry->source = unescape(start, len);
	if (!next_field(&at, &start, &len))
		return FALSE;
	entry->super_options = g_strndup(start, strcspn(start, "\n"));
	return TRUE;
}

int mount_table_parse(const char *text, MountTable **ret, unsigned *ret_line)
{
	MountTable *table = mount_table_new();
	unsigned number = 0;

	for (const char *line = text; *line; line = scan_next_line(line)) {
		MountEntry *entry = g_new0(MountEntry, 1);

		number++;
		g_ptr_array_add(table->entries, entry);
		if (!parse_line(line, entry)) {
			if (ret_line)
				*ret_line = number;
			mount_table_free(table);
			return -EINVAL;
		}
	}
	*ret = table;
	return 0;
}

int mount_table_read(int proc, pid_t pid, MountTable **ret)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *path = pid > 0 ? g_strdup_printf("%d/mountinfo", pid) : g_strdup("self/mountinfo");
	int r = file_read_at(proc, path, text);

	if (r < 0)
		return pid > 0 && r == -ENOENT ? -ESRCH : r;
	return mount_table_parse(text->str, ret, NULL);
}

/* Is path the same as, or below, the directory? */
static gboolean is_below(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	if (len > 0 && directory[len - 1] == '/')
		len--;
	return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static gboolean is_child(const MountEntry *entry, const MountEntry *parent)
{
	return entry != parent && entry->parent == parent->id && entry->id != entry->parent;
}

/* Where the walk along a path starts: at the first mount whose parent is not in the table. */
static MountEntry *find_root(const MountTable *table, const char *path)
{
	for (guint i = 0; i < table->entries->len; i++) {
		MountEntry *entry = table->entries->pdata[i];
		gboolean has_parent = FALSE;

		for (guint j = 0; j < table->entries->len && !has_parent; j++)
			has_parent = is_child(entry, table->entries->pdata[j]);
		if (!has_parent && is_below(path, entry->target))
			return entry;
	}
	return NULL;
}

/* The mount on `parent` that a walk along the path meets first; of several on one place that hang on the same parent,
 * the last. NULL: the path stays on the parent. */
static MountEntry *find_next(const MountTable *table, const MountEntry *parent, const char *path)
{
	MountEntry *next = NULL;

	for (guint i = 0; i < table->entries->len; i++) {
		MountEntry *entry = table->entries->pdata[i];

		if (!is_child(entry, parent) || !is_below(path, entry->target) ||
		    !is_below(entry->target, parent->target))
			continue;
		if (!next || strlen(entry->target) <= strlen(next->target))
			next = entry;
	}
	return next;
}

MountEntry *mount_table_find(const MountTable *table, const char *path)
{
	MountEntry *entry = find_root(table, path), *next;

	for (guint i = 0; entry && i < table->entries->len; i++) {
		next = find_next(table, entry, path);
		if (!next)
			break;
		entry = next;
	}
	return entry;
}

MountEntry *mount_table_find_target(const MountTable *table, const char *target)
{
	MountEntry *entry = mount_table_find(table, target);

	return entry && is_below(entry->target, target) ? entry : NULL;
}

static void replace_string(char **string, const char *with)
{
	char *old = *string;

	*string = g_strdup(with);
	g_free(old);
}

void mount_entry_retype(MountEntry *entry, const char *fstype, const char *source, const char *super_options)
{
	replace_string(&entry->fstype, fstype);
	if (source)
		replace_string(&entry->source, source);
	if (super_options)
		replace_string(&entry->super_options, super_options);
}

static int unused_id(const MountTable *table)
{
	int highest = 0;

	for (guint i = 0; i < table->entries->len; i++) {
		const MountEntry *entry = table->entries->pdata[i];

		highest = MAX(highest, MAX(entry->id, entry->parent));
	}
	return highest + 1;
}

MountEntry *mount_table_add(MountTable *table, const char *target, const char *fstype, const char *source,
			    const char *super_options, unsigned major, unsigned minor)
{
	const MountEntry *parent = mount_table_find(table, target);
	MountEntry *entry = g_new0(MountEntry, 1);

	*entry = (MountEntry){
		.id = unused_id(table),
		.major = major,
		.minor = minor,
		.root = g_strdup("/"),
		.target = g_strdup(target),
		.options = g_strdup("rw,relatime"),
		.optional = g_strdup(""),
		.fstype = g_strdup(fstype),
		.source = g_strdup(source),
		.super_options = g_strdup(super_options),
	};
	entry->parent = parent ? parent->id : entry->id + 1;
	g_ptr_array_add(table->entries, entry);
	return entry;
}

void mount_table_remove(MountTable *table, MountEntry *entry)
{
	for (guint i = 0; i < table->entries->len; i++) {
		MountEntry *child = table->entries->pdata[i];

		if (is_child(child, entry))
			child->parent = entry->parent;
	}
	g_ptr_array_remove(table->entries, entry);
}

static void show_mountinfo_line(const MountEntry *entry, GString *out)
{
	g_string_append_printf(out, "%d %d %u:%u ", entry->id, entry->parent, entry->major, entry->minor);
	append_escaped(out, entry->root, ESCAPED_IN_PATH);
	g_string_append_c(out, ' ');
	append_escaped(out, entry->target, ESCAPED_IN_PATH);
	g_string_append_printf(out, " %s %s%s- ", entry->options, entry->optional, *entry->optional ? " " : "");
	append_escaped(out, entry->fstype, ESCAPED_IN_SOURCE);
	g_string_append_c(out, ' ');
	append_escaped(out, entry->source, ESCAPED_IN_SOURCE);
	g_string_append_printf(out, " %s\n", entry->super_options);
}

void mount_table_show_mountinfo(const MountTable *table, GString *out)
{
	for (guint i = 0; i < table->entries->len; i++)
		show_mountinfo_line(table->entries->pdata[i], out);
}

/* Is it one of the options that the kernel prints for every file system, before those of the mount (show_sb_opts)? */
static gboolean is_generic(const char *option)
{
	static const char *const generic[] = {"sync", "dirsync", "mand", "lazytime", NULL};

	return g_strv_contains(generic, option);
}

/* Appends those of the options, but for "rw" and "ro", that are generic, or those that are not. */
static void append_options(GString *out, char **options, gboolean generic)
{
	for (; *options; options++)
		if (strcmp(*options, "rw") != 0 && strcmp(*options, "ro") != 0 && is_generic(*options) == generic)
			g_string_append_printf(out, ",%s", *options);
}

/* fs/proc_namespace.c show_vfsmnt(): read-only if the mount or its file system is; options of both. */
static void show_mounts_line(const MountEntry *entry, GString *out)
{
	g_auto(GStrv) of_mount = g_strsplit(entry->options, ",", -1);
	g_auto(GStrv) of_super = g_strsplit(entry->super_options, ",", -1);
	gboolean read_only = g_strv_contains((const char *const *) of_mount, "ro") ||
			     g_strv_contains((const char *const *) of_super, "ro");

	append_escaped(out, entry->source, ESCAPED_IN_SOURCE);
	g_string_append_c(out, ' ');
	append_escaped(out, entry->target, ESCAPED_IN_PATH);
	g_string_append_c(out, ' ');
	append_escaped(out, entry->fstype, ESCAPED_IN_SOURCE);
	g_string_append_printf(out, " %s", read_only ? "ro" : "rw");
	append_options(out, of_super, TRUE);
	append_options(out, of_mount, FALSE);
	append_options(out, of_super, FALSE);
	g_string_append(out, " 0 0\n");
}

void mount_table_show_mounts(const MountTable *table, GString *out)
{
	for (guint i = 0; i < table->entries->len; i++)
		show_mounts_line(table->entries->pdata[i], out);
}
