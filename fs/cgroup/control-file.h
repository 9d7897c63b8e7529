/* What the controllers' show and store functions have in common. */
#pragma once

#include "fs/cgroup/group.h"

/* For store functions of VF_UNLOCKED rows: locks the tree for writing and fills in owner and state. -ENODEV, and
 * nothing is locked, if the group is gone. */
int control_file_lock(VContext *ctx);
void control_file_unlock(const VContext *ctx);
/* For the same: the sample that a show of this other file of the group would get; NULL if the group is gone. */
Sample *control_file_sample(const VContext *ctx, const char *name);

/* Watermarks are raised by readers, several of which may hold the lock. */
guint64 watermark_raise(guint64 *mark, guint64 now);

/* store: whatever is written resets the guint64 at file->arg to 0. */
int control_file_store_reset(const VContext *ctx, const char *text, size_t len);

/* Appends " N0=VALUE N1=0 …": all that is known is attributed to the first node. */
void control_file_show_nodes(Fs *fs, guint64 value, GString *out);
