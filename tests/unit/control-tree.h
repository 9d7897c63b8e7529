/* The cgroup trees without FUSE, by paths: what the replay of recorded tables needs. Knows nothing of the tables. */
#pragma once

#include <glib.h>

typedef struct ControlTree ControlTree;

/* v1: all hierarchies; v2: one tree in which children have all controllers. */
ControlTree *control_tree_new(gboolean is_v2);
/* v1 with a setting, "SECTION.KEY=VALUE". */
ControlTree *control_tree_new_with(const char *setting);
void control_tree_free(ControlTree *tree);

/* The directory of the hierarchy with this v1 controller, or of v2. Free it. */
char *control_tree_root(const ControlTree *tree, const char *controller);

/* All 0 or -errno. */
int control_tree_read(ControlTree *tree, const char *path, GString *out);
int control_tree_write(ControlTree *tree, const char *path, const char *text, gsize len);
int control_tree_mkdir(ControlTree *tree, const char *dir, const char *name);
int control_tree_rmdir(ControlTree *tree, const char *dir, const char *name);
/* Permission bits, or -ENOENT. */
int control_tree_mode(ControlTree *tree, const char *path);
