/* `--mount DIR`: from the checks to the last unmount. */
#pragma once

#include "config/config.h"
#include "daemon/options.h"

/* Serves until it is told to end, or nothing is mounted any more. Returns an exit code; errors are reported. */
int serve_run(const Options *options, Config *config);
