#include "config/values.h"
#include "config/nearest.h"

static char *parse_bool(const char *text, gint64 *ret)
{
	static const char *const yes[] = {"true", "yes", "on", "1", NULL}, *const no[] = {"false", "no", "off", "0",
											  NULL};

	*ret = g_strv_contains(yes, text);
	if (*ret || g_strv_contains(no, text))
		return NULL;
	return g_strdup_printf("must be true or false, is \"%s\"", text);
}

static char *parse_int(const ConfigKey *row, const char *text, gint64 *ret)
{
	if (g_ascii_string_to_signed(text, 10, row->min, row->max, ret, NULL))
		return NULL;
	return g_strdup_printf("must be a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ", is \"%s\"",
			       row->min, row->max, text);
}

static char *check_choices(const ConfigKey *row, const char *const *values)
{
	g_auto(GStrv) choices = NULL;

	if (!row->choices)
		return row->check ? row->check(values) : NULL;
	choices = g_strsplit(row->choices, "|", -1);
	for (; *values; values++) {
		g_autofree char *hint = NULL;

		if (g_strv_contains((const char *const *) choices, *values))
			continue;
		hint = nearest_hint(*values, (const char *const *) choices);
		return g_strdup_printf("cannot be \"%s\"%s", *values, hint);
	}
	return NULL;
}

/* Elements with the white space around them removed; empty ones, such as after a last ';', left out. */
static char **tidy_list(char **list)
{
	GPtrArray *tidy = g_ptr_array_new();

	for (char **element = list; *element; element++) {
		g_strstrip(*element);
		if (**element)
			g_ptr_array_add(tidy, *element);
		else
			g_free(*element);
	}
	g_free(list);
	g_ptr_array_add(tidy, NULL);
	return (char **) g_ptr_array_free(tidy, FALSE);
}

static char *parse_words(const ConfigKey *row, GKeyFile *keys, ConfigValue *value)
{
	g_autoptr(GError) cause = NULL;

	if (row->type == CONFIG_LIST) {
		value->list = g_key_file_get_string_list(keys, row->section, row->key, NULL, &cause);
	} else {
		value->list = g_new0(char *, 2);
		value->list[0] = g_key_file_get_string(keys, row->section, row->key, &cause);
	}
	if (cause)
		return g_strdup("has an unknown escape sequence; known are \\s \\n \\t \\r \\\\ and, in lists, \\;");
	if (row->type == CONFIG_LIST)
		value->list = tidy_list(value->list);
	return check_choices(row, (const char *const *) value->list);
}

char *value_parse(const ConfigKey *row, GKeyFile *keys, ConfigValue *value)
{
	ConfigValue parsed = {g_key_file_get_value(keys, row->section, row->key, NULL)};
	char *wrong;

	g_strstrip(parsed.text);
	if (row->type == CONFIG_BOOL)
		wrong = parse_bool(parsed.text, &parsed.number);
	else if (row->type == CONFIG_INT)
		wrong = parse_int(row, parsed.text, &parsed.number);
	else
		wrong = parse_words(row, keys, &parsed);
	if (!parsed.list)
		parsed.list = g_new0(char *, 1);
	if (wrong) {
		value_clear(&parsed);
		return wrong;
	}
	value_clear(value);
	*value = parsed;
	return NULL;
}

void value_clear(ConfigValue *value)
{
	g_clear_pointer(&value->text, g_free);
	g_clear_pointer(&value->list, g_strfreev);
}
