#include "daemon/actions.h"
#include "daemon/exit-codes.h"

int action_probe(const Options *options, Config *config)
{
	g_printerr("cgemud: --probe is not built yet\n");
	return EXIT_INTERNAL;
}
