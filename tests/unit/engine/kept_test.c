// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <deferd/record.h>

#include "alert/rule.h"
#include "base/cleanup.h"
#include "engine/kept.h"
#include "model/kept.h"
#include "model/panics.h"
#include "shop.h"

#define HOUR (3600 * SECOND)

/* A daemon: what it believes and judges. */
struct daemon {
	struct model *m;
	struct alerts *as;
	struct rule_set rules;
	unsigned n_told;
	struct alert told[8];
};

static const struct kept_moment before = { "boot-1", 2 * HOUR, 1000000000000 },
				two_later = { "boot-1", 2 * HOUR + 2 * SECOND, 1000000002000 },
				other_boot = { "boot-2", 30 * SECOND, 1000000090000 };

static void begin(struct daemon *d)
{
	*d = (struct daemon){ .m = shop_model(), .as = alerts_new() };
	assert_non_null(d->as);
	assert_int_equal(rule_set_default(&d->rules, 35), 0);
}

static void done(struct daemon *d)
{
	alerts_free(d->as);
	model_free(d->m);
	rule_set_done(&d->rules);
}

#define _daemon_ _cleanup_(done) struct daemon

static void json_done(json_t **o)
{
	json_decref(*o);
}

#define _json_ _cleanup_(json_done) json_t *

static void tell(void *arg, const struct alert *a)
{
	struct daemon *d = arg;

	assert_true(d->n_told < ARRAY_SIZE(d->told));
	d->told[d->n_told++] = *a;
}

static void eval(struct daemon *d, uint64_t now)
{
	alerts_eval(d->as, &d->rules, d->m, now, tell, d);
}

static json_t *keep(const struct daemon *d, const struct kept_moment *now)
{
	json_t *o = kept_document(d->m, d->as, now, NULL, NULL);
	_cleanup_free_ char *text = NULL;
	json_t *again;

	assert_non_null(o);
	text = json_dumps(o, JSON_COMPACT); /* through text, as in the file */
	assert_non_null(text);
	again = json_loads(text, 0, NULL);
	json_decref(o);
	assert_non_null(again);
	return again;
}

/* The next daemon, with what the one before kept. */
static struct kept_found resume(struct daemon *d, const json_t *doc, const struct kept_moment *now)
{
	struct kept_found found;

	begin(d);
	assert_true(kept_adopt(doc, now, &d->rules, d->m, d->as, &found));
	return found;
}

static void appears(struct daemon *d, uint32_t id, uint32_t pid, uint64_t start, uint64_t now)
{
	struct event ev = shop_process(id);

	ev.pid = pid;
	ev.time_ns = now;
	ev.info.start_ticks = start;
	model_apply(d->m, &ev);
}

static void deep(struct daemon *d, uint32_t id, uint32_t n, uint64_t now)
{
	model_apply(d->m, &(struct event){ .type = EVENT_DEPTH,
					   .target = id,
					   .tid = 77,
					   .time_ns = now,
					   .call = { .g = 4096,
						     .goid = 18,
						     .depth = n,
						     .nstack = 1,
						     .stack = { 0x400100 } } });
}

/* So many requests a second of `ms`; those that are slow pile up defers. */
static void serve(struct daemon *d, uint32_t id, struct dfd_requests *r, unsigned n, double ms,
		  bool piles, uint64_t now)
{
	unsigned bucket =
		dfd_bucket((uint64_t)(ms * 1e6) >> DFD_REQUEST_NS_SHIFT, DFD_REQUEST_NS_BUCKETS);

	r->ended += n;
	r->ns[bucket] += n;
	r->deep_ns[bucket] += piles ? n : 0;
	r->defers[12] += n;
	model_apply(d->m, &(struct event){ .type = EVENT_REQUESTS,
					   .target = id,
					   .time_ns = now,
					   .requests = { .ended = r->ended,
							 .ns = r->ns,
							 .deep_ns = r->deep_ns,
							 .defers = r->defers,
							 .deep_goid = piles ? 18 : 0,
							 .deep_site = piles ? 0x400100 : 0,
							 .deep_peak = piles ? 50 : 0 } });
	if (piles)
		deep(d, id, 50, now);
	model_tick(d->m, now);
	eval(d, now);
	for (const struct alert *a = alerts_active(d->as); a; a = a->hh.next) {
		if (a->on_latency)
			model_hold_baseline(d->m, a->service, now + REQUESTS_SLOT_NS);
	}
}

static const struct alert *page(const struct daemon *d)
{
	for (const struct alert *a = alerts_active(d->as); a; a = a->hh.next) {
		if (!strcmp(a->key.rule, "DefersSlowRequests") && a->state == ALERT_FIRING)
			return a;
	}
	return NULL;
}

