/* Event counters (eventfd(2)) of other processes. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* A descriptor of our own for what the thread has open under this number. 0; -EBADF, -EINVAL if it is no eventfd, or
 * -EOPNOTSUPP where the kernel does not let us have it. Not with the tree locked. */
int eventfd_take(pid_t tid, unsigned number, int *ret);
/* Adds one, unless the counter is full; never waits for whoever should read it. */
void eventfd_signal(int fd);
/* Has any process but this one it open? TRUE also where that cannot be told. Looks at all processes. */
gboolean eventfd_is_open_elsewhere(int fd);

/* The path of what a thread has open, as /proc tells it. 0 or -EBADF. */
int descriptor_path(pid_t tid, unsigned number, char **ret_path);
