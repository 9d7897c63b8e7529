/*
 * Values as they are kept, for config/ alone.
 */
#pragma once

#include "config/config.h"

typedef struct ConfigValue {
	char *text;    /* as it would stand in the file */
	char **list;   /* CONFIG_LIST: the elements; CONFIG_STRING and CONFIG_CHOICE: the one value; else empty */
	gint64 number; /* CONFIG_INT and CONFIG_BOOL; else 0 */
	ConfigOrigin origin;
	unsigned line; /* in the file, where it came from there */
} ConfigValue;

struct Config {
	char *path;
	ConfigValue *values; /* one for each row of config_keys */
};

size_t config_n_keys(void);

/* Takes the value of the row's key, which keys must have, into *value. Returns what is wrong with it, in words that
 * follow its name, and leaves *value alone; or NULL. Free it. */
char *value_parse(const ConfigKey *row, GKeyFile *keys, ConfigValue *value);
void value_clear(ConfigValue *value);