/* Ten minutes of 5 ms, then an incident of three; until `before`. */
static void incident(struct daemon *d, struct dfd_requests *r)
{
	begin(d);
	appears(d, 1, 500, 1234, HOUR);
	for (unsigned s = 780; s > 180; s--)
		serve(d, 1, r, 10, 5, false, before.now_ns - s * SECOND);
	assert_null(page(d));
	for (unsigned s = 180; s > 0; s--)
		serve(d, 1, r, 10, 200, true, before.now_ns - s * SECOND);
	assert_non_null(page(d));
}

static bool lives_not(void *arg, uint32_t pid, uint64_t start_ticks)
{
	return false;
}

static bool lives(void *arg, uint32_t pid, uint64_t start_ticks)
{
	assert_int_equal(pid, 500);
	assert_int_equal(start_ticks, 1234);
	return true;
}

static unsigned count_told(const struct daemon *d, const char *rule)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->n_told; i++)
		n += !strcmp(d->told[i].key.rule, rule);
	return n;
}

static const struct alert *told(const struct daemon *d, const char *rule)
{
	for (unsigned i = 0; i < d->n_told; i++) {
		if (!strcmp(d->told[i].key.rule, rule))
			return &d->told[i];
	}
	return NULL;
}

static void page_holds(void **state)
{
	static struct dfd_requests r, again;
	_daemon_ d, next;
	struct kept_found found;
	_json_ doc = NULL;
	const struct alert *a;
	uint64_t began;
	char was[512], is[512];
	double usual;

	incident(&d, &r);
	began = page(&d)->active_ns;
	alert_describe(page(&d), was, sizeof(was));
	doc = keep(&d, &before);
	found = resume(&next, doc, &two_later);
	assert_int_equal(found.services, 1);
	assert_int_equal(found.processes, 1);
	assert_true(found.alerts >= 1);
	assert_true(found.same_boot);
	/* It fires before anything is known, and after. */
	a = page(&next);
	assert_non_null(a);
	assert_true(a->told && a->unknown && a->heard);
	alert_describe(a, is, sizeof(is));
	assert_string_equal(is, was);
	eval(&next, two_later.now_ns);
	appears(&next, 9, 500, 1234, two_later.now_ns + SECOND);
	for (unsigned s = 1; s < 900; s++) {
		serve(&next, 9, &again, 10, 200, true, two_later.now_ns + s * SECOND);
		if (s == 3)
			alerts_end_waiting(next.as, two_later.now_ns, lives_not, NULL, tell, &next);
		assert_non_null(page(&next));
		assert_true(page(&next)->active_ns == began);
	}
	assert_false(page(&next)->unknown);
	/* What is slow has not become what is usual. */
	assert_true(service_p95_baseline(model_services(next.m), &usual));
	assert_true(usual < 0.006);
	assert_int_equal(count_told(&next, "DefersSlowRequests"), 0);
	/* And it is over when it is. */
	for (unsigned s = 900; s < 1200; s++)
		serve(&next, 9, &again, 10, 5, false, two_later.now_ns + s * SECOND);
	assert_null(page(&next));
	assert_int_equal(count_told(&next, "DefersSlowRequests"), 1);
	assert_int_equal(next.told[next.n_told - 1].why, ALERT_CLEARED);
}

/* What was over during the restart is told so, once enough is known again. */
static void page_ends(void **state)
{
	static struct dfd_requests r, again;
	_daemon_ d, next;
	_json_ doc = NULL;

	incident(&d, &r);
	doc = keep(&d, &before);
	(void)resume(&next, doc, &two_later);
	appears(&next, 9, 500, 1234, two_later.now_ns);
	for (unsigned s = 1; s < 290; s++)
		serve(&next, 9, &again, 10, 5, false, two_later.now_ns + s * SECOND);
	assert_non_null(page(&next));
	for (unsigned s = 290; s < 310; s++)
		serve(&next, 9, &again, 10, 5, false, two_later.now_ns + s * SECOND);
	assert_null(page(&next));
	assert_int_equal(count_told(&next, "DefersSlowRequests"), 1);
}

