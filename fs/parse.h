/*
 * How the kernel reads numbers, sizes and lists from a write(2). All return 0 or the kernel's -errno and set *ret only
 * on success. Text is NUL-terminated.
 */
#pragma once

#include <glib.h>

/* lib/kstrtox.c: optional '+' (and '-' for the signed one), base 0 (0x…, 0…, decimal), one trailing newline allowed,
 * nothing else. -EINVAL, -ERANGE. */
int parse_u64(const char *text, guint64 *ret);
int parse_s64(const char *text, gint64 *ret);
int parse_s32(const char *text, gint32 *ret);

/* lib/cmdline.c memparse(): number with suffix K M G T P E; overflow wraps as in the kernel. *ret_end: the first byte
 * that is no part of it. */
guint64 parse_memparse(const char *text, const char **ret_end);

/* mm/page_counter.c page_counter_memparse(): a size in bytes, or the word `max_word` (NULL: none); result in pages,
 * at most PAGE_COUNTER_MAX. -EINVAL. */
int parse_page_counter(const char *text, const char *max_word, guint64 *ret_pages);
#define PAGE_COUNTER_MAX ((guint64) (G_MAXINT64 / 4096))

/* A set of small numbers: CPUs or memory nodes. */
typedef struct BitList {
	guint64 *words;
	unsigned n_bits;
} BitList;

void bit_list_init(BitList *list, unsigned n_bits);
void bit_list_clear(BitList *list);
void bit_list_copy(BitList *to, const BitList *from); /* same n_bits */
gboolean bit_list_get(const BitList *list, unsigned bit);
void bit_list_set(BitList *list, unsigned bit, gboolean value);
gboolean bit_list_is_empty(const BitList *list);
gboolean bit_list_is_subset(const BitList *list, const BitList *of);
gboolean bit_list_intersects(const BitList *a, const BitList *b);
void bit_list_and(BitList *list, const BitList *with);
unsigned bit_list_count(const BitList *list);
/* lib/bitmap-str.c bitmap_parselist(): "0-3,8", "0-31:1/2", "all". -EINVAL, -ERANGE (beyond n_bits), -EOVERFLOW. */
int bit_list_parse(BitList *list, const char *text);
/* "0-3,8" without newline; nothing when empty */
void bit_list_show(const BitList *list, GString *out);
