/*
 * What the user asked for: the key file, its defaults, and overrides from the command line.
 *
 * One table (config/keys.c) names every section and key, its type, default, meaning and whether it can change while
 * running; reading, --print-config, the man page's test and completions use it.
 */
#pragma once

#include "build-features.h"

#include <gio/gio.h>

#define CONFIG_DEFAULT_PATH SYSCONFDIR "/cgemud/cgemud.conf"

typedef struct Config Config;

typedef enum ConfigError {
	CONFIG_ERROR_FILE,    /* cannot be read, or is no key file */
	CONFIG_ERROR_UNKNOWN, /* unknown section or key */
	CONFIG_ERROR_VALUE,   /* a value that the key cannot have */
} ConfigError;

#define CONFIG_ERROR config_error_quark()
GQuark config_error_quark(void);

/* Where an effective value came from. */
typedef enum ConfigOrigin { CONFIG_FROM_DEFAULT, CONFIG_FROM_FILE, CONFIG_FROM_COMMAND_LINE } ConfigOrigin;

/* path NULL: the default path, which need not exist. overrides: "SECTION.KEY=VALUE" strings, NULL-terminated, or NULL.
 * Errors name the file, line, what is wrong and the nearest valid name. */
Config *config_load(const char *path, const char *const *overrides, GError **error);
Config *config_new_default(void);
void config_free(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)

/* Asking for a key that is not in the table is a programming error (g_error). */
gboolean config_bool(const Config *config, const char *section, const char *key);
gint64 config_int(const Config *config, const char *section, const char *key);
const char *config_string(const Config *config, const char *section, const char *key);
const char *const *config_list(const Config *config, const char *section, const char *key);

/* Effective values as a key file with each value's origin in a comment; free it. */
char *config_print(const Config *config);
const char *config_path(const Config *config); /* the file that was read, or NULL */

/* Compares two configurations: names ("section.key") of what differs and can change while running, and of what cannot.
 * Free both with g_ptr_array_unref. */
void config_diff(const Config *from, const Config *to, GPtrArray **ret_live, GPtrArray **ret_fixed);

/* Gives `to` the values that `from` has for all that cannot change while running: what a reload must leave as it is. */
void config_keep_fixed(Config *to, const Config *from);

/* The table, for documentation, completions and tests. */
typedef enum ConfigType { CONFIG_BOOL, CONFIG_INT, CONFIG_STRING, CONFIG_LIST, CONFIG_CHOICE } ConfigType;

typedef struct ConfigKey {
	const char *section, *key;
	ConfigType type;
	const char *fallback; /* default value, as it would stand in the file; lists separated by ';' */
	gint64 min, max;      /* CONFIG_INT */
	const char *choices;  /* CONFIG_CHOICE (and for each element of a CONFIG_LIST): "a|b|c"; NULL: any */
	gboolean live;        /* a reload can change it */
	const char *meaning;
	/* What is wrong with a value (a string is a list of one) in words that follow its name, or NULL. Free it. */
	char *(*check)(const char *const *values);
} ConfigKey;

extern const ConfigKey config_keys[]; /* ends with section == NULL */
