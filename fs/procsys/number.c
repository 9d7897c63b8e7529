/*
 * Numbers as kernel/sysctl.c reads and prints them: white space before a number is skipped, base 0, it must be followed
 * by white space or the end, and what follows the last number that a key holds is ignored.
 */
#include "fs/procsys/kind.h"
#include "fs/procsys/key.h"

#include <errno.h>
#include <string.h>

#define PAGE           4096
#define LONGEST_NUMBER 21 /* TMPBUFLEN - 1 */
#define WHITE_SPACE    " \t\n"

/* The recorded kernel's CONFIG_HZ; what user space sees of it is how milliseconds are rounded. */
#define HZ      250
#define USER_HZ 100

SysctlText sysctl_text(const char *text, size_t len)
{
	return (SysctlText){.at = text, .left = MIN(len, PAGE - 1)};
}

void sysctl_skip_space(SysctlText *text)
{
	while (text->left > 0 && g_ascii_isspace(*text->at)) {
		text->at++;
		text->left--;
	}
}

/* lib/kstrtox.c _parse_integer_fixup_radix(), with at least one digit to come. */
static unsigned number_base(const char **at, const char *end)
{
	if (**at != '0')
		return 10;
	if (end - *at > 2 && g_ascii_tolower((*at)[1]) == 'x' && g_ascii_isxdigit((*at)[2])) {
		*at += 2;
		return 16;
	}
	return 8;
}

static int get_digits(const char **at, const char *end, guint64 *ret)
{
	unsigned base = number_base(at, end);
	guint64 value = 0;
	gboolean overflow = FALSE;

	for (; *at < end && g_ascii_isxdigit(**at); (*at)++) {
		unsigned digit = g_ascii_xdigit_value(**at);

		if (digit >= base)
			break;
		overflow |= __builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value);
	}
	*ret = value;
	return overflow ? -EINVAL : 0;
}

int sysctl_get_long(SysctlText *text, const char *trailers, gboolean *ret_negative, guint64 *ret, char *ret_trailer)
{
	const char *at = text->at, *end = text->at + MIN(text->left, LONGEST_NUMBER);
	gboolean negative = FALSE;
	guint64 value;
	size_t used;

	if (end - at > 1 && *at == '-') {
		negative = TRUE;
		at++;
	}
	if (at == end || !g_ascii_isdigit(*at) || get_digits(&at, end, &value) < 0)
		return -EINVAL;
	used = at - text->at;
	if (used == LONGEST_NUMBER)
		return -EINVAL;
	if (used < text->left && (*at == 0 || !strchr(trailers, *at)))
		return -EINVAL;
	if (ret_trailer)
		*ret_trailer = used < text->left ? *at : 0;
	text->at = at;
	text->left -= used;
	*ret_negative = negative;
	*ret = value;
	return 0;
}

int sysctl_get_numbers(const SysctlRule *rule, const SysctlKind *kind, const char *text, size_t len, guint64 *numbers)
{
	SysctlText in = sysctl_text(text, len);
	unsigned i;

	for (i = 0; i < rule->count; i++) {
		gboolean negative;
		guint64 magnitude;
		int r;

		sysctl_skip_space(&in);
		if (in.left == 0)
			break;
		r = sysctl_get_long(&in, WHITE_SPACE, &negative, &magnitude, NULL);
		if (r == 0)
			r = kind->convert(rule, negative, magnitude, &numbers[i]);
		if (r < 0)
			return r;
	}
	return i == 0 ? -EINVAL : 0;
}

int sysctl_store_numbers(SysctlKey *key, const char *text, size_t len)
{
	return sysctl_get_numbers(&key->row->rule, key->row->rule.kind, text, len, key->value->numbers);
}

int sysctl_show_numbers(const SysctlKey *key, GString *out)
{
	for (unsigned i = 0; i < key->row->rule.count; i++) {
		if (i > 0)
			g_string_append_c(out, '\t');
		key->row->rule.kind->print(key->value->numbers[i], out);
	}
	g_string_append_c(out, '\n');
	return 0;
}

