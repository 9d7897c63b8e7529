/* Single files of /proc: what is shown where the kernel's own file is missing or stands still. */
#pragma once

#include "fs/fs.h"

/* Adds the rows below dir. */
void proc_init(Fs *fs, Node *dir);
