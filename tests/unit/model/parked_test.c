// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "model/model.h"
#include "model/causes.h"
#include "shop.h"

static struct model *with_target(void)
{
	struct model *m = shop_model();

	shop_add(m, 1, 0);
	return m;
}

static void group(struct model *m, uint64_t serial, uint32_t quiet, uint32_t woken)
{
	char reason[] = "chan send"; /* is not there any more when somebody asks */

	model_apply(m, &(struct event){ .type = EVENT_GROUP,
					.target = 1,
					.group = { .serial = serial,
						   .created_at = 0x400200,
						   .state = GOROUTINE_WAITING,
						   .reason = reason,
						   .count = quiet + 2,
						   .quiet = quiet,
						   .woken = woken,
						   .nstack = 1,
						   .stack = { 0x400100 } } });
	memset(reason, 'x', sizeof(reason) - 1);
}

static void census(struct model *m, uint64_t time_ns)
{
	model_apply(m, &(struct event){ .type = EVENT_CENSUS,
					.target = 1,
					.time_ns = time_ns,
					.census = { .begin_ns = time_ns - SECOND / 100,
						    .took_ns = 2000000,
						    .states = { 1, 2, 3, 4, 5, 6, 7 },
						    .interval_ns = 10 * SECOND } });
}

static void followed(void **state)
{
	_cleanup_(model_freep) struct model *m = with_target();
	const struct target *t = model_target(m, 1);
	const struct parked *p;

	assert_int_equal(t->n_censuses, 0);
	group(m, 5, 3, 0);
	group(m, 6, 0, 0); /* nobody is quiet: not followed */
	census(m, T0);
	assert_int_equal(t->n_censuses, 1);
	assert_int_equal(t->census_ns, T0);
	assert_int_equal(census_goroutines(&t->census), 21);
	assert_null(parked_find(t->parked, 6));
	p = parked_find(t->parked, 5);
	assert_non_null(p);
	assert_string_equal(p->what.reason, "chan send");
	assert_int_equal(p->what.count, 5);
	assert_int_equal(p->leak.verdict, LEAK_TOO_YOUNG);
	/* Once followed, also without quiet ones. */
	group(m, 5, 0, 3);
	census(m, T0 + 10 * SECOND);
	assert_int_equal(parked_find(t->parked, 5)->what.quiet, 0);
	/* Not told of: it is gone. */
	census(m, T0 + 20 * SECOND);
	assert_null(t->parked);
	group(m, 7, 1, 0);
	model_apply(m, &(struct event){ .type = EVENT_TARGET_GONE, .target = 1, .time_ns = T0 });
}

static void leaks(void **state)
{
	_cleanup_(model_freep) struct model *m = with_target();
	const struct target *t = model_target(m, 1);
	const struct parked *ps[3], *fastest;

	for (unsigned i = 0; i < 20; i++) {
		group(m, 1, 5 + i * 2, 0);
		group(m, 2, 5 + i * 4, 0);
		group(m, 3, 500, 0);
		group(m, 4, 5 + i * 3, 0);
		census(m, T0 + i * 10 * SECOND);
	}
	assert_int_equal(target_goroutine_leaks(t, &fastest), 3);
	assert_int_equal(fastest->what.serial, 2);
	ps[0] = parked_find(t->parked, 2);
	ps[1] = parked_find(t->parked, 4);
	ps[2] = parked_find(t->parked, 1);
	assert_true(parked_is_faster(ps[0], ps[1]) && parked_is_faster(ps[1], ps[2]));
	assert_false(parked_is_faster(ps[2], ps[1]) || parked_is_faster(ps[1], ps[1]));
	assert_true(ps[2]->leak.per_hour > 700 && ps[2]->leak.per_hour < 740);
}

static void bounds(void **state)
{
	_cleanup_(model_freep) struct model *m = with_target();

	for (unsigned i = 0; i < PARKED_MAX + 10; i++)
		group(m, i + 1, 1, 0);
	census(m, T0);
	assert_int_equal(HASH_COUNT(model_target(m, 1)->parked), PARKED_MAX);
	assert_int_equal(model_dropped(m), 0);
}

/* What is pending on a goroutine that no probe has seen. */
static void pending(void **state)
{
	_cleanup_(model_freep) struct model *m = with_target();
	const struct target *t = model_target(m, 1);
	const struct peak *p;

	model_apply(m, &(struct event){
			       .type = EVENT_PENDING,
			       .target = 1,
			       .time_ns = T0,
			       .pending = { .g = 9, .goid = 18, .site = 0x400100, .depth = 90 } });
	p = target_deepest(m, t, T0 + SECOND);
	assert_non_null(p);
	assert_int_equal(p->depth, 90);
	assert_int_equal(p->goid, 18);
	assert_int_equal(p->site, 0x400100);
	assert_false(p->inferred);
	assert_null(target_deepest(m, t, T0 + 61 * SECOND));
}

/* The lock that most wait for is of one census. */
static void piles(void **state)
{
	_cleanup_(model_freep) struct model *m = with_target();
	const struct target *t = model_target(m, 1);
	char reason[] = "sync.Mutex.Lock";

	model_apply(m, &(struct event){ .type = EVENT_PILE,
					.target = 1,
					.pile = { .object = 0xc000123004,
						  .count = 12,
						  .reason = reason,
						  .nstack = 1,
						  .stack = { 0x400100 } } });
	assert_null(target_pile(t)); /* its census has not ended */
	reason[0] = 'x';
	census(m, T0);
	assert_non_null(target_pile(t));
	assert_int_equal(target_pile(t)->count, 12);
	assert_string_equal(target_pile(t)->reason, "sync.Mutex.Lock");
	census(m, T0 + SECOND);
	assert_null(target_pile(t));
}

/* After a loss the state is exact again when a census has begun since. */
static void settled(void **state)
{
	_cleanup_(model_freep) struct model *m = with_target();
	const struct target *t = model_target(m, 1);
	struct event lost = { .type = EVENT_LOST, .target = 1, .time_ns = T0 };

	/* Where none is made, nobody waits for one. */
	model_apply(m, &lost);
	assert_true(target_exact(t));
	census(m, T0);
	model_apply(m, &lost);
	assert_false(target_exact(t));
	census(m, T0); /* began before */
	assert_false(target_exact(t));
	census(m, T0 + SECOND);
	assert_true(target_exact(t));
	assert_int_equal(t->lost, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(followed), cmocka_unit_test(leaks),   cmocka_unit_test(bounds),
		cmocka_unit_test(pending),  cmocka_unit_test(settled), cmocka_unit_test(piles),
	};

	return cmocka_run_group_tests_name("model/parked", tests, NULL, NULL);
}
