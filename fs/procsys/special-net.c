/*
 * Handlers that single keys of net/ have for themselves.
 */
#include "fs/procsys/key.h"
#include "fs/procsys/kind.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* net/core/neighbour.c proc_unres_qlen(): packets, kept as bytes of the largest Ethernet frame in memory. */
#define FRAME_SIZE 2090

static guint64 number_of(const SysctlKey *key, const char *path)
{
	return procsys_key(key->procsys, path)->value->numbers[0];
}

/* net/ipv4/sysctl_net_ipv4.c ipv4_local_port_range(): in order, and above the privileged ports. */
static int port_range_store(SysctlKey *key, const char *text, size_t len)
{
	guint64 range[2] = {key->value->numbers[0], key->value->numbers[1]};
	int r = sysctl_get_numbers(&key->row->rule, &sysctl_int, text, len, range);

	if (r < 0)
		return r;
	if (range[1] < range[0] || range[0] < number_of(key, "net/ipv4/ip_unprivileged_port_start"))
		return -EINVAL;
	memcpy(key->value->numbers, range, sizeof range);
	return 0;
}

/* ipv4_privileged_ports(): privileged ports and local ones must not overlap. */
static int first_port_store(SysctlKey *key, const char *text, size_t len)
{
	guint64 first;
	int r = sysctl_get_numbers(&key->row->rule, &sysctl_int, text, len, &first);

	if (r < 0)
		return r;
	if (number_of(key, "net/ipv4/ip_local_port_range") < first)
		return -EINVAL;
	key->value->numbers[0] = first;
	return 0;
}

/* ipv4_ping_group_range(): an empty range is always written as 1 to 0. */
static int group_range_store(SysctlKey *key, const char *text, size_t len)
{
	guint64 range[2] = {key->value->numbers[0], key->value->numbers[1]};
	int r = sysctl_get_numbers(&key->row->rule, &sysctl_int, text, len, range);

	if (r < 0)
		return r;
	key->value->numbers[0] = range[1] < range[0] ? 1 : range[0];
	key->value->numbers[1] = range[1] < range[0] ? 0 : range[1];
	return 0;
}

/* One key of proc_tcp_fastopen_key(): "%x-%x-%x-%x". */
static gboolean append_fastopen_key(const char *text, GString *out)
{
	g_auto(GStrv) parts = g_strsplit(text, "-", -1);

	if (g_strv_length(parts) != 4)
		return FALSE;
	for (unsigned i = 0; i < 4; i++) {
		guint64 part;

		if (!g_ascii_string_to_unsigned(parts[i], 16, 0, G_MAXUINT32, &part, NULL))
			return FALSE;
		g_string_append_printf(out, "%s%08x", i > 0 ? "-" : "", (guint32) part);
	}
	return TRUE;
}

/* One key, or two separated by a comma. */
static int fastopen_key_store(SysctlKey *key, const char *text, size_t len)
{
	g_autofree char *line = g_strstrip(g_strndup(text, len));
	g_auto(GStrv) keys = g_strsplit(line, ",", -1);
	g_autoptr(GString) shown = g_string_new(NULL);
	unsigned n = g_strv_length(keys);

	if (n < 1 || n > 2 || !append_fastopen_key(keys[0], shown))
		return -EINVAL;
	if (n == 2 && !append_fastopen_key(keys[1], g_string_append_c(shown, ',')))
		return -EINVAL;
	g_free(key->value->text);
	key->value->text = g_strdup(shown->str);
	return 0;
}

/* net/core/sysctl_net_core.c flow_limit_table_len_sysctl() */
static int power_of_two_convert(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	if (magnitude == 0 || (magnitude & (magnitude - 1)) != 0)
		return -EINVAL;
	return sysctl_convert_unsigned(rule, negative, magnitude, ret);
}

/* net/core/sysctl_net_core.c rps_sock_flow_sysctl(): up to the next power of two. */
static int rounded_up_convert(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	guint64 wanted, size = 1;
	int r = sysctl_convert_unsigned(rule, negative, magnitude, &wanted);

	if (r < 0)
		return r;
	while (size < wanted)
		size *= 2;
	*ret = wanted == 0 ? 0 : size;
	return 0;
}

