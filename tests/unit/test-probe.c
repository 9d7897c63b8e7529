/*
 * Plans and forecasts that follow from given results, the table for a terminal, and running checks.
 */
#include "daemon/exit-codes.h"
#include "daemon/probe/attempt.h"
#include "daemon/probe/report.h"
#include "daemon/probe/runner.h"
#include "daemon/probe/text-table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <unistd.h>

static void assume_all(Probe *probe, const char *const *names, ProbeVerdict verdict)
{
	for (; *names; names++)
		probe_assume(probe, *names, verdict, NULL, NULL);
}

/* gVisor of 2024 as root, with a 9p root: as recorded there. */
static Probe *gvisor_probe(void)
{
	static const char *const yes[] = {"fuse-device",  "fuse-mount",         "fuse-lookup",
					  "fuse-read",    "fuse-pread",         "fuse-seek",
					  "fuse-write",   "fuse-readdir",       "mount-tmpfs",
					  "mount-bind",   "mount-bind-proc",    "mount-overlay-root",
					  "pivot-root",   "seccomp-trace",      "ptrace",
					  "proc-meminfo", "cgroup-one-version", NULL};
	static const char *const no[] = {"root-filesystem", "openat2", "sysctl-kubelet", "kmsg", "proc-stat",
					 "cgroup-type",     NULL};
	Probe *probe = probe_new_unknown();

	assume_all(probe, yes, PROBE_YES);
	assume_all(probe, no, PROBE_NO);
	probe_assume(probe, "cgroup-files", PROBE_PARTLY, "memory.limit_in_bytes", "cpuacct.usage_percpu memory.stat");
	probe_assume(probe, "proc-files", PROBE_PARTLY, "stat meminfo cgroups", "vmstat diskstats");
	probe_assume(probe, "mount-cgroup", PROBE_YES, "cpu cpuacct cpuset memory devices pids", NULL);
	return probe;
}

static Report *report_of(Probe *probe)
{
	Report *report = g_new0(Report, 1);

	report->probe = probe;
	report->mount = plan_mount(probe);
	report->exec = plan_exec(probe);
	report->forecasts = forecast_make(probe, report->mount, report->exec);
	return report;
}

static const Forecast *find_forecast(const Report *report, const char *client)
{
	for (guint i = 0; i < report->forecasts->len; i++) {
		const Forecast *forecast = &g_array_index(report->forecasts, Forecast, i);

		if (g_str_equal(forecast->client, client))
			return forecast;
	}
	fail_msg("no forecast for %s", client);
	return NULL;
}

static void assert_forecast(const Report *report, const char *client, const char *means, const char *check)
{
	const Forecast *forecast = find_forecast(report, client);

	assert_string_equal(means_name(forecast->means), means);
	assert_string_equal(forecast->check, check);
}

static void test_gvisor(void **state)
{
	g_autoptr(Report) report = report_of(gvisor_probe());

	assert_int_equal(report->mount->level, PLAN_FULL);
	assert_int_equal(report->exec->level, PLAN_FULL);
	assert_true(report->exec->mounts);
	assert_true(report->exec->intercepts);
	assert_int_equal(report_exit_code(report), EXIT_OK);
	assert_forecast(report, "cAdvisor up to 0.54", "works-with-mount", "cgroup-files");
	assert_forecast(report, "cAdvisor from 0.55", "works-with-exec", "root-filesystem");
	assert_forecast(report, "kubelet up to 1.20", "works-with-exec", "kmsg");
	assert_forecast(report, "runc from 1.0.0-rc93", "works-with-exec", "openat2");
	assert_forecast(report, "node_exporter", "works-with-exec", "proc-stat");
	assert_forecast(report, "Node", "works-with-exec", "proc-stat");
}

static void test_gvisor_without_tracing(void **state)
{
	Probe *probe = gvisor_probe();
	g_autoptr(Report) report = NULL;

	probe_assume(probe, "seccomp-trace", PROBE_NO, NULL, NULL);
	report = report_of(probe);
	assert_int_equal(report->exec->level, PLAN_DEGRADED);
	assert_string_equal(report->exec->command, "cgemud --exec --view=namespace -- COMMAND");
	assert_int_equal(report_exit_code(report), EXIT_DEGRADED);
	assert_forecast(report, "runc from 1.0.0-rc93", "fails", "openat2");
	assert_forecast(report, "cAdvisor up to 0.54", "works-with-mount", "cgroup-files");
}

