// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "model/model.h"
#include "namesite.h"
#include "shop.h"

#define _model_ _cleanup_(model_freep) struct model *

static unsigned wanted(struct model *m, uint32_t *ret_image, uint64_t *ret_pcs, unsigned n)
{
	struct name_ask asks[64];
	unsigned got;

	assert_true(n <= ARRAY_SIZE(asks));
	got = model_wanted_names(m, ret_image, asks, n);
	for (unsigned i = 0; i < got; i++) {
		assert_int_equal(asks[i].kind, NAME_OF_SITE);
		ret_pcs[i] = asks[i].addr;
	}
	return got;
}

static const struct code_line *frame_of(struct model *m, const struct target *t,
					const struct event_call *c)
{
	return model_user_frame(m, t->image_id, t->runtime, c->stack, c->nstack);
}

static void apply_target(struct model *m, uint32_t id, const char *service, uint64_t now)
{
	struct event ev = {
		.type = EVENT_TARGET,
		.target = id,
		.pid = 1000 + id,
		.time_ns = now,
		.info = { .service = service,
			  .image = "shop",
			  .version = "go1.26.3",
			  .reason = "",
			  .runtime = RUNTIME_GO,
			  .state = TARGET_OBSERVED,
			  .start_ticks = 500 + id,
			  .image_id = 7 },
	};

	model_apply(m, &ev);
}

static void apply_plain(struct model *m, enum event_type type, uint32_t id, uint64_t now)
{
	model_apply(m, &(struct event){ .type = type, .target = id, .time_ns = now });
}

static void apply_counts(struct model *m, uint32_t id, const struct event_counts *c, uint64_t now)
{
	struct event ev = { .type = EVENT_COUNTS, .target = id, .time_ns = now, .counts = *c };

	model_apply(m, &ev);
}

static void apply_goroutine(struct model *m, uint32_t id, const struct event_goroutine *g,
			    uint64_t now)
{
	struct event ev = {
		.type = EVENT_GOROUTINE, .target = id, .time_ns = now, .goroutine = *g
	};

	model_apply(m, &ev);
}

static void apply_depth(struct model *m, uint32_t id, uint32_t depth, uint64_t goid, uint64_t now)
{
	struct event ev = { .type = EVENT_DEPTH,
			    .target = id,
			    .tid = 4242,
			    .time_ns = now,
			    .call = { .g = goid << 12,
				      .goid = goid,
				      .depth = depth,
				      .kind = CALL_PUSH,
				      .nstack = 2,
				      .stack = { 0x400100 + goid, 0x400900 } } };

	model_apply(m, &ev);
}

static void apply_fds(struct model *m, uint32_t id, uint64_t open, uint64_t limit, uint64_t now)
{
	struct event ev = {
		.type = EVENT_FDS, .target = id, .time_ns = now, .fds = { open, limit }
	};

	model_apply(m, &ev);
}

