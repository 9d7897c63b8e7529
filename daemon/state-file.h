/*
 * Where the groups of one mount are kept over a restart: a file, written anew a moment after each change; or, for a
 * successor that goes on with the session, a descriptor.
 */
#pragma once

#include "fs/fs.h"

typedef struct StateFile StateFile;

/* path NULL: nothing is written. Without groups to keep (no cgroup tree) NULL, which all functions take. */
StateFile *state_file_new(Fs *fs, const char *path);
void state_file_free(StateFile *state);

/* Makes the groups that a predecessor left: from `handed`, its descriptor (-1: none), else from the file. What
 * cannot be taken is told to the user, set aside as PATH.bad, and nothing of it is used. */
void state_file_restore(StateFile *state, int handed);

/* From now on, saves from the default main loop whenever something changed. */
void state_file_follow(StateFile *state);
/* Saves now: what is known of the members is brought up to date first. */
gboolean state_file_save(StateFile *state, GError **error);

/* The groups in a descriptor that a successor can inherit; -1 and an error. */
int state_file_hand_over(StateFile *state, GError **error);
