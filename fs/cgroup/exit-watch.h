/*
 * The end of processes where the kernel tells no one of all of them (process-events.h), but lets one wait for a single
 * one (pidfd_open(2)).
 *
 * Whether a group is still populated is known as long as one of its members lives: one is waited for at a time, and
 * when it has ended the next one. A descriptor is held for each group whose end of being populated somebody could want
 * to know of.
 */
#pragma once

#include "fs/cgroup/group.h"

/* The members of the group have changed: begins to wait for one of them, or ends waiting. Tree locked for writing. */
void exit_watch_update(Group *group);
/* The group is going. */
void exit_watch_end(Group *group);
