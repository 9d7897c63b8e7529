/*
 * Plays the same sequence of operations on a kernel's cgroup hierarchy and on cgemud's, and compares every answer.
 *
 * Each side has processes of its own, twins that do the same; a PID in a text is shown as the name of its process, so
 * that both sides' texts can be compared. Everything is done step by step: a step has ended before the next begins.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef enum Side { LIVE, HERE, N_SIDES } Side;

/* file.c: one operation on a file, by whoever calls it. */
typedef enum FileOp { OP_MKDIR, OP_RMDIR, OP_RENAME, OP_CHMOD, OP_CHOWN, OP_WRITE, OP_READ, OP_LIST } FileOp;

enum { PATH_SPACE = 1024, TEXT_SPACE = 8192 };

/* How long anything may take that is sure to happen, on the slowest of machines. */
enum { PATIENCE_SECONDS = 60 };

typedef struct Answer {
	int error; /* errno, 0: it worked */
	pid_t number;
	char text[TEXT_SPACE];
} Answer;

/* number: mode or uid. path and text as the operation wants them; for OP_RENAME text is the new path. */
void file_do(FileOp op, const char *path, unsigned number, const char *text, size_t len, Answer *ret);

/* helper.c: the processes of a sequence. A helper's threads each obey commands from a socket of their own. */
typedef enum CommandKind {
	COMMAND_FILE,
	COMMAND_FORK,   /* the child says hello */
	COMMAND_THREAD, /* the thread says hello */
	COMMAND_EXEC,
	COMMAND_END,  /* this thread alone */
	COMMAND_EXIT, /* the process */
	COMMAND_REAP, /* waits for the child `number` */
} CommandKind;

typedef struct Command {
	CommandKind kind;
	FileOp op;
	unsigned number;
	size_t len;
	char path[PATH_SPACE], text[TEXT_SPACE];
} Command;

typedef struct Hello {
	pid_t pid, tid;
} Hello;

/* Listens for those who are new, under a name of this run. */
int helpers_listen(const char *name);
/* Becomes a helper: says hello, obeys, never returns. uid: who it then is. */
void helper_main(uid_t uid) __attribute__((noreturn));
/* After an exec, with the socket that was kept. */
void helper_resume(int sock, const char *name) __attribute__((noreturn));
/* Sends a command and waits for its answer; FALSE if the helper has ended instead. */
gboolean helper_ask(int sock, const Command *command, Answer *ret);

/* world.c: the processes, groups and open files of one sequence. */
typedef struct Thread {
	pid_t tid[N_SIDES];
	int sock[N_SIDES];
	gboolean ended;
} Thread;

typedef struct Proc {
	char *name;
	const struct World *world;
	struct Proc *parent; /* NULL: this process */
	pid_t pid[N_SIDES];
	int pidfd[N_SIDES];
	GPtrArray *threads; /* Thread; the first is the leader */
	gboolean ended, reaped;
	gboolean scattered; /* some of its threads were moved by themselves */
} Proc;

typedef struct Hierarchy {
	char *name;          /* its first controller, or the name behind "name=" */
	char *base[N_SIDES]; /* a group of ours */
	gboolean is_v2;
	gboolean has_controllers; /* v2: enabled for the groups of a sequence */
} Hierarchy;

/* main.c: does what the hierarchy's groups need to have the controllers. */
void hierarchy_enable(const Hierarchy *hierarchy, const char *group);

typedef struct World {
	const Hierarchy *hierarchy;
	char *top[N_SIDES]; /* the group in which the sequence plays */
	int listener;
	gboolean has_removed; /* a group */
	gboolean looks;       /* cgemud is not told of forks, and has to look */
	GPtrArray *procs;     /* Proc */
	GPtrArray *held;      /* Held */
} World;

typedef struct Held {
	char *name;
	int fd[N_SIDES];
	char *live_path;
	gboolean was_read;
} Held;

World *world_new(const Hierarchy *hierarchy, int listener, gboolean looks);
/* Ends all processes and removes all groups; what cannot be removed is told in *ret_left (free it), else NULL. */
void world_free(World *world, char **ret_left);

Proc *world_proc(const World *world, const char *name); /* NULL: there is none, or it was reaped */
/* "p0" or "p0/1", perhaps one that has ended. */
Thread *world_thread(const World *world, const char *name, Proc **ret_proc);
Held *world_held(const World *world, const char *name);
/* Adds the twins that have just said hello. */
Proc *world_add_proc(World *world, const char *name, Proc *parent, const Hello hello[N_SIDES], const int sock[N_SIDES]);
Thread *proc_add_thread(Proc *proc, const Hello hello[N_SIDES], const int sock[N_SIDES]);
gboolean world_accept(World *world, Hello *ret_hello, int *ret_sock);
/* Waits until no thread runs: each waits for a command, is stopped, or has ended. */
void world_settle(World *world);
/* The state of a thread: 'S' it waits for commands, 'T' stopped or frozen, 'Z' ended. */
char thread_state(const Proc *proc, const Thread *thread, Side side);
/* The same, when it no longer runs to get there. */
char thread_settled_state(const Proc *proc, const Thread *thread, Side side);
/* Does a group of the v2 tree, its own or one above it, ask for freezing? */
gboolean path_is_frozen(const World *world, const char *path);
gboolean anything_is_frozen(const World *world);
gboolean anything_is_scattered(const World *world);
/* Has a leader ended before its other threads? */
gboolean anything_lost_its_leader(const World *world);
/* Lines of PIDs as names, sorted. */
void world_name_pids(const World *world, Side side, const char *text, GString *out);

/* step.c */
typedef struct Outcome {
	char *answer[N_SIDES];
	gboolean differs;
	gboolean is_read; /* it changed nothing */
} Outcome;

/* One line of a sequence (see usage in main.c). A step that cannot be played, because its process does not exist …,
 * answers "-" on both sides. */
void step_play(World *world, const char *line, Outcome *ret);
void outcome_clear(Outcome *outcome);

/* generate.c: a line that may do something interesting now; free it. */
char *generate_step(GRand *random, const World *world);