static const struct service *service_of(const struct model *m, const char *name)
{
	for (const struct service *s = model_services(m); s; s = s->hh.next)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

static void nothing_yet(void **state)
{
	_model_ m = shop_model();
	uint64_t pc;
	uint32_t image;

	assert_null(model_targets(m));
	assert_null(model_services(m));
	assert_null(model_target(m, 1));
	assert_null(model_target(m, 0));
	assert_null(model_target_by_pid(m, 0));
	assert_int_equal(model_dropped(m), 0);
	assert_int_equal(wanted(m, &image, &pc, 1), 0);
	model_tick(m, T0);
	name_site(m, 7, 0x400100, "f", "f.go", 1);
	assert_null(model_services(m));
	model_free(NULL);
}

/* No event of any type makes a target of one that is not known, or harms the model. */
static void unknown_targets(void **state)
{
	_model_ m = shop_model();

	for (int type = -1; type <= EVENT_TYPE_MAX; type++) {
		struct event ev = { .type = (enum event_type)type, .target = 99, .time_ns = T0 };

		if (type == EVENT_TARGET)
			continue;
		model_apply(m, &ev);
		assert_null(model_targets(m));
		assert_null(model_services(m));
	}
	apply_target(m, 1, "shop", T0);
	for (int type = -1; type <= EVENT_TYPE_MAX; type++) {
		struct event ev = { .type = (enum event_type)type, .target = 2, .time_ns = T0 };

		if (type != EVENT_TARGET)
			model_apply(m, &ev);
	}
	assert_int_equal(HASH_COUNT(model_targets(m)), 1);
	assert_int_equal(service_of(m, "shop")->n_targets, 1);
	assert_int_equal(model_target(m, 1)->n_goroutines, 0);
	assert_int_equal(model_dropped(m), 0);
}

static void a_target(void **state)
{
	_model_ m = shop_model();
	const struct target *t;
	const struct service *s;

	apply_target(m, 0x10005, "shop", T0);
	t = model_target(m, 0x10005);
	assert_non_null(t);
	assert_ptr_equal(t, model_targets(m));
	assert_ptr_equal(t, model_target_by_pid(m, 1000 + 0x10005));
	assert_null(model_target_by_pid(m, 1000));
	assert_null(model_target(m, 5)); /* the same slot, another generation */
	assert_string_equal(t->image, "shop");
	assert_string_equal(t->version, "go1.26.3");
	assert_string_equal(t->reason, "");
	assert_string_equal(t->service->name, "shop");
	assert_int_equal(t->start_ticks, 500 + 0x10005);
	assert_int_equal(t->image_id, 7);
	assert_int_equal(t->runtime, RUNTIME_GO);
	assert_int_equal(t->state, TARGET_OBSERVED);
	assert_int_equal(t->first_ns, T0);
	assert_int_equal(t->crossing.kind, CALL_MAX);
	assert_false(t->have_fds || t->have_fd_trend || t->full);
	assert_true(target_exact(t));
	assert_null(target_deepest(m, t, T0));
	assert_true(rate_per_sec(&t->registered_rate) == 0);
	/* Told again with other facts: the same target. */
	model_apply(m, &(struct event){ .type = EVENT_TARGET,
					.target = 0x10005,
					.time_ns = T0 + SECOND,
					.info = { .service = "shop",
						  .image = "shop",
						  .version = "go1.26.3",
						  .reason = "no push",
						  .runtime = RUNTIME_GO,
						  .state = TARGET_LIMITED,
						  .full = true } });
	assert_ptr_equal(t, model_target(m, 0x10005));
	assert_string_equal(t->reason, "no push");
	assert_int_equal(t->state, TARGET_LIMITED);
	assert_int_equal(t->first_ns, T0);
	assert_true(t->full);
	assert_false(target_exact(t));
	assert_int_equal(t->service->n_targets, 1);
	/* For three seconds so far; for five, then no longer; then the process is gone. */
	assert_int_equal(service_full_ns(t->service, T0 + 4 * SECOND), 3 * SECOND);
	model_apply(m, &(struct event){ .type = EVENT_TARGET,
					.target = 0x10005,
					.time_ns = T0 + 6 * SECOND,
					.info = { .service = "shop",
						  .image = "shop",
						  .version = "go1.26.3",
						  .reason = "",
						  .runtime = RUNTIME_GO } });
	s = t->service;
	assert_int_equal(service_full_ns(s, T0 + 9 * SECOND), 5 * SECOND);
	model_apply(m, &(struct event){ .type = EVENT_TARGET_GONE,
					.target = 0x10005,
					.time_ns = T0 + 9 * SECOND });
	assert_int_equal(service_full_ns(s, T0 + 10 * SECOND), 5 * SECOND);
}

static void hostile_names(void **state)
{
	_model_ m = shop_model();
	static char longest[1000];
	struct event ev = {
		.type = EVENT_TARGET,
		.target = 1,
		.time_ns = T0,
		.info = { .service = "a\nb\x1b[31m\xff",
			  .image = "\xc2\x9b\t\x7f",
			  .version = "go\r1",
			  .reason = longest },
	};
	const struct target *t;
	const struct name *n;

	memset(longest, 'x', sizeof(longest) - 1);
	longest[5] = '\n';
	model_apply(m, &ev);
	t = model_target(m, 1);
	assert_string_equal(t->service->name, "a?b?[31m?");
	assert_string_equal(t->image, "???");
	assert_string_equal(t->version, "go?1");
	assert_int_equal(strlen(t->reason), sizeof(t->reason) - 1);
	assert_memory_equal(t->reason, "xxxxx?xx", 8);
	/* Two names that are the same when they are clean, or cut, are one service. */
	ev.target = 2;
	ev.info.service = "a\tb\x1b[31m\xfe";
	model_apply(m, &ev);
	assert_ptr_equal(model_target(m, 2)->service, t->service);
	ev.target = 3;
	ev.info.service = longest;
	model_apply(m, &ev);
	assert_int_equal(strlen(model_target(m, 3)->service->name), MODEL_NAME_MAX - 1);
	model_apply(m, &ev);
	assert_int_equal(HASH_COUNT(model_services(m)), 2);
	/* Names of code. */
	assert_null(model_site_name(m, 7, 0x1000));
	name_site(m, 7, 0x1000, "main.\x1b]0;x\a", "/a\nb.go", 3);
	n = model_site_name(m, 7, 0x1000);
	assert_string_equal(n->at.function, "main.?]0;x?");
	assert_string_equal(n->at.file, "/a?b.go");
	assert_null(model_site_name(m, 7, 0x1001));
	name_site(m, 7, 0x1001, longest, longest, 3);
	n = model_site_name(m, 7, 0x1001);
	assert_int_equal(strlen(n->at.function), MODEL_FUNC_MAX - 1);
	assert_int_equal(strlen(n->at.file), MODEL_FILE_MAX - 1);
}

static const struct event_counts some_counts = {
	.registered = { 1000, 200, 30, 4 },
	.runs = 1100,
	.panics = 9,
	.outcomes = { [OUTCOME_RECOVERED] = 8, [OUTCOME_FATAL] = 1 },
	.goexits = 2,
	.hits = 5000,
	.crossings = 6,
	.fd_opened = 70,
	.fd_closed = 60,
	.fd_ebadf = 3,
	.fd_unsited = 4,
};

/* Every counter of a service, in one list, so that none is forgotten. */
static struct event_counts service_total(const struct service *s)
{
	struct event_counts sum = s->retired;
	uint64_t *out = (uint64_t *)&sum;

	for (const struct target *t = s->targets; t; t = t->next_in_service)
		for (size_t i = 0; i < sizeof(sum) / sizeof(*out); i++)
			out[i] += ((const uint64_t *)&t->counts)[i];
	return sum;
}

static void counters_never_go_back(void **state)
{
	_model_ m = shop_model();
	const struct service *s;
	struct event_counts total;

	assert_int_equal(counts_registered(&some_counts), 1234);
	apply_target(m, 1, "shop", T0);
	apply_target(m, 2, "shop", T0);
	apply_counts(m, 1, &some_counts, T0);
	apply_counts(m, 2, &some_counts, T0);
	s = service_of(m, "shop");
	assert_int_equal(s->n_targets, 2);
	total = service_total(s);
	assert_int_equal(counts_registered(&total), 2468);
	for (uint32_t id = 1; id <= 2; id++) {
		struct event_counts after;

		apply_plain(m, EVENT_TARGET_GONE, id, T0 + id * SECOND);
		assert_null(model_target(m, id));
		after = service_total(s);
		assert_memory_equal(&total, &after, sizeof(total));
	}
	/* Gone twice: once is enough. */
	apply_plain(m, EVENT_TARGET_GONE, 2, T0 + 3 * SECOND);
	assert_memory_equal(&total, &s->retired, sizeof(total));
	assert_int_equal(s->n_targets, 0);
	assert_null(s->targets);
	/* The next process of the service goes on from there. */
	apply_target(m, 3, "shop", T0 + 4 * SECOND);
	apply_counts(m, 3, &some_counts, T0 + 4 * SECOND);
	total = service_total(s);
	assert_int_equal(counts_registered(&total), 3702);
	assert_int_equal(total.fd_ebadf, 9);
	assert_int_equal(total.fd_unsited, 12);
}

/* What was counted as closed twice turns out to be the beginning of a sweep. */
static void bad_closes_may_be_taken_back(void **state)
{
	_model_ m = shop_model();
	struct event_counts c = { .fd_ebadf = 3 };
	const struct target *t;

	apply_target(m, 1, "shop", T0);
	t = model_target(m, 1);
	apply_counts(m, 1, &c, T0);
	c.fd_ebadf = 1;
	apply_counts(m, 1, &c, T0 + SECOND);
	assert_int_equal(recent_sum(&t->bad_closes, T0 + SECOND), 1);
	c.fd_ebadf = 2;
	apply_counts(m, 1, &c, T0 + 2 * SECOND);
	assert_int_equal(recent_sum(&t->bad_closes, T0 + 2 * SECOND), 2);
}

static void lost_records_stay_counted(void **state)
{
	_model_ m = shop_model();
	struct event ev = { .type = EVENT_LOST, .target = 1, .time_ns = T0, .lost = 5 };
	const struct target *t;

	apply_target(m, 1, "shop", T0);
	t = model_target(m, 1);
	model_apply(m, &ev);
	model_apply(m, &ev);
	assert_int_equal(t->lost, 10);
	assert_false(target_exact(t));
	/*
	 * Losses are told during a scan: that one is not exact, the next whole one says everything
	 * again.
	 */
	apply_plain(m, EVENT_SCAN_BEGIN, 0, T0);
	assert_false(target_exact(t));
	apply_plain(m, EVENT_SCAN_END, 0, T0);
	assert_false(target_exact(t));
	apply_plain(m, EVENT_SCAN_BEGIN, 0, T0 + SECOND);
	apply_plain(m, EVENT_SCAN_END, 0, T0 + SECOND);
	assert_true(target_exact(t));
	assert_int_equal(t->lost, 10);
	apply_plain(m, EVENT_TARGET_GONE, 1, T0 + SECOND);
	assert_int_equal(service_of(m, "shop")->retired_lost, 10);
}

static void services_are_forgotten(void **state)
{
	_model_ m = shop_model();

	apply_target(m, 1, "shop", T0);
	model_tick(m, T0 + 7200 * SECOND);
	assert_non_null(service_of(m, "shop"));
	apply_plain(m, EVENT_TARGET_GONE, 1, T0);
	model_tick(m, T0 + 600 * SECOND);
	assert_non_null(service_of(m, "shop"));
	/* A new process just in time. */
	apply_target(m, 2, "shop", T0 + 600 * SECOND);
	model_tick(m, T0 + 601 * SECOND);
	assert_non_null(service_of(m, "shop"));
	apply_plain(m, EVENT_TARGET_GONE, 2, T0 + 1000 * SECOND);
	model_tick(m, T0 + 1601 * SECOND);
	assert_null(service_of(m, "shop"));
	assert_null(model_services(m));
}

/* Its last target ended after the reader took "now": the difference must not wrap. */
static void services_newer_than_now(void **state)
{
	_model_ m = shop_model();

	apply_target(m, 1, "shop", T0);
	apply_plain(m, EVENT_TARGET_GONE, 1, T0 + 1000);
	model_tick(m, T0);
	assert_non_null(service_of(m, "shop"));
}

static void service_changes(void **state)
{
	_model_ m = shop_model();
	const struct target *t;

	for (uint32_t id = 1; id <= 3; id++)
		apply_target(m, id, "old", T0);
	apply_counts(m, 2, &some_counts, T0);
	t = model_target(m, 2);
	/* The one in the middle of the list moves; the others stay. */
	apply_target(m, 2, "new", T0 + SECOND);
	assert_ptr_equal(model_target(m, 2), t);
	assert_string_equal(t->service->name, "new");
	assert_null(t->next_in_service);
	assert_int_equal(service_of(m, "new")->n_targets, 1);
	assert_int_equal(service_of(m, "old")->n_targets, 2);
	assert_ptr_equal(service_of(m, "old")->targets, model_target(m, 3));
	assert_ptr_equal(service_of(m, "old")->targets->next_in_service, model_target(m, 1));
	assert_int_equal(counts_registered(&t->counts), 1234);
	/* When it ends, its counts retire where it is now. */
	apply_plain(m, EVENT_TARGET_GONE, 2, T0 + 2 * SECOND);
	assert_int_equal(counts_registered(&service_of(m, "new")->retired), 1234);
	assert_int_equal(counts_registered(&service_of(m, "old")->retired), 0);
}

static void depth_window(void **state)
{
	_model_ m = shop_model();
	const struct target *t;
	const struct peak *p;

	apply_target(m, 1, "shop", T0);
	t = model_target(m, 1);
	apply_depth(m, 1, 40, 18, T0);
	assert_int_equal(t->crossing.depth, 40);
	assert_int_equal(t->crossing.kind, CALL_PUSH);
	p = target_deepest(m, t, T0);
	assert_true(p->depth == 40 && p->goid == 18 && p->g == 18 << 12 && p->time_ns == T0);
	assert_int_equal(p->site, 0x400100 + 18);
	/* Less deep, later: the deepest stays, and is followed by the other when it expires. */
	apply_depth(m, 1, 36, 19, T0 + 20 * SECOND);
	assert_int_equal(target_deepest(m, t, T0 + 20 * SECOND)->depth, 40);
	assert_int_equal(target_deepest(m, t, T0 + 60 * SECOND - 1)->depth, 40);
	assert_int_equal(target_deepest(m, t, T0 + 60 * SECOND)->depth, 36);
	assert_int_equal(target_deepest(m, t, T0 + 80 * SECOND - 1)->depth, 36);
	assert_null(target_deepest(m, t, T0 + 80 * SECOND));
	assert_null(target_deepest(m, t, T0 + 86400 * SECOND));
	/* The crossing is the newest, not the deepest. */
	assert_int_equal(t->crossing.goid, 19);
}

static void depth_buckets(void **state)
{
	_model_ m = shop_model();
	const struct target *t;

	apply_target(m, 1, "shop", T0);
	t = model_target(m, 1);
	/* In one bucket the deepest wins, whatever the order. */
	apply_depth(m, 1, 40, 1, T0);
	apply_depth(m, 1, 50, 2, T0 + 1);
	apply_depth(m, 1, 45, 3, T0 + 2);
	assert_int_equal(target_deepest(m, t, T0 + SECOND)->goid, 2);
	/* A turn of the ring later the bucket begins anew, even when it is less deep. */
	apply_depth(m, 1, 36, 4, T0 + 60 * SECOND);
	assert_int_equal(target_deepest(m, t, T0 + 60 * SECOND)->depth, 36);
	/* Of two that are equally deep the newer one is told. */
	apply_depth(m, 1, 36, 5, T0 + 70 * SECOND);
	assert_int_equal(target_deepest(m, t, T0 + 70 * SECOND)->goid, 5);
	/* A depth of nothing is no peak. */
	apply_depth(m, 1, 0, 6, T0 + 400 * SECOND);
	assert_null(target_deepest(m, t, T0 + 400 * SECOND));
}

/* A crossing while the ring is being read is newer than the reader's "now": it counts at once. */
static void depth_newer_than_now(void **state)
{
	_model_ m = shop_model();
	const struct target *t;

	apply_target(m, 1, "shop", T0);
	t = model_target(m, 1);
	apply_depth(m, 1, 40, 18, T0 - SECOND);
	apply_depth(m, 1, 70, 18, T0 + 1);
	assert_non_null(target_deepest(m, t, T0));
	assert_int_equal(target_deepest(m, t, T0)->depth, 70);
	assert_int_equal(target_deepest(m, t, T0 + 60 * SECOND)->depth, 70);
	assert_null(target_deepest(m, t, T0 + 60 * SECOND + 1));
}

/* A peak a second for ten minutes, against the plain maximum of the last minute's. */
static void depth_window_brute(void **state)
{
	_model_ m = shop_model();
	uint32_t depth[600];
	uint64_t x = 42;

	apply_target(m, 1, "shop", T0);
	for (unsigned i = 0; i < ARRAY_SIZE(depth); i++) {
		const struct peak *p;
		uint32_t exact = 0, kept = 0;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		depth[i] = i % 10 == 0 ? (uint32_t)(x % 1000) + 1 : 0;
		if (depth[i])
			apply_depth(m, 1, depth[i], i, T0 + i * SECOND);
		/* A bucket's newest turn replaces what is left of the last one, up to 5 s early. */
		for (unsigned k = i < 59 ? 0 : i - 59; k <= i; k++) {
			exact = depth[k] > exact ? depth[k] : exact;
			if (k + 55 > i)
				kept = depth[k] > kept ? depth[k] : kept;
		}
		p = target_deepest(m, model_target(m, 1), T0 + i * SECOND);
		assert_non_null(p);
		assert_true(p->depth <= exact && p->depth >= kept);
	}
}

static void ended_threads(void **state)
{
	_model_ m = shop_model();
	struct event ev = { .type = EVENT_ENDED,
			    .target = 1,
			    .tid = 77,
			    .time_ns = T0,
			    .call = { .depth = 12, .nstack = 1, .stack = { 0x400100 } } };
	const struct target *t;

	apply_target(m, 1, "shop", T0);
	model_apply(m, &(struct event){ .type = EVENT_TARGET,
					.target = 1,
					.info = { "shop", "worker", "c", "", RUNTIME_C } });
	t = model_target(m, 1);
	model_apply(m, &ev);
	/* Threads of C are known by their number; the newest crossing is still another event. */
	assert_int_equal(target_deepest(m, t, T0)->depth, 12);
	assert_int_equal(target_deepest(m, t, T0)->g, 77);
	assert_int_equal(target_deepest(m, t, T0)->goid, 77);
	assert_int_equal(t->crossing.kind, CALL_MAX);
	assert_int_equal(service_of(m, "shop")->depth_hist_count, 1);
	assert_int_equal(service_of(m, "shop")->depth_hist_sum, 12);
	assert_int_equal(t->n_goroutines, 0);
}

/* Details of traced targets are for whoever asked; counts are their own events. */
static void details_change_nothing(void **state)
{
	static const enum event_type types[] = { EVENT_EXEC, EVENT_EXIT, EVENT_FORK, EVENT_CALL,
						 EVENT_FD };
	_model_ m = shop_model();
	struct target before;

	apply_target(m, 1, "shop", T0);
	before = *model_target(m, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		struct event ev = { .type = types[i], .target = 1, .time_ns = T0 };

		memset(&ev.call, 1, sizeof(ev.call));
		model_apply(m, &ev);
		assert_memory_equal(&before, model_target(m, 1), sizeof(before));
	}
}

static void scan(struct model *m, uint64_t now, const struct event_goroutine *gs, unsigned n)
{
	apply_plain(m, EVENT_SCAN_BEGIN, 0, now);
	for (unsigned i = 0; i < n; i++)
		apply_goroutine(m, 1, &gs[i], now);
	apply_plain(m, EVENT_SCAN_END, 0, now);
}

static void scans(void **state)
{
	struct event_goroutine gs[] = {
		{ .g = 0x1000,
		  .goid = 10,
		  .registered = 5,
		  .depth = 3,
		  .peak = 5,
		  .site = 0x400100 },
		{ .g = 0x2000,
		  .goid = 20,
		  .registered = 9,
		  .depth = 0,
		  .window_peak = 9,
		  .peak = 9,
		  .site = 0x400200,
		  .peak_site = 0x400201,
		  .window_site = 0x400201 },
		{ .g = 0x3000,
		  .goid = 30,
		  .registered = 1,
		  .depth = 1,
		  .window_peak = 1,
		  .peak = 4,
		  .inferred = true },
	};
	_model_ m = shop_model();
	const struct goroutine *top[4];
	const struct target *t;

	apply_target(m, 1, "shop", T0);
	apply_target(m, 2, "shop", T0);
	t = model_target(m, 1);
	apply_goroutine(m, 2, &gs[0], T0);
	scan(m, T0, gs, 3);
	assert_int_equal(t->n_goroutines, 3);
	assert_int_equal(HASH_COUNT(t->goroutines), 3);
	assert_int_equal(t->n_inferred, 1);
	assert_false(target_exact(t));
	/* The same address in another process is another goroutine, and that scan did not meet it.
	 */
	assert_int_equal(model_target(m, 2)->n_goroutines, 0);
	assert_int_equal(target_deepest(m, t, T0)->depth, 9);
	assert_int_equal(target_deepest(m, t, T0)->goid, 20);
	assert_int_equal(target_deepest(m, t, T0)->site, 0x400201);
	/* Values are replaced; what the scan does not meet is gone. */
	gs[0].depth = 7;
	gs[0].goid = 11;
	gs[2].inferred = false;
	scan(m, T0 + SECOND, gs, 1);
	assert_int_equal(t->n_goroutines, 1);
	assert_true(target_exact(t));
	assert_int_equal(target_top_goroutines(t, top, 4), 1);
	assert_int_equal(top[0]->depth, 7);
	assert_int_equal(top[0]->goid, 11);
	/* Between END and the next BEGIN nothing is dropped. */
	apply_goroutine(m, 1, &gs[1], T0 + SECOND);
	assert_int_equal(t->n_goroutines, 2);
	scan(m, T0 + 2 * SECOND, gs, 0);
	assert_int_equal(t->n_goroutines, 0);
	assert_null(t->goroutines);
	assert_int_equal(model_dropped(m), 0);
}

/* An interrupted scan drops nothing; the next whole one does. */
static void interrupted_scan(void **state)
{
	struct event_goroutine g = { .g = 0x1000, .depth = 1 };
	_model_ m = shop_model();

	apply_target(m, 1, "shop", T0);
	scan(m, T0, &g, 1);
	apply_plain(m, EVENT_SCAN_BEGIN, 0, T0);
	apply_plain(m, EVENT_SCAN_BEGIN, 0, T0);
	assert_int_equal(model_target(m, 1)->n_goroutines, 1);
	apply_goroutine(m, 1, &g, T0);
	apply_plain(m, EVENT_SCAN_END, 0, T0);
	assert_int_equal(model_target(m, 1)->n_goroutines, 1);
}

/* What a second has: pushes of one site, and counts; with `looks`, many pages are shown meanwhile. */
static void second_of(struct model *m, unsigned i, unsigned looks)
{
	uint64_t now = T0 + i * SECOND, pushes = 1000 * i * i;

	for (unsigned k = 0; k < looks; k++) {
		uint64_t at = now - SECOND + k * SECOND / looks;
		struct event site = { .type = EVENT_SITE,
				      .target = 1,
				      .time_ns = at,
				      .site = { .pc = 0x100, .registered = pushes - looks + k } };

		apply_plain(m, EVENT_LOOK_BEGIN, 0, at);
		apply_counts(m, 1, &(struct event_counts){ .panics = pushes - looks + k }, at);
		model_apply(m, &site);
		apply_plain(m, EVENT_LOOK_END, 0, at);
	}
	apply_plain(m, EVENT_SCAN_BEGIN, 0, now);
	apply_counts(m, 1, &(struct event_counts){ .panics = pushes }, now);
	model_apply(m, &(struct event){ .type = EVENT_SITE,
					.target = 1,
					.time_ns = now,
					.site = { .pc = 0x100, .registered = pushes } });
	apply_plain(m, EVENT_SCAN_END, 0, now);
}

static void looks_change_no_rate_and_end_no_window(void **state)
{
	_model_ m = shop_model();
	_model_ other = shop_model();

	apply_target(m, 1, "shop", T0);
	apply_target(other, 1, "shop", T0);
	for (unsigned i = 1; i < 60; i++) {
		const struct target *a = model_target(m, 1), *b = model_target(other, 1);

		second_of(m, i, 0);
		second_of(other, i, 200);
		assert_true(rate_per_sec(&a->panic_rate) == rate_per_sec(&b->panic_rate));
		assert_int_equal(a->sites->added, 1000 * (2 * i - 1));
		assert_int_equal(b->sites->added, 1000 * (2 * i - 1));
	}
}

static void a_look_shows_what_is_now(void **state)
{
	_model_ m = shop_model();

	apply_target(m, 1, "shop", T0);
	second_of(m, 1, 0);
	apply_plain(m, EVENT_LOOK_BEGIN, 0, T0 + SECOND);
	apply_counts(m, 1, &(struct event_counts){ .panics = 1234 }, T0 + SECOND);
	apply_plain(m, EVENT_LOOK_END, 0, T0 + SECOND);
	assert_int_equal(model_target(m, 1)->counts.panics, 1234);
}

static void histogram(void **state)
{
	static const struct {
		uint32_t depth;
		unsigned bucket;
	} cases[] = { { 1, 0 },      { 2, 1 },          { 3, 2 },    { 5, 2 },     { 6, 3 },
		      { 10, 3 },     { 11, 4 },         { 35, 5 },   { 36, 6 },    { 70, 6 },
		      { 141, 8 },    { 350, 8 },        { 1000, 9 }, { 1001, 10 }, { 10000, 10 },
		      { 10001, 11 }, { UINT32_MAX, 11 } };
	_model_ m = shop_model();
	const struct service *s;
	uint64_t want[MODEL_DEPTH_EDGES + 1] = { 0 }, sum = 0;

	for (unsigned i = 1; i < MODEL_DEPTH_EDGES; i++)
		assert_true(model_depth_edges[i] > model_depth_edges[i - 1]);
	apply_target(m, 1, "shop", T0);
	s = service_of(m, "shop");
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct event_goroutine g = { .g = 0x1000,
					     .window_peak = cases[i].depth,
					     .depth = 1 };

		apply_plain(m, EVENT_SCAN_BEGIN, 0, T0 + i * SECOND);
		apply_goroutine(m, 1, &g, T0 + i * SECOND);
		apply_plain(m, EVENT_SCAN_END, 0, T0 + i * SECOND);
		want[cases[i].bucket]++;
		sum += cases[i].depth;
		assert_memory_equal(s->depth_hist, want, sizeof(want));
		assert_int_equal(s->depth_hist_sum, sum);
		assert_int_equal(s->depth_hist_count, i + 1);
	}
	/* No push since the scan before: nothing to observe, though it is deep. */
	apply_plain(m, EVENT_SCAN_BEGIN, 0, T0 + 100 * SECOND);
	apply_goroutine(m, 1, &(struct event_goroutine){ .g = 0x1000, .depth = 50, .peak = 50 },
			T0 + 100 * SECOND);
	apply_plain(m, EVENT_SCAN_END, 0, T0 + 100 * SECOND);
	assert_int_equal(s->depth_hist_count, ARRAY_SIZE(cases));
	/*
	 * Looking more often than once a second does not observe more: the deepest of the second
	 * counts.
	 */
	for (unsigned i = 1; i <= 5; i++) {
		uint64_t at = T0 + 100 * SECOND + i * SECOND / 5;

		apply_plain(m, EVENT_SCAN_BEGIN, 0, at);
		apply_goroutine(
			m, 1,
			&(struct event_goroutine){ .g = 0x1000, .window_peak = i == 2 ? 40 : 3 },
			at);
		apply_plain(m, EVENT_SCAN_END, 0, at);
	}
	assert_int_equal(s->depth_hist_count, ARRAY_SIZE(cases) + 1);
	assert_int_equal(s->depth_hist_sum, sum + 40);
	/* Observations outlive the process. */
	apply_plain(m, EVENT_TARGET_GONE, 1, T0);
	assert_int_equal(s->depth_hist_count, ARRAY_SIZE(cases) + 1);
}

