/*
 * The files that the shadow is made of. Functions return 0 or -errno.
 */
#pragma once

#include <stddef.h>

/* Removes a file, or a directory with all that is in it. Directories may have modes that keep their owner out. */
void real_remove(int parent, const char *name);
/* Makes the directory that holds a path, and those above it. */
int real_make_parents(const char *path);
/* Written over in place, and cut only then: who reads it meanwhile never finds it empty, and inotify tells of it. */
int real_set_content(const char *path, const char *text, size_t size);
