#include "fs/cgroup/state-format.h"

#include <stdio.h>
#include <string.h>

#define MAGIC "cgemud-state"

/* Longer than any head. */
#define HEAD_MAX 256

GBytes *state_wrap(GVariant *value)
{
	g_autoptr(GVariant) own = g_variant_ref_sink(value);
	g_autoptr(GVariant) ordered = G_BYTE_ORDER == G_BIG_ENDIAN ? g_variant_byteswap(own) : g_variant_ref(own);
	g_autofree char *sum = NULL;
	gconstpointer data = g_variant_get_data(ordered);
	gsize size = g_variant_get_size(ordered);
	GString *out = g_string_sized_new(size + HEAD_MAX);

	sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, size);
	g_string_printf(out, "%s %d %" G_GSIZE_FORMAT " %s\n", MAGIC, STATE_VERSION, size, sum);
	g_string_append_len(out, data, (gssize) size);
	return g_string_free_to_bytes(out);
}

static gboolean refuse(GError **error, const char *why)
{
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, why);
	return FALSE;
}

/* ret: the bytes behind the head. */
static gboolean check_head(GBytes *bytes, GBytes **ret, GError **error)
{
	gsize size, left;
	const char *data = g_bytes_get_data(bytes, &size);
	const char *end = data ? memchr(data, '\n', MIN(size, HEAD_MAX)) : NULL;
	g_autofree char *head = end ? g_strndup(data, (gsize) (end - data)) : NULL;
	g_auto(GStrv) words = head ? g_strsplit(head, " ", -1) : NULL;
	g_autofree char *sum = NULL;
	guint64 length;

	if (!words || g_strv_length(words) != 4 || !g_str_equal(words[0], MAGIC))
		return refuse(error, "this is no saved state of cgemud");
	if (g_strcmp0(words[1], G_STRINGIFY(STATE_VERSION)) != 0) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
			    "this state is of version '%.20s', and version %d is understood", words[1], STATE_VERSION);
		return FALSE;
	}
	left = size - (gsize) (end + 1 - data);
	if (!g_ascii_string_to_unsigned(words[2], 10, 0, G_MAXSIZE, &length, NULL) || length != left)
		return refuse(error, "it was not written to its end, or has grown since");
	sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *) end + 1, left);
	if (!g_str_equal(sum, words[3]))
		return refuse(error, "its checksum is wrong");
	*ret = g_bytes_new_from_bytes(bytes, size - left, left);
	return TRUE;
}

GVariant *state_unwrap(GBytes *bytes, GError **error)
{
	g_autoptr(GBytes) body = NULL;
	g_autoptr(GVariant) value = NULL;

	if (!check_head(bytes, &body, error))
		return NULL;
	value = g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(STATE_TYPE), body, FALSE));
	if (!g_variant_is_normal_form(value)) {
		refuse(error, "it is no value of the right type");
		return NULL;
	}
	return G_BYTE_ORDER == G_BIG_ENDIAN ? g_variant_byteswap(value) : g_steal_pointer(&value);
}
