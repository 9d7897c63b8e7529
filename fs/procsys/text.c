/*
 * Strings, words, bitmaps: the handlers of kernel/sysctl.c and lib/bitmap-str.c that are not about single numbers.
 */
#include "fs/parse.h"
#include "fs/procsys/key.h"
#include "fs/procsys/kind.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int sysctl_show_text(const SysctlKey *key, GString *out)
{
	g_string_append_printf(out, "%s\n", key->value->text ? key->value->text : "");
	return 0;
}

int sysctl_store_nothing(SysctlKey *key, const char *text, size_t len)
{
	return -EACCES;
}

static char *first_line(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);

	return g_strndup(text, end ? (size_t) (end - text) : len);
}

/* _proc_do_string(): to the first newline or NUL, cut to the variable's size; white space stays. */
int sysctl_store_string(SysctlKey *key, const char *text, size_t len)
{
	g_free(key->value->text);
	key->value->text = first_line(text, MIN(len, key->row->rule.count - 1));
	return 0;
}

/* Is word one of a list separated by spaces? */
static gboolean is_one_of(const char *words, const char *word)
{
	g_auto(GStrv) list = g_strsplit(words, " ", -1);

	return *word && g_strv_contains((const char *const *) list, word);
}

/* One of the words the table has, such as a queueing discipline: what is not there cannot be loaded. */
static int word_store(SysctlKey *key, const char *text, size_t len)
{
	g_autofree char *word = g_strstrip(g_strndup(text, len));

	if (!is_one_of(key->row->rule.words, word))
		return -ENOENT;
	g_free(key->value->text);
	key->value->text = g_steal_pointer(&word);
	return 0;
}

int sysctl_get_words(const SysctlRule *rule, const char *text, size_t len, char **ret)
{
	g_autofree char *line = first_line(text, len);
	g_auto(GStrv) list = g_strsplit(line, " ", -1);
	g_autoptr(GString) kept = g_string_new(NULL);

	for (char **word = list; *word && **word; word++) {
		if (!is_one_of(rule->words, *word))
			return -ENOENT;
		g_string_append_printf(kept, "%s%s", kept->len > 0 ? " " : "", *word);
	}
	*ret = g_strdup(kept->str);
	return 0;
}

/* net/ipv4/tcp_cong.c tcp_set_allowed_congestion_control() */
static int words_store(SysctlKey *key, const char *text, size_t len)
{
	char *words;
	int r = sysctl_get_words(&key->row->rule, text, len, &words);

	if (r < 0)
		return r;
	g_free(key->value->text);
	key->value->text = words;
	return 0;
}

/* One range of proc_do_large_bitmap(), and the separator behind it. */
static int get_range(SysctlText *in, BitList *bits)
{
	guint64 first, last;
	gboolean negative;
	char trailer;

	if (sysctl_get_long(in, "-,\n", &negative, &first, &trailer) < 0 || negative || first >= bits->n_bits)
		return -EINVAL;
	last = first;
	if (trailer == '-') {
		in->at++;
		in->left--;
		if (sysctl_get_long(in, ",\n", &negative, &last, &trailer) < 0 || negative || last >= bits->n_bits ||
		    first > last)
			return -EINVAL;
	}
	if (in->left > 0) {
		in->at++;
		in->left--;
	}
	for (guint64 bit = first; bit <= last; bit++)
		bit_list_set(bits, bit, TRUE);
	return 0;
}

static void skip_newlines(SysctlText *in)
{
	while (in->left > 0 && *in->at == '\n') {
		in->at++;
		in->left--;
	}
}

static void keep_bits(SysctlKey *key, const BitList *bits)
{
	GString *shown = g_string_new(NULL);

	bit_list_show(bits, shown);
	g_free(key->value->text);
	key->value->text = g_string_free(shown, FALSE);
}

static int bitmap_store(SysctlKey *key, const char *text, size_t len)
{
	SysctlText in = sysctl_text(text, len);
	BitList bits;
	int r = 0;

	bit_list_init(&bits, key->row->rule.count);
	skip_newlines(&in);
	while (r == 0 && in.left > 0) {
		r = get_range(&in, &bits);
		skip_newlines(&in);
	}
	if (r == 0)
		keep_bits(key, &bits);
	bit_list_clear(&bits);
	return r;
}

static unsigned number_of_cpus(void)
{
	return MAX(sysconf(_SC_NPROCESSORS_CONF), 1);
}

