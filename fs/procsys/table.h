/*
 * The sysctl table: one row = one file below /proc/sys, nested as the tree is.
 *
 * A row says what the kernel's struct ctl_table says: name, mode, which proc_handler parses and prints it, and its
 * bounds. Values are the defaults of Linux 6.12 (Debian's configuration), written as they read.
 */
#pragma once

#include <glib.h>
#include <limits.h>
#include <sys/types.h>

typedef struct Sysctl Sysctl;
typedef struct SysctlKey SysctlKey;   /* fs/procsys/key.h */
typedef struct SysctlKind SysctlKind; /* fs/procsys/kind.h */

/* How a file is read and written. */
typedef struct SysctlRule {
	const SysctlKind *kind;
	unsigned count; /* numbers in the file, bits of a bitmap, bytes of a string with its NUL */
	gint64 min;
	guint64 max;
	const char *words; /* what can be chosen from, separated by spaces */
} SysctlRule;

struct Sysctl {
	const char *name;  /* NULL: the end of a directory */
	mode_t mode;       /* 0: a directory */
	const char *value; /* at start, as it reads, without the newline */
	SysctlRule rule;
	const char *meaning;
	/* Path of the key that the kernel keeps in the same variable; without a slash: in the same directory. */
	const char *same_as;
	void (*changed)(SysctlKey *key, guint64 before); /* what else a successful write does; settings locked */
	guint64 (*machine)(void);                        /* the number at start, where it depends on the machine */
	const Sysctl *entries;     /* of a directory; with an empty name: of the directory that this stands in */
	const char *const *values; /* with an empty name: names and values that differ from those of the entries */
};

/* clang-format off */
#define DIRECTORY(dir, ...) { .name = dir, .entries = (const Sysctl[]){ __VA_ARGS__ END } }
#define END                 { .name = NULL }
/* Rows that several directories have, and pairs of names and values that differ here. */
#define INCLUDE(rows, ...) \
	{ .name = "", .entries = rows, .values = (const char *const[]){ __VA_ARGS__ __VA_OPT__(,) NULL } }

#define INT                          { &sysctl_int, 1, INT_MIN, INT_MAX, NULL }
#define INT_RANGE(least, most)       { &sysctl_int, 1, least, most, NULL }
#define INTS(n)                      { &sysctl_int, n, INT_MIN, INT_MAX, NULL }
#define INTS_RANGE(n, least, most)   { &sysctl_int, n, least, most, NULL }
#define UNSIGNED                     { &sysctl_int, 1, 0, INT_MAX, NULL }
#define SWITCH                       { &sysctl_int, 1, 0, 1, NULL }
#define ONE_WAY                      { &sysctl_int, 1, 1, 1, NULL } /* once on, on until the next boot */
#define BOOL                         { &sysctl_bool, 1, 0, 1, NULL }
#define UINT                         { &sysctl_uint, 1, 0, UINT_MAX, NULL }
#define UINT_RANGE(least, most)      { &sysctl_uint, 1, least, most, NULL }
#define U8                           { &sysctl_uint, 1, 0, 255, NULL }
#define U8_RANGE(least, most)        { &sysctl_uint, 1, least, most, NULL }
#define ULONG                        { &sysctl_ulong, 1, 0, ULONG_MAX, NULL }
#define ULONG_RANGE(least, most)     { &sysctl_ulong, 1, least, most, NULL }
#define ULONGS(n)                    { &sysctl_ulong, n, 0, ULONG_MAX, NULL }
#define SECONDS                      { &sysctl_seconds, 1, INT_MIN, INT_MAX, NULL }
#define TICKS                        { &sysctl_ticks, 1, INT_MIN, INT_MAX, NULL }
#define MILLISECONDS                 { &sysctl_milliseconds, 1, 0, INT_MAX, NULL }
#define MILLISECONDS_FROM(least)     { &sysctl_milliseconds, 1, least, INT_MAX, NULL }
#define STRING(size)                 { &sysctl_string, size, 0, 0, NULL }
#define WORD(choices)                { &sysctl_word, 0, 0, 0, choices }
#define WORDS(choices)               { &sysctl_words, 0, 0, 0, choices }
#define BITMAP(bits)                 { &sysctl_bitmap, bits, 0, 0, NULL }
#define FIXED                        { &sysctl_fixed, 0, 0, 0, NULL }
#define SPECIAL(kind)                { &sysctl_##kind, 1, INT_MIN, INT_MAX, NULL }
#define SPECIAL_WORDS(kind, choices) { &sysctl_##kind, 0, 0, 0, choices }
#define SPECIAL_RANGE(kind, n, least, most) { &sysctl_##kind, n, least, most, NULL }
/* clang-format on */

extern const Sysctl sysctl_root[];

extern const Sysctl sysctl_fs[], sysctl_kernel[], sysctl_user[], sysctl_vm[], sysctl_net[], sysctl_net_core[],
	sysctl_net_ipv4[], sysctl_net_ipv4_conf[], sysctl_net_ipv4_neigh[], sysctl_net_ipv6[], sysctl_net_ipv6_conf[],
	sysctl_net_ipv6_neigh[];