static void process_gone(void **state)
{
	static struct dfd_requests r;
	_daemon_ d, next, third, reboot;
	_json_ doc = NULL;
	const struct alert *a;
	double lasted_s;

	incident(&d, &r);
	doc = keep(&d, &before);
	(void)resume(&next, doc, &two_later);
	appears(&next, 1, 500, 9999, two_later.now_ns); /* the pid is another process now */
	eval(&next, two_later.now_ns);
	assert_non_null(page(&next));
	assert_int_equal(next.n_told, 0);
	alerts_end_waiting(next.as, two_later.now_ns, lives_not, NULL, tell, &next);
	assert_null(page(&next));
	assert_int_equal(count_told(&next, "DefersSlowRequests"), 1);
	assert_int_equal(next.told[0].why, ALERT_GONE_MEANWHILE);
	assert_string_equal(alert_end_words[next.told[0].why],
			    "process gone while deferd was down");
	assert_int_equal(next.told[0].pid, 500);
	/* It is there, and nobody watches it. */
	(void)resume(&third, doc, &two_later);
	alerts_end_waiting(third.as, two_later.now_ns, lives, NULL, tell, &third);
	assert_int_equal(third.told[0].why, ALERT_NOT_OBSERVED);
	/* After a reboot the same pid with the same start is another. */
	assert_false(resume(&reboot, doc, &other_boot).same_boot);
	appears(&reboot, 1, 500, 1234, other_boot.now_ns);
	eval(&reboot, other_boot.now_ns + SECOND);
	alerts_end_waiting(reboot.as, other_boot.now_ns + SECOND, lives_not, NULL, tell, &reboot);
	a = told(&reboot, "DefersSlowRequests");
	assert_int_equal(a->why, ALERT_GONE_MEANWHILE);
	/* 90 s of reboot and one since belong to it, though the clock began anew. */
	lasted_s = (double)(a->ended_ns - a->active_ns) / 1e9;
	assert_true(fabs(lasted_s - (double)(before.now_ns - page(&d)->active_ns) / 1e9 - 91) < 1);
	assert_null(model_target(reboot.m, 1)->kept_groups);
}

static void usual_after_reboot(void **state)
{
	static struct dfd_requests r;
	_daemon_ d, next;
	_json_ doc = NULL;
	double usual;

	incident(&d, &r);
	doc = keep(&d, &before);
	(void)resume(&next, doc, &other_boot);
	assert_true(service_p95_baseline(model_services(next.m), &usual));
	assert_true(usual > 0.004 && usual < 0.006);
}

static void panic(struct daemon *d, uint32_t id, uint64_t number, uint64_t pc, uint64_t now)
{
	struct event ev = { .type = EVENT_PANIC,
			    .target = id,
			    .pid = 500,
			    .time_ns = now,
			    .panic = { .step = PANIC_STARTED,
				       .id = number,
				       .g = 4096,
				       .goid = 18,
				       .type = 0x7000,
				       .nstack = 1,
				       .stack = { pc } } };

	model_apply(d->m, &ev);
	ev.panic.step = PANIC_RECOVERED;
	ev.panic.frame = 0x400200;
	ev.panic.nclosed = 1;
	ev.panic.closed[0].id = number;
	ev.panic.closed[0].outcome = OUTCOME_RECOVERED;
	model_apply(d->m, &ev);
}

static void counts(struct daemon *d, uint32_t id, uint64_t panics, uint64_t now)
{
	model_apply(d->m,
		    &(struct event){ .type = EVENT_COUNTS,
				     .target = id,
				     .time_ns = now,
				     .counts = { .panics = panics,
						 .outcomes = { [OUTCOME_RECOVERED] = panics } } });
}

static uint64_t panics_of(const struct daemon *d)
{
	struct event_counts c;

	service_counts(model_services(d->m), &c);
	assert_int_equal(c.panics, c.outcomes[OUTCOME_RECOVERED]);
	return c.panics;
}

