// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/slots.h"

struct entry {
	int n;
};

static unsigned cleared;

static void clear(void *entry)
{
	cleared += ((struct entry *)entry)->n != 0;
}

static bool only_two(void *arg, uint32_t id)
{
	return id == (1u << 16 | 2);
}

static void another_target_in_the_slot_begins_with_zero(void **state)
{
	struct slots s;
	struct entry *m;

	cleared = 0;
	assert_int_equal(slots_init(&s, sizeof(struct entry), 4, clear), 0);
	m = slots_of(&s, 1u << 16 | 1);
	assert_int_equal(m->n, 0);
	m->n = 7;
	assert_int_equal(((struct entry *)slots_of(&s, 1u << 16 | 1))->n, 7);
	assert_int_equal(cleared, 0);
	assert_int_equal(((struct entry *)slots_of(&s, 2u << 16 | 1))->n, 0);
	assert_int_equal(cleared, 1);
	slots_done(&s);
}

static void sweep_clears_targets_that_are_gone(void **state)
{
	struct slots s;

	cleared = 0;
	assert_int_equal(slots_init(&s, sizeof(struct entry), 4, clear), 0);
	((struct entry *)slots_of(&s, 1u << 16 | 2))->n = 2;
	((struct entry *)slots_of(&s, 1u << 16 | 4))->n = 4;
	slots_sweep(&s, only_two, NULL);
	assert_int_equal(cleared, 1);
	assert_int_equal(((struct entry *)slots_of(&s, 1u << 16 | 2))->n, 2);
	assert_int_equal(((struct entry *)slots_of(&s, 1u << 16 | 4))->n, 0);
	slots_done(&s);
	assert_int_equal(cleared, 2);
}

static void slots_that_were_never_begun_can_end(void **state)
{
	struct slots s = {};

	slots_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_target_in_the_slot_begins_with_zero),
		cmocka_unit_test(sweep_clears_targets_that_are_gone),
		cmocka_unit_test(slots_that_were_never_begun_can_end),
	};

	return cmocka_run_group_tests_name("engine/slots", tests, NULL, NULL);
}
