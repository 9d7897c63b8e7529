/* What is written to control files. */
#include "tests/fuzz/fuzz.h"

#include "fs/parse.h"

const char *const fuzz_seeds[] = {
	"0",
	"42\n",
	"-7",
	"0x1f",
	"017",
	"18446744073709551615",
	"9223372036854775807",
	"4294967296",
	"512M",
	"1k2",
	"max",
	"-1\n",
	"0-3,8\n",
	"all",
	"0-31:1/2",
	"1,,2",
	"",
	"\n",
	"7-3",
	"63",
	NULL,
};

static void check_numbers(const char *text)
{
	guint64 u64 = 1;
	gint64 s64 = 1;
	gint32 s32 = 1;
	const char *end = NULL;

	if (parse_s64(text, &s64) == 0 && parse_s32(text, &s32) == 0)
		g_assert_cmpint(s64, ==, s32);
	parse_u64(text, &u64);
	parse_memparse(text, &end);
	g_assert_true(end >= text);
}

static void check_sizes(const char *text)
{
	guint64 pages = 0;

	if (parse_page_counter(text, "max", &pages) == 0)
		g_assert_cmpuint(pages, <=, PAGE_COUNTER_MAX);
	parse_page_counter(text, NULL, &pages);
}

/* A list that was understood is shown in a form that is understood as the same. */
static void check_list(const char *text)
{
	BitList list, again;
	g_autoptr(GString) shown = g_string_new(NULL), shown_again = g_string_new(NULL);

	bit_list_init(&list, 70);
	bit_list_init(&again, 70);
	if (bit_list_parse(&list, text) == 0) {
		bit_list_show(&list, shown);
		g_assert_cmpint(bit_list_parse(&again, shown->str), ==, 0);
		bit_list_show(&again, shown_again);
		g_assert_cmpstr(shown->str, ==, shown_again->str);
		g_assert_cmpuint(bit_list_count(&list), ==, bit_list_count(&again));
	}
	bit_list_clear(&list);
	bit_list_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *) data, size);

	check_numbers(text);
	check_sizes(text);
	check_list(text);
	return 0;
}