static void rates(void **state)
{
	_model_ m = shop_model();
	struct event_counts c = { .registered = { 100 }, .panics = 7 };
	const struct target *t;

	apply_target(m, 1, "shop", T0);
	t = model_target(m, 1);
	apply_counts(m, 1, &c, T0);
	assert_true(rate_per_sec(&t->registered_rate) == 0);
	/* Twice at one instant: no division by nothing. */
	c.registered[0] = 200;
	apply_counts(m, 1, &c, T0);
	assert_true(rate_per_sec(&t->registered_rate) == 0);
	c.registered[LOWERING_C] = 300;
	c.panics = 8;
	apply_counts(m, 1, &c, T0 + 2 * SECOND);
	assert_true(rate_per_sec(&t->registered_rate) == 200);
	assert_true(rate_per_sec(&t->panic_rate) == 0.5);
	/* Only the last sixteen values count: an old burst is over after fifteen seconds. */
	for (unsigned i = 3; i <= 20; i++) {
		c.registered[0] += 10;
		apply_counts(m, 1, &c, T0 + i * SECOND);
		assert_true(i < 17 || rate_per_sec(&t->registered_rate) == 10);
		assert_true(i >= 17 || rate_per_sec(&t->registered_rate) > 10);
	}
	assert_true(rate_per_sec(&t->panic_rate) == 0);
}