/* In a user namespace only: --exec can mount there, --mount has nobody who would see it. */
static void test_user_namespace(void **state)
{
	Probe *probe = gvisor_probe();
	static const char *const partly[] = {"fuse-mount", "mount-tmpfs", "mount-bind", "mount-overlay-root", NULL};
	g_autoptr(Report) report = NULL;

	assume_all(probe, partly, PROBE_PARTLY);
	report = report_of(probe);
	assert_int_equal(report->mount->level, PLAN_NONE);
	assert_null(report->mount->command);
	assert_int_equal(report->exec->level, PLAN_FULL);
	assert_int_equal(report_exit_code(report), EXIT_DEGRADED);
	assert_forecast(report, "containerd", "works-with-exec", "cgroup-files");
}

/* No mount right at all: calls are led astray instead. */
static void test_tracing_alone(void **state)
{
	Probe *probe = gvisor_probe();
	static const char *const none[] = {"fuse-mount", "mount-tmpfs", "mount-bind", "mount-overlay-root", NULL};
	g_autoptr(Report) report = NULL;

	assume_all(probe, none, PROBE_NO);
	report = report_of(probe);
	assert_int_equal(report->exec->level, PLAN_DEGRADED);
	assert_true(report->exec->redirects);
	assert_string_equal(report->exec->command, "cgemud --exec --view=trace -- COMMAND");
	assert_forecast(report, "runc from 1.0.0-rc93", "works-with-exec", "cgroup-files");
}

static void test_fusermount(void **state)
{
	Probe *probe = probe_new_unknown();
	g_autoptr(Report) report = NULL;

	probe_assume(probe, "fuse-helper", PROBE_YES, NULL, NULL);
	report = report_of(probe);
	assert_int_equal(report->mount->level, PLAN_DEGRADED);
	assert_string_equal(report->mount->command, "cgemud --mount DIRECTORY");
	/* Not at /sys/fs/cgroup, where clients look. */
	assert_forecast(report, "containerd", "fails", "cgroup-files");
}

static void test_nothing_works(void **state)
{
	g_autoptr(Report) report = report_of(probe_new_unknown());

	assert_int_equal(report_exit_code(report), EXIT_UNUSABLE);
	assert_forecast(report, "containerd", "fails", "cgroup-files");
}

static void test_complete_machine(void **state)
{
	Probe *probe = gvisor_probe();
	static const char *const yes[] = {
		"cgroup-files",    "cgroup-mounted", "cgroup-type", "sysctl-kubelet", "sysctl-kubelet-set", "openat2",
		"root-filesystem", "kmsg",           NULL};
	g_autoptr(Report) report = NULL;

	assume_all(probe, yes, PROBE_YES);
	report = report_of(probe);
	assert_null(report->mount->command);
	assert_int_equal(report->mount->level, PLAN_FULL);
	assert_forecast(report, "kubelet from 1.36", "works", "proc-meminfo");
}

static void test_every_check_is_described(void **state)
{
	g_autoptr(Probe) probe = probe_new_unknown();

	for (const ProbeSubject *subject = probe_subjects; subject->title; subject++) {
		for (const ProbeCheck *check = subject->checks; check->name; check++) {
			assert_non_null(check->run);
			assert_true(*check->tried && *check->yes && *check->no);
			/* A name that is taken twice would be found under the other check. */
			assert_ptr_equal(probe_result(probe, check->name)->check, check);
		}
	}
}

static void test_runs_named_checks_only(void **state)
{
	static const char *const names[] = {"openat2", "memfd", NULL};
	struct open_how how = {.flags = O_PATH};
	long fd = syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how);
	g_autoptr(Probe) probe = probe_run(names, NULL);

	assert_non_null(probe);
	assert_int_equal(probe_verdict(probe, "openat2"), fd >= 0 ? PROBE_YES : PROBE_NO);
	assert_non_null(probe_result(probe, "memfd"));
	assert_null(probe_result(probe, "fuse-mount"));
	assert_int_equal(probe_verdict(probe, "fuse-mount"), PROBE_UNKNOWN);
	if (fd >= 0)
		close((int) fd);
}

static ProbeVerdict say_yes(ProbeAttempt *attempt)
{
	probe_saw(attempt, "process %d", (int) getpid());
	return PROBE_YES;
}

static ProbeVerdict die(ProbeAttempt *attempt)
{
	kill(getpid(), SIGKILL);
	return PROBE_YES;
}

static ProbeVerdict hang(ProbeAttempt *attempt)
{
	while (TRUE)
		pause();
	return PROBE_YES;
}

static gboolean same_process(const ProbeResult *one, const ProbeResult *other)
{
	return g_str_equal(one->seen, other->seen);
}

