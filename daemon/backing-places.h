/* Where the kernel's own cgroup v1 can be used behind our groups (fs/cgroup/backing.h). */
#pragma once

#include "config/config.h"
#include "fs/cgroup/backing.h"

/* What was made for it, to be removed in the end. */
typedef struct BackingBases {
	char *name;               /* of the directory in each home; NULL: none was made */
	int homes[BACKING_KINDS]; /* -1: none */
} BackingBases;

/* Opens what [cgroup] backing asks for and the kernel has; places of kinds that are not to be used are -1. name: of
 * this mount, different from any other's. FALSE: none at all. */
gboolean backing_places_open(const Config *config, Fs *fs, const char *name, BackingPlace ret[BACKING_KINDS],
			     BackingBases *ret_bases);
/* After the last group is gone. */
void backing_bases_remove(BackingBases *bases);
