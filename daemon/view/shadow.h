/*
 * The shown trees as real files: a private directory in which what a traced program asks for is made when it asks.
 *
 * Nothing is mounted, so this needs no rights, and works where there is no FUSE. The kernel itself answers stat,
 * access, readdir and read from the shadow; only its being up to date, writes and groups coming and going are the
 * tracer's affair. The shadow of /sys/fs/cgroup/x is ROOT/sys/fs/cgroup/x.
 *
 * Paths are canonical. `shown` paths are what the program sees, `real` ones lie in the shadow. Functions return 0 or
 * -errno as the kernel would have. To be used from one thread.
 */
#pragma once

#include "fs/vfile.h"

#include <sys/types.h>

typedef struct Shadow Shadow;

/* fs stays the caller's, and must have no other user; NULL: nothing will be bound. */
Shadow *shadow_new(Fs *fs, GError **error);
/* Removes the directory. */
void shadow_free(Shadow *shadow);

/* What is shown where: a directory or file of the composite tree ("/v1/memory"), a directory or a link of the shadow's
 * own. What lies above `shown` is not shown. */
gboolean shadow_bind(Shadow *shadow, const char *shown, const char *source, GError **error);
gboolean shadow_add_directory(Shadow *shadow, const char *shown, GError **error);
gboolean shadow_add_link(Shadow *shadow, const char *shown, const char *target, GError **error);
/* A file that stays as it is. */
gboolean shadow_add_text(Shadow *shadow, const char *shown, const char *text, GError **error);
/* A file that says what the real file `original` does at the moment in which it is opened. */
gboolean shadow_add_copy(Shadow *shadow, const char *shown, const char *original, GError **error);
/* A file whose readers wait for ever; is this one? */
gboolean shadow_add_silent(Shadow *shadow, const char *shown, GError **error);
gboolean shadow_is_silent(const Shadow *shadow, const char *shown);

gboolean shadow_shows(const Shadow *shadow, const char *path);
gboolean shadow_is_directory(const Shadow *shadow, const char *shown); /* once it has been prepared */
/* The shown path of a real one: a part of `path`; NULL if it does not lie in the shadow. */
const char *shadow_shown(const Shadow *shadow, const char *path);
char *shadow_real(const Shadow *shadow, const char *shown);
const GPtrArray *shadow_places(const Shadow *shadow); /* char *: what is shown; borrowed */
dev_t shadow_device(const Shadow *shadow);

/* What the caller is about to do with a path. */
typedef enum ShadowUse {
	SHADOW_SEE,  /* whether it is there, and its attributes */
	SHADOW_READ, /* open it: a file's content, a directory's names */
} ShadowUse;

/* Brings the real file up to date. -ENOENT, -ENOTDIR: nothing is shown there, nor is there a real one. Above 0: it can
 * be opened, but to read it fails with that errno. */
int shadow_prepare(Shadow *shadow, const char *shown, ShadowUse use, int flags, const Caller *caller);
/* What open(2) with O_CREAT answers about a name that does not exist. */
int shadow_create(Shadow *shadow, const char *shown);
int shadow_make_directory(Shadow *shadow, const char *shown, mode_t mode, const Caller *caller);
int shadow_remove_directory(Shadow *shadow, const char *shown, const Caller *caller);
int shadow_unlink(Shadow *shadow, const char *shown);
int shadow_rename(Shadow *shadow, const char *from, const char *to, const Caller *caller);
/* One write(2) to a file that is open. */
int shadow_write(Shadow *shadow, const char *shown, const Caller *caller, const char *data, size_t size);

/* The path of a new real file with this text, where the program sees `shown`; free it. NULL: errno is set. Nobody will
 * be shown it: it is for the caller to remove, with its directories, by shadow_remove_file(). */
char *shadow_add_file(Shadow *shadow, const char *shown, const char *text, size_t size);
void shadow_remove_file(Shadow *shadow, const char *real);

/* The trees that are shown, and the node of a path, a new reference: NULL for what is the shadow's alone. */
Fs *shadow_fs(const Shadow *shadow);
int shadow_find(const Shadow *shadow, const char *shown, Node **ret);
/* `changed` is called in any thread, tree locked, when an event file has changed; implies shadow_set_watched(). */
void shadow_listen(Shadow *shadow, void (*changed)(Node *node));

/* Somebody watches a file with inotify: from now on event files are brought up to date when processes end. */
void shadow_set_watched(Shadow *shadow);
void shadow_process_ended(Shadow *shadow);
