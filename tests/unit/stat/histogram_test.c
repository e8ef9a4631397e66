// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <deferd/record.h>

#include "base/cleanup.h"
#include "stat/histogram.h"

#define BUCKETS DFD_REQUEST_NS_BUCKETS

/* The kernel side sorts into the buckets that are read here. */
static void buckets(void **state)
{
	static const uint64_t values[] = { 0,    1,    31,    32,      63,
					   64,   65,   127,   128,     1000,
					   4095, 4096, 65535, 1 << 20, (1ull << 34) - 1 };

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		unsigned at = dfd_bucket(values[i], BUCKETS);

		assert_true(histogram_floor(at) <= (double)values[i]);
		assert_true((double)values[i] < histogram_floor(at + 1));
	}
	for (unsigned at = 0; at < BUCKETS; at++) {
		uint64_t low = dfd_bucket_floor(at), past = dfd_bucket_floor(at + 1);

		assert_true(histogram_floor(at) == (double)low);
		assert_int_equal(dfd_bucket(low, BUCKETS), at);
		assert_int_equal(dfd_bucket(past - 1, BUCKETS), at);
		if (at >= 64)
			assert_true((double)(past - low) / 2 <= (double)low / 64);
	}
	assert_int_equal(dfd_bucket(1ull << 34, BUCKETS), BUCKETS - 1);
	assert_int_equal(dfd_bucket(UINT64_MAX, BUCKETS), BUCKETS - 1);
	assert_int_equal(dfd_bucket(131071, DFD_REQUEST_DEFERS_BUCKETS),
			 DFD_REQUEST_DEFERS_BUCKETS - 1);
}

static void quantiles(void **state)
{
	static const double qs[] = { 0, 0.01, 0.5, 0.95, 0.99, 1 };
	uint32_t counts[BUCKETS] = {};

	assert_true(isnan(histogram_quantile(counts, BUCKETS, 0.5)));
	for (unsigned v = 1; v <= 100000; v++)
		counts[dfd_bucket(v, BUCKETS)]++;
	assert_int_equal(histogram_sum(counts, BUCKETS), 100000);
	for (unsigned i = 0; i < ARRAY_SIZE(qs); i++) {
		double got = histogram_quantile(counts, BUCKETS, qs[i]), want = qs[i] * 100000;

		assert_true(fabs(got - want) <= 1 + want / 64);
	}
}

/* However values are spread: half a bucket at most, 1/64. */
static void quantile_of_few(void **state)
{
	static const uint64_t values[] = { 777, 12345, 999999, 1234567 };

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		uint32_t counts[BUCKETS] = {};

		counts[dfd_bucket(values[i], BUCKETS)] = 3;
		for (double q = 0.05; q < 1; q += 0.05)
			assert_true(
				fabs(histogram_quantile(counts, BUCKETS, q) / (double)values[i] -
				     1) <= 1.0 / 32);
	}
}

static void what_is_too_large(void **state)
{
	uint32_t counts[BUCKETS] = {};

	counts[BUCKETS - 1] = 1;
	assert_true(histogram_quantile(counts, BUCKETS, 0.5) == histogram_floor(BUCKETS - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets),
		cmocka_unit_test(quantiles),
		cmocka_unit_test(quantile_of_few),
		cmocka_unit_test(what_is_too_large),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
