#include "daemon/actions.h"
#include "daemon/exit-codes.h"
#include "daemon/probe/report.h"
#include "daemon/probe/text-table.h"

int action_probe(const Options *options, Config *config)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Report) report = report_make(&error);
	g_autofree char *text = NULL;

	if (report)
		text = options->json ? report_print_json(report, &error)
				     : report_print(report, text_table_terminal_width());
	if (!text) {
		g_printerr("cgemud: %s\n", error->message);
		return EXIT_INTERNAL;
	}
	g_print("%s%s", text, options->json ? "\n" : "");
	return report_exit_code(report);
}
