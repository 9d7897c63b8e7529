/*
 * The command line. One table names every option; parsing, --help, the completions and the man page's test use it.
 */
#pragma once

#include <gio/gio.h>

typedef enum Action {
	ACTION_NONE = 0,
	ACTION_MOUNT = 1 << 0,
	ACTION_UNMOUNT = 1 << 1,
	ACTION_EXEC = 1 << 2,
	ACTION_PROBE = 1 << 3,
	ACTION_LIST = 1 << 4,
	ACTION_CHECK_CONFIG = 1 << 5,
	ACTION_PRINT_CONFIG = 1 << 6,
	ACTION_REEXEC = 1 << 7,
	ACTION_VERSION = 1 << 8,
	ACTION_PRINT_COMPLETION = 1 << 9,
} Action;

typedef struct Options {
	Action action;
	char *directory; /* of --mount, --unmount and --reexec: absolute, without "..", not resolved further */

	char *tree; /* "auto", "v1", "v2", "hybrid" or "procsys"; NULL: not given */
	gboolean force;
	gboolean mkdir;
	gboolean daemonize;

	char *view; /* "auto", "namespace", "trace" or "preload"; NULL: not given */
	char *root; /* "keep" or "overlay"; NULL: not given */
	gboolean explain;
	double cpus;    /* 0: no limit */
	guint64 memory; /* bytes; 0: no limit */
	guint64 pids;   /* 0: no limit */
	char *cpuset;   /* list format, "0-3,8", checked for its form only; NULL: not given */
	char **command; /* what stands after "--"; never empty for ACTION_EXEC, else NULL */

	gboolean json;
	char *config; /* NULL: the default path */
	char **set;   /* NULL: none */
	gboolean verbose;
	char *completion; /* "bash" or "zsh" */

	/* As they were written; use the fields above. */
	char *mount, *unmount, *reexec, *cpus_text, *memory_text, *pids_text;
	gboolean exec, probe, list, check_config, print_config, version;
} Options;

/* G_OPTION_ERROR. argv[0] is the program; argv is not changed. --help prints and exits. */
Options *options_parse(int argc, char **argv, GError **error);
void options_free(Options *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Options, options_free)

/* The table. */
typedef struct OptionRow {
	const char *name;
	char letter; /* '\0': none */
	GOptionArg type;
	size_t offset;        /* of the field in Options */
	Action action;        /* the action that it names, or ACTION_NONE */
	unsigned goes_with;   /* set of Action that it may stand beside; 0: all */
	const char *argument; /* "DIR", "N" …; NULL: takes none */
	const char *choices;  /* "a|b|c"; NULL: any */
	gboolean hidden;
	const char *meaning;
} OptionRow;

extern const OptionRow option_rows[]; /* ends with name == NULL */
