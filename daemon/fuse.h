/*
 * Shows a tree of fs/ through FUSE. The only module that speaks libfuse.
 *
 * The kernel's side of a session is one descriptor of /dev/fuse. Worker threads read requests from it and answer them;
 * nothing here ever touches the mount itself, nor any mount table, from a worker (a kernel that asks the file system
 * meanwhile would wait for ever).
 */
#pragma once

#include "fs/fs.h"

typedef struct FuseServer FuseServer;

/* Mounts the directory `root` of the tree ("/" for all of it) on `mountpoint` and starts to answer, with at most
 * `threads` workers. Returns once the kernel has greeted. fs->notify and fs->exact_sizes belong to the server from here
 * on. Without privileges the mount goes through fusermount3 and is the caller's alone.
 * `requests` is memory in which it notes what it is answering, for a successor; taken over, also on failure; -1: none.
 */
FuseServer *fuse_start(Fs *fs, const char *mountpoint, const char *root, unsigned threads, int requests,
		       GError **error);

/* What a successor needs to go on with a session that is already mounted: the kernel greets only once. */
typedef struct FuseGreeting {
	uint8_t data[256]; /* the kernel's INIT request */
	size_t size;
	gboolean exact_sizes; /* what fuse_probe_sizes() found out */
} FuseGreeting;

/* Goes on with a mounted session: `fd` is its descriptor of /dev/fuse, `requests` its memory of requests or -1 (both
 * taken over, also on failure). Files that clients held open under the predecessor are opened again when they are next
 * used. What it was answering when it ended is answered with EINTR. */
FuseServer *fuse_adopt(Fs *fs, int fd, int requests, const FuseGreeting *greeting, const char *root, unsigned threads,
		       GError **error);

int fuse_descriptor(const FuseServer *server);
int fuse_requests(const FuseServer *server);
void fuse_get_greeting(const FuseServer *server, FuseGreeting *ret);

/* Finds out whether this kernel cuts reads at st_size: reads a hidden file of size 0 below `mountpoint` from a child
 * process, and sets fs->exact_sizes if it came back empty. Fails if the mount does not answer within ten seconds. */
gboolean fuse_probe_sizes(FuseServer *server, const char *mountpoint, GError **error);

/* From now on changes are told to those who watch files by inotify, by touching them below `mountpoint`, which must
 * answer. fuse_probe_sizes() does it for a session that it has found to answer; this is for one that was adopted. */
void fuse_touch_start(FuseServer *server, const char *mountpoint);

/* `ended` is called once, from a worker, when the kernel has closed the session (the last mount of it is gone). */
void fuse_on_end(FuseServer *server, void (*ended)(void *data), void *data);

typedef enum FuseStop {
	FUSE_STOP_DRAIN,     /* answers what is waiting first: clients of some kernels would wait for ever */
	FUSE_STOP_HAND_OVER, /* leaves what is waiting to the successor that will adopt the descriptor */
} FuseStop;

/* Ends the workers; the mount stays. After FUSE_STOP_HAND_OVER the descriptor stays open in fuse_descriptor(). */
void fuse_stop(FuseServer *server, FuseStop how);
/* Stops if need be (draining), closes the descriptor and frees. NULL is ignored. */
void fuse_free(FuseServer *server);
