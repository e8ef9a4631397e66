// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What is said when a kernel lacks something; asking the kernel itself is live tests' business. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "probe/kernel.h"

static struct kernel_features all(void)
{
	struct kernel_features f = { .release = "6.1.0" };

	for (int i = 0; i < KERNEL_FEATURE_MAX; i++)
		f.have[i] = true;
	return f;
}

static struct kernel_features without(enum kernel_feature what)
{
	struct kernel_features f = all();

	f.have[what] = false;
	reason_set(&f.why[what], 0, "because of a test");
	return f;
}

static void test_verdicts(void **state)
{
	static const struct {
		enum kernel_feature missing;
		enum kernel_verdict verdict;
	} cases[] = {
		{ KERNEL_PRIVILEGE, KERNEL_UNPRIVILEGED },
		{ KERNEL_BTF, KERNEL_CANNOT },
		{ KERNEL_RINGBUF, KERNEL_CANNOT },
		{ KERNEL_UPROBE, KERNEL_GOOD },
		{ KERNEL_UPROBE_MULTI, KERNEL_GOOD },
		{ KERNEL_KPROBE, KERNEL_GOOD },
		{ KERNEL_FENTRY, KERNEL_GOOD },
		{ KERNEL_TRACEPOINT, KERNEL_GOOD },
		{ KERNEL_TP_BTF, KERNEL_GOOD },
		{ KERNEL_FD_SIZE, KERNEL_GOOD },
		{ KERNEL_FD_ITER, KERNEL_GOOD },
		{ KERNEL_PID_NS, KERNEL_CANNOT },
	};

	assert_int_equal(ARRAY_SIZE(cases), KERNEL_FEATURE_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kernel_features f = without(cases[i].missing);
		struct reason reason = {};

		assert_int_equal(kernel_verdict(&f, &reason), cases[i].verdict);
		if (cases[i].verdict == KERNEL_GOOD)
			continue;
		assert_non_null(strstr(reason.text, kernel_feature_docs[cases[i].missing].name));
		assert_non_null(strstr(reason.text, "because of a test"));
		assert_non_null(strstr(reason.text, "remedy: "));
	}
}

static void test_one_kind_of_uprobe_is_enough(void **state)
{
	struct kernel_features f = without(KERNEL_UPROBE);
	struct reason reason = {};

	f.have[KERNEL_UPROBE_MULTI] = false;
	assert_int_equal(kernel_verdict(&f, &reason), KERNEL_CANNOT);
	assert_non_null(strstr(reason.text, "CONFIG_UPROBES"));
}

static void test_everything_is_documented(void **state)
{
	for (int i = 0; i < KERNEL_FEATURE_MAX; i++) {
		assert_non_null(kernel_feature_docs[i].name);
		assert_non_null(kernel_feature_docs[i].purpose);
		assert_non_null(kernel_feature_docs[i].without);
		assert_non_null(kernel_feature_docs[i].remedy);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_one_kind_of_uprobe_is_enough),
		cmocka_unit_test(test_everything_is_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
