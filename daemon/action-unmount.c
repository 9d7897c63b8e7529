#include "daemon/actions.h"
#include "daemon/exit-codes.h"

int action_unmount(const Options *options, Config *config)
{
	g_printerr("cgemud: --unmount is not built yet\n");
	return EXIT_INTERNAL;
}
