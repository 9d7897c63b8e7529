/* Shared by the files of the saved state, fs/cgroup/state*.c. */
#pragma once

#include "fs/cgroup/hierarchy.h"
#include "fs/cgroup/members.h"
#include "fs/cgroup/state.h"

#define STATE_VERSION 1

/* name; permission bits, uid, gid; inode number, 0 for that of its path. Only of files that differ from what their
 * directory and table say. */
#define STATE_FILE "(suuut)"
/* name of a control file, its text */
#define STATE_SETTING "(say)"
/* name of a controller, "" for what every group has; settings; what no file shows */
#define STATE_PART "(sa" STATE_SETTING "a{sv})"
/* path in the hierarchy; permission bits, uid, gid; time it was made, seconds and nanoseconds; inode number as of a
 * file; generation */
#define STATE_GROUP "(ayuuuxxtta" STATE_FILE "a" STATE_PART ")"
/* directory name; its groups, parents first, the root first of all */
#define STATE_HIERARCHY "(aya" STATE_GROUP ")"
/* pid, parent's, start time; TaskFlag; what was counted so far (state-tasks.c); groups that are not the root; threads that
 * are elsewhere, with their groups; time of ended children that was counted already, and their groups. Groups are
 * numbers, in the order of this file. */
#define STATE_TASK "(iituataua(iau)(tau))"
/* boot; next generation; hierarchies; processes that are in a group */
#define STATE_TYPE "(sta" STATE_HIERARCHY "a" STATE_TASK "a{sv})"

/* Head, length and checksum. Takes a floating value over. */
GBytes *state_wrap(GVariant *value);
/* The value, checked to be whole and of the right type. */
GVariant *state_unwrap(GBytes *bytes, GError **error);

/* state-settings.c. Locked for reading. */
void settings_save(const Group *group, const VFile *rows, GVariantBuilder *settings);
/* The content of a setting that is kept, or FALSE if the node is not one. Locked. */
gboolean setting_show(Node *file, GString *out);

/* A setting that is to be had again. */
typedef struct Wish {
	Node *file; /* reference */
	char *text;
} Wish;

GPtrArray *wishes_new(void);
void wishes_add(GPtrArray *wishes, const Group *group, const char *name, const char *text);
/* Writes them in whatever order works; what cannot be had stays in the list. Unlocked. */
void wishes_fulfil(Fs *fs, GPtrArray *wishes);

/* Fields that no file shows. */
void kept_save(const KeptField *fields, const void *state, GVariantDict *dict);
void kept_restore(const KeptField *fields, void *state, GVariantDict *dict);

/* state-core.c: what every group has. Locked. */
void core_save(const Group *group, GVariantDict *dict);
void core_restore(Group *group, GVariantDict *dict);

/* state-tasks.c. numbers: Group → its number in the file, 0 being the first. Locked. */
GVariant *tasks_save(Fs *fs, GHashTable *numbers);
/* groups: by number, NULL for one that is not there. */
void tasks_restore(Fs *fs, GVariant *tasks, const GPtrArray *groups);
/* FALSE and an error where a task makes no sense. */
gboolean tasks_check(GVariant *tasks, guint n_groups, GError **error);
