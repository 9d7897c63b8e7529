/*
 * Replays what a kernel was recorded to answer against a mounted tree, and counts what agrees.
 *
 * A table is a TSV file of four kinds of rows (tests/reference/README.md):
 *   FILE   a file's mode, and what reading it gives
 *   WRITE  what one write(2) into a fresh group answers, and what is read back
 *   DIR    a directory's mode and link count
 *   OP     what a mkdir, rename, chmod … answers
 */
#pragma once

#include "exceptions.h"

#include <glib.h>

typedef enum Kind { KIND_FILE, KIND_DIR, KIND_OP, KIND_WRITE, N_KINDS } Kind;

extern const char *const kind_names[N_KINDS];

typedef struct Row {
	Kind kind;
	char *label; /* "v1/cpu/child"; of a sysctl, its directory */
	char *name;  /* of the file, or of the operation; "" for DIR */
	char *input; /* WRITE: the text written, unescaped; else "" */
	gsize input_len;
	guint mode;   /* FILE, DIR */
	int nlink;    /* FILE, DIR; -1: not recorded */
	char *answer; /* name of an errno, or "OK" */
	char *text;   /* what was read, still escaped as in the table */
	char *key;    /* the row's first fields, for messages and exceptions: "WRITE v1/cpu/child cpu.shares 2" */
} Row;

/* The rows of a table in its order. The program ends when it cannot be read: there is nothing to test then. */
GPtrArray *table_read(const char *path);
char *text_escape(const char *bytes, gsize len); /* as the table writes it; free it */

/* Where a table's labels live in the file system. */
typedef struct Place {
	const char *root;  /* the directory of ".../root" rows, or of /proc/sys */
	const char *child; /* the directory of ".../child" rows */
			   /* either may be NULL: then its rows are not replayed */
} Place;

/* What a machine has, as far as it shows in files. */
typedef struct Machine {
	guint cpus, possible_cpus;
	char *cpu_list, *node_list; /* "0-1", "0" */
	GPtrArray *interfaces;      /* names, sorted */
} Machine;

void machine_learn(Machine *ret_machine);
void machine_forget(Machine *machine);

/* Whether a row can hold on this machine at all; if not, why (a constant). */
const char *row_not_here(const Row *row, const Machine *machine);

/* Whether read text agrees with the recorded one; both escaped. Live numbers agree with any number. */
gboolean content_agrees(const Row *row, const Machine *machine, const char *want, const char *got);

/* What the tree answers to one row, in the table's words. Free all three. */
typedef struct Answer {
	char *answer, *text;
	guint mode;
	int nlink;
} Answer;

void answer_clear(Answer *answer);
void replay_row(const Row *row, const Place *place, Answer *ret_answer);
/* Names in the directories of a table that it does not have. Free with g_ptr_array_unref. */
GPtrArray *replay_unrecorded(GPtrArray *rows, const Place *place);
