#include "daemon/actions.h"
#include "daemon/exit-codes.h"

int action_list(const Options *options, Config *config)
{
	g_printerr("cgemud: --list is not built yet\n");
	return EXIT_INTERNAL;
}
