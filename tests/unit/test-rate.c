#include "daemon/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND G_TIME_SPAN_SECOND

/* Asks n times at the same moment; how often the answer is yes. */
static unsigned take(RateLimiter *limiter, const char *name, gint64 now, unsigned n)
{
	unsigned taken = 0, left_out;

	while (n--)
		taken += rate_limiter_take(limiter, name, now, &left_out) != FALSE;
	return taken;
}

static void test_burst_and_refill(void **state)
{
	RateLimiter *limiter = rate_limiter_new(60);

	assert_int_equal(take(limiter, "a", 0, 100), 60);
	assert_int_equal(take(limiter, "a", SECOND - 1, 10), 0);
	assert_int_equal(take(limiter, "a", SECOND, 10), 1);
	assert_int_equal(take(limiter, "a", 6 * SECOND, 10), 5);
	assert_int_equal(take(limiter, "a", 1000 * SECOND, 100), 60);
	rate_limiter_free(limiter);
}

static void test_names_are_apart(void **state)
{
	RateLimiter *limiter = rate_limiter_new(2);

	assert_int_equal(take(limiter, "a", 0, 5), 2);
	assert_int_equal(take(limiter, "b", 0, 5), 2);
	rate_limiter_free(limiter);
}

static void test_left_out(void **state)
{
	RateLimiter *limiter = rate_limiter_new(1);
	unsigned left_out = 9;

	assert_true(rate_limiter_take(limiter, "a", 0, &left_out));
	assert_int_equal(left_out, 0);
	assert_int_equal(take(limiter, "a", 1, 7), 0);
	assert_true(rate_limiter_take(limiter, "a", 60 * SECOND, &left_out));
	assert_int_equal(left_out, 7);
	assert_true(rate_limiter_take(limiter, "a", 120 * SECOND, &left_out));
	assert_int_equal(left_out, 0);
	rate_limiter_free(limiter);
}

static void test_no_limit(void **state)
{
	RateLimiter *limiter = rate_limiter_new(0);

	assert_int_equal(take(limiter, "a", 0, 1000), 1000);
	rate_limiter_set(limiter, 10);
	assert_int_equal(take(limiter, "a", 0, 1000), 10);
	rate_limiter_free(limiter);
}

static void test_clock_goes_back(void **state)
{
	RateLimiter *limiter = rate_limiter_new(2);

	assert_int_equal(take(limiter, "a", 100 * SECOND, 5), 2);
	assert_int_equal(take(limiter, "a", 0, 5), 0);
	rate_limiter_free(limiter);
}

static void count(const char *name, unsigned left_out, void *data)
{
	assert_string_equal(name, "a");
	*(unsigned *) data += left_out;
}

static void test_drain(void **state)
{
	RateLimiter *limiter = rate_limiter_new(1);
	unsigned total = 0;

	take(limiter, "a", 0, 4);
	take(limiter, "b", 0, 1);
	rate_limiter_drain(limiter, count, &total);
	assert_int_equal(total, 3);
	rate_limiter_drain(limiter, count, &total);
	assert_int_equal(total, 3);
	rate_limiter_free(limiter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_and_refill), cmocka_unit_test(test_names_are_apart),
		cmocka_unit_test(test_left_out),         cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_clock_goes_back),  cmocka_unit_test(test_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
