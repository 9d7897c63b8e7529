/*
 * What the program does, one function per action. Each returns an exit code (daemon/exit-codes.h) and has reported its
 * errors. config stays the caller's.
 */
#pragma once

#include "config/config.h"
#include "daemon/options.h"

int action_mount(const Options *options, Config *config);
int action_unmount(const Options *options, Config *config);
int action_reexec(const Options *options, Config *config);
int action_exec(const Options *options, Config *config);
int action_probe(const Options *options, Config *config);
int action_list(const Options *options, Config *config);
int action_check_config(const Options *options, Config *config);
int action_print_config(const Options *options, Config *config);
