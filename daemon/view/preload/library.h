/*
 * Inside the preloaded library. It lives in foreign programs: it uses the C library alone, keeps errno unless a call
 * fails, and where the trees' process does not answer, everything is as without it.
 */
#pragma once

#include "daemon/view/preload/protocol.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define EXPORT __attribute__((visibility("default")))

/* The next definition of a function, the C library's. */
void *library_next(const char *name);
#define NEXT(name)                                                                                                     \
	({                                                                                                             \
		static __typeof__(name) *next;                                                                         \
		if (!next)                                                                                             \
			next = (__typeof__(name) *) library_next(#name);                                               \
		next;                                                                                                  \
	})

/* ask.c: 0 and more, or -errno; -ENOTCONN: there is nobody to ask. reply gets at most reply_size bytes, *reply_length
 * of them; fd (NULL: none wanted) a descriptor or -1. */
typedef struct Question {
	PreloadAction action;
	const char *path;
	int number;
	const void *more;
	size_t more_size;
	void *reply;
	size_t reply_size, reply_length;
	int fd;
} Question;

int library_ask(Question *question);

/* where.c */
/* Is the path one that is shown? Its absolute form, without "." and "..", then is in `shown`. */
bool library_is_shown(int dirfd, const char *path, char shown[PATH_MAX]);
/* Is it a file of /proc that is another for each process? */
bool library_is_process_file(int dirfd, const char *path, char shown[PATH_MAX]);
/* The shown path of what a descriptor, or the current directory (AT_FDCWD), is; false: not shown. */
bool library_shown_of(int fd, char shown[PATH_MAX]);
/* The same, or the real path of what is not shown. */
bool library_path_of(int fd, char path[PATH_MAX]);
/* Turns a path of the shadow into what is shown; false: it is none. */
bool library_to_shown(const char *real, char shown[PATH_MAX]);
/* The path in the shadow; false: too long. */
bool library_to_real(const char *shown, char real[PATH_MAX]);

/* paths.c: where a call on a path is to go: `path` itself, or `real` if it is shown and has been brought up to date.
 * NULL: it fails, errno is set. */
const char *library_see(int dirfd, const char *path, bool follow, char real[PATH_MAX]);

/* writes.c: descriptors of files that are shown, as far as this process has opened them itself. */
void library_remember(int fd, const char *shown);
void library_forget(int fd);
/* Has what was written last to this descriptor failed, as far as it is a socket that stands for a file? errno is set.
 */
bool library_write_failed(int fd);
