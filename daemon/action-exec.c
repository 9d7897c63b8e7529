#include "daemon/actions.h"
#include "daemon/exit-codes.h"

int action_exec(const Options *options, Config *config)
{
	g_printerr("cgemud: --exec is not built yet\n");
	return EXIT_INTERNAL;
}
