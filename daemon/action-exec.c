#include "daemon/actions.h"
#include "daemon/view/exec.h"

int action_exec(const Options *options, Config *config)
{
	return exec_run(options, config);
}
