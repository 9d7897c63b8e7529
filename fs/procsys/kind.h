/*
 * Kinds of sysctl: the kernel's proc_handlers (kernel/sysctl.c). A kind shows and stores the value of a key.
 */
#pragma once

#include "fs/procsys/table.h"

struct SysctlKind {
	/* Appends the content, newline included. Returns 0 or -errno. */
	int (*show)(const SysctlKey *key, GString *out);
	/* Takes one write(2) of len > 0 bytes. Returns 0 or -errno. */
	int (*store)(SysctlKey *key, const char *text, size_t len);
	/* Kinds made of numbers: from what was written to what the kernel's variable holds (*ret: before and after),
	 * and back to text. */
	int (*convert)(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret);
	void (*print)(guint64 number, GString *out);
	/* Settings must not be locked: it reads /proc or /dev. */
	gboolean unlocked;
};

/* Numbers: number.c */
extern const SysctlKind sysctl_int, sysctl_uint, sysctl_ulong, sysctl_bool;
extern const SysctlKind sysctl_seconds, sysctl_ticks, sysctl_milliseconds;

/* Words, strings and bitmaps: text.c */
extern const SysctlKind sysctl_string, sysctl_word, sysctl_words, sysctl_bitmap, sysctl_cpumask, sysctl_cpulist;
extern const SysctlKind sysctl_fixed, sysctl_action, sysctl_number_action;

/* The machine as it is: live.c */
extern const SysctlKind sysctl_file_nr, sysctl_pty_nr, sysctl_last_pid, sysctl_cap_last_cap, sysctl_ngroups_max;
extern const SysctlKind sysctl_uuid, sysctl_boot_id;
extern const SysctlKind sysctl_hostname, sysctl_domainname, sysctl_osrelease, sysctl_ostype, sysctl_version,
	sysctl_arch;

/* Handlers that few keys have to themselves: special-kernel.c, special-vm.c, special-net.c */
extern const SysctlKind sysctl_cad_pid, sysctl_ptrace_scope, sysctl_bpf_disabled, sysctl_rr_timeslice, sysctl_devkmsg,
	sysctl_energy_aware, sysctl_actions_logged, sysctl_tainted, sysctl_capabilities;
extern const SysctlKind sysctl_pipe_size, sysctl_reserve_ratio, sysctl_high_fraction, sysctl_zonelist_order;
extern const SysctlKind sysctl_port_range, sysctl_first_port, sysctl_group_range, sysctl_fastopen_key,
	sysctl_power_of_two, sysctl_rounded_up, sysctl_queue_length, sysctl_nf_log, sysctl_stable_secret;

/* Side effects of a write: Sysctl.changed */
void sysctl_changed_forwarding(SysctlKey *key, guint64 before);
void sysctl_changed_for_all(SysctlKey *key, guint64 before);
void sysctl_changed_pair(SysctlKey *key, guint64 before);

/* Defaults that depend on the machine: Sysctl.machine */
guint64 sysctl_machine_files(void);
guint64 sysctl_machine_threads(void);
guint64 sysctl_machine_namespaces(void);
guint64 sysctl_machine_pids(void);

/* What a write(2) brought, while it is taken apart. */
typedef struct SysctlText {
	const char *at;
	size_t left;
} SysctlText;

SysctlText sysctl_text(const char *text, size_t len);
void sysctl_skip_space(SysctlText *text);
/* kernel/sysctl.c proc_get_long(): a number in base 0 followed by one of `trailers` or the end; *ret_trailer (may be
 * NULL) is that byte, which is not consumed, or 0. -EINVAL. */
int sysctl_get_long(SysctlText *text, const char *trailers, gboolean *ret_negative, guint64 *ret, char *ret_trailer);
/* The numbers of `text` into `numbers` by a kind's convert(), as far as they go: those before a wrong one stay, as in
 * the kernel. -EINVAL. */
int sysctl_get_numbers(const SysctlRule *rule, const SysctlKind *kind, const char *text, size_t len, guint64 *numbers);
/* Words of rule->words, separated by one space, up to an empty one. -ENOENT for another one. */
int sysctl_get_words(const SysctlRule *rule, const char *text, size_t len, char **ret);

#define SYSCTL_NUMBERS(converter, printer)                                                                             \
	{                                                                                                              \
		.show = sysctl_show_numbers, .store = sysctl_store_numbers, .convert = (converter), .print = (printer) \
	}
int sysctl_convert_int(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret);
int sysctl_convert_unsigned(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret);
void sysctl_print_int(guint64 number, GString *out);
void sysctl_print_unsigned(guint64 number, GString *out);
int sysctl_show_numbers(const SysctlKey *key, GString *out);
int sysctl_store_numbers(SysctlKey *key, const char *text, size_t len);
int sysctl_show_text(const SysctlKey *key, GString *out);
int sysctl_store_string(SysctlKey *key, const char *text, size_t len);
int sysctl_store_nothing(SysctlKey *key, const char *text, size_t len); /* -EACCES: no one may write */
