/*
 * Handlers that single keys of kernel/ have for themselves.
 */
#include "fs/procsys/key.h"
#include "fs/procsys/kind.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define TAINT_FLAGS 0xfffff

/* kernel/reboot.c proc_do_cad_pid(): the process must be there. */
static int cad_pid_convert(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	guint64 pid;
	int r = sysctl_convert_int(rule, negative, magnitude, &pid);

	if (r < 0)
		return r;
	if (negative || pid == 0 || (kill((pid_t) pid, 0) < 0 && errno == ESRCH))
		return -ESRCH;
	*ret = pid;
	return 0;
}

/* security/yama/yama_lsm.c: the highest value is for ever. */
static int ptrace_scope_convert(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	if (*ret == rule->max && magnitude != rule->max)
		return -EINVAL;
	return sysctl_convert_int(rule, negative, magnitude, ret);
}

/* kernel/bpf/syscall.c bpf_unpriv_handler(): 1 is for ever. */
static int bpf_disabled_convert(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	guint64 state;
	int r = sysctl_convert_int(rule, negative, magnitude, &state);

	if (r < 0)
		return r;
	if (*ret == 1 && state != 1)
		return -EPERM;
	*ret = state;
	return 0;
}

/* kernel/sched/rt.c sched_rr_handler(): nothing or less is the default. */
static int rr_timeslice_convert(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	int r = sysctl_convert_int(rule, negative, magnitude, ret);

	if (r == 0 && (gint64) *ret <= 0)
		*ret = 100;
	return r;
}

/* kernel/panic.c proc_taint(): bits can only be added. */
static int tainted_convert(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	if (negative)
		return -EINVAL;
	*ret |= magnitude & TAINT_FLAGS;
	return 0;
}

/* kernel/umh.c proc_cap_handler(): two words of 32 capabilities, which can only be dropped. */
static int capabilities_store(SysctlKey *key, const char *text, size_t len)
{
	guint64 before[2], *now = key->value->numbers;
	int r;

	memcpy(before, now, sizeof before);
	r = sysctl_store_numbers(key, text, len);
	for (unsigned i = 0; i < 2; i++)
		now[i] = r < 0 ? before[i] : before[i] & now[i];
	return r;
}

/* kernel/sched/topology.c: CPUs of one kind have no energy model. */
static int energy_aware_show(const SysctlKey *key, GString *out)
{
	return 0;
}

static int energy_aware_store(SysctlKey *key, const char *text, size_t len)
{
	return -EOPNOTSUPP;
}

/* kernel/seccomp.c: "allow" cannot be logged, and the order is the table's. */
static int actions_logged_store(SysctlKey *key, const char *text, size_t len)
{
	g_autofree char *words = NULL;
	g_auto(GStrv) actions = g_strsplit(key->row->rule.words, " ", -1);
	g_auto(GStrv) chosen = NULL;
	GString *shown;

	if (sysctl_get_words(&key->row->rule, text, len, &words) < 0)
		return -EINVAL;
	chosen = g_strsplit(words, " ", -1);
	shown = g_string_new(NULL);
	for (char **action = actions; *action; action++)
		if (g_strv_contains((const char *const *) chosen, *action))
			g_string_append_printf(shown, "%s%s", shown->len > 0 ? " " : "", *action);
	g_free(key->value->text);
	key->value->text = g_string_free(shown, FALSE);
	return 0;
}

/* kernel/printk/printk.c devkmsg_sysctl_set_loglvl(): the word and its newline, and nothing else. */
static int devkmsg_store(SysctlKey *key, const char *text, size_t len)
{
	static const char *const words[] = {"on", "off", "ratelimit"};

	for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
		size_t n = strlen(words[i]);

		if (len == n + 1 && strncmp(text, words[i], n) == 0 && text[n] == '\n')
			return sysctl_store_string(key, text, len);
	}
	return -EINVAL;
}

const SysctlKind sysctl_cad_pid = SYSCTL_NUMBERS(cad_pid_convert, sysctl_print_int);
const SysctlKind sysctl_ptrace_scope = SYSCTL_NUMBERS(ptrace_scope_convert, sysctl_print_int);
const SysctlKind sysctl_bpf_disabled = SYSCTL_NUMBERS(bpf_disabled_convert, sysctl_print_int);
const SysctlKind sysctl_rr_timeslice = SYSCTL_NUMBERS(rr_timeslice_convert, sysctl_print_int);
const SysctlKind sysctl_tainted = SYSCTL_NUMBERS(tainted_convert, sysctl_print_unsigned);
const SysctlKind sysctl_capabilities = {
	.show = sysctl_show_numbers,
	.store = capabilities_store,
	.convert = sysctl_convert_unsigned,
	.print = sysctl_print_unsigned,
};
const SysctlKind sysctl_energy_aware = {.show = energy_aware_show, .store = energy_aware_store};
const SysctlKind sysctl_actions_logged = {.show = sysctl_show_text, .store = actions_logged_store};
const SysctlKind sysctl_devkmsg = {.show = sysctl_show_text, .store = devkmsg_store};
