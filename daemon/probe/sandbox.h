/*
 * Where a check may mount: a private mount namespace, directly or inside a user namespace of its own.
 */
#pragma once

#include "daemon/probe/attempt.h"

/* TRUE once this process has a mount namespace that nobody else is in. gVisor of 2022 grants unshare(CLONE_NEWNS) to
 * everybody and changes nothing; what could harm others there must not be tried. */
gboolean sandbox_is_private(void);

/* -errno. Leaves the mount namespace of the caller and stops propagation to it. */
int sandbox_enter_mount_namespace(void);
/* -errno. Becomes the owner of new user, mount and (where there are any) cgroup namespaces; keeps its own user id. */
int sandbox_enter_user_namespace(void);

/* Calls `action` (0 or -errno; it undoes what it mounted) in a private mount namespace, and if it lacks the right to,
 * again inside a user namespace. YES: with the rights of this process; PARTLY: in a user namespace only; NO: neither.
 * `what` begins the remark on a failure. */
ProbeVerdict sandbox_try(ProbeAttempt *attempt, const char *what, int (*action)(ProbeAttempt *attempt));
