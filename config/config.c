#include "config/values.h"
#include "config/nearest.h"
#include "config/scan.h"

#include <string.h>

GQuark config_error_quark(void)
{
	return g_quark_from_static_string("cgemud-config-error");
}

/* One place that values come from: a file, or the command line. */
typedef struct Source {
	GKeyFile *keys;
	GHashTable *lines; /* NULL: the command line */
	const char *path;
	ConfigOrigin origin;
} Source;

static void source_clear(Source *source)
{
	g_key_file_unref(source->keys);
	g_clear_pointer(&source->lines, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Source, source_clear)

static unsigned source_line(const Source *source, const char *section, const char *key)
{
	g_autofree char *name = key ? g_strdup_printf("%s.%s", section, key) : g_strdup(section);

	return source->lines ? GPOINTER_TO_UINT(g_hash_table_lookup(source->lines, name)) : 0;
}

/* "FILE:LINE", or how the option is written; free it. key NULL: the section itself. */
static char *source_place(const Source *source, const char *section, const char *key)
{
	if (!source->lines)
		return g_strdup_printf("--set %s.%s", section, key);
	return g_strdup_printf("%s:%u", source->path, source_line(source, section, key));
}

size_t config_n_keys(void)
{
	size_t n = 0;

	while (config_keys[n].section)
		n++;
	return n;
}

/* Names for a hint, each once, to be freed with g_ptr_array_unref: the sections, or the keys of one. */
static GPtrArray *table_names(const char *section)
{
	GPtrArray *names = g_ptr_array_new();

	for (const ConfigKey *row = config_keys; row->section; row++) {
		const char *last = names->len ? g_ptr_array_index(names, names->len - 1) : "";

		if (section ? strcmp(row->section, section) == 0 : strcmp(row->section, last) != 0)
			g_ptr_array_add(names, (char *) (section ? row->key : row->section));
	}
	g_ptr_array_add(names, NULL);
	return names;
}

static const ConfigKey *find_key(const char *section, const char *key)
{
	for (const ConfigKey *row = config_keys; row->section; row++)
		if (!strcmp(row->section, section) && !strcmp(row->key, key))
			return row;
	return NULL;
}

static gboolean fail_unknown_section(const Source *source, const char *section, const char *key, GError **error)
{
	g_autoptr(GPtrArray) names = table_names(NULL);
	g_autofree char *hint = nearest_hint(section, (const char *const *) names->pdata);
	g_autofree char *place = source_place(source, section, key);

	g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_UNKNOWN, "%s: unknown section [%s]%s", place, section, hint);
	return FALSE;
}

static gboolean fail_unknown_key(const Source *source, const char *section, const char *key, GError **error)
{
	g_autoptr(GPtrArray) names = table_names(section);
	g_autofree char *hint = nearest_hint(key, (const char *const *) names->pdata);
	g_autofree char *place = source_place(source, section, key);

	for (const ConfigKey *row = config_keys; row->section; row++) {
		if (strcmp(row->key, key) != 0)
			continue;
		g_free(hint);
		hint = g_strdup_printf("; \"%s\" is a key of [%s]", key, row->section);
		break;
	}
	g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_UNKNOWN, "%s: unknown key \"%s\" in section [%s]%s", place, key,
		    section, hint);
	return FALSE;
}

static gboolean check_names(const Source *source, GError **error)
{
	g_auto(GStrv) sections = g_key_file_get_groups(source->keys, NULL);

	for (char **section = sections; *section; section++) {
		g_auto(GStrv) keys = g_key_file_get_keys(source->keys, *section, NULL, NULL);
		g_autoptr(GPtrArray) valid = table_names(*section);

		if (valid->len == 1)
			return fail_unknown_section(source, *section, source->lines ? NULL : *keys, error);
		for (char **key = keys; *key; key++)
			if (!find_key(*section, *key))
				return fail_unknown_key(source, *section, *key, error);
	}
	return TRUE;
}

static gboolean take_values(const Source *source, Config *config, GError **error)
{
	for (size_t i = 0; config_keys[i].section; i++) {
		const ConfigKey *row = &config_keys[i];
		g_autofree char *wrong = NULL, *place = NULL;

		if (!g_key_file_has_key(source->keys, row->section, row->key, NULL))
			continue;
		wrong = value_parse(row, source->keys, &config->values[i]);
		if (wrong) {
			place = source_place(source, row->section, row->key);
			g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_VALUE, "%s: %s.%s %s", place, row->section,
				    row->key, wrong);
			return FALSE;
		}
		config->values[i].origin = source->origin;
		config->values[i].line = source_line(source, row->section, row->key);
	}
	return TRUE;
}

/* Reads the file as text; *ret_text NULL where it need not exist and does not. */
static gboolean read_text(const char *path, gboolean is_optional, char **ret_text, GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autofree char *text = NULL;
	size_t length;

	*ret_text = NULL;
	if (!g_file_get_contents(path, &text, &length, &cause)) {
		if (is_optional && g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOENT))
			return TRUE;
		g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_FILE, "configuration file: %s", cause->message);
		return FALSE;
	}
	if (memchr(text, '\0', length) || !g_utf8_validate(text, length, NULL)) {
		g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_FILE, "%s: is no text in UTF-8", path);
		return FALSE;
	}
	*ret_text = g_steal_pointer(&text);
	return TRUE;
}

