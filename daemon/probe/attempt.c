#include "daemon/probe/attempt.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESULT_TYPE "(ysmsasas)"

ProbeAttempt *probe_attempt_new(const char *scratch)
{
	ProbeAttempt *attempt = g_new0(ProbeAttempt, 1);

	attempt->scratch = g_strdup(scratch);
	attempt->seen = g_string_new(NULL);
	attempt->found = g_ptr_array_new_with_free_func(g_free);
	attempt->missing = g_ptr_array_new_with_free_func(g_free);
	return attempt;
}

void probe_attempt_free(ProbeAttempt *attempt)
{
	g_free(attempt->scratch);
	g_string_free(attempt->seen, TRUE);
	g_free(attempt->more);
	g_ptr_array_unref(attempt->found);
	g_ptr_array_unref(attempt->missing);
	g_free(attempt);
}

void probe_saw(ProbeAttempt *attempt, const char *format, ...)
{
	va_list arguments;

	if (attempt->seen->len > 0)
		g_string_append(attempt->seen, "; ");
	va_start(arguments, format);
	g_string_append_vprintf(attempt->seen, format, arguments);
	va_end(arguments);
}

/* The first refusal speaks for those after it. */
static void note_refusal(ProbeAttempt *attempt, const char *what)
{
	if (!attempt->more)
		attempt->more = g_strdup_printf("%s was refused to this user", what);
}

ProbeVerdict probe_saw_error(ProbeAttempt *attempt, const char *what, int error)
{
	probe_saw(attempt, "%s: %s", what, g_strerror(-error));
	if ((error == -EPERM || error == -EACCES) && geteuid() != 0)
		note_refusal(attempt, what);
	return PROBE_NO;
}

void probe_look_for(ProbeAttempt *attempt, const char *name, gboolean found)
{
	g_ptr_array_add(found ? attempt->found : attempt->missing, g_strdup(name));
}

ProbeVerdict probe_verdict_of_names(const ProbeAttempt *attempt)
{
	if (attempt->missing->len == 0)
		return PROBE_YES;
	return attempt->found->len == 0 ? PROBE_NO : PROBE_PARTLY;
}

static char *scratch_path(ProbeAttempt *attempt, const char *name)
{
	if (attempt->scratch)
		return g_build_filename(attempt->scratch, name, NULL);
	probe_saw(attempt, "no writable directory in /tmp, /run or /dev/shm to try it in");
	return NULL;
}

char *probe_make_directory(ProbeAttempt *attempt, const char *name)
{
	g_autofree char *path = scratch_path(attempt, name);

	if (!path)
		return NULL;
	if (mkdir(path, 0700) < 0) {
		probe_saw_error(attempt, path, -errno);
		return NULL;
	}
	return g_steal_pointer(&path);
}

char *probe_make_file(ProbeAttempt *attempt, const char *name, const char *content)
{
	g_autofree char *path = scratch_path(attempt, name);
	g_autoptr(GError) error = NULL;

	if (!path)
		return NULL;
	if (!g_file_set_contents_full(path, content, -1, G_FILE_SET_CONTENTS_NONE, 0600, &error)) {
		probe_saw(attempt, "%s", error->message);
		return NULL;
	}
	return g_steal_pointer(&path);
}

static GVariant *pack_names(const GPtrArray *names)
{
	return g_variant_new_strv((const char *const *) names->pdata, names->len);
}

GBytes *probe_attempt_pack(const ProbeAttempt *attempt, ProbeVerdict verdict)
{
	g_autofree char *seen = g_utf8_make_valid(attempt->seen->str, attempt->seen->len);
	g_autoptr(GVariant) packed = g_variant_new("(ysms@as@as)", (guchar) verdict, seen, attempt->more,
						   pack_names(attempt->found), pack_names(attempt->missing));

	g_variant_ref_sink(packed);
	return g_variant_get_data_as_bytes(packed);
}

gboolean probe_result_unpack(ProbeResult *result, GBytes *bytes)
{
	g_autoptr(GVariant) packed = g_variant_new_from_bytes(G_VARIANT_TYPE(RESULT_TYPE), bytes, FALSE);
	guchar verdict;

	g_variant_ref_sink(packed);
	if (!g_variant_is_normal_form(packed))
		return FALSE;
	g_variant_get(packed, "(ysms^as^as)", &verdict, &result->seen, &result->more, &result->found, &result->missing);
	result->verdict = (ProbeVerdict) verdict;
	return verdict <= PROBE_YES;
}
