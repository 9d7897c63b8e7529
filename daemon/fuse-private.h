/* Shared by the files of the FUSE server, daemon/fuse*.c, and by nothing else. */
#pragma once

#include "daemon/fuse.h"

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>

/* The file that fuse_probe_sizes() reads: exists only while it does. */
#define FUSE_PROBE_NAME ".cgemud-probe"
#define FUSE_PROBE_INO  2

/* The two headers of the protocol, as <linux/fuse.h> has them. */
typedef struct InHeader {
	uint32_t len, opcode;
	uint64_t unique, nodeid;
	uint32_t uid, gid, pid, padding;
} InHeader;

typedef struct OutHeader {
	uint32_t len;
	int32_t error;
	uint64_t unique;
} OutHeader;

typedef struct Listed {
	Node *node;
	char *name; /* at that time: the node's own may change */
} Listed;

/* An open file or directory. Its id, not its address, is what the kernel holds: an id that this process did not issue
 * comes from a predecessor and is opened again. */
typedef struct OpenFile {
	uint64_t id;
	Handle *handle;               /* of a file */
	Node *node;                   /* of a directory */
	GMutex lock;                  /* guards entries */
	GPtrArray *entries;           /* of a directory: Listed, as of the last read from the start */
	struct fuse_pollhandle *poll; /* who waits for an event; guarded by PollState.lock */
} OpenFile;

typedef struct OpenTable {
	GMutex lock;
	uint64_t epoch;                 /* in the high bits of each id: tells the processes of one session apart */
	OpenFile *_Atomic chunks[4096]; /* of OPEN_CHUNK files each; never freed before the table */
	GArray *free;                   /* indices of free slots */
	uint32_t used;                  /* slots that were ever used */
	GHashTable *adopted;            /* id → OpenFile: a predecessor's files */
} OpenTable;

typedef struct PollState {
	GMutex lock;
	GHashTable *waiting; /* Node → GPtrArray of OpenFile */
	GAsyncQueue *ready;  /* struct fuse_pollhandle that are to be woken */
	GThread *notifier;
} PollState;

typedef struct TouchState {
	GMutex lock;
	GThread *thread;
	char *mountpoint;   /* NULL: nothing is to be touched */
	dev_t device;       /* of what is mounted there */
	gboolean all_known; /* a predecessor's clients may watch any file */
	GAsyncQueue *queue; /* paths */
	GHashTable *queued; /* the same, each once; it owns them */
} TouchState;

struct FuseServer {
	Fs *fs;
	Node *root; /* what FUSE_ROOT_ID stands for */
	struct fuse_session *session;
	int fd;
	FuseGreeting greeting;
	gboolean greet_again; /* adopted: the first read returns the greeting, and its reply goes nowhere */
	gboolean modern;      /* the kernel keeps names and attributes consistent, and can be notified */
	atomic_bool probing;

	GMutex lock;
	GCond greeted_cond;
	gboolean greeted;
	gboolean has_ended;
	void (*ended)(void *data);
	void *ended_data;

	InHeader *requests; /* a slot per worker; NULL: nobody would go on after this process */
	int requests_fd;

	unsigned n_workers;
	pthread_t *workers;
	atomic_bool stopping;
	atomic_int how; /* FuseStop */
	gboolean stopped;

	OpenTable files;
	PollState poll;
	TouchState touch;
};

extern const struct fuse_lowlevel_ops fuse_ops;

/* fuse-io.c */
extern const struct fuse_custom_io fuse_io;

/* fuse-requests.c: which requests are being answered */
gboolean requests_open(FuseServer *server, int fd, GError **error); /* fd is taken over; -1: keep no note */
void requests_close(FuseServer *server);
void requests_take_slot(FuseServer *server, unsigned worker); /* first thing in a worker */
ssize_t requests_read(int fd, void *buf, size_t size);
void requests_answer_lost(FuseServer *server); /* those that a predecessor was answering when it ended */

/* fuse-names.c: names and attributes */
Caller fuse_caller(fuse_req_t req);
Node *fuse_node(FuseServer *server, fuse_ino_t ino); /* new reference, or NULL */
int fuse_gone(const FuseServer *server);             /* the errno for an inode that is not there any more */
int fuse_entry(FuseServer *server, Node *node, const Caller *caller, struct fuse_entry_param *ret);
int fuse_stat(FuseServer *server, Node *node, Handle *handle, const Caller *caller, struct stat *ret);
double fuse_timeout(const FuseServer *server,
		    const Node *node); /* seconds that the kernel may keep name and attributes */
void fuse_op_init(void *data, struct fuse_conn_info *conn);
void fuse_op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void fuse_op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup);
void fuse_op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void fuse_op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fuse_op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi);
void fuse_op_readlink(fuse_req_t req, fuse_ino_t ino);
void fuse_op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void fuse_op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void fuse_op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void fuse_op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
		    unsigned flags);
void fuse_op_access(fuse_req_t req, fuse_ino_t ino, int mask);

/* fuse-files.c: open files and directories */
/* The open file or directory behind a request; what a predecessor opened is opened again. NULL: it is gone. */
OpenFile *fuse_open_file(fuse_req_t req, fuse_ino_t ino, const struct fuse_file_info *fi);
void fuse_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fuse_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void fuse_op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
		   struct fuse_file_info *fi);
void fuse_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fuse_op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fuse_op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void fuse_op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);

/* fuse-poll.c */
void fuse_poll_start(FuseServer *server);
void fuse_poll_stop(FuseServer *server);
void fuse_poll_forget(FuseServer *server, OpenFile *file); /* nobody waits on it any more */
void fuse_op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *waiter);

/* fuse-touch.c */
/* An event file has changed: those who watch it by inotify are to hear of it. Tree locked. */
void fuse_touch_node(FuseServer *server, const Node *node);
void fuse_touch_stop(FuseServer *server); /* while the workers still answer */

/* fuse-open-table.c */
void open_table_init(OpenTable *table);
void open_table_clear(OpenTable *table, Fs *fs);
/* Exactly one of handle and node; the file owns it. NULL: too many are open. */
OpenFile *open_table_add(OpenTable *table, Handle *handle, Node *node);
/* A node that somebody has open, though it may be removed from the tree: new reference, or NULL. Looks at them all. */
Node *open_table_node(OpenTable *table, uint64_t ino);
/* NULL if this process did not issue the id and nothing was adopted under it. */
OpenFile *open_table_get(OpenTable *table, uint64_t id);
/* A file that stands for a predecessor's: the id is kept. Returns the existing one if there is one. */
OpenFile *open_table_adopt(OpenTable *table, uint64_t id, Handle *handle, Node *node);
void open_table_remove(OpenTable *table, OpenFile *file, Fs *fs); /* closes it */
