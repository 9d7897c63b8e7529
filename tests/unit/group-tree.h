/* Groups of the whole file system without FUSE, by paths, and real processes to put into them: for tests of what groups
 * do to their members. There is one tree at a time. */
#pragma once

#include "fs/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

extern Fs *group_tree; /* v1 and v2 */

/* settings: "SECTION.KEY=VALUE" strings, NULL-terminated, or NULL. All controllers are in v2 for which v1 has no
 * hierarchy. */
void group_tree_start(const char *const *settings);
void group_tree_end(void);
/* The same around one test; settings: its initial state. */
int group_tree_setup(void **settings);
int group_tree_teardown(void **state);
#define GROUP_TREE_TEST(function, settings)                                                                            \
	cmocka_unit_test_prestate_setup_teardown(function, group_tree_setup, group_tree_teardown, (void *) (settings))

Node *group_tree_at(const char *path); /* fails the test if there is none */
void group_tree_make(const char *dir, const char *name);
int group_tree_remove(const char *dir, const char *name);
/* 0 or -errno */
int group_tree_write(const char *path, const char *text);
int group_tree_write_as(const Caller *opens, const Caller *writes, const char *path, const char *text);
void group_tree_attach(pid_t pid, const char *group);
char *group_tree_read(const char *path);
/* The number in the line "KEY NUMBER" of a file; key "": of its first line. */
gint64 group_tree_value(const char *path, const char *key);
void group_tree_expect(const char *path, const char *want);

/* A process that waits to be ended; `does` runs in it first. */
pid_t group_tree_fork(void (*does)(void));
void group_tree_kill(pid_t pid); /* and reaps it */
/* Returns when the value is at least so much; fails the test if it never is. */
void group_tree_await(const char *path, const char *key, gint64 least);
