/*
 * The directory in which checks make their files and mount points; removed with all that is in it.
 */
#pragma once

#include <glib.h>

/* The path, to free; NULL if no directory for temporary files is writable. */
char *scratch_make(void);
/* Unmounts what a killed check may have left where mounts cannot be private, then removes the tree: at most one level
 * of names below each check's directory, and never anything below a mount point. */
void scratch_remove(const char *scratch);
