/*
 * Making groups and writing control files, of trees that are mounted and of trees that are only held in memory.
 */
#pragma once

#include "fs/vfile.h"

/* Functions return 0 or -errno. Paths are absolute. */
typedef struct ControlFiles {
	int (*make)(const char *path, void *data);
	int (*write)(const char *path, const char *text, void *data);
	int (*read)(const char *path, char **ret, void *data);
	void *data;
} ControlFiles;

/* Real files. */
extern const ControlFiles control_files_real;
/* Files of the composite tree; data: the Fs. */
int control_files_make(const char *path, void *data);
int control_files_write(const char *path, const char *text, void *data);
int control_files_read(const char *path, char **ret, void *data);

/* One write(2) of the caller's, to a file that he has open. */
int control_files_store(Fs *fs, const char *path, const Caller *caller, const char *text, size_t size);
/* Appends what the caller would read. */
int control_files_show(Fs *fs, const char *path, const Caller *caller, GString *out);
