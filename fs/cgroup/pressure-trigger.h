/* Triggers on *.pressure files (kernel/sched/psi.c, psi_trigger_create()), one per open file. */
#pragma once

#include "fs/fs.h"

/* text: a trigger that has been checked. Where the kernel has pressure stall information, the open file of ctx reports
 * POLLPRI when the machine meets it; elsewhere never. 0, or -EBUSY if the file has one already. Unlocked. */
int pressure_trigger_set(const VContext *ctx, PressureKind kind, const char *text);
