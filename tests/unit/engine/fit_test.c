// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/fit.h"
#include "fakewatch.h"
#include "probe/links.h"
#include "probe/scan.h"
#include "probe/targets.h"

/* A kernel side that notes what it is asked for, in the place of links.c, targets.c, scan.c and probe.c. */
static struct {
	unsigned attaches, timings, forgets, layouts, fd_sites;
	unsigned points; /* of the newest attach */
	uint32_t hits_max;
	bool timing_on, layout, panics;
	int attach_err, timing_err, hooks_err, writes_err;
	enum fd_hooks hooks;
	bool writes;
} k;

int probe_set_points(struct probe *p, uint32_t id, const struct probe_target *t, uint64_t *ret_ns,
		     struct reason *reason)
{
	if (k.attach_err)
		return reason_set(reason, k.attach_err, "as the test wants");
	k.attaches++;
	k.points = t->n;
	k.hits_max = t->hits_max;
	*ret_ns = 77;
	return 0;
}

int probe_time_requests(struct probe *p, uint32_t id, const struct probe_target *t,
			struct reason *reason)
{
	if (t->n && k.timing_err)
		return reason_set(reason, k.timing_err, "as the test wants");
	k.timings++;
	k.timing_on = t->n != 0;
	return 0;
}

void probe_set_hits_max(struct probe *p, uint32_t id, uint32_t hits_max)
{
	k.hits_max = hits_max;
}

void probe_set_layout(struct probe *p, uint32_t id, const struct go_layout *layout, bool panics)
{
	k.layouts++;
	k.layout = layout != NULL;
	k.panics = panics;
}

void probe_set_fd_sites(struct probe *p, uint32_t id, bool on)
{
	k.fd_sites++;
}

void probe_forget_all(struct probe *p, uint32_t id)
{
	k.forgets++;
}

enum fd_hooks probe_fd_hooks(const struct probe *p)
{
	return k.hooks;
}

int probe_set_fd_hooks(struct probe *p, enum fd_hooks hooks, struct reason *reason)
{
	k.hooks = k.hooks_err ? FD_HOOKS_OFF : hooks;
	return k.hooks_err;
}

int probe_watch_writes(struct probe *p, bool on, struct reason *reason)
{
	k.writes = on && !k.writes_err;
	return on ? k.writes_err : 0;
}

static struct watch *w;

static int setup(void **state)
{
	memset(&k, 0, sizeof(k));
	world_begin();
	w = world_watch(1, CONFIG_PROBES_LEAN);
	return 0;
}

static int teardown(void **state)
{
	world_end();
	return 0;
}

static int fit(void)
{
	struct reason reason = {};

	return fit_watch(&world.turn, w, &reason);
}

static void nothing_is_done_for_a_wish_it_has(void **state)
{
	assert_int_equal(fit(), 0);
	assert_int_equal(k.attaches + k.timings + k.forgets + k.layouts + k.fd_sites, 0);
	assert_int_equal(world.n_events, 0);
}

static void what_is_wished_is_attached_and_announced_once(void **state)
{
	w->wish.set = CONFIG_PROBES_FULL;
	w->wish.chosen = true;
	assert_int_equal(fit(), 0);
	assert_int_equal(k.attaches, 1);
	assert_int_equal(k.points, 9);
	assert_int_equal(world_count(EVENT_TARGET), 1);
	assert_string_equal(world.events[0].info.probes, "full");
	assert_true(world.events[0].info.full);
	assert_true(world.events[0].info.chosen);
	assert_int_equal(w->have.set, CONFIG_PROBES_FULL);
	assert_int_equal(w->since_ns, 77);
	assert_int_equal(w->attached, 0x1ff);
	assert_int_equal(fit(), 0);
	assert_int_equal(k.attaches, 1);
}

static void a_refused_wish_is_restored(void **state)
{
	w->wish.set = CONFIG_PROBES_FULL;
	w->wish.level = BUDGET_PANICS;
	w->wish.burst = true;
	k.attach_err = -EINVAL;
	assert_int_equal(fit(), -EINVAL);
	assert_int_equal(w->wish.set, CONFIG_PROBES_LEAN);
	assert_int_equal(w->wish.level, BUDGET_WHOLE);
	assert_false(w->wish.burst);
	assert_true(w->level_refused);
	assert_int_equal(world.n_events, 0);
	assert_int_equal(k.forgets, 0);
}

static void a_refused_set_leaves_the_rest_of_the_wish(void **state)
{
	w->wish.set = CONFIG_PROBES_FULL;
	w->wish.timed = true;
	w->wish.timed_every = 1;
	w->wish.budget_percent = 4;
	k.attach_err = -EINVAL;
	assert_int_equal(fit(), -EINVAL);
	assert_false(w->level_refused);
	assert_true(k.timing_on);
	assert_true(w->have.budget_percent == 4);
	assert_int_equal(world_count(EVENT_TARGET), 1);
}

static void changed_bytes_in_memory_refuse_the_wish(void **state)
{
	world.report.plan.points[POINT_RUN].bytes[0] = 0x90; /* the file has a zero there */
	w->wish.set = CONFIG_PROBES_FULL;
	assert_int_equal(fit(), -EBADMSG);
	assert_int_equal(k.attaches, 0);
	assert_int_equal(w->wish.set, CONFIG_PROBES_LEAN);
}

