/* The hierarchies: making them from the configuration, and making, removing and renaming groups in them. */
#pragma once

#include "fs/cgroup/group.h"

typedef struct Members Members;

struct Cgroups {
	Fs *fs;
	GPtrArray *hierarchies; /* Hierarchy, v1 ones in the order of the configuration, then v2 */
	Hierarchy *v2;          /* NULL: not served */
	Members *members;
	struct Enforce *enforce;
	struct Backing *backing; /* backing.c; NULL: none */
	guint64 next_group_id;
	unsigned n_cpus;
};

/* v1 hierarchies become directories of v1_dir (NULL: none), v2 the directory "v2" of v2_parent (NULL: none). Where both
 * are served a controller is in v2 only if no v1 hierarchy has it, as in the kernel. */
Cgroups *cgroups_new(Fs *fs, Node *v1_dir, Node *v2_parent, GError **error);
void cgroups_free(Cgroups *cgroups);

/* The hierarchy with this directory name ("cpu,cpuacct", "v2"), or that has this controller; NULL if none. */
Hierarchy *cgroups_find(const Cgroups *cgroups, const char *name);
Hierarchy *cgroups_of_controller(const Cgroups *cgroups, ControllerId id);

/* All with the tree locked for writing. A process view must not be older than the call: see members_refresh(). */
int group_make(Group *parent, const char *name, mode_t mode, const Caller *caller, Group **ret);
int group_remove(Group *group);
int group_rename(Group *group, Group *new_parent, const char *new_name);

/* A child as it was under a predecessor, which is made if need be: its rules were asked then. NULL: a control file has
 * that name. */
Group *group_restore(Group *parent, const char *name, mode_t mode);

/* The directory and the files in it. */
void group_give_to(Group *group, uid_t uid, gid_t gid);

/* "/a/b" below a hierarchy's root; NULL if there is none. */
Group *group_by_path(const Hierarchy *hierarchy, const char *path);

/* v2: the controllers that are usable in the group (its parent's subtree_control, less what threaded groups cannot
 * have). */
guint32 group_controllers(const Group *group);
/* v2: gives children the states and files that the group's subtree_control now asks for, and takes away the others. */
void group_apply_control(Group *group);

/* Names of the controllers of a set, separated; v1 names in v1 hierarchies. */
void controllers_show(guint32 set, gboolean v2_names, char separator, GString *out);
/* The controller's id, or -1. */
int controller_by_name(const char *name, gboolean v2_name);
