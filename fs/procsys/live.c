/*
 * Keys that show the machine as it is: counts, names of the system, identifiers.
 */
#include "fs/procsys/key.h"
#include "fs/procsys/kind.h"

#include <dirent.h>
#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Entries of a directory whose names are numbers; 0 where it cannot be read. */
static guint64 count_numbered(const char *path, guint64 *ret_highest)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;
	guint64 n = 0;

	while (dir && (name = g_dir_read_name(dir)) != NULL) {
		guint64 number;

		if (!g_ascii_string_to_unsigned(name, 10, 0, G_MAXINT32, &number, NULL))
			continue;
		n++;
		if (ret_highest)
			*ret_highest = MAX(*ret_highest, number);
	}
	return n;
}

/* fs/file_table.c: open files, free ones (always 0), and how many there may be. Descriptors are what can be counted:
 * files that several of them share count more than once. */
static int file_nr_show(const SysctlKey *key, GString *out)
{
	g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
	const char *name;
	guint64 n = 0, max;

	while (proc && (name = g_dir_read_name(proc)) != NULL) {
		g_autofree char *fds = g_build_filename("/proc", name, "fd", NULL);

		if (g_ascii_isdigit(*name))
			n += count_numbered(fds, NULL);
	}
	procsys_lock(key->procsys);
	max = procsys_key(key->procsys, "fs/file-max")->value->numbers[0];
	procsys_unlock(key->procsys);
	g_string_append_printf(out, "%" G_GUINT64_FORMAT "\t0\t%" G_GUINT64_FORMAT "\n", n, max);
	return 0;
}

static int pty_nr_show(const SysctlKey *key, GString *out)
{
	g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", count_numbered("/dev/pts", NULL));
	return 0;
}

/* The last field of /proc/loadavg; where the kernel leaves it 0, the highest number in use. */
static guint64 last_pid(void)
{
	g_autofree char *loadavg = NULL;
	const char *field = NULL;
	guint64 pid = 0;

	if (g_file_get_contents("/proc/loadavg", &loadavg, NULL, NULL))
		field = strrchr(g_strchomp(loadavg), ' ');
	if (field)
		pid = g_ascii_strtoull(field + 1, NULL, 10);
	if (pid == 0)
		count_numbered("/proc", &pid);
	return pid;
}

/* What was written is the last number given out, as far as one can tell. */
static int last_pid_show(const SysctlKey *key, GString *out)
{
	guint64 written;

	procsys_lock(key->procsys);
	written = key->value->numbers[0];
	procsys_unlock(key->procsys);
	if (written != G_MAXUINT64)
		return sysctl_show_numbers(key, out);
	g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", last_pid());
	return 0;
}

static int last_pid_store(SysctlKey *key, const char *text, size_t len)
{
	SysctlRule rule = key->row->rule;
	int r;

	procsys_lock(key->procsys);
	rule.max = procsys_key(key->procsys, "kernel/pid_max")->value->numbers[0];
	r = sysctl_get_numbers(&rule, rule.kind, text, len, key->value->numbers);
	procsys_unlock(key->procsys);
	return r;
}

static int cap_last_cap_show(const SysctlKey *key, GString *out)
{
	int cap = 0;

	while (prctl(PR_CAPBSET_READ, cap + 1) >= 0)
		cap++;
	g_string_append_printf(out, "%d\n", cap);
	return 0;
}

static int ngroups_max_show(const SysctlKey *key, GString *out)
{
	/* Not sysconf(): the C library would read this very file. */
	g_string_append_printf(out, "%d\n", NGROUPS_MAX);
	return 0;
}

static int uuid_show(const SysctlKey *key, GString *out)
{
	g_autofree char *uuid = g_uuid_string_random();

	g_string_append_printf(out, "%s\n", uuid);
	return 0;
}

static char *boot_time(void)
{
	g_autofree char *stat = NULL;
	const char *btime = NULL;

	if (g_file_get_contents("/proc/stat", &stat, NULL, NULL))
		btime = strstr(stat, "\nbtime ");
	return g_strndup(btime ? btime + strlen("\nbtime ") : "",
			 btime ? strcspn(btime + strlen("\nbtime "), "\n") : 0);
}

