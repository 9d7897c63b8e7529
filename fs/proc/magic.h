/*
 * The types of file systems and what statfs(2) says of them in f_type (linux/magic.h, statfs(2)).
 */
#pragma once

#include <glib.h>

/* The magic number of a type as in mountinfo ("ext4", "fuse.sshfs"); 0 if it is not known. */
guint64 magic_of_fstype(const char *fstype);
/* The type of a magic number; where several share one, the most usual. NULL if it is not known. */
const char *magic_to_fstype(guint64 magic);