static void top_sites(void **state)
{
	static const struct event_site in[] = {
		{ 0x500, 7, LOWERING_HEAP }, { 0x100, 5, LOWERING_HEAP },
		{ 0x300, 9, LOWERING_HEAP }, { 0x200, 5, LOWERING_HEAP },
		{ 0x400, 0, LOWERING_HEAP }, { 0x300, 6, LOWERING_STACK },
	};
	static const uint64_t order[][2] = { { 0x300, 9 }, { 0x500, 7 }, { 0x300, 6 },
					     { 0x100, 5 }, { 0x200, 5 }, { 0x400, 0 } };
	_model_ m = shop_model();
	const struct site *top[8];
	const struct target *t;

	apply_target(m, 1, "shop", T0);
	t = model_target(m, 1);
	assert_int_equal(target_top_sites(t, top, 8), 0);
	for (unsigned twice = 0; twice < 2; twice++)
		for (unsigned i = 0; i < ARRAY_SIZE(in); i++)
			model_apply(m, &(struct event){
					       .type = EVENT_SITE, .target = 1, .site = in[i] });
	assert_int_equal(t->n_sites, 6);
	for (unsigned n = 0; n <= 8; n++) {
		unsigned want = n < 6 ? n : 6;

		top[want] = NULL;
		assert_int_equal(target_top_sites(t, top, n), want);
		for (unsigned i = 0; i < want; i++) {
			assert_int_equal(top[i]->key.pc, order[i][0]);
			assert_int_equal(top[i]->registered, order[i][1]);
		}
		assert_true(want == 8 || !top[want]); /* not past n */
	}
	/* A later count replaces the earlier one. */
	model_apply(m, &(struct event){ .type = EVENT_SITE,
					.target = 1,
					.site = { 0x400, 1000, LOWERING_HEAP } });
	assert_int_equal(target_top_sites(t, top, 1), 1);
	assert_int_equal(top[0]->key.pc, 0x400);
	assert_int_equal(t->n_sites, 6);
}