/* Random, but the same until the next boot, whatever happens to the daemon: made of when the machine was booted and of
 * what it is. */
static int boot_id_show(const SysctlKey *key, GString *out)
{
	g_autofree char *machine = NULL, *btime = boot_time(), *seed = NULL, *digest = NULL;

	g_file_get_contents("/etc/machine-id", &machine, NULL, NULL);
	seed = g_strdup_printf("boot %s of %s", btime, machine ? machine : "");
	digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, seed, -1);
	/* The digits that say "random" in a version 4 UUID. */
	digest[12] = '4';
	digest[16] = "89ab"[g_ascii_xdigit_value(digest[16]) & 3];
	g_string_append_printf(out, "%.8s-%.4s-%.4s-%.4s-%.12s\n", digest, digest + 8, digest + 12, digest + 16,
			       digest + 20);
	return 0;
}

#define SHOW_UNAME(name, field)                                                                                        \
	static int name##_show(const SysctlKey *key, GString *out)                                                     \
	{                                                                                                              \
		struct utsname names;                                                                                  \
                                                                                                                       \
		if (key->value->text)                                                                                  \
			return sysctl_show_text(key, out);                                                             \
		if (uname(&names) < 0)                                                                                 \
			return -errno;                                                                                 \
		g_string_append_printf(out, "%s\n", names.field);                                                      \
		return 0;                                                                                              \
	}

SHOW_UNAME(hostname, nodename)
SHOW_UNAME(domainname, domainname)
SHOW_UNAME(osrelease, release)
SHOW_UNAME(ostype, sysname)
SHOW_UNAME(version, version)
SHOW_UNAME(arch, machine)

static guint64 memory_kib(void)
{
	struct sysinfo info;

	return sysinfo(&info) == 0 ? (guint64) info.totalram * info.mem_unit / 1024 : 0;
}

/* fs/file_table.c files_maxfiles_init(): a file takes about 1 KiB, a tenth of the memory is for them. */
guint64 sysctl_machine_files(void)
{
	return MAX(memory_kib() / 10, 8192);
}

/* kernel/fork.c set_max_threads(): stacks of 16 KiB in an eighth of the memory. */
guint64 sysctl_machine_threads(void)
{
	return CLAMP(memory_kib() / (16 * 8), 20, 0x3fffffff);
}

/* kernel/fork.c fork_init() */
guint64 sysctl_machine_namespaces(void)
{
	return sysctl_machine_threads() / 2;
}

/* kernel/pid.c pid_idr_init() */
guint64 sysctl_machine_pids(void)
{
	return MIN(4194304, MAX(32768, 1024 * MAX(sysconf(_SC_NPROCESSORS_CONF), 1)));
}

#define SHOWN_BY(shower)                                                                                               \
	{                                                                                                              \
		.show = (shower), .store = sysctl_store_nothing, .unlocked = TRUE                                      \
	}

const SysctlKind sysctl_file_nr = SHOWN_BY(file_nr_show);
const SysctlKind sysctl_pty_nr = SHOWN_BY(pty_nr_show);
const SysctlKind sysctl_cap_last_cap = SHOWN_BY(cap_last_cap_show);
const SysctlKind sysctl_ngroups_max = SHOWN_BY(ngroups_max_show);
const SysctlKind sysctl_uuid = SHOWN_BY(uuid_show);
const SysctlKind sysctl_boot_id = SHOWN_BY(boot_id_show);
const SysctlKind sysctl_osrelease = SHOWN_BY(osrelease_show);
const SysctlKind sysctl_ostype = SHOWN_BY(ostype_show);
const SysctlKind sysctl_version = SHOWN_BY(version_show);
const SysctlKind sysctl_arch = SHOWN_BY(arch_show);
const SysctlKind sysctl_hostname = {.show = hostname_show, .store = sysctl_store_string};
const SysctlKind sysctl_domainname = {.show = domainname_show, .store = sysctl_store_string};
const SysctlKind sysctl_last_pid = {
	.show = last_pid_show,
	.store = last_pid_store,
	.convert = sysctl_convert_int,
	.print = sysctl_print_int,
	.unlocked = TRUE,
};
