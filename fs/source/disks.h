/*
 * Block devices: /proc/diskstats.
 */
#pragma once

#include "fs/source/sample.h"

/* The whole disks among the lines of text, in its order; free *ret. sys: descriptor of /sys, which knows a disk from a
 * partition; -1 where there is none, then the name decides. Malformed lines are left out. */
void disks_parse(const char *text, int sys, DiskStat **ret, unsigned *ret_n);