static void top_goroutines(void **state)
{
	static const struct event_goroutine in[] = {
		{ .g = 1, .goid = 5, .depth = 2, .peak = 2 },
		{ .g = 2, .goid = 4, .depth = 0, .peak = 90 },
		{ .g = 3, .goid = 3, .depth = 40, .peak = 40 },
		{ .g = 4, .goid = 2, .depth = 2, .peak = 9 },
		{ .g = 5, .goid = 1, .depth = 2, .peak = 2 },
	};
	static const uint64_t order[] = { 3, 2, 1, 5, 4 };
	_model_ m = shop_model();
	const struct goroutine *top[5];

	apply_target(m, 1, "shop", T0);
	for (unsigned i = 0; i < ARRAY_SIZE(in); i++)
		apply_goroutine(m, 1, &in[i], T0);
	for (unsigned n = 0; n <= 5; n++) {
		assert_int_equal(target_top_goroutines(model_target(m, 1), top, n), n);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(top[i]->goid, order[i]);
	}
}

static void descriptors(void **state)
{
	_model_ m = shop_model();
	const struct target *t;
	double low = -1, high = -1;

	apply_target(m, 1, "shop", T0);
	t = model_target(m, 1);
	for (unsigned i = 0; i < 30; i++) {
		apply_fds(m, 1, 100 + 2 * i, 650, T0 + i * SECOND);
		model_tick(m, T0 + i * SECOND);
		assert_true(t->have_fds);
		assert_int_equal(t->have_fd_trend, i + 1 >= TREND_SAMPLES_MIN);
		assert_int_equal(target_fd_exhaustion(t, &low, &high), i + 1 >= TREND_SAMPLES_MIN);
	}
	assert_int_equal(t->fds.open, 158);
	assert_true(t->fd_trend.per_sec == 2);
	assert_true(low == (650 - 158) / 2.0 && high == low);
	/* The limit is reached, and then lowered below what is open. */
	apply_fds(m, 1, 158, 158, T0 + 31 * SECOND);
	assert_true(target_fd_exhaustion(t, &low, &high));
	assert_true(low == 0 && high == 0);
	apply_fds(m, 1, 158, 157, T0 + 31 * SECOND);
	assert_false(target_fd_exhaustion(t, &low, &high));
}

