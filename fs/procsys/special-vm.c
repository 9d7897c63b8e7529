/*
 * Handlers that single keys of vm/ and fs/ have for themselves.
 */
#include "fs/procsys/key.h"
#include "fs/procsys/kind.h"

#include <errno.h>

enum { PAGE = 4096 };

/* fs/pipe.c round_pipe_size(): the next power of two, cut to 32 bits before. */
static int pipe_size_convert(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	guint32 wanted = (guint32) magnitude;
	guint64 size = PAGE;

	if (negative || wanted > 1U << 31)
		return -EINVAL;
	while (size < wanted)
		size *= 2;
	*ret = size;
	return 0;
}

/* mm/page_alloc.c lowmem_reserve_ratio_sysctl_handler() does not look whether the numbers were right. */
static int reserve_ratio_store(SysctlKey *key, const char *text, size_t len)
{
	guint64 *ratios = key->value->numbers;

	sysctl_store_numbers(key, text, len);
	for (unsigned i = 0; i < key->row->rule.count; i++)
		if ((gint64) ratios[i] < 1)
			ratios[i] = 0;
	return 0;
}

/* mm/page_alloc.c percpu_pagelist_high_fraction_sysctl_handler(): 0 switches it off, less than 8 is too much. */
static int high_fraction_convert(const SysctlRule *rule, gboolean negative, guint64 magnitude, guint64 *ret)
{
	if (magnitude > 0 && magnitude < 8)
		return -EINVAL;
	return sysctl_convert_int(rule, negative, magnitude, ret);
}

/* mm/page_alloc.c numa_zonelist_order_handler(): only the order by node is left, under any word with that letter. */
static int zonelist_order_store(SysctlKey *key, const char *text, size_t len)
{
	switch (g_ascii_tolower(*text)) {
	case 'd':
	case 'n':
		return 0;
	default:
		return -EINVAL;
	}
}

/* Limits that exist as a number and as a share of memory: writing one switches the other off. */
void sysctl_changed_pair(SysctlKey *key, guint64 before)
{
	static const char *const pairs[][2] = {
		{"vm/dirty_background_bytes", "vm/dirty_background_ratio"},
		{"vm/dirty_bytes", "vm/dirty_ratio"},
		{"vm/overcommit_kbytes", "vm/overcommit_ratio"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(pairs); i++)
		for (unsigned side = 0; side < 2; side++)
			if (g_str_equal(key->path, pairs[i][side]))
				procsys_key(key->procsys, pairs[i][!side])->value->numbers[0] = 0;
}

const SysctlKind sysctl_pipe_size = SYSCTL_NUMBERS(pipe_size_convert, sysctl_print_unsigned);
const SysctlKind sysctl_high_fraction = SYSCTL_NUMBERS(high_fraction_convert, sysctl_print_int);
const SysctlKind sysctl_reserve_ratio = {
	.show = sysctl_show_numbers,
	.store = reserve_ratio_store,
	.convert = sysctl_convert_int,
	.print = sysctl_print_int,
};
const SysctlKind sysctl_zonelist_order = {.show = sysctl_show_text, .store = zonelist_order_store};