/* Three daemons one after another: totals by service and by site go on, and never back. */
static void panic_totals(void **state)
{
	_daemon_ d, next, third;
	_json_ doc = NULL;
	_json_ doc2 = NULL;
	const struct ledger_site *site;

	begin(&d);
	appears(&d, 1, 500, 1234, HOUR);
	for (unsigned i = 0; i < 7; i++)
		panic(&d, 1, i + 1, i < 5 ? 0x400100 : 0x400300, HOUR + i * SECOND);
	counts(&d, 1, 7, 2 * HOUR);
	assert_int_equal(panics_of(&d), 7);
	doc = keep(&d, &before);
	(void)resume(&next, doc, &two_later);
	assert_int_equal(panics_of(&next), 7); /* before the process is seen */
	appears(&next, 3, 500, 1234, two_later.now_ns);
	assert_int_equal(panics_of(&next), 7);
	panic(&next, 3, 1, 0x400100, two_later.now_ns + SECOND);
	counts(&next, 3, 1, two_later.now_ns + SECOND);
	assert_int_equal(panics_of(&next), 8);
	site = model_services(next.m)->ledger->sites;
	assert_int_equal(HASH_COUNT(site), 2);
	for (; site; site = site->hh.next) {
		bool busy = site->key.frames[0] == 0x400100;

		assert_int_equal(site->started, busy ? 6 : 2);
		assert_int_equal(site->outcomes[OUTCOME_RECOVERED], busy ? 6 : 2);
		assert_int_equal(site->image_id, SHOP_IMAGE);
		assert_int_equal(site->frame, 0x400200);
	}
	model_forget_kept(next.m);
	doc2 = keep(&next, &two_later);
	/* The process ends while the second is down; its total is the service's for good. */
	(void)resume(&third, doc2, &two_later);
	appears(&third, 1, 500, 5555, two_later.now_ns);
	model_forget_kept(third.m);
	assert_int_equal(panics_of(&third), 8);
	assert_null(model_services(third.m)->ledger);
	counts(&third, 1, 2, two_later.now_ns);
	model_apply(third.m, &(struct event){ .type = EVENT_TARGET_GONE,
					      .target = 1,
					      .time_ns = two_later.now_ns });
	assert_int_equal(panics_of(&third), 10);
}

static void fd_census(struct daemon *d, uint32_t id, uint32_t kept, bool followed, uint64_t now)
{
	model_apply(d->m, &(struct event){ .type = EVENT_FD_GROUP,
					   .target = id,
					   .fd_group = { .key = { .kind = FD_FILE },
							 .open = kept + 1,
							 .kept = { followed ? kept : 0, 0 } } });
	model_apply(d->m, &(struct event){ .type = EVENT_FD_CENSUS,
					   .target = id,
					   .time_ns = now,
					   .fd_census = { .interval_ns = 10 * SECOND,
							  .followed = { followed, false } } });
}

static void crowd_census(struct daemon *d, uint32_t id, uint64_t serial, uint32_t quiet,
			 uint64_t now)
{
	model_apply(d->m, &(struct event){ .type = EVENT_GROUP,
					   .target = id,
					   .group = { .serial = serial,
						      .created_at = 0x400200,
						      .state = GOROUTINE_WAITING,
						      .reason = "chan send",
						      .count = quiet + 2,
						      .quiet = quiet,
						      .nstack = 1,
						      .stack = { 0x400100 } } });
	model_apply(d->m, &(struct event){ .type = EVENT_CENSUS,
					   .target = id,
					   .time_ns = now,
					   .census = { .begin_ns = now - SECOND / 100,
						       .states = { [GOROUTINE_WAITING] = 9 },
						       .interval_ns = 10 * SECOND } });
}

/* A leak of descriptors is one at the first census after a restart, and its age goes on. */
static void leak_of_descriptors(void **state)
{
	_daemon_ d, next;
	_json_ doc = NULL;
	struct leak was;

	begin(&d);
	appears(&d, 1, 500, 1234, HOUR);
	for (unsigned i = 0; i < 60; i++)
		fd_census(&d, 1, 10 + 2 * i, i >= 6, before.now_ns - (60 - i) * 10 * SECOND);
	was = model_target(d.m, 1)->fd_leaks[FDS_ALL];
	assert_int_equal(was.verdict, LEAK_LEAKING);
	doc = keep(&d, &before);
	(void)resume(&next, doc, &two_later);
	appears(&next, 2, 500, 1234, two_later.now_ns);
	for (unsigned i = 0; i < 40; i++) {
		const struct leak *l = &model_target(next.m, 2)->fd_leaks[FDS_ALL];

		fd_census(&next, 2, 130 + 2 * i, i >= 6, two_later.now_ns + i * 10 * SECOND);
		assert_int_equal(l->verdict, LEAK_LEAKING);
		assert_true(l->seconds >= was.seconds);
		assert_true(fabs(l->per_hour - 720) < 40);
	}
}

static const struct leak *crowd(const struct daemon *d, uint32_t id)
{
	return &model_target(d->m, id)->parked->leak;
}