/* Checks that share a process, of which one ends it and one never answers. */
static void test_bad_checks_harm_no_others(void **state)
{
	static const ProbeCheck checks[] = {
		{"first", say_yes},
		{"second", say_yes},
		{"dies", die},
		{"after-death", say_yes},
		{"hangs", hang},
		{"last", say_yes},
		{"own", say_yes, .alone = TRUE},
	};
	static const ProbeSubject subject = {"Subject", checks, .together = TRUE};
	static const ProbeVerdict verdicts[] = {PROBE_YES,     PROBE_YES, PROBE_UNKNOWN, PROBE_YES,
						PROBE_UNKNOWN, PROBE_YES, PROBE_YES};
	g_autoptr(GArray) results = g_array_new(FALSE, TRUE, sizeof(ProbeResult));
	const ProbeResult *result;

	g_array_set_clear_func(results, probe_result_clear);
	for (guint i = 0; i < G_N_ELEMENTS(checks); i++) {
		ProbeResult empty = {.check = &checks[i], .subject = &subject};

		g_array_append_val(results, empty);
	}
	assert_int_equal(runner_run(results, NULL), 0);
	result = (const ProbeResult *) results->data;
	for (guint i = 0; i < G_N_ELEMENTS(checks); i++)
		assert_int_equal(result[i].verdict, verdicts[i]);
	assert_true(same_process(&result[0], &result[1]));
	assert_false(same_process(&result[1], &result[3]));
	assert_false(same_process(&result[5], &result[6]));
	assert_string_equal(result[4].seen, "no answer in time");
}

static void test_result_crosses_a_pipe(void **state)
{
	ProbeAttempt *attempt = probe_attempt_new(NULL);
	ProbeResult result = {0};
	g_autoptr(GBytes) bytes = NULL, foreign = g_bytes_new_static("\x07garbage", 8);

	probe_saw(attempt, "one \xff");
	probe_saw(attempt, "two");
	probe_look_for(attempt, "there", TRUE);
	probe_look_for(attempt, "gone", FALSE);
	assert_int_equal(probe_verdict_of_names(attempt), PROBE_PARTLY);
	bytes = probe_attempt_pack(attempt, PROBE_PARTLY);
	assert_true(probe_result_unpack(&result, bytes));
	assert_int_equal(result.verdict, PROBE_PARTLY);
	assert_string_equal(result.seen, "one \xef\xbf\xbd; two");
	assert_null(result.more);
	assert_string_equal(result.found[0], "there");
	assert_string_equal(result.missing[0], "gone");
	assert_false(probe_result_unpack(&(ProbeResult){0}, foreign));
	g_free(result.seen);
	g_strfreev(result.found);
	g_strfreev(result.missing);
	probe_attempt_free(attempt);
}

/* Whoever this is run by: in a child that is an ordinary user. */
static void test_refusal_asks_for_rights(void **state)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		ProbeAttempt *attempt = probe_attempt_new(NULL);
		ProbeResult result = {0};

		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(1);
		probe_saw_error(attempt, "look", -ENOENT);
		g_autoptr(GBytes) plain = probe_attempt_pack(attempt, PROBE_NO);
		if (!probe_result_unpack(&result, plain) || result.more)
			_exit(2);
		probe_saw_error(attempt, "open", -EACCES);
		probe_saw_error(attempt, "mount", -EPERM);
		g_autoptr(GBytes) refused = probe_attempt_pack(attempt, PROBE_NO);
		_exit(probe_result_unpack(&result, refused) && g_str_has_prefix(result.more, "open ") ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static const char *const titles[] = {"name", "text", NULL};

static void test_table_wraps(void **state)
{
	g_autoptr(TextTable) table = text_table_new(titles, 1, 30);
	g_autoptr(GString) out = g_string_new(NULL);

	text_table_add(table, "é", "words that need more than one line", NULL);
	text_table_add(table, "b", "averyveryverylongwordthatcannotbewrapped", NULL);
	text_table_print(table, out);
	assert_string_equal(out->str, "name  text\n"
				      "é     words that need more\n"
				      "      than one line\n"
				      "b     averyveryverylongwordt\n"
				      "      hatcannotbewrapped\n");
}

static void test_table_stacks_when_narrow(void **state)
{
	g_autoptr(TextTable) table = text_table_new(titles, 1, 20);
	g_autoptr(GString) out = g_string_new(NULL);

	text_table_add(table, "first", "some words", NULL);
	text_table_print(table, out);
	assert_string_equal(out->str, "first\n    text        some words\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gvisor),
		cmocka_unit_test(test_gvisor_without_tracing),
		cmocka_unit_test(test_user_namespace),
		cmocka_unit_test(test_tracing_alone),
		cmocka_unit_test(test_fusermount),
		cmocka_unit_test(test_nothing_works),
		cmocka_unit_test(test_complete_machine),
		cmocka_unit_test(test_every_check_is_described),
		cmocka_unit_test(test_runs_named_checks_only),
		cmocka_unit_test(test_bad_checks_harm_no_others),
		cmocka_unit_test(test_result_crosses_a_pipe),
		cmocka_unit_test(test_refusal_asks_for_rights),
		cmocka_unit_test(test_table_wraps),
		cmocka_unit_test(test_table_stacks_when_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
