#include "daemon/actions.h"
#include "daemon/serve.h"

int action_mount(const Options *options, Config *config)
{
	return serve_run(options, config);
}
