#include "fs/parse.h"

#include <errno.h>
#include <string.h>

/* Reads digits of the base; wraps on overflow, as the kernel's _parse_integer() does, and says so. */
static const char *read_digits(const char *text, unsigned base, guint64 *ret, gboolean *ret_overflow)
{
	guint64 value = 0;
	gboolean overflow = FALSE;

	for (;; text++) {
		int digit = g_ascii_xdigit_value(*text);

		if (digit < 0 || (unsigned) digit >= base)
			break;
		if (value > (G_MAXUINT64 - (guint64) digit) / base)
			overflow = TRUE;
		value = value * base + (guint64) digit;
	}
	*ret = value;
	*ret_overflow = overflow;
	return text;
}

/* lib/kstrtox.c _parse_integer_fixup_radix() with base 0. */
static const char *read_prefix(const char *text, unsigned *ret_base)
{
	if (text[0] != '0') {
		*ret_base = 10;
		return text;
	}
	if (g_ascii_tolower(text[1]) == 'x' && g_ascii_isxdigit(text[2])) {
		*ret_base = 16;
		return text + 2;
	}
	*ret_base = 8;
	return text;
}

static int parse_unsigned(const char *text, guint64 *ret)
{
	unsigned base;
	guint64 value;
	gboolean overflow;
	const char *digits = read_prefix(text, &base);
	const char *end = read_digits(digits, base, &value, &overflow);

	if (overflow)
		return -ERANGE;
	if (end == digits)
		return -EINVAL;
	if (*end == '\n')
		end++;
	if (*end != '\0')
		return -EINVAL;
	*ret = value;
	return 0;
}

int parse_u64(const char *text, guint64 *ret)
{
	return parse_unsigned(text[0] == '+' ? text + 1 : text, ret);
}

int parse_s64(const char *text, gint64 *ret)
{
	gboolean negative = text[0] == '-';
	guint64 magnitude, limit = (guint64) G_MAXINT64 + (negative ? 1 : 0);
	int r;

	r = negative ? parse_unsigned(text + 1, &magnitude) : parse_u64(text, &magnitude);
	if (r < 0)
		return r;
	if (magnitude > limit)
		return -ERANGE;
	*ret = (gint64) (negative ? 0 - magnitude : magnitude);
	return 0;
}

int parse_s32(const char *text, gint32 *ret)
{
	gint64 value;
	int r = parse_s64(text, &value);

	if (r < 0)
		return r;
	if (value < G_MININT32 || value > G_MAXINT32)
		return -ERANGE;
	*ret = (gint32) value;
	return 0;
}

guint64 parse_memparse(const char *text, const char **ret_end)
{
	static const char suffixes[] = "KMGTPE";
	unsigned base;
	guint64 value;
	gboolean overflow;
	const char *digits = read_prefix(text, &base);
	const char *end = read_digits(digits, base, &value, &overflow);
	const char *suffix;

	suffix = *end != '\0' ? strchr(suffixes, g_ascii_toupper(*end)) : NULL;
	if (suffix != NULL) {
		value <<= 10 * (suffix - suffixes + 1);
		end++;
	}
	if (ret_end != NULL)
		*ret_end = end;
	return value;
}

int parse_page_counter(const char *text, const char *max_word, guint64 *ret_pages)
{
	guint64 bytes;
	const char *end;

	if (max_word != NULL && strcmp(text, max_word) == 0) {
		*ret_pages = PAGE_COUNTER_MAX;
		return 0;
	}
	bytes = parse_memparse(text, &end);
	if (*end != '\0')
		return -EINVAL;
	*ret_pages = MIN(bytes / 4096, PAGE_COUNTER_MAX);
	return 0;
}

static unsigned n_words(unsigned n_bits)
{
	return (n_bits + 63) / 64;
}

void bit_list_init(BitList *list, unsigned n_bits)
{
	list->words = g_new0(guint64, n_words(n_bits));
	list->n_bits = n_bits;
}

void bit_list_clear(BitList *list)
{
	g_clear_pointer(&list->words, g_free);
	list->n_bits = 0;
}

void bit_list_copy(BitList *to, const BitList *from)
{
	g_return_if_fail(to->n_bits == from->n_bits);
	if (to != from && to->n_bits > 0)
		memcpy(to->words, from->words, n_words(to->n_bits) * sizeof(guint64));
}

gboolean bit_list_get(const BitList *list, unsigned bit)
{
	return bit < list->n_bits && ((list->words[bit / 64] >> (bit % 64)) & 1) != 0;
}

void bit_list_set(BitList *list, unsigned bit, gboolean value)
{
	guint64 mask = G_GUINT64_CONSTANT(1) << (bit % 64);

	g_return_if_fail(bit < list->n_bits);
	if (value)
		list->words[bit / 64] |= mask;
	else
		list->words[bit / 64] &= ~mask;
}

