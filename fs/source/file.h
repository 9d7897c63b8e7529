/*
 * Reading whole small files of /proc and /sys. Content is read from offset 0 with pread(2), so a descriptor that is
 * kept open gives fresh content each time. (lseek(2) does not work everywhere.)
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Replaces out by the whole content. 0 or -errno. */
int file_read(int fd, GString *out);
int file_read_at(int dirfd, const char *path, GString *out);

/* The same for files that the kernel renders in one piece, like those of /proc/PID: a short read is the end of it,
 * which saves one system call. */
int file_read_single_at(int dirfd, const char *path, GString *out);
