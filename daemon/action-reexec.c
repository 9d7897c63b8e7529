#include "daemon/actions.h"
#include "daemon/exit-codes.h"

int action_reexec(const Options *options, Config *config)
{
	g_printerr("cgemud: --reexec is not built yet\n");
	return EXIT_INTERNAL;
}