static void exhaustion_interval(void **state)
{
	static const struct {
		double low_slope, high_slope;
		uint64_t open, limit;
		bool have, grows;
		double soonest, latest;
	} cases[] = {
		{ 1, 4, 100, 500, true, true, 100, 400 }, { 0.5, 0.5, 0, 1, true, true, 2, 2 },
		{ 0, 4, 100, 500, true, false },          { -1, 4, 100, 500, true, false },
		{ -4, -1, 100, 500, true, false },        { 1, 4, 100, 500, false, false },
		{ 1, 4, 501, 500, true, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct target t = {
			.have_fd_trend = cases[i].have,
			.fds = { cases[i].open, cases[i].limit },
			.fd_trend = { .per_sec = (cases[i].low_slope + cases[i].high_slope) / 2,
				      .low_per_sec = cases[i].low_slope,
				      .high_per_sec = cases[i].high_slope }
		};
		double low = -1, high = -1;

		assert_int_equal(target_fd_exhaustion(&t, &low, &high), cases[i].grows);
		if (cases[i].grows)
			assert_true(low == cases[i].soonest && high == cases[i].latest);
		else
			assert_true(low == -1 && high == -1);
	}
}

/* RLIM_INFINITY is no limit: nothing runs out. */
static void no_limit(void **state)
{
	struct target t = { .have_fd_trend = true,
			    .fds = { 100, UINT64_MAX },
			    .fd_trend = { .per_sec = 1, .low_per_sec = 1, .high_per_sec = 1 } };
	double low, high;

	assert_false(target_fd_exhaustion(&t, &low, &high));
}

/* One gap in the descriptors is no gap in the trend, but the trend of a minute ago is none. */
static void trend_needs_samples(void **state)
{
	_model_ m = shop_model();
	const struct target *t;

	apply_target(m, 1, "shop", T0);
	t = model_target(m, 1);
	for (unsigned i = 0; i < 20; i++)
		apply_fds(m, 1, i, 1024, T0 + i * SECOND);
	model_tick(m, T0 + 20 * SECOND);
	assert_true(t->have_fd_trend);
	apply_fds(m, 1, 20, 1024, T0 + 300 * SECOND);
	model_tick(m, T0 + 300 * SECOND);
	assert_false(t->have_fd_trend);
	assert_true(t->have_fds);
}

static void names(void **state)
{
	_model_ m = shop_model();
	const struct name *n;
	uint64_t pcs[4] = { 0 };
	uint32_t image = 0;

	assert_false(model_awaits_names(m));
	/* Asking makes it wanted, once. */
	assert_null(model_site_name(m, 7, 0x1000));
	assert_true(model_awaits_names(m));
	assert_null(model_site_name(m, 7, 0x1000));
	assert_null(model_site_name(m, 8, 0x1000));
	assert_null(model_site_name(m, 7, 0x2000));
	/* One image at a time. */
	assert_int_equal(wanted(m, &image, pcs, 4), 2);
	assert_int_equal(image, 7);
	assert_true(pcs[0] == 0x1000 && pcs[1] == 0x2000);
	assert_int_equal(wanted(m, &image, pcs, 4), 1);
	assert_int_equal(image, 8);
	assert_int_equal(wanted(m, &image, pcs, 4), 0);
	/* Asked is not wanted, and not known. */
	assert_null(model_site_name(m, 7, 0x1000));
	assert_int_equal(wanted(m, &image, pcs, 4), 0);
	assert_true(model_awaits_names(m));
	name_site(m, 7, 0x1000, "main.pile", "/src/main.go", 41);
	n = model_site_name(m, 7, 0x1000);
	assert_string_equal(n->at.function, "main.pile");
	assert_string_equal(n->at.file, "/src/main.go");
	assert_int_equal(n->at.line, 41);
	/* The image has no name for it: never asked again. A file may be missing. */
	name_site(m, 7, 0x2000, NULL, "x", 1);
	assert_null(model_site_name(m, 7, 0x2000));
	assert_true(model_awaits_names(m));
	name_site(m, 8, 0x1000, "f", NULL, 0);
	assert_false(model_awaits_names(m));
	assert_string_equal(model_site_name(m, 8, 0x1000)->at.file, "");
	assert_int_equal(wanted(m, &image, pcs, 4), 0);
	/* An answer that nobody asked for is no name. */
	name_site(m, 9, 0x1000, "g", "g.go", 1);
	assert_null(model_site_name(m, 9, 0x1000));
	assert_int_equal(wanted(m, &image, pcs, 0), 0);
	assert_int_equal(wanted(m, &image, pcs, 4), 1);
}

static void names_in_pieces(void **state)
{
	_model_ m = shop_model();
	uint64_t pcs[3];
	uint32_t image;

	for (uint64_t pc = 0; pc < 7; pc++)
		assert_null(model_site_name(m, 7, pc));
	assert_int_equal(wanted(m, &image, pcs, 3), 3);
	assert_int_equal(wanted(m, &image, pcs, 3), 3);
	assert_int_equal(wanted(m, &image, pcs, 3), 1);
	assert_int_equal(wanted(m, &image, pcs, 3), 0);
}

/* A name that comes before anybody could ask for it is known, and not wanted any more. */
static void names_that_come_early(void **state)
{
	_model_ m = shop_model();
	uint64_t pc;
	uint32_t image;

	assert_null(model_site_name(m, 7, 0x1000));
	name_site(m, 7, 0x1000, "f", "f.go", 1);
	assert_non_null(model_site_name(m, 7, 0x1000));
	assert_int_equal(wanted(m, &image, &pc, 1), 0);
	assert_null(model_site_name(m, 7, 0x2000));
	assert_int_equal(wanted(m, &image, &pc, 1), 1);
	assert_int_equal(pc, 0x2000);
}

static void names_are_bounded(void **state)
{
	struct model_opts opts = MODEL_OPTS_DEFAULT;
	_model_ m = NULL;
	uint64_t pcs[8];
	uint32_t image;

	opts.names_max = 3;
	m = model_new(&opts);
	for (uint64_t pc = 0; pc < 5; pc++)
		assert_null(model_site_name(m, 7, pc));
	assert_int_equal(model_dropped(m), 2);
	assert_int_equal(wanted(m, &image, pcs, 8), 3);
	/* What is known stays known. */
	name_site(m, 7, 1, "f", "", 0);
	assert_non_null(model_site_name(m, 7, 1));
	assert_null(model_site_name(m, 7, 77));
	assert_int_equal(model_dropped(m), 3);
}

/* What the events carry is wanted without being asked for: sites, goroutines, stacks. */
static void events_want_names(void **state)
{
	_model_ m = shop_model();
	uint64_t pcs[8];
	uint32_t image;

	apply_target(m, 1, "shop", T0);
	model_apply(m, &(struct event){ .type = EVENT_SITE, .target = 1, .site = { 0x100, 1 } });
	apply_goroutine(m, 1, &(struct event_goroutine){ .g = 1, .site = 0x200, .depth = 1 }, T0);
	apply_depth(m, 1, 40, 18, T0);
	assert_int_equal(wanted(m, &image, pcs, 8), 4);
	assert_int_equal(image, 7);
	assert_true(pcs[0] == 0x100 && pcs[1] == 0x200 && pcs[2] == 0x400112 && pcs[3] == 0x400900);
}

static void user_frame(void **state)
{
	_model_ m = shop_model();
	struct event_call c = { .nstack = 3, .stack = { 0x10, 0x20, 0x30 } };
	struct target go = { .image_id = 7, .runtime = RUNTIME_GO };
	struct target native = { .image_id = 7, .runtime = RUNTIME_C };

	assert_null(frame_of(m, &go, &c));
	name_site(m, 7, 0x20, "main.handler", "h.go", 5);
	/* What lies above is not known: it might be the one. */
	assert_null(frame_of(m, &go, &c));
	name_site(m, 7, 0x10, "runtime.panicIndex", "panic.go", 1);
	assert_string_equal(frame_of(m, &go, &c)->function, "main.handler");
	/* C has no such frames. */
	assert_string_equal(frame_of(m, &native, &c)->function, "runtime.panicIndex");
	/* "runtime" alone is a package of somebody's. */
	name_site(m, 7, 0x10, "runtimeutil.Check", "c.go", 1);
	assert_string_equal(frame_of(m, &go, &c)->function, "runtimeutil.Check");
	name_site(m, 7, 0x10, "runtime.gopanic", "panic.go", 1);
	name_site(m, 7, 0x20, "runtime.goexit", "asm.s", 1);
	name_site(m, 7, 0x30, "runtime.main", "proc.go", 1);
	assert_null(frame_of(m, &go, &c));
	c.nstack = 0;
	assert_null(frame_of(m, &go, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_yet),
		cmocka_unit_test(unknown_targets),
		cmocka_unit_test(a_target),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(counters_never_go_back),
		cmocka_unit_test(bad_closes_may_be_taken_back),
		cmocka_unit_test(lost_records_stay_counted),
		cmocka_unit_test(services_are_forgotten),
		cmocka_unit_test(service_changes),
		cmocka_unit_test(depth_window),
		cmocka_unit_test(services_newer_than_now),
		cmocka_unit_test(depth_buckets),
		cmocka_unit_test(depth_newer_than_now),
		cmocka_unit_test(depth_window_brute),
		cmocka_unit_test(ended_threads),
		cmocka_unit_test(details_change_nothing),
		cmocka_unit_test(scans),
		cmocka_unit_test(interrupted_scan),
		cmocka_unit_test(looks_change_no_rate_and_end_no_window),
		cmocka_unit_test(a_look_shows_what_is_now),
		cmocka_unit_test(histogram),
		cmocka_unit_test(rates),
		cmocka_unit_test(top_sites),
		cmocka_unit_test(top_goroutines),
		cmocka_unit_test(descriptors),
		cmocka_unit_test(exhaustion_interval),
		cmocka_unit_test(no_limit),
		cmocka_unit_test(trend_needs_samples),
		cmocka_unit_test(names),
		cmocka_unit_test(names_in_pieces),
		cmocka_unit_test(names_that_come_early),
		cmocka_unit_test(names_are_bounded),
		cmocka_unit_test(events_want_names),
		cmocka_unit_test(user_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
