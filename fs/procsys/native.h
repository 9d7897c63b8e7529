/*
 * The native /proc/sys, through a descriptor taken before anything is mounted over it.
 */
#pragma once

#include <glib.h>
#include <sys/stat.h>

typedef struct NativeSysctls NativeSysctls;

/* NULL with *error set; NULL without: there is no such directory. */
NativeSysctls *native_sysctls_open(const char *path, GError **error);
void native_sysctls_close(NativeSysctls *native);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NativeSysctls, native_sysctls_close)

/* Paths are relative ("vm/swappiness", "" for the root) and made of names that the table or readdir gave; symbolic
 * links are not followed. All return 0 or -errno. */
int native_sysctls_stat(const NativeSysctls *native, const char *path, struct stat *ret);
/* Appends the whole content; a missing newline at the end is added (gVisor leaves it out). */
int native_sysctls_read(const NativeSysctls *native, const char *path, GString *out);
int native_sysctls_write(const NativeSysctls *native, const char *path, const char *text, size_t len);
/* Names of regular files and directories. */
int native_sysctls_list(const NativeSysctls *native, const char *path, GPtrArray **ret_names);
