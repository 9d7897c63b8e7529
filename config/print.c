#include "config/values.h"

#include <string.h>

static void print_origin(const Config *config, const ConfigValue *value, GString *out)
{
	switch (value->origin) {
	case CONFIG_FROM_DEFAULT:
		g_string_append(out, "# default\n");
		break;
	case CONFIG_FROM_FILE:
		g_string_append_printf(out, "# %s:%u\n", config->path, value->line);
		break;
	case CONFIG_FROM_COMMAND_LINE:
		g_string_append(out, "# command line\n");
		break;
	}
}

char *config_print(const Config *config)
{
	GString *out = g_string_new(NULL);
	const char *section = "";

	g_string_append_printf(out, "# file: %s\n", config->path ? config->path : "none");
	for (size_t i = 0; config_keys[i].section; i++) {
		const ConfigKey *row = &config_keys[i];

		if (strcmp(row->section, section) != 0)
			g_string_append_printf(out, "\n[%s]\n", row->section);
		section = row->section;
		print_origin(config, &config->values[i], out);
		g_string_append_printf(out, "%s=%s\n", row->key, config->values[i].text);
	}
	return g_string_free(out, FALSE);
}
