/*
 * The whole file system without any way of showing it: what FUSE, the tracer and the unit tests call.
 *
 * Every operation returns 0 or -errno, exactly what the kernel's cgroupfs and sysctl answer.
 */
#pragma once

#include "config/config.h"
#include "fs/background.h"
#include "fs/source/sampler.h"
#include "fs/tree.h"
#include "fs/vfile.h"

#include <sys/stat.h>

typedef struct Cgroups Cgroups; /* fs/cgroup/hierarchy.h */
typedef struct ProcSys ProcSys; /* fs/procsys/procsys.h */

struct Fs {
	const Config *config;
	GRWLock lock; /* tree, groups, members, settings. Never held while /proc is read. */
	Tree *tree;
	Sampler *sampler;
	Cgroups *cgroups;
	ProcSys *procsys;
	Background *background;
	/* Set by whoever shows the tree; called, tree locked, when an event file changes. */
	void (*notify)(Node *node, void *data);
	void *notify_data;
	/* Name of the group in each hierarchy that is shown as its root, as in a cgroup namespace; NULL: the root. */
	const char *shown_root;
	/* Set by whoever keeps groups over a restart; called from any thread, the tree may be locked, when there is
	 * something new to keep. soon: somebody asked for it, and may rely on it. */
	void (*changed)(gboolean soon, void *data);
	void *changed_data;
	gboolean exact_sizes; /* report the content's length as st_size: kernels that cut reads there */
};

/* What to build: a set of trees of the composite. */
typedef enum FsTree {
	FS_TREE_V1 = 1 << 0,      /* /v1/<hierarchy> */
	FS_TREE_V2 = 1 << 1,      /* /v2 */
	FS_TREE_PROCSYS = 1 << 2, /* /procsys */
	FS_TREE_PROC = 1 << 3,    /* /proc */
} FsTree;

Fs *fs_new(const Config *config, unsigned trees, GError **error);
/* The same with other directories for /proc and /sys: fixtures. */
Fs *fs_new_at(const Config *config, unsigned trees, const char *proc, const char *sys, GError **error);
void fs_free(Fs *fs);
/* Ends all work in the background, and lets every process go on that was stopped for a quota: before a successor takes
 * over. */
void fs_rest(Fs *fs);

/* The parts of a sample (SamplePart) that content of this origin is made from, where it is the whole machine's. */
unsigned parts_of_origin(Origin origin);

/* An open file. Content is a snapshot taken at open and again by each read at offset 0. */
typedef struct Handle Handle;

int fs_lookup(Fs *fs, Node *dir, const char *name, Node **ret); /* ret is a new reference */
int fs_getattr(Fs *fs, Node *node, Handle *handle, const Caller *caller, struct stat *ret);
int fs_setattr(Fs *fs, Node *node, mode_t mode, uid_t uid, gid_t gid, unsigned what);
int fs_mkdir(Fs *fs, Node *dir, const char *name, mode_t mode, const Caller *caller, Node **ret);
int fs_rmdir(Fs *fs, Node *dir, const char *name, const Caller *caller);
int fs_create(Fs *fs, Node *dir, const char *name); /* EACCES: control files are not made by clients */
int fs_unlink(Fs *fs, Node *dir, const char *name);
int fs_rename(Fs *fs, Node *dir, const char *name, Node *new_dir, const char *new_name, const Caller *caller);
int fs_readlink(Fs *fs, Node *node, char **ret);

/* Names of a directory: fills ret with new references, "." and ".." not among them. */
int fs_list(Fs *fs, Node *dir, GPtrArray **ret);

enum { FS_SET_MODE = 1, FS_SET_UID = 2, FS_SET_GID = 4 };

int fs_open(Fs *fs, Node *node, int flags, const Caller *caller, Handle **ret);
/* Appends up to size bytes from offset to out; nothing at the end of the file. */
int fs_read(Fs *fs, Handle *handle, const Caller *caller, off_t offset, size_t size, GString *out);
/* One write(2) is one command; the offset does not matter. Longer than a page: E2BIG. */
int fs_write(Fs *fs, Handle *handle, const Caller *caller, const char *data, size_t size);
/* One command to a file that has a store function, without a handle; the text may be empty. */
int fs_store(Fs *fs, Node *node, const Caller *caller, const char *text);
void fs_close(Fs *fs, Handle *handle);
Node *handle_node(Handle *handle);
/* POLLPRI and POLLERR where the file has changed since this handle last read it, POLLPRI where its trigger has fired
 * since the last call. 0: nothing is new. */
unsigned handle_poll(Handle *handle);

/* What a store has tied to the open file that it was called for. */
typedef struct HandleExtra {
	gint event;                                /* set by any thread: the trigger has fired */
	void (*closed)(struct HandleExtra *extra); /* the open file is gone */
} HandleExtra;

/* FALSE: the open file has an extra already. */
gboolean handle_extend(Handle *handle, HandleExtra *extra);
gboolean handle_is_extended(Handle *handle);

/* Groups, settings or members have changed. */
void fs_changed(Fs *fs, gboolean soon);

/* An event file has changed: waiters are woken. Tree locked. */
void fs_notify(Fs *fs, Node *node);
