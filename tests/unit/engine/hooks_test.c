// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/hooks.h"
#include "fakewatch.h"

static struct hooks h;

static int setup(void **state)
{
	world_begin();
	h = (struct hooks){};
	return 0;
}

static int teardown(void **state)
{
	world_end();
	return 0;
}

static enum fd_hooks wish(int configured)
{
	world.config->descriptors.hooks = configured;
	hooks_tick(&h, &world.turn);
	return world.turn.wish.fd_hooks;
}

/* 60 seconds in which a process gets one descriptor more each second. */
static void leak(struct watch *w)
{
	for (unsigned i = 0; i < 600; i++) {
		struct event ev = { .type = EVENT_FDS,
				    .target = w->id,
				    .time_ns = world.turn.now_ns,
				    .fds = { .open = 10 + 5 * i, .limit = 100000 } };

		model_apply(world.turn.model, &ev);
		model_tick(world.turn.model, world.turn.now_ns);
		world_pass(1);
	}
}

static void fentry_is_cheapest_then_kprobe(void **state)
{
	world.features.have[KERNEL_TRACEPOINT] = world.features.have[KERNEL_KPROBE] = true;
	assert_int_equal(wish(CONFIG_FD_HOOKS_AUTO), FD_HOOKS_KPROBE);
	world.features.have[KERNEL_FENTRY] = true;
	assert_int_equal(wish(CONFIG_FD_HOOKS_AUTO), FD_HOOKS_FENTRY);
}

static void tracepoints_wait_for_a_suspicion(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	world.features.have[KERNEL_TRACEPOINT] = true;
	assert_int_equal(wish(CONFIG_FD_HOOKS_AUTO), FD_HOOKS_OFF);
	leak(w);
	assert_int_equal(wish(CONFIG_FD_HOOKS_AUTO), FD_HOOKS_TRACEPOINT);
}

static void tracepoints_stay_for_a_minute_after_it(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);
	struct event gone = { .type = EVENT_TARGET_GONE, .target = w->id };

	world.features.have[KERNEL_TRACEPOINT] = true;
	leak(w);
	assert_int_equal(wish(CONFIG_FD_HOOKS_AUTO), FD_HOOKS_TRACEPOINT);
	model_apply(world.turn.model, &gone);
	world_pass(59);
	assert_int_equal(wish(CONFIG_FD_HOOKS_AUTO), FD_HOOKS_TRACEPOINT);
	world_pass(2);
	assert_int_equal(wish(CONFIG_FD_HOOKS_AUTO), FD_HOOKS_OFF);
}

static void a_command_that_wants_them_has_them(void **state)
{
	world.features.have[KERNEL_TRACEPOINT] = true;
	world.opts.fd_hooks = true;
	assert_int_equal(wish(CONFIG_FD_HOOKS_AUTO), FD_HOOKS_TRACEPOINT);
}

static void off_is_off(void **state)
{
	world.features.have[KERNEL_FENTRY] = true;
	assert_int_equal(wish(CONFIG_FD_HOOKS_OFF), FD_HOOKS_OFF);
}

static void a_kind_that_is_named_is_not_replaced(void **state)
{
	world.features.have[KERNEL_FENTRY] = true;
	assert_int_equal(wish(CONFIG_FD_HOOKS_KPROBE), FD_HOOKS_OFF);
	assert_true(h.failed);
}

static void what_was_refused_is_tried_again_after_a_reload(void **state)
{
	world.features.have[KERNEL_FENTRY] = true;
	assert_int_equal(wish(CONFIG_FD_HOOKS_AUTO), FD_HOOKS_FENTRY);
	world.turn.wish.fd_hooks = FD_HOOKS_OFF; /* as the fitter does */
	hooks_refused(&h);
	assert_int_equal(wish(CONFIG_FD_HOOKS_AUTO), FD_HOOKS_OFF);
	hooks_reload(&h);
	assert_int_equal(wish(CONFIG_FD_HOOKS_AUTO), FD_HOOKS_FENTRY);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(fentry_is_cheapest_then_kprobe),
		T(tracepoints_wait_for_a_suspicion),
		T(tracepoints_stay_for_a_minute_after_it),
		T(a_command_that_wants_them_has_them),
		T(off_is_off),
		T(a_kind_that_is_named_is_not_replaced),
		T(what_was_refused_is_tried_again_after_a_reload),
	};

	return cmocka_run_group_tests_name("engine/hooks", tests, NULL, NULL);
}