static int queue_length_convert(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	if (negative || magnitude > INT_MAX / FRAME_SIZE)
		return -EINVAL;
	*ret = magnitude * FRAME_SIZE;
	return 0;
}

static void queue_length_print(guint64 number, GString *out)
{
	sysctl_print_unsigned(number / FRAME_SIZE, out);
}

/* net/netfilter/nf_log.c nf_log_proc_dostring(): no logger is loaded, so that only "NONE" is known. */
static int nf_log_store(SysctlKey *key, const char *text, size_t len)
{
	g_autofree char *logger = g_strchomp(g_strndup(text, len));

	return g_str_equal(logger, "NONE") ? 0 : -ENOENT;
}

/* net/ipv6/addrconf.c addrconf_sysctl_stable_secret(): an address, shown in full; there is none until one is written.
 */
static int stable_secret_show(const SysctlKey *key, GString *out)
{
	return key->value->text ? sysctl_show_text(key, out) : -EIO;
}

static int stable_secret_store(SysctlKey *key, const char *text, size_t len)
{
	g_autofree char *address = g_strstrip(g_strndup(text, len));
	struct in6_addr secret;
	GString *shown;

	/* What holds for all has none. */
	if (strstr(key->path, "/conf/all/") || inet_pton(AF_INET6, address, &secret) != 1)
		return -EIO;
	shown = g_string_new(NULL);
	for (unsigned i = 0; i < 16; i += 2)
		g_string_append_printf(shown, "%s%02x%02x", i > 0 ? ":" : "", secret.s6_addr[i], secret.s6_addr[i + 1]);
	g_free(key->value->text);
	key->value->text = g_string_free(shown, FALSE);
	return 0;
}

static void copy_to(SysctlKey *key, const char *directory)
{
	g_autofree char *parent = g_path_get_dirname(key->path);
	g_autofree char *conf = g_path_get_dirname(parent);
	g_autofree char *path = g_build_filename(conf, directory, key->row->name, NULL);
	SysctlKey *other = procsys_key(key->procsys, path);

	if (other)
		other->value->numbers[0] = key->value->numbers[0];
}

/* What is written to conf/all holds for the interfaces there are and for later ones: addrconf_fixup_forwarding(),
 * addrconf_disable_ipv6(), addrconf_fixup_linkdown(). */
void sysctl_changed_for_all(SysctlKey *key, guint64 before)
{
	if (!strstr(key->path, "/conf/all/") || before == key->value->numbers[0])
		return;
	copy_to(key, "default");
	copy_to(key, "lo");
}

/* net/ipv4/devinet.c inet_forward_change(): a router takes no redirects. */
void sysctl_changed_forwarding(SysctlKey *key, guint64 before)
{
	SysctlKey *all = procsys_key(key->procsys, "net/ipv4/conf/all/forwarding");
	SysctlKey *redirects = procsys_key(key->procsys, "net/ipv4/conf/all/accept_redirects");

	if (key->value != all->value || before == key->value->numbers[0])
		return;
	redirects->value->numbers[0] = key->value->numbers[0] == 0;
	copy_to(all, "default");
	copy_to(all, "lo");
}

#define STORED_BY(storer)                                                                                              \
	{                                                                                                              \
		.show = sysctl_show_numbers, .store = (storer), .convert = sysctl_convert_int,                         \
		.print = sysctl_print_int,                                                                             \
	}

const SysctlKind sysctl_port_range = STORED_BY(port_range_store);
const SysctlKind sysctl_first_port = STORED_BY(first_port_store);
const SysctlKind sysctl_group_range = STORED_BY(group_range_store);
const SysctlKind sysctl_power_of_two = SYSCTL_NUMBERS(power_of_two_convert, sysctl_print_unsigned);
const SysctlKind sysctl_rounded_up = SYSCTL_NUMBERS(rounded_up_convert, sysctl_print_unsigned);
const SysctlKind sysctl_queue_length = SYSCTL_NUMBERS(queue_length_convert, queue_length_print);
const SysctlKind sysctl_fastopen_key = {.show = sysctl_show_text, .store = fastopen_key_store};
const SysctlKind sysctl_nf_log = {.show = sysctl_show_text, .store = nf_log_store};
const SysctlKind sysctl_stable_secret = {.show = stable_secret_show, .store = stable_secret_store};
