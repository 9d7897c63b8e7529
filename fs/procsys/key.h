/*
 * A key: one file below the served /proc/sys and the value it has now.
 */
#pragma once

#include "fs/procsys/native.h"
#include "fs/procsys/table.h"
#include "fs/vfile.h"

typedef struct ProcSys ProcSys;

/* What the kernel would hold in a variable. Keys with `same_as` share one. */
typedef struct SysctlValue {
	grefcount ref;
	guint64 *numbers; /* signed ones sign-extended */
	char *text;
} SysctlValue;

struct SysctlKey {
	VFile file;
	ProcSys *procsys;
	const Sysctl *row; /* NULL: known to the native tree only */
	char *path;        /* "vm/overcommit_memory" */
	/* The native file is not used though there is one: overridden, or without any write permission where the
	 * kernel's own has one. */
	gboolean detached;
	SysctlValue *value; /* NULL without a row */
};

/* row NULL: a native file without a row. `value` as in a row. */
SysctlKey *sysctl_key_new(ProcSys *procsys, const char *path, const Sysctl *row, const char *value);
void sysctl_key_free(SysctlKey *key);
/* Keys with a row: its own value, whatever the native tree has. The settings are not locked. 0 or -errno. */
int sysctl_key_show(const SysctlKey *key, GString *out);
int sysctl_key_store(SysctlKey *key, const char *text, size_t len);
/* From now on both keys have one value. */
void sysctl_key_share(SysctlKey *key, SysctlKey *with);

/* Key by path, or NULL. */
SysctlKey *procsys_key(const ProcSys *procsys, const char *path);
/* The values of all keys are guarded by one lock. */
void procsys_lock(ProcSys *procsys);
void procsys_unlock(ProcSys *procsys);
