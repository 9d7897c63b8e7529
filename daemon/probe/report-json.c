#include "build-features.h"
#include "daemon/probe/report.h"

#ifdef HAVE_JSON

#include <json-glib/json-glib.h>

/* Raised when a field changes its meaning or goes; new fields may come without. */
#define SCHEMA_VERSION 1

static void add_string(JsonBuilder *builder, const char *name, const char *value)
{
	json_builder_set_member_name(builder, name);
	if (value)
		json_builder_add_string_value(builder, value);
	else
		json_builder_add_null_value(builder);
}

static void add_number(JsonBuilder *builder, const char *name, gint64 value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_int_value(builder, value);
}

static void add_names(JsonBuilder *builder, const char *name, char *const *values)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_array(builder);
	for (; *values; values++)
		json_builder_add_string_value(builder, *values);
	json_builder_end_array(builder);
}

static void add_result(JsonBuilder *builder, const char *subject, const ProbeResult *result)
{
	json_builder_begin_object(builder);
	add_string(builder, "name", result->check->name);
	add_string(builder, "subject", subject);
	add_string(builder, "verdict", probe_verdict_name(result->verdict));
	add_string(builder, "tried", result->check->tried);
	add_string(builder, "seen", result->seen);
	add_string(builder, "means", report_meaning(result));
	add_names(builder, "found", result->found);
	add_names(builder, "missing", result->missing);
	add_string(builder, "more", result->more);
	json_builder_end_object(builder);
}

static void add_checks(JsonBuilder *builder, const Report *report)
{
	json_builder_set_member_name(builder, "checks");
	json_builder_begin_array(builder);
	for (const ProbeSubject *subject = probe_subjects; subject->title; subject++)
		for (const ProbeCheck *check = subject->checks; check->name; check++)
			add_result(builder, subject->title, probe_result(report->probe, check->name));
	json_builder_end_array(builder);
}

static void add_plan(JsonBuilder *builder, const char *name, const Plan *plan)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_object(builder);
	add_string(builder, "level", plan_level_name(plan->level));
	add_string(builder, "command", plan->command);
	json_builder_set_member_name(builder, "steps");
	json_builder_begin_array(builder);
	for (guint i = 0; i < plan->steps->len; i++) {
		const PlanStep *step = &g_array_index(plan->steps, PlanStep, i);

		json_builder_begin_object(builder);
		add_string(builder, "part", step->part);
		add_string(builder, "plan", step->what);
		add_string(builder, "why", step->why);
		add_string(builder, "check", step->check);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	json_builder_end_object(builder);
}

static void add_forecasts(JsonBuilder *builder, const GArray *forecasts)
{
	json_builder_set_member_name(builder, "forecast");
	json_builder_begin_array(builder);
	for (guint i = 0; i < forecasts->len; i++) {
		const Forecast *forecast = &g_array_index(forecasts, Forecast, i);

		json_builder_begin_object(builder);
		add_string(builder, "client", forecast->client);
		add_string(builder, "verdict", means_name(forecast->means));
		add_string(builder, "check", forecast->check);
		add_string(builder, "needs", forecast->because);
		add_string(builder, "note", forecast->note);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

char *report_print_json(const Report *report, GError **error)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;

	json_builder_begin_object(builder);
	add_number(builder, "schema", SCHEMA_VERSION);
	add_string(builder, "version", VERSION);
	add_number(builder, "took_us", probe_took_us(report->probe));
	add_number(builder, "exit_code", report_exit_code(report));
	add_checks(builder, report);
	json_builder_set_member_name(builder, "plans");
	json_builder_begin_object(builder);
	add_plan(builder, "mount", report->mount);
	add_plan(builder, "exec", report->exec);
	json_builder_end_object(builder);
	add_forecasts(builder, report->forecasts);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	return json_to_string(root, TRUE);
}

#else

char *report_print_json(const Report *report, GError **error)
{
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
		    "this build has no --json: build it with json-glib (meson setup -Djson=enabled)");
	return NULL;
}

#endif
