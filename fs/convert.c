#include "fs/convert.h"

const char *convert_skip_space(const char *text)
{
	while (g_ascii_isspace(*text))
		text++;
	return text;
}

gboolean convert_u64(const char **at, guint64 *ret)
{
	const char *text = convert_skip_space(*at);
	guint64 value = 0;

	if (!g_ascii_isdigit(*text))
		return FALSE;
	for (; g_ascii_isdigit(*text); text++)
		value = value * 10 + (guint64) (*text - '0');
	*at = text;
	*ret = value;
	return TRUE;
}

gboolean convert_u32(const char **at, guint32 *ret)
{
	guint64 value;

	if (!convert_u64(at, &value))
		return FALSE;
	*ret = (guint32) value;
	return TRUE;
}

char *convert_word(const char **at, gsize width)
{
	const char *text = convert_skip_space(*at);
	gsize len = 0;

	while (len < width && text[len] != '\0' && !g_ascii_isspace(text[len]))
		len++;
	if (len == 0)
		return NULL;
	*at = text + len;
	return g_strndup(text, len);
}

gboolean convert_literal(const char **at, const char *literal)
{
	const char *text = *at;

	for (; *literal != '\0'; literal++) {
		if (g_ascii_isspace(*literal))
			text = convert_skip_space(text);
		else if (*text++ != *literal)
			return FALSE;
	}
	*at = text;
	return TRUE;
}