/* The hexadecimal digits of one 32-bit chunk of lib/bitmap-str.c bitmap_parse(), from its end backwards. */
static int get_chunk(const char *start, const char **end, guint32 *ret)
{
	guint32 chunk = 0;
	unsigned shift;

	for (shift = 0; *end > start && !g_ascii_isspace((*end)[-1]) && (*end)[-1] != ','; shift += 4, (*end)--) {
		if (!g_ascii_isxdigit((*end)[-1]))
			return -EINVAL;
		if (shift == 32)
			return -EOVERFLOW;
		chunk |= (guint32) g_ascii_xdigit_value((*end)[-1]) << shift;
	}
	*ret = chunk;
	return 0;
}

static const char *skip_separators(const char *start, const char *end)
{
	while (end > start && (g_ascii_isspace(end[-1]) || end[-1] == ','))
		end--;
	return end;
}

static int parse_mask(const char *start, const char *end, BitList *cpus)
{
	unsigned n_chunks = (cpus->n_bits + 31) / 32;

	for (unsigned chunk = 0; (end = skip_separators(start, end)) > start; chunk++) {
		guint32 bits;
		int r = chunk < n_chunks ? get_chunk(start, &end, &bits) : -EOVERFLOW;

		if (r < 0)
			return r;
		for (unsigned bit = 0; bit < 32; bit++)
			if (bits & 1U << bit && chunk * 32 + bit >= cpus->n_bits)
				return -EOVERFLOW;
			else if (bits & 1U << bit)
				bit_list_set(cpus, chunk * 32 + bit, TRUE);
	}
	return 0;
}

/* "%*pb": chunks of 8 digits, the first as wide as the number of CPUs asks for. */
static void show_mask(const BitList *cpus, GString *out)
{
	unsigned n_digits = (cpus->n_bits + 3) / 4;

	for (unsigned digit = n_digits; digit-- > 0;) {
		unsigned value = 0;

		for (unsigned bit = digit * 4; bit < MIN(digit * 4 + 4, cpus->n_bits); bit++)
			value |= bit_list_get(cpus, bit) ? 1U << bit % 4 : 0;
		g_string_append_printf(out, "%x%s", value, digit > 0 && digit % 8 == 0 ? "," : "");
	}
}

static int cpumask_store(SysctlKey *key, const char *text, size_t len)
{
	const char *newline = memchr(text, '\n', len);
	BitList cpus;
	int r;

	bit_list_init(&cpus, number_of_cpus());
	r = parse_mask(text, newline ? newline : text + len, &cpus);
	if (r == 0) {
		GString *shown = g_string_new(NULL);

		show_mask(&cpus, shown);
		g_free(key->value->text);
		key->value->text = g_string_free(shown, FALSE);
	}
	bit_list_clear(&cpus);
	return r;
}

/* A list of CPUs, all of them at start. */
static int cpulist_show(const SysctlKey *key, GString *out)
{
	unsigned n = number_of_cpus();

	if (key->value->text)
		return sysctl_show_text(key, out);
	g_string_append_printf(out, n > 1 ? "0-%u\n" : "0\n", n - 1);
	return 0;
}

static int cpulist_store(SysctlKey *key, const char *text, size_t len)
{
	g_autofree char *list = g_strstrip(g_strndup(text, len));
	BitList cpus;
	int r;

	bit_list_init(&cpus, number_of_cpus());
	r = bit_list_parse(&cpus, list);
	if (r == 0)
		keep_bits(key, &cpus);
	bit_list_clear(&cpus);
	return r;
}

/* A file whose write does something at once and keeps nothing: vm/drop_caches. There is nothing to drop here. */
static int action_show(const SysctlKey *key, GString *out)
{
	if (!(key->row->mode & 0444))
		return -EACCES;
	return key->value->text ? sysctl_show_text(key, out) : 0;
}

static int action_store(SysctlKey *key, const char *text, size_t len)
{
	return 0;
}

/* The same for one that wants a number. */
static int number_action_store(SysctlKey *key, const char *text, size_t len)
{
	guint64 number;

	return sysctl_get_numbers(&key->row->rule, &sysctl_int, text, len, &number);
}

const SysctlKind sysctl_string = {.show = sysctl_show_text, .store = sysctl_store_string};
const SysctlKind sysctl_word = {.show = sysctl_show_text, .store = word_store};
const SysctlKind sysctl_words = {.show = sysctl_show_text, .store = words_store};
const SysctlKind sysctl_bitmap = {.show = sysctl_show_text, .store = bitmap_store};
const SysctlKind sysctl_cpumask = {.show = sysctl_show_text, .store = cpumask_store};
const SysctlKind sysctl_cpulist = {.show = cpulist_show, .store = cpulist_store};
const SysctlKind sysctl_fixed = {.show = sysctl_show_text, .store = sysctl_store_nothing};
const SysctlKind sysctl_action = {.show = action_show, .store = action_store};
const SysctlKind sysctl_number_action = {.show = action_show, .store = number_action_store};
