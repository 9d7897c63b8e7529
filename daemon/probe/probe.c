#include "daemon/probe/probe.h"

#include "daemon/probe/runner.h"
#include "daemon/probe/scratch.h"
#include "daemon/probe/subjects.h"

struct Probe {
	GArray *results; /* of ProbeResult */
	char *scratch;
	gint64 took;
};

const ProbeSubject probe_subjects[] = {
	{"Kernel", kernel_checks, .together = TRUE},
	{"Root, cgroups as they are", cgroup_checks, .together = TRUE},
	{"/proc and live numbers", proc_checks, .together = TRUE},
	{"/proc/sys", sysctl_checks, .together = TRUE},
	{"FUSE", fuse_checks, .together = TRUE, .end = fuse_checks_end},
	{"Namespaces", namespace_checks},
	{"Mounts", mount_checks},
	{"Interception of system calls", tracing_checks},
	{0},
};

const char *probe_verdict_name(ProbeVerdict verdict)
{
	static const char *const names[] = {"unknown", "no", "partly", "yes"};

	return names[verdict];
}

void probe_result_clear(gpointer data)
{
	ProbeResult *result = data;

	g_free(result->seen);
	g_free(result->more);
	g_strfreev(result->found);
	g_strfreev(result->missing);
}

/* A result that is still empty, of the check of this name. */
static ProbeResult result_for(const char *name)
{
	for (const ProbeSubject *subject = probe_subjects; subject->title; subject++)
		for (const ProbeCheck *check = subject->checks; check->name; check++)
			if (g_str_equal(check->name, name))
				return (ProbeResult){.check = check, .subject = subject};
	g_error("there is no check named '%s'", name);
}

static void add_result(Probe *probe, const char *name)
{
	ProbeResult result = result_for(name);

	g_array_append_val(probe->results, result);
}

static void choose_checks(Probe *probe, const char *const *names)
{
	if (names) {
		for (; *names; names++)
			add_result(probe, *names);
		return;
	}
	for (const ProbeSubject *subject = probe_subjects; subject->title; subject++)
		for (const ProbeCheck *check = subject->checks; check->name; check++)
			add_result(probe, check->name);
}

void probe_result_set_unknown(ProbeResult *result, char *seen)
{
	*result = (ProbeResult){
		.check = result->check,
		.subject = result->subject,
		.seen = seen,
		.found = g_new0(char *, 1),
		.missing = g_new0(char *, 1),
	};
}

static Probe *probe_new(const char *const *names)
{
	Probe *probe = g_new0(Probe, 1);

	probe->results = g_array_new(FALSE, TRUE, sizeof(ProbeResult));
	g_array_set_clear_func(probe->results, probe_result_clear);
	choose_checks(probe, names);
	return probe;
}

Probe *probe_new_unknown(void)
{
	Probe *probe = probe_new(NULL);

	for (guint i = 0; i < probe->results->len; i++)
		probe_result_set_unknown(&g_array_index(probe->results, ProbeResult, i), g_strdup(""));
	return probe;
}

void probe_assume(Probe *probe, const char *name, ProbeVerdict verdict, const char *found, const char *missing)
{
	ProbeResult *result = (ProbeResult *) probe_result(probe, name);

	probe_result_clear(result);
	*result = (ProbeResult){
		.check = result->check,
		.subject = result->subject,
		.verdict = verdict,
		.seen = g_strdup("given"),
		.found = g_strsplit(found ? found : "", " ", -1),
		.missing = g_strsplit(missing ? missing : "", " ", -1),
	};
}

Probe *probe_run(const char *const *names, GError **error)
{
	g_autoptr(Probe) probe = probe_new(names);
	gint64 begin = g_get_monotonic_time();
	int r;

	probe->scratch = scratch_make();
	r = runner_run(probe->results, probe->scratch);
	if (probe->scratch)
		scratch_remove(probe->scratch);
	probe->took = g_get_monotonic_time() - begin;
	if (r < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-r), "cannot start a process to probe with: %s",
			    g_strerror(-r));
		return NULL;
	}
	return g_steal_pointer(&probe);
}

void probe_free(Probe *probe)
{
	g_array_unref(probe->results);
	g_free(probe->scratch);
	g_free(probe);
}

const ProbeResult *probe_result(const Probe *probe, const char *name)
{
	const ProbeCheck *check = result_for(name).check;

	for (guint i = 0; i < probe->results->len; i++) {
		const ProbeResult *result = &g_array_index(probe->results, ProbeResult, i);

		if (result->check == check)
			return result;
	}
	return NULL;
}

ProbeVerdict probe_verdict(const Probe *probe, const char *name)
{
	const ProbeResult *result = probe_result(probe, name);

	return result ? result->verdict : PROBE_UNKNOWN;
}

gboolean probe_has(const Probe *probe, const char *name, ProbeVerdict least)
{
	return probe_verdict(probe, name) >= least;
}

gboolean probe_found(const Probe *probe, const char *name, const char *what)
{
	const ProbeResult *result = probe_result(probe, name);

	return result && g_strv_contains((const char *const *) result->found, what);
}

gint64 probe_took_us(const Probe *probe)
{
	return probe->took;
}