static void missed_hits_void_what_is_known_and_ask_for_a_census(void **state)
{
	w->wish.level = BUDGET_PANICS;
	assert_int_equal(fit(), 0);
	assert_int_equal(k.forgets, 1);
	assert_int_equal(world_count(EVENT_LOST), 1);
	assert_int_equal(world.events[0].type, EVENT_TARGET); /* then it was lost */
	assert_true(w->census_asked);
}

static void more_probes_than_the_lean_set_miss_nothing(void **state)
{
	w->wish.set = CONFIG_PROBES_FULL;
	assert_int_equal(fit(), 0);
	assert_int_equal(k.forgets, 0);
	assert_false(w->census_asked);
}

static void the_reason_names_the_level_and_the_budget(void **state)
{
	w->wish.level = BUDGET_PANICS;
	assert_int_equal(fit(), 0);
	assert_int_equal(world.events[0].info.state, TARGET_LIMITED);
	assert_int_equal(world.events[0].info.level, BUDGET_PANICS);
	w->wish.level = BUDGET_WHOLE;
	world.n_events = 0;
	assert_int_equal(fit(), 0);
	assert_int_equal(world.events[0].info.state, TARGET_OBSERVED);
}

static void a_suspect_gets_a_lower_bound_without_new_links(void **state)
{
	w->wish.suspect = true;
	assert_int_equal(fit(), 0);
	assert_int_equal(k.attaches, 0);
	assert_int_equal(k.hits_max, 5000);
}

static void timing_that_fails_is_not_wished_again(void **state)
{
	w->wish.timed = true;
	w->wish.timed_every = 1;
	k.timing_err = -EMFILE;
	assert_int_equal(fit(), 0);
	assert_false(w->have.timed);
	assert_int_equal(w->wish.timed_every, 0);
	assert_true(w->timing_failed);
}

static void timing_goes_on_and_off(void **state)
{
	w->wish.timed = true;
	w->wish.timed_every = 1;
	assert_int_equal(fit(), 0);
	assert_true(k.timing_on);
	assert_int_equal(world_count(EVENT_TARGET), 1);
	w->wish.timed = false;
	assert_int_equal(fit(), 0);
	assert_false(k.timing_on);
	assert_int_equal(k.timings, 2);
	assert_int_equal(world_count(EVENT_TARGET), 1); /* off for a second is no news */
}

static void layout_and_openers_follow_the_wish(void **state)
{
	w->wish.panics = false;
	w->wish.fd_sites = true;
	assert_int_equal(fit(), 0);
	assert_true(k.layout);
	assert_false(k.panics);
	assert_int_equal(k.fd_sites, 1);
	w->wish.layout = false;
	assert_int_equal(fit(), 0);
	assert_false(k.layout);
	assert_int_equal(k.fd_sites, 1);
}

static void a_process_that_failed_has_no_points(void **state)
{
	w->state = TARGET_FAILED;
	w->wish.set = CONFIG_PROBES_FULL;
	assert_int_equal(fit(), 0);
	assert_int_equal(k.points, 0);
	assert_int_equal(w->attached, 0);
}

static void hooks_that_fail_are_wished_off(void **state)
{
	world.turn.wish.fd_hooks = FD_HOOKS_FENTRY;
	k.hooks_err = -ENOENT;
	assert_int_equal(fit_fd_hooks(&world.turn), -ENOENT);
	assert_int_equal(world.turn.wish.fd_hooks, FD_HOOKS_OFF);
	k.hooks_err = 0;
	world.turn.wish.fd_hooks = FD_HOOKS_KPROBE;
	assert_int_equal(fit_fd_hooks(&world.turn), 0);
	assert_int_equal(k.hooks, FD_HOOKS_KPROBE);
}

static void watching_writes_that_fails_is_wished_off(void **state)
{
	world.turn.wish.writes = true;
	k.writes_err = -EPERM;
	assert_int_equal(fit_watch_writes(&world.turn), -EPERM);
	assert_false(world.turn.wish.writes);
	k.writes_err = 0;
	world.turn.wish.writes = true;
	assert_int_equal(fit_watch_writes(&world.turn), 0);
	assert_true(k.writes);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(nothing_is_done_for_a_wish_it_has),
		T(what_is_wished_is_attached_and_announced_once),
		T(a_refused_wish_is_restored),
		T(a_refused_set_leaves_the_rest_of_the_wish),
		T(changed_bytes_in_memory_refuse_the_wish),
		T(missed_hits_void_what_is_known_and_ask_for_a_census),
		T(more_probes_than_the_lean_set_miss_nothing),
		T(the_reason_names_the_level_and_the_budget),
		T(a_suspect_gets_a_lower_bound_without_new_links),
		T(timing_that_fails_is_not_wished_again),
		T(timing_goes_on_and_off),
		T(layout_and_openers_follow_the_wish),
		T(a_process_that_failed_has_no_points),
		T(hooks_that_fail_are_wished_off),
		T(watching_writes_that_fails_is_wished_off),
	};

	return cmocka_run_group_tests_name("engine/fit", tests, NULL, NULL);
}
