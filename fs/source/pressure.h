/*
 * Pressure stall information: /proc/pressure/{cpu,memory,io} and the *.pressure files of groups, which look the same.
 */
#pragma once

#include "fs/source/sample.h"

/* FALSE and all zero if the text has no line of it. */
gboolean pressure_parse(const char *text, Pressure *ret);