gboolean bit_list_is_empty(const BitList *list)
{
	return bit_list_count(list) == 0;
}

/* Lists of different length compare as if the shorter one had more zeros. */
static guint64 word_at(const BitList *list, unsigned word)
{
	return word < n_words(list->n_bits) ? list->words[word] : 0;
}

gboolean bit_list_is_subset(const BitList *list, const BitList *of)
{
	for (unsigned i = 0; i < n_words(list->n_bits); i++)
		if ((list->words[i] & ~word_at(of, i)) != 0)
			return FALSE;
	return TRUE;
}

gboolean bit_list_intersects(const BitList *a, const BitList *b)
{
	for (unsigned i = 0; i < n_words(a->n_bits); i++)
		if ((a->words[i] & word_at(b, i)) != 0)
			return TRUE;
	return FALSE;
}

void bit_list_and(BitList *list, const BitList *with)
{
	for (unsigned i = 0; i < n_words(list->n_bits); i++)
		list->words[i] &= word_at(with, i);
}

unsigned bit_list_count(const BitList *list)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n_words(list->n_bits); i++)
		count += (unsigned) __builtin_popcountll(list->words[i]);
	return count;
}

/* "first-last:used/group": of every `group` bits from first to last, the first `used` ones. */
typedef struct Region {
	unsigned first, last, used, group;
} Region;

/* One number of a region; "N" is the last bit. *at moves behind it. */
static int read_bit_number(const char **at, unsigned last_bit, unsigned *ret)
{
	guint64 value;
	gboolean overflow;
	const char *end;

	if (**at == 'N') {
		*ret = last_bit;
		(*at)++;
		return 0;
	}
	end = read_digits(*at, 10, &value, &overflow);
	if (end == *at)
		return -EINVAL;
	if (overflow || value > G_MAXUINT)
		return -EOVERFLOW;
	*ret = (unsigned) value;
	*at = end;
	return 0;
}

static gboolean is_separator(char c)
{
	return g_ascii_isspace(c) || c == ',';
}

static gboolean is_region_end(char c)
{
	return c == '\0' || is_separator(c);
}

static int read_pattern(const char **at, unsigned last_bit, Region *region)
{
	int r;

	if (is_region_end(**at)) {
		region->used = region->group = region->last + 1;
		return 0;
	}
	if (*(*at)++ != ':')
		return -EINVAL;
	r = read_bit_number(at, last_bit, &region->used);
	if (r < 0)
		return r;
	if (*(*at)++ != '/')
		return -EINVAL;
	return read_bit_number(at, last_bit, &region->group);
}

static int read_region(const char **at, unsigned last_bit, Region *region)
{
	int r;

	if (g_ascii_strncasecmp(*at, "all", 3) == 0) {
		region->first = 0;
		region->last = last_bit;
		*at += 3;
		return read_pattern(at, last_bit, region);
	}
	r = read_bit_number(at, last_bit, &region->first);
	if (r < 0)
		return r;
	region->last = region->first;
	if (!is_region_end(**at)) {
		if (*(*at)++ != '-')
			return -EINVAL;
		r = read_bit_number(at, last_bit, &region->last);
		if (r < 0)
			return r;
	}
	return read_pattern(at, last_bit, region);
}

static int check_region(const Region *region, unsigned n_bits)
{
	if (region->first > region->last || region->group == 0 || region->used > region->group)
		return -EINVAL;
	return region->last >= n_bits ? -ERANGE : 0;
}

static void set_region(BitList *list, const Region *region)
{
	for (guint64 bit = region->first; bit <= region->last; bit++)
		if ((bit - region->first) % region->group < region->used)
			bit_list_set(list, (unsigned) bit, TRUE);
}

int bit_list_parse(BitList *list, const char *text)
{
	BitList parsed;
	int r = 0;

	bit_list_init(&parsed, list->n_bits);
	for (;;) {
		Region region;

		/* A newline is white space between regions but the end of the text after one. */
		while (is_separator(*text))
			text++;
		if (*text == '\0')
			break;
		r = read_region(&text, list->n_bits - 1, &region);
		if (r >= 0)
			r = check_region(&region, list->n_bits);
		if (r < 0)
			break;
		set_region(&parsed, &region);
		if (*text == '\n')
			break;
	}
	if (r >= 0)
		bit_list_copy(list, &parsed);
	bit_list_clear(&parsed);
	return r;
}

void bit_list_show(const BitList *list, GString *out)
{
	gboolean any = FALSE;

	for (unsigned bit = 0; bit < list->n_bits; bit++) {
		unsigned first = bit;

		if (!bit_list_get(list, bit))
			continue;
		while (bit_list_get(list, bit + 1))
			bit++;
		g_string_append_printf(out, any ? ",%u" : "%u", first);
		if (bit > first)
			g_string_append_printf(out, "-%u", bit);
		any = TRUE;
	}
}
