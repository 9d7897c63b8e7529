#include "daemon/probe/report.h"

#include "daemon/exit-codes.h"
#include "daemon/probe/text-table.h"

Report *report_make(GError **error)
{
	g_autoptr(Report) report = g_new0(Report, 1);

	report->probe = probe_run(NULL, error);
	if (!report->probe)
		return NULL;
	report->mount = plan_mount(report->probe);
	report->exec = plan_exec(report->probe);
	report->forecasts = forecast_make(report->probe, report->mount, report->exec);
	return g_steal_pointer(&report);
}

void report_free(Report *report)
{
	g_clear_pointer(&report->probe, probe_free);
	g_clear_pointer(&report->mount, plan_free);
	g_clear_pointer(&report->exec, plan_free);
	g_clear_pointer(&report->forecasts, g_array_unref);
	g_free(report);
}

int report_exit_code(const Report *report)
{
	PlanLevel mount = report->mount->level, exec = report->exec->level;

	if (mount == PLAN_FULL && exec == PLAN_FULL)
		return EXIT_OK;
	return mount == PLAN_NONE && exec == PLAN_NONE ? EXIT_UNUSABLE : EXIT_DEGRADED;
}

const char *report_meaning(const ProbeResult *result)
{
	if (result->verdict == PROBE_UNKNOWN)
		return "not known";
	if (result->verdict == PROBE_PARTLY && result->check->partly)
		return result->check->partly;
	return result->verdict == PROBE_YES ? result->check->yes : result->check->no;
}

static char *describe_seen(const ProbeResult *result)
{
	GString *text = g_string_new(result->seen);

	if (result->missing[0]) {
		g_autofree char *names = g_strjoinv(" ", result->missing);

		g_string_append_printf(text, "%smissing: %s", text->len ? "; " : "", names);
	}
	return g_string_free(text, FALSE);
}

static void print_checks(const Report *report, const ProbeSubject *subject, guint width, GString *out)
{
	static const char *const titles[] = {"check", "result", "tried", "seen", "means", NULL};
	g_autoptr(TextTable) table = text_table_new(titles, 2, width);

	for (const ProbeCheck *check = subject->checks; check->name; check++) {
		const ProbeResult *result = probe_result(report->probe, check->name);
		g_autofree char *seen = describe_seen(result);

		text_table_add(table, check->name, probe_verdict_name(result->verdict), check->tried, seen,
			       report_meaning(result), NULL);
	}
	g_string_append_printf(out, "%s\n\n", subject->title);
	text_table_print(table, out);
	g_string_append_c(out, '\n');
}

static void print_more(const Report *report, GString *out)
{
	gboolean first = TRUE;

	for (const ProbeSubject *subject = probe_subjects; subject->title; subject++) {
		for (const ProbeCheck *check = subject->checks; check->name; check++) {
			const ProbeResult *result = probe_result(report->probe, check->name);

			if (!result->more)
				continue;
			g_string_append(out, first ? "With more privileges the probe could also tell\n\n" : "");
			g_string_append_printf(out, "  %s: %s\n", check->name, result->more);
			first = FALSE;
		}
	}
	g_string_append(out, first ? "" : "\n");
}

static void print_plan(const Plan *plan, const char *title, guint width, GString *out)
{
	static const char *const titles[] = {"part", "plan", "why", "check", NULL};
	g_autoptr(TextTable) table = text_table_new(titles, 1, width);

	for (guint i = 0; i < plan->steps->len; i++) {
		const PlanStep *step = &g_array_index(plan->steps, PlanStep, i);

		text_table_add(table, step->part, step->what, step->why, step->check ? step->check : "", NULL);
	}
	g_string_append_printf(out, "Plan for %s: %s\n\n", title, plan_level_name(plan->level));
	text_table_print(table, out);
	if (plan->command)
		g_string_append_printf(out, "\n  %s\n", plan->command);
	g_string_append_c(out, '\n');
}

static const char *describe_means(Means means)
{
	static const char *const texts[] = {"works", "works with --mount", "works with --exec", "fails"};

	return texts[means];
}

static void print_forecasts(const Report *report, guint width, GString *out)
{
	static const char *const titles[] = {"client", "forecast", "decided by", "needs", "note", NULL};
	g_autoptr(TextTable) table = text_table_new(titles, 3, width);

	for (guint i = 0; i < report->forecasts->len; i++) {
		const Forecast *forecast = &g_array_index(report->forecasts, Forecast, i);

		text_table_add(table, forecast->client, describe_means(forecast->means), forecast->check,
			       forecast->because ? forecast->because : "nothing: all it needs is there",
			       forecast->note ? forecast->note : "", NULL);
	}
	g_string_append(out, "What clients will do\n\n");
	text_table_print(table, out);
	g_string_append_c(out, '\n');
}

static const char *describe_exit(int code)
{
	switch (code) {
	case EXIT_OK:
		return "--mount and --exec both work in full";
	case EXIT_DEGRADED:
		return "--mount and --exec work in part, or only one of them does";
	default:
		return "neither --mount nor --exec works";
	}
}

static guint count_working(const Report *report)
{
	guint n = 0;

	for (guint i = 0; i < report->forecasts->len; i++)
		n += g_array_index(report->forecasts, Forecast, i).means != MEANS_MISSING;
	return n;
}

char *report_print(const Report *report, guint width)
{
	GString *out = g_string_new(NULL);
	int code = report_exit_code(report);

	for (const ProbeSubject *subject = probe_subjects; subject->title; subject++)
		print_checks(report, subject, width, out);
	print_more(report, out);
	print_plan(report->mount, "--mount", width, out);
	print_plan(report->exec, "--exec", width, out);
	print_forecasts(report, width, out);
	g_string_append_printf(out, "In short: %s; %u of %u clients will work (exit code %d; took %.2f s)\n",
			       describe_exit(code), count_working(report), report->forecasts->len, code,
			       (double) probe_took_us(report->probe) / G_USEC_PER_SEC);
	return g_string_free(out, FALSE);
}
