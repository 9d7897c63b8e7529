#include "daemon/actions.h"
#include "daemon/exit-codes.h"

int action_mount(const Options *options, Config *config)
{
	g_printerr("cgemud: --mount is not built yet\n");
	return EXIT_INTERNAL;
}