/* The same of goroutines, of which only those are known to wait for long that were seen to. */
static void leak_of_goroutines(void **state)
{
	_daemon_ d, next;
	_json_ doc = NULL;

	begin(&d);
	appears(&d, 1, 500, 1234, HOUR);
	for (unsigned i = 0; i < 30; i++)
		crowd_census(&d, 1, 5, 2 * i + 1, before.now_ns - (30 - i) * 10 * SECOND);
	assert_int_equal(crowd(&d, 1)->verdict, LEAK_LEAKING);
	doc = keep(&d, &before);
	(void)resume(&next, doc, &two_later);
	appears(&next, 2, 500, 1234, two_later.now_ns);
	for (unsigned i = 0; i < 30; i++) {
		crowd_census(&next, 2, 88, i < 6 ? 1 + i : 60 + 2 * i,
			     two_later.now_ns + i * 10 * SECOND);
		assert_int_equal(crowd(&next, 2)->verdict, LEAK_LEAKING);
		assert_true(fabs(crowd(&next, 2)->per_hour - 720) < 40);
	}
	/* Others that stand elsewhere have nothing of it. */
	done(&next);
	(void)resume(&next, doc, &two_later);
	appears(&next, 2, 501, 1234, two_later.now_ns);
	crowd_census(&next, 2, 88, 59, two_later.now_ns);
	assert_int_equal(crowd(&next, 2)->verdict, LEAK_TOO_YOUNG);
}

/* They were released while deferd was down: that is seen, a little later. */
static void leak_is_over(void **state)
{
	_daemon_ d, next;
	_json_ doc = NULL;

	begin(&d);
	appears(&d, 1, 500, 1234, HOUR);
	for (unsigned i = 0; i < 30; i++)
		crowd_census(&d, 1, 5, 2 * i + 1, before.now_ns - (30 - i) * 10 * SECOND);
	doc = keep(&d, &before);
	(void)resume(&next, doc, &two_later);
	appears(&next, 2, 500, 1234, two_later.now_ns);
	for (unsigned i = 0; i < 40; i++)
		crowd_census(&next, 2, 88, 1, two_later.now_ns + i * 10 * SECOND);
	assert_int_not_equal(crowd(&next, 2)->verdict, LEAK_LEAKING);
}

/* Of another form, whatever it is: nothing happens, or what fits is taken. */
static void strange(void **state)
{
	static const char *const docs[] = {
		"{}",
		"[]",
		"{\"kept\":1}",
		"{\"kept\":{\"model\":{},\"alerts\":{}}}",
		"{\"kept\":{\"model\":[],\"alerts\":[]}}",
	};
	static const char *const taken[] = {
		"{\"kept\":{\"model\":{},\"alerts\":[1,{},{\"rule\":\"x\"},{\"rule\":"
		"\"DeferPileUp\","
		"\"service\":\"shop\",\"metric\":\"nothing\"}]}}",
		"{\"kept\":{\"model\":{\"services\":[1,{\"name\":7},{\"name\":\"shop\",\"counts\":["
		"],"
		"\"p95_seconds\":[\"a\",-1,1e300,0.01]}],\"processes\":[2,{\"pid\":-1}]},"
		"\"alerts\":[]}}",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(docs) + ARRAY_SIZE(taken); i++) {
		bool good = i >= ARRAY_SIZE(docs);
		_json_ doc = json_loads(good ? taken[i - ARRAY_SIZE(docs)] : docs[i], 0, NULL);
		struct kept_found found;
		_daemon_ d;

		assert_non_null(doc);
		begin(&d);
		assert_int_equal(kept_adopt(doc, &before, &d.rules, d.m, d.as, &found), good);
		appears(&d, 1, 500, 1234, before.now_ns);
		eval(&d, before.now_ns);
		assert_null(alerts_active(d.as));
		assert_int_equal(d.n_told, 0);
	}
}

/* A rule that is not there any more ends its alert, and says why. */
static void rule_gone(void **state)
{
	static struct dfd_requests r;
	_daemon_ d, next;
	_json_ doc = NULL;

	incident(&d, &r);
	doc = keep(&d, &before);
	(void)resume(&next, doc, &two_later);
	for (unsigned i = 0; i < next.rules.n; i++) {
		if (!strcmp(next.rules.rules[i].name, "DefersSlowRequests"))
			strcpy(next.rules.rules[i].name, "Another");
	}
	eval(&next, two_later.now_ns);
	assert_int_equal(count_told(&next, "DefersSlowRequests"), 1);
	assert_int_equal(next.told[0].why, ALERT_RULE_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_holds),
		cmocka_unit_test(page_ends),
		cmocka_unit_test(process_gone),
		cmocka_unit_test(usual_after_reboot),
		cmocka_unit_test(panic_totals),
		cmocka_unit_test(leak_of_descriptors),
		cmocka_unit_test(leak_of_goroutines),
		cmocka_unit_test(leak_is_over),
		cmocka_unit_test(strange),
		cmocka_unit_test(rule_gone),
	};

	return cmocka_run_group_tests_name("engine/kept", tests, NULL, NULL);
}
