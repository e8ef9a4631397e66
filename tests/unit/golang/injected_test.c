// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "golang/injected.h"

static const struct injected injected = { { { 0x1000, 0x1100 }, { 0x2000, 0x2080 } } };

static void marked(void **state)
{
	static const struct {
		uint64_t stack[4], want[4];
	} cases[] = {
		{ { 0x4000, 0x5000, 0x6000, 0x7000 }, { 0x4000, 0x5000, 0x6000, 0x7000 } },
		{ { 0x4000, 0x1040, 0x6000, 0x7000 }, { 0x4000, 0x1040, 0x6001, 0x7000 } },
		{ { 0x2040, 0x1040, 0x6000, 0x7000 }, { 0x2040, 0x1041, 0x6001, 0x7000 } },
		{ { 0x4000, 0x5000, 0x6000, 0x1040 }, { 0x4000, 0x5000, 0x6000, 0x1040 } },
		/* A return address is behind the first instruction, and may be the end. */
		{ { 0x1000, 0x5000, 0x1001, 0x7000 }, { 0x1000, 0x5000, 0x1001, 0x7001 } },
		{ { 0x1100, 0x5000, 0x2081, 0x7000 }, { 0x1100, 0x5001, 0x2081, 0x7000 } },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		static const struct injected none;
		uint64_t stack[4];

		memcpy(stack, cases[i].stack, sizeof(stack));
		injected_mark(&injected, stack, 4);
		assert_memory_equal(stack, cases[i].want, sizeof(stack));
		memcpy(stack, cases[i].stack, sizeof(stack));
		injected_mark(&none, stack, 4);
		assert_memory_equal(stack, cases[i].stack, sizeof(stack));
		injected_mark(&injected, stack, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marked),
	};

	return cmocka_run_group_tests_name("golang/injected", tests, NULL, NULL);
}