int sysctl_convert_int(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	gint64 value = negative ? -(gint64) magnitude : (gint64) magnitude;

	if (magnitude > (guint64) INT_MAX + (negative ? 1 : 0))
		return -EINVAL;
	if (value < rule->min || (value > 0 && (guint64) value > rule->max))
		return -EINVAL;
	*ret = (guint64) value;
	return 0;
}

void sysctl_print_int(guint64 number, GString *out)
{
	g_string_append_printf(out, "%" G_GINT64_FORMAT, (gint64) number);
}

int sysctl_convert_unsigned(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	if (negative || magnitude > rule->max || (rule->min > 0 && magnitude < (guint64) rule->min))
		return -EINVAL;
	*ret = magnitude;
	return 0;
}

void sysctl_print_unsigned(guint64 number, GString *out)
{
	g_string_append_printf(out, "%" G_GUINT64_FORMAT, number);
}

static int bool_convert(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	if (magnitude > (guint64) INT_MAX + (negative ? 1 : 0))
		return -EINVAL;
	*ret = magnitude != 0;
	return 0;
}

/* proc_dointvec_jiffies */
static int seconds_convert(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	if (magnitude > INT_MAX / HZ)
		return -EINVAL;
	*ret = (guint64) ((gint64) magnitude * (negative ? -HZ : HZ));
	return 0;
}

static void seconds_print(guint64 number, GString *out)
{
	g_string_append_printf(out, "%" G_GINT64_FORMAT, (gint64) number / HZ);
}

/* proc_dointvec_userhz_jiffies: kernel/time/time.c clock_t_to_jiffies(), the result cut to an int. */
static int ticks_convert(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	guint64 ticks = negative ? -magnitude : magnitude;
	guint64 jiffies = ticks >= G_MAXUINT64 / HZ * USER_HZ ? G_MAXUINT64 : ticks * HZ / USER_HZ;

	if (magnitude > G_MAXINT64 / HZ * USER_HZ)
		return -EINVAL;
	*ret = (guint64) (gint64) (gint32) (guint32) jiffies;
	return 0;
}

/* The sign is printed on its own, as the kernel does: -1 jiffy reads "-0". */
static void ticks_print(guint64 number, GString *out)
{
	gboolean negative = (gint64) number < 0;
	guint64 jiffies = negative ? -number : number;

	g_string_append_printf(out, "%s%" G_GUINT64_FORMAT, negative ? "-" : "", jiffies * USER_HZ / HZ);
}

/* proc_dointvec_ms_jiffies and its _minmax: msecs_to_jiffies() takes an unsigned int, rounds up, and makes a negative
 * one too long to be accepted. The lower bound is in milliseconds. */
static int milliseconds_convert(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	guint32 milliseconds = (guint32) (negative ? -magnitude : magnitude);

	if (milliseconds > INT_MAX || milliseconds < rule->min)
		return -EINVAL;
	*ret = (milliseconds + 1000 / HZ - 1) / (1000 / HZ);
	return 0;
}

static void milliseconds_print(guint64 number, GString *out)
{
	g_string_append_printf(out, "%" G_GUINT64_FORMAT, number * (1000 / HZ));
}

const SysctlKind sysctl_int = SYSCTL_NUMBERS(sysctl_convert_int, sysctl_print_int);
const SysctlKind sysctl_uint = SYSCTL_NUMBERS(sysctl_convert_unsigned, sysctl_print_unsigned);
const SysctlKind sysctl_ulong = SYSCTL_NUMBERS(sysctl_convert_unsigned, sysctl_print_unsigned);
const SysctlKind sysctl_bool = SYSCTL_NUMBERS(bool_convert, sysctl_print_unsigned);
const SysctlKind sysctl_seconds = SYSCTL_NUMBERS(seconds_convert, seconds_print);
const SysctlKind sysctl_ticks = SYSCTL_NUMBERS(ticks_convert, ticks_print);
const SysctlKind sysctl_milliseconds = SYSCTL_NUMBERS(milliseconds_convert, milliseconds_print);
