/*
 * One row of a table = one virtual file, after the kernel's struct cftype.
 *
 * The same row feeds lookup, readdir, getattr, FUSE, the tracer, `--list` and the tests; no other place repeats its
 * name.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct Fs Fs;
typedef struct Node Node;
typedef struct Sample Sample;
typedef struct VFile VFile;

/* Who asks: the process behind a request, as seen from the daemon's PID namespace. */
typedef struct Caller {
	pid_t pid; /* 0 where the kernel cannot tell it */
	uid_t uid;
	gid_t gid;
} Caller;

/* Where a file's content comes from: printed by `--list`, and tells the core which parts of a sample to take. */
typedef enum Origin {
	ORIGIN_CONSTANT, /* never changes */
	ORIGIN_SETTING,  /* what was last written */
	ORIGIN_TREE,     /* the state of the tree itself: groups, members, events */
	ORIGIN_CPU,      /* CPU time */
	ORIGIN_MEMORY,   /* memory in use */
	ORIGIN_PIDS,     /* number of processes and threads */
	ORIGIN_IO,       /* block I/O */
	ORIGIN_PRESSURE, /* pressure stall information */
	ORIGIN_NATIVE,   /* the kernel's own file */
} Origin;

const char *origin_name(Origin origin);

typedef enum VFlag {
	/* only in a hierarchy's root directory */
	VF_ROOT_ONLY = 1 << 0,
	/* in every directory but the root */
	VF_NOT_ROOT = 1 << 1,
	/* poll(2) reports POLLPRI when fs_notify() is called on it */
	VF_EVENT = 1 << 2,
	/* store takes the locks it needs itself (it reads /proc or sends signals); it gets neither owner nor state and
	 * must check node->dead once it holds the lock */
	VF_UNLOCKED = 1 << 3,
	/* store sees the text unstripped (default: leading and trailing white space is removed) */
	VF_KEEP_SPACE = 1 << 4,
	/* the same as VF_UNLOCKED for show */
	VF_UNLOCKED_SHOW = 1 << 5,
	/* the permission bits bind root as well: open(2) fails with EACCES */
	VF_STRICT_MODE = 1 << 6,
	/* the content is PIDs, one a line: shown as the reader's PID namespace numbers them */
	VF_PIDS = 1 << 7,
	/* a setting that is kept over a restart by its group or controller, not by writing again what it shows */
	VF_OWN_STATE = 1 << 8,
	/* poll(2) reports what the open file was extended with (handle_extend()), not changes of the file */
	VF_TRIGGER = 1 << 9,
} VFlag;

/* What show and store are called with. The tree is locked (for reading, or for writing in store) unless VF_UNLOCKED. */
typedef struct VContext {
	Fs *fs;
	Node *node;
	const VFile *file;
	void *owner;          /* the object of the file's directory: a Group for control files */
	void *state;          /* the state that the row's `arg` is an offset into */
	const Sample *sample; /* NULL in store, and where origin needs no numbers */
	const Caller *caller;
	struct Handle *handle; /* in store: the open file that was written to; NULL if there is none */
} VContext;

/* Appends the whole content to out. Returns 0 or -errno. */
typedef int (*VShow)(const VContext *ctx, GString *out);

/* Takes one write(2). text is NUL-terminated, len bytes without the NUL. Returns 0 or -errno, exactly the kernel's. */
typedef int (*VStore)(const VContext *ctx, const char *text, size_t len);

/* What follows from a store that succeeded, with the tree unlocked: ctx has neither owner nor state, and the node may
 * be dead by now. */
typedef void (*VAfter)(const VContext *ctx);

struct VFile {
	const char *name;
	mode_t mode;
	unsigned flags; /* VFlag */
	Origin origin;
	VShow show;   /* NULL: read(2) fails with EINVAL */
	VStore store; /* NULL: write(2) fails with EINVAL */
	size_t arg;
	const char *meaning; /* one line, for people */
	VAfter after;        /* NULL: nothing */
};

/* Shared show and store functions for rows whose value is a field of ctx->state at offset file->arg. */
#define VFILE_FIELD(ctx, type) ((type *) ((char *) (ctx)->state + (ctx)->file->arg))

int vfile_show_u64(const VContext *ctx, GString *out);  /* guint64, "%llu\n" */
int vfile_show_s64(const VContext *ctx, GString *out);  /* gint64, "%lld\n" */
int vfile_show_bool(const VContext *ctx, GString *out); /* gboolean, "0\n" or "1\n" */
int vfile_show_zero(const VContext *ctx, GString *out); /* "0\n" */
int vfile_show_empty(const VContext *ctx, GString *out);

int vfile_store_bool(const VContext *ctx, const char *text, size_t len); /* gboolean: any number, non-zero is 1 */
int vfile_store_ignore(const VContext *ctx, const char *text, size_t len);
