#include "fs/parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* *ret keeps this where a parser refuses the text. */
#define UNTOUCHED 4711

typedef struct Row {
	const char *text;
	int r;
	guint64 value;
} Row;

static void test_u64(void **unused)
{
	static const Row rows[] = {
		{"0", 0, 0},
		{"+7", 0, 7},
		{"7\n", 0, 7},
		{"0x10", 0, 16},
		{"0X1f", 0, 31},
		{"007", 0, 7},
		{"18446744073709551615", 0, G_MAXUINT64},
		{"0xffffffffffffffff", 0, G_MAXUINT64},
		{"", -EINVAL, 0},
		{"\n", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{" 7 ", -EINVAL, 0},
		{"7\n\n", -EINVAL, 0},
		{"08", -EINVAL, 0},
		{"0x", -EINVAL, 0},
		{"1K", -EINVAL, 0},
		{"1.5", -EINVAL, 0},
		{"++1", -EINVAL, 0},
		{"18446744073709551616", -ERANGE, 0},
		{"99999999999999999999", -ERANGE, 0},
		{"99999999999999999999x", -ERANGE, 0},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		guint64 value = UNTOUCHED;

		assert_int_equal(parse_u64(rows[i].text, &value), rows[i].r);
		assert_int_equal(value, rows[i].r < 0 ? UNTOUCHED : rows[i].value);
	}
}

static void test_s64(void **unused)
{
	static const Row rows[] = {
		{"-1", 0, (guint64) -1},
		{"+1", 0, 1},
		{"-0x10", 0, (guint64) -16},
		{"9223372036854775807", 0, G_MAXINT64},
		{"-9223372036854775808", 0, (guint64) G_MININT64},
		{"9223372036854775808", -ERANGE, 0},
		{"-9223372036854775809", -ERANGE, 0},
		{"-+1", -EINVAL, 0},
		{"--1", -EINVAL, 0},
		{"-", -EINVAL, 0},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		gint64 value = UNTOUCHED;

		assert_int_equal(parse_s64(rows[i].text, &value), rows[i].r);
		assert_int_equal(value, rows[i].r < 0 ? UNTOUCHED : (gint64) rows[i].value);
	}
}

static void test_32_bit(void **unused)
{
	gint32 s = UNTOUCHED;

	assert_int_equal(parse_s32("2147483648", &s), -ERANGE);
	assert_int_equal(parse_s32("-2147483649", &s), -ERANGE);
	assert_int_equal(s, UNTOUCHED);
	assert_int_equal(parse_s32("-2147483648", &s), 0);
	assert_int_equal(s, G_MININT32);
	assert_int_equal(parse_s32("x", &s), -EINVAL);
}

static void test_memparse(void **unused)
{
	const char *end;

	assert_int_equal(parse_memparse("1K", &end), 1024);
	assert_int_equal(*end, '\0');
	assert_int_equal(parse_memparse("3g rest", &end), 3 * G_GUINT64_CONSTANT(1073741824));
	assert_string_equal(end, " rest");
	assert_int_equal(parse_memparse("0x10kk", &end), 16 * 1024);
	assert_string_equal(end, "k");
	assert_int_equal(parse_memparse("", &end), 0);
	assert_int_equal(parse_memparse("99999999999999999999", &end), G_GUINT64_CONSTANT(7766279631452241919));
	assert_int_equal(parse_memparse("1e", NULL), G_GUINT64_CONSTANT(1) << 60);
}

static void test_page_counter(void **unused)
{
	guint64 pages = UNTOUCHED;

	assert_int_equal(parse_page_counter("-1", "max", &pages), -EINVAL);
	assert_int_equal(parse_page_counter("max", NULL, &pages), -EINVAL);
	assert_int_equal(parse_page_counter("1 2", "max", &pages), -EINVAL);
	assert_int_equal(pages, UNTOUCHED);
	assert_int_equal(parse_page_counter("max", "max", &pages), 0);
	assert_int_equal(pages, PAGE_COUNTER_MAX);
	assert_int_equal(parse_page_counter("-1", "-1", &pages), 0);
	assert_int_equal(pages, PAGE_COUNTER_MAX);
	assert_int_equal(parse_page_counter("18446744073709551615", "max", &pages), 0);
	assert_int_equal(pages, PAGE_COUNTER_MAX);
	assert_int_equal(parse_page_counter("50000", "max", &pages), 0);
	assert_int_equal(pages, 12);
}

typedef struct ListRow {
	const char *text;
	int r;
	const char *shown;
} ListRow;

static void check_list(const ListRow *row, unsigned n_bits)
{
	g_autoptr(GString) out = g_string_new(NULL);
	BitList list;

	bit_list_init(&list, n_bits);
	bit_list_set(&list, n_bits - 1, TRUE);
	assert_int_equal(bit_list_parse(&list, row->text), row->r);
	bit_list_show(&list, out);
	if (row->r == 0)
		assert_string_equal(out->str, row->shown);
	else
		assert_int_equal(bit_list_get(&list, n_bits - 1), TRUE);
	bit_list_clear(&list);
}

static void test_list_parse(void **unused)
{
	static const ListRow rows[] = {
		{"", 0, ""},
		{"\n", 0, ""},
		{"0-3,8", 0, "0-3,8"},
		{" 8 ,,3-0004 ", 0, "3-4,8"},
		{"all", 0, "0-69"},
		{"ALL:1/35", 0, "0,35"},
		{"N", 0, "69"},
		{"60-N", 0, "60-69"},
		{"0-31:1/2", 0, "0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30"},
		{"0-7:0/4", 0, ""},
		{"1 1\n2 2", 0, "1"},
		{"62-65", 0, "62-65"},
		{"3-1", -EINVAL, NULL},
		{"0-", -EINVAL, NULL},
		{"-1", -EINVAL, NULL},
		{"0x10", -EINVAL, NULL},
		{"0-7:5/4", -EINVAL, NULL},
		{"0-7:1/0", -EINVAL, NULL},
		{"0-7:1", -EINVAL, NULL},
		{"5:1/2", -EINVAL, NULL},
		{"70", -ERANGE, NULL},
		{"0-9999", -ERANGE, NULL},
		{"4294967295", -EINVAL, NULL},
		{"4294967296", -EOVERFLOW, NULL},
		{"99999999999999999999", -EOVERFLOW, NULL},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		check_list(&rows[i], 70);
}

static void test_list_algebra(void **unused)
{
	BitList a, b;

	bit_list_init(&a, 130);
	bit_list_init(&b, 4);
	assert_int_equal(bit_list_parse(&a, "1,3,129"), 0);
	assert_int_equal(bit_list_parse(&b, "1,3"), 0);
	assert_int_equal(bit_list_count(&a), 3);
	assert_true(bit_list_is_subset(&b, &a));
	assert_false(bit_list_is_subset(&a, &b));
	assert_true(bit_list_intersects(&a, &b));
	bit_list_and(&a, &b);
	assert_true(bit_list_is_subset(&a, &b));
	assert_false(bit_list_get(&a, 129));
	assert_false(bit_list_get(&a, 100000));
	bit_list_set(&a, 1, FALSE);
	bit_list_set(&a, 3, FALSE);
	assert_true(bit_list_is_empty(&a));
	assert_false(bit_list_intersects(&a, &b));
	bit_list_clear(&a);
	bit_list_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),          cmocka_unit_test(test_s64),
		cmocka_unit_test(test_32_bit),       cmocka_unit_test(test_memparse),
		cmocka_unit_test(test_page_counter), cmocka_unit_test(test_list_parse),
		cmocka_unit_test(test_list_algebra),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