static gboolean take_file(Config *config, const char *path, gboolean is_optional, GError **error)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) cause = NULL;
	g_auto(Source) source = {g_key_file_new(), NULL, path, CONFIG_FROM_FILE};

	if (!read_text(path, is_optional, &text, error))
		return FALSE;
	if (!text)
		return TRUE;
	source.lines = scan_lines(path, text, error);
	if (!source.lines)
		return FALSE;
	if (!g_key_file_load_from_data(source.keys, text, -1, G_KEY_FILE_NONE, &cause) &&
	    !g_error_matches(cause, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_NOT_FOUND)) {
		g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_FILE, "%s: %s", path, cause->message);
		return FALSE;
	}
	config->path = g_strdup(path);
	return check_names(&source, error) && take_values(&source, config, error);
}

static gboolean take_overrides(Config *config, const char *const *overrides, GError **error)
{
	g_auto(Source) source = {g_key_file_new(), NULL, NULL, CONFIG_FROM_COMMAND_LINE};

	for (; *overrides; overrides++) {
		const char *equals = strchr(*overrides, '='), *dot = strchr(*overrides, '.');
		g_autofree char *section = NULL, *key = NULL, *value = NULL;

		if (!equals || !dot || dot > equals || dot == *overrides || dot + 1 == equals) {
			g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_UNKNOWN,
				    "--set %s: expected SECTION.KEY=VALUE, for example mount.tree=v2", *overrides);
			return FALSE;
		}
		section = g_strndup(*overrides, dot - *overrides);
		key = g_strndup(dot + 1, equals - dot - 1);
		value = g_strstrip(g_strdup(equals + 1));
		g_key_file_set_value(source.keys, section, key, value);
	}
	return check_names(&source, error) && take_values(&source, config, error);
}

Config *config_new_default(void)
{
	Config *config = g_new0(Config, 1);

	config->values = g_new0(ConfigValue, config_n_keys());
	for (size_t i = 0; config_keys[i].section; i++) {
		const ConfigKey *row = &config_keys[i];
		g_autoptr(GKeyFile) keys = g_key_file_new();
		g_autofree char *wrong = NULL;

		g_key_file_set_value(keys, row->section, row->key, row->fallback);
		wrong = value_parse(row, keys, &config->values[i]);
		if (wrong)
			g_error("default of %s.%s %s", row->section, row->key, wrong);
	}
	return config;
}

Config *config_load(const char *path, const char *const *overrides, GError **error)
{
	g_autoptr(Config) config = config_new_default();

	if (!take_file(config, path ? path : CONFIG_DEFAULT_PATH, !path, error))
		return NULL;
	if (overrides && !take_overrides(config, overrides, error))
		return NULL;
	return g_steal_pointer(&config);
}

void config_free(Config *config)
{
	if (!config)
		return;
	for (size_t i = 0; config_keys[i].section; i++)
		value_clear(&config->values[i]);
	g_free(config->values);
	g_free(config->path);
	g_free(config);
}

static const ConfigValue *config_value(const Config *config, const char *section, const char *key, ConfigType type)
{
	const ConfigKey *row = find_key(section, key);

	if (!row)
		g_error("no configuration key %s.%s", section, key);
	if (row->type != type && !(row->type == CONFIG_CHOICE && type == CONFIG_STRING))
		g_error("configuration key %s.%s is of another type", section, key);
	return &config->values[row - config_keys];
}

gboolean config_bool(const Config *config, const char *section, const char *key)
{
	return config_value(config, section, key, CONFIG_BOOL)->number != 0;
}

gint64 config_int(const Config *config, const char *section, const char *key)
{
	return config_value(config, section, key, CONFIG_INT)->number;
}

const char *config_string(const Config *config, const char *section, const char *key)
{
	return config_value(config, section, key, CONFIG_STRING)->list[0];
}

const char *const *config_list(const Config *config, const char *section, const char *key)
{
	return (const char *const *) config_value(config, section, key, CONFIG_LIST)->list;
}

const char *config_path(const Config *config)
{
	return config->path;
}

void config_diff(const Config *from, const Config *to, GPtrArray **ret_live, GPtrArray **ret_fixed)
{
	*ret_live = g_ptr_array_new_with_free_func(g_free);
	*ret_fixed = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; config_keys[i].section; i++) {
		const ConfigKey *row = &config_keys[i];
		const ConfigValue *a = &from->values[i], *b = &to->values[i];

		if (a->number != b->number ||
		    !g_strv_equal((const char *const *) a->list, (const char *const *) b->list))
			g_ptr_array_add(row->live ? *ret_live : *ret_fixed,
					g_strdup_printf("%s.%s", row->section, row->key));
	}
}

void config_keep_fixed(Config *to, const Config *from)
{
	for (size_t i = 0; config_keys[i].section; i++) {
		const ConfigValue *kept = &from->values[i];

		if (config_keys[i].live)
			continue;
		value_clear(&to->values[i]);
		to->values[i] = *kept;
		to->values[i].text = g_strdup(kept->text);
		to->values[i].list = g_strdupv(kept->list);
	}
}
