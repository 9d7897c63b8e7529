/*
 * --check-config and --print-config. A configuration that does not load never comes here.
 */
#include "daemon/actions.h"
#include "daemon/exit-codes.h"

int action_check_config(const Options *options, Config *config)
{
	if (config_path(config))
		g_print("%s: OK\n", config_path(config));
	else
		g_print("there is no %s; the defaults apply\n", CONFIG_DEFAULT_PATH);
	return EXIT_OK;
}

int action_print_config(const Options *options, Config *config)
{
	g_autofree char *text = config_print(config);

	g_print("%s", text);
	return EXIT_OK;
}
