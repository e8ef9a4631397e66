// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "alert/alert.h"
#include "base/cleanup.h"
#include "namesite.h"
#include "shop.h"

#define MS    1000000ull
#define IMAGE SHOP_IMAGE
#define SITE  0x400100

/* A model, its alerts, and what was told about them. */
struct bench {
	struct model *m;
	struct alerts *as;
	struct rule rules[3];
	struct rule_set set;
	unsigned n_told;
	struct alert told[16];
};

static void bench_done(struct bench *b)
{
	alerts_free(b->as);
	model_free(b->m);
}

#define _bench_ _cleanup_(bench_done) struct bench

static struct rule rule(const char *name, const char *metric, enum rule_op op, double threshold)
{
	struct rule r = {
		.n_conditions = 1,
		.conditions = { { rule_metric_find(metric), op, threshold } },
		.severity = SEVERITY_WARNING,
	};

	assert_non_null(r.conditions[0].metric);
	r.of_service = r.conditions[0].metric->scope == METRIC_OF_SERVICE;
	snprintf(r.name, sizeof(r.name), "%s", name);
	return r;
}

static void begin(struct bench *b, struct rule r)
{
	struct model_opts opts = MODEL_OPTS_DEFAULT;

	*b = (struct bench){ .m = model_new(&opts), .as = alerts_new(), .rules = { r } };
	b->set = (struct rule_set){ 1, b->rules };
	assert_non_null(b->m);
	assert_non_null(b->as);
	shop_add(b->m, 1, 0);
}

static void fds(struct bench *b, uint32_t id, uint64_t open, uint64_t now)
{
	model_apply(b->m, &(struct event){ .type = EVENT_FDS,
					   .target = id,
					   .time_ns = now,
					   .fds = { open, 1000 } });
}

static void depth(struct bench *b, uint32_t id, uint32_t n, uint64_t goid, uint64_t now)
{
	model_apply(b->m, &(struct event){
				  .type = EVENT_DEPTH,
				  .target = id,
				  .tid = 77,
				  .time_ns = now,
				  .call = { .g = goid << 12,
					    .goid = goid,
					    .depth = n,
					    .nstack = 1,
					    .stack = { SITE } },
			  });
}

static void gone(struct bench *b, uint32_t id, uint64_t now)
{
	model_apply(b->m,
		    &(struct event){ .type = EVENT_TARGET_GONE, .target = id, .time_ns = now });
}

static void tell(void *arg, const struct alert *a)
{
	struct bench *b = arg;

	assert_true(b->n_told < ARRAY_SIZE(b->told));
	b->told[b->n_told++] = *a;
}

static void eval(struct bench *b, uint64_t now)
{
	alerts_eval(b->as, &b->set, b->m, now, tell, b);
}

static unsigned n_active(const struct bench *b)
{
	return HASH_COUNT(alerts_active(b->as));
}

static void nothing(void **state)
{
	_bench_ b;

	begin(&b, rule("fds", "open_fds", RULE_GE, 100));
	assert_null(alerts_active(b.as));
	eval(&b, T0); /* no number yet */
	fds(&b, 1, 99, T0);
	eval(&b, T0);
	b.set.n = 0;
	fds(&b, 1, 100, T0);
	eval(&b, T0); /* no rules */
	assert_int_equal(b.n_told, 0);
	assert_null(alerts_active(b.as));
	alerts_free(NULL);
}

/*
 * A second a character: do the conditions hold ('1')? Is the alert absent ('.'), pending ('p') or
 * firing ('f') afterwards?
 */
static void over_time(void **state)
{
	static const struct {
		unsigned for_s, keep_s;
		const char *holds, *is;
		unsigned told;
	} cases[] = {
		{ 0, 0, "0000", "....", 0 },
		{ 0, 0, "0110", ".ff.", 2 },
		{ 0, 0, "101", "f.f", 3 },
		{ 3, 0, "1111110", "pppfff.", 2 },
		{ 3, 0, "1110111011110", "ppp.ppp.pppf.", 2 }, /* a gap begins it anew */
		{ 3, 2, "11011110", "pp.pppff", 1 },           /* keep is for what fires */
		{ 0, 2, "1000", "ff..", 2 },
		{ 0, 2, "10101000", "ffffff..", 2 }, /* back in time: the same alert */
		{ 0, 3, "1000100", "fff.fff", 3 },
		{ 2, 2, "111001", "ppff.p", 2 },
		{ 1, 0, "1010", "p.p.", 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_bench_ b;
		char is[32] = "";

		begin(&b, rule("fds", "open_fds", RULE_GE, 100));
		b.rules[0].for_ns = cases[i].for_s * SECOND;
		b.rules[0].keep_ns = cases[i].keep_s * SECOND;
		for (unsigned s = 0; cases[i].holds[s]; s++) {
			const struct alert *a;

			fds(&b, 1, cases[i].holds[s] == '1' ? 100 : 99, T0 + s * SECOND);
			eval(&b, T0 + s * SECOND);
			assert_true(n_active(&b) <= 1);
			a = alerts_active(b.as);
			is[s] = !a ? '.' : a->state == ALERT_PENDING ? 'p' : 'f';
		}
		if (strcmp(is, cases[i].is) || b.n_told != cases[i].told)
			fail_msg("for %u s, keep %u s, %s: %s (expected %s), told %u times",
				 cases[i].for_s, cases[i].keep_s, cases[i].holds, is, cases[i].is,
				 b.n_told);
		for (unsigned k = 0; k < b.n_told; k++)
			assert_int_equal(b.told[k].state, k % 2 ? ALERT_RESOLVED : ALERT_FIRING);
	}
}

static void to_the_nanosecond(void **state)
{
	_bench_ b;

	begin(&b, rule("fds", "open_fds", RULE_GE, 100));
	b.rules[0].for_ns = b.rules[0].keep_ns = 10 * SECOND;
	fds(&b, 1, 100, T0);
	eval(&b, T0);
	eval(&b, T0 + 10 * SECOND - 1);
	assert_int_equal(b.n_told, 0);
	eval(&b, T0 + 10 * SECOND);
	assert_int_equal(b.n_told, 1);
	assert_int_equal(b.told[0].active_ns, T0);
	assert_int_equal(b.told[0].fired_ns, T0 + 10 * SECOND);
	assert_int_equal(b.told[0].last_true_ns, T0 + 10 * SECOND);
	fds(&b, 1, 99, T0 + 11 * SECOND);
	eval(&b, T0 + 20 * SECOND - 1);
	assert_int_equal(b.n_told, 1);
	eval(&b, T0 + 20 * SECOND);
	assert_int_equal(b.n_told, 2);
	assert_int_equal(b.told[1].last_true_ns, T0 + 10 * SECOND);
}

static void all_conditions(void **state)
{
	static const struct {
		uint64_t open;
		bool trend, fires;
	} cases[] = { { 499, true, false },
		      { 500, true, false },
		      { 501, true, true },
		      { 501, false, false } };

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_bench_ b;

		begin(&b, rule("growing", "open_fds", RULE_GT, 100));
		b.rules[0].conditions[1] =
			(struct rule_condition){ rule_metric_find("fd_usage_ratio"), RULE_GT, 0.5 };
		b.rules[0].conditions[2] =
			(struct rule_condition){ rule_metric_find("fd_growth_per_second"), RULE_GE,
						 0 };
		b.rules[0].n_conditions = 3;
		for (unsigned s = 0; s < 10; s++)
			fds(&b, 1, cases[i].open, T0 + s * SECOND);
		if (cases[i].trend)
			model_tick(b.m, T0 + 10 * SECOND);
		eval(&b, T0 + 10 * SECOND);
		assert_int_equal(b.n_told, cases[i].fires);
		if (!cases[i].fires)
			continue;
		/* What is told is of the first. */
		assert_true(b.told[0].value == 501);
		assert_true(b.told[0].threshold == 100);
		assert_string_equal(b.told[0].metric, "open_fds");
	}
}

static void worst_value(void **state)
{
	static const struct {
		enum rule_op op;
		uint64_t threshold, open[5], value[5];
	} cases[] = {
		{ RULE_GE, 100, { 150, 120, 200, 100, 201 }, { 150, 150, 200, 200, 201 } },
		{ RULE_GT, 100, { 150, 120, 200, 101, 201 }, { 150, 150, 200, 200, 201 } },
		{ RULE_LE, 300, { 150, 220, 120, 300, 5 }, { 150, 150, 120, 120, 5 } },
		{ RULE_LT, 300, { 150, 220, 120, 299, 5 }, { 150, 150, 120, 120, 5 } },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_bench_ b;

		begin(&b, rule("fds", "open_fds", cases[i].op, cases[i].threshold));
		for (unsigned s = 0; s < 5; s++) {
			fds(&b, 1, cases[i].open[s], T0 + s * SECOND);
			eval(&b, T0 + s * SECOND);
			assert_int_equal(n_active(&b), 1);
			assert_true(alerts_active(b.as)->value == cases[i].value[s]);
		}
		assert_int_equal(b.n_told, 1);
	}
}

/* Pending, the value is the last one; what is told begins with the one that fired. */
static void pending_value(void **state)
{
	_bench_ b;

	begin(&b, rule("fds", "open_fds", RULE_GE, 100));
	b.rules[0].for_ns = 2 * SECOND;
	for (unsigned s = 0; s < 3; s++) {
		fds(&b, 1, 150 - 10 * s, T0 + s * SECOND);
		eval(&b, T0 + s * SECOND);
	}
	assert_int_equal(b.n_told, 1);
	assert_true(b.told[0].value == 130);
}

static void waits_for_the_name(void **state)
{
	static const struct {
		uint64_t named_ms, fires_ms; /* evaluated every 100 ms */
		const char *function;
	} cases[] = {
		{ 0, 0, "main.pile" },     { 50, 100, "main.pile" }, { 300, 300, "main.pile" },
		{ 500, 500, "main.pile" }, { 501, 500, "?" },        { 100000, 500, "?" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_bench_ b;
		uint64_t ms = 0;
		char site[CODE_LINE_MAX];

		begin(&b, rule("depth", "defer_depth_max", RULE_GE, 35));
		depth(&b, 1, 40, 18, T0);
		for (; ms <= 1000 && !b.n_told; ms += 100) {
			if (cases[i].named_ms <= ms)
				name_site(b.m, IMAGE, SITE, "main.pile", "/src/main.go", 41);
			eval(&b, T0 + ms * MS);
			assert_int_equal(n_active(&b), 1);
		}
		assert_int_equal(b.n_told, 1);
		assert_int_equal(ms - 100, cases[i].fires_ms);
		assert_string_equal(b.told[0].evidence.depth.site.function, cases[i].function);
		/* It is told once; a name that comes later is in the alert all the same. */
		name_site(b.m, IMAGE, SITE, "main.pile", "/src/main.go", 41);
		eval(&b, T0 + ms * MS);
		assert_int_equal(b.n_told, 1);
		assert_string_equal(alerts_active(b.as)->evidence.depth.site.function, "main.pile");
		/* Others know it by the line that it was told with, or by none. */
		alert_site(alerts_active(b.as), site);
		assert_string_equal(
			site, strcmp(cases[i].function, "?") ? "main.pile /src/main.go:41" : "");
	}
}

/* The line of an alert stays while it lives, whoever registers the defers of a deeper one; the next alert has its own. */
static void the_line_stays(void **state)
{
	_bench_ b;
	const struct alert *a;
	struct event other = { .type = EVENT_DEPTH,
			       .target = 1,
			       .time_ns = T0 + SECOND,
			       .call = { .g = 0x19000,
					 .goid = 25,
					 .depth = 80,
					 .pile_site = SITE + 0x100,
					 .nstack = 1,
					 .stack = { SITE + 0x200 } } };

	begin(&b, rule("depth", "defer_depth_max", RULE_GE, 35));
	depth(&b, 1, 40, 18, T0);
	name_site(b.m, IMAGE, SITE, "main.pile", "/src/main.go", 41);
	eval(&b, T0);
	model_apply(b.m, &other);
	name_site(b.m, IMAGE, SITE + 0x100, "main.other", "/src/main.go", 77);
	eval(&b, T0 + SECOND);
	a = alerts_active(b.as);
	assert_true(a->value == 80 && a->evidence.depth.id == 25);
	assert_string_equal(a->evidence.depth.site.function, "main.pile");
	eval(&b, T0 + 62 * SECOND);
	assert_int_equal(b.told[1].state, ALERT_RESOLVED);
	other.time_ns = T0 + 70 * SECOND;
	model_apply(b.m, &other);
	eval(&b, T0 + 70 * SECOND);
	assert_int_equal(b.n_told, 3);
	assert_string_equal(b.told[2].evidence.depth.site.function, "main.other");
}

/* Slow requests, and a deep goroutine that handles none of them: the alert is about those that are slow. */
static void of_slow_requests(void **state)
{
	static struct dfd_requests counts;
	_bench_ b;
	struct rule r = rule("slow", "defer_depth_max", RULE_GE, 35);
	struct event ev = { .type = EVENT_REQUESTS, .target = 1, .time_ns = T0 },
		     usual = shop_process(1);
	char text[512];

	r.n_conditions = 3;
	r.conditions[1] = (struct rule_condition){ rule_metric_find("request_p95_rise_seconds"),
						   RULE_GT, 0.03 };
	r.conditions[2] = (struct rule_condition){ rule_metric_find("slow_requests_deep_ratio"),
						   RULE_GE, 0.25 };
	usual.info.timed_every = 1;
	usual.info.p95_ns = 10000000;
	begin(&b, r);
	depth(&b, 1, 90, 1, T0);
	name_site(b.m, IMAGE, SITE, "main.main", "/src/main.go", 41);
	model_apply(b.m, &usual);
	ev.requests = (struct event_requests){
		.ended = 100, .ns = counts.ns, .deep_ns = counts.deep_ns, .defers = counts.defers
	};
	counts.ns[512] = 100; /* 138 ms */
	model_apply(b.m, &ev);
	eval(&b, T0);
	assert_int_equal(b.n_told, 0); /* nobody who is slow has piled up anything */
	counts.deep_ns[512] = 50;
	ev.requests.deep_goid = 34;
	ev.requests.deep_peak = 40;
	ev.requests.deep_site = SITE + 0x100;
	model_apply(b.m, &ev);
	name_site(b.m, IMAGE, SITE + 0x100, "main.handle", "/src/main.go", 77);
	eval(&b, T0);
	assert_int_equal(b.n_told, 1);
	alert_describe(&b.told[0], text, sizeof(text));
	assert_string_equal(
		text,
		"shop (pid 1001): 40 defers pending on goroutine 34, registered by main.handle "
		"at /src/main.go:77; p95 is 128 ms above its usual value; 50 % of the slowest "
		"requests piled up defers");
}

/* The names of the sites that register most are waited for as well, and nobody else's. */
static void waits_for_top_names(void **state)
{
	_bench_ b;

	begin(&b, rule("depth", "defer_depth_max", RULE_GE, 35));
	for (unsigned i = 0; i < 5; i++)
		model_apply(b.m, &(struct event){
					 .type = EVENT_SITE,
					 .target = 1,
					 .site = { 0x500000 + i, 10 * (i + 1), LOWERING_HEAP } });
	depth(&b, 1, 40, 18, T0);
	name_site(b.m, IMAGE, SITE, "main.pile", "/src/main.go", 41);
	for (unsigned i = 2; i < 5; i++) {
		eval(&b, T0);
		assert_int_equal(b.n_told, 0);
		name_site(b.m, IMAGE, 0x500000 + i, "main.top", "/src/top.go", i);
	}
	eval(&b, T0);
	assert_int_equal(b.n_told, 1);
	assert_int_equal(b.told[0].evidence.depth.n_top, EVIDENCE_SITES_MAX);
	for (unsigned i = 0; i < EVIDENCE_SITES_MAX; i++) {
		assert_int_equal(b.told[0].evidence.depth.top[i].at.line, 4 - i);
		assert_true(b.told[0].evidence.depth.top[i].share == (5 - i) * 10 / 150.0);
	}
}

static void of_the_deepest(void **state)
{
	_bench_ b;
	const struct alert *a;

	begin(&b, rule("depth", "defer_depth_max", RULE_GE, 35));
	depth(&b, 1, 40, 18, T0);
	name_site(b.m, IMAGE, SITE, "main.pile", "/src/main.go", 41);
	eval(&b, T0);
	a = alerts_active(b.as);
	assert_int_equal(a->evidence.kind, EVIDENCE_DEPTH);
	assert_true(a->evidence.depth.exact && a->evidence.depth.id == 18 && a->value == 40);
	/* A shallower one beside it changes nothing, a deeper one is told. */
	depth(&b, 1, 37, 19, T0 + SECOND);
	eval(&b, T0 + SECOND);
	assert_true(a->evidence.depth.id == 18 && a->value == 40);
	depth(&b, 1, 80, 20, T0 + 2 * SECOND);
	eval(&b, T0 + 2 * SECOND);
	assert_true(a->evidence.depth.id == 20 && a->value == 80);
	/* One alert for all of its goroutines, and one transition. */
	for (uint64_t goid = 100; goid < 200; goid++)
		depth(&b, 1, 50, goid, T0 + 3 * SECOND);
	eval(&b, T0 + 3 * SECOND);
	assert_int_equal(n_active(&b), 1);
	assert_int_equal(b.n_told, 1);
	/* The window is over. */
	eval(&b, T0 + 63 * SECOND);
	assert_int_equal(b.n_told, 2);
	assert_int_equal(b.told[1].state, ALERT_RESOLVED);
	assert_true(b.told[1].value == 80);
}

static void census_of(struct bench *b, unsigned turn)
{
	uint64_t now = T0 + turn * 10 * SECOND;

	model_apply(b->m, &(struct event){ .type = EVENT_GROUP,
					   .target = 1,
					   .group = { .serial = 3,
						      .created_at = SITE + 0x10,
						      .state = GOROUTINE_WAITING,
						      .reason = "chan send",
						      .count = 20 + 2 * turn,
						      .quiet = 10 + 2 * turn,
						      .nstack = 2,
						      .stack = { SITE + 0x20, SITE } } });
	model_apply(b->m,
		    &(struct event){ .type = EVENT_CENSUS,
				     .target = 1,
				     .time_ns = now,
				     .census = { .begin_ns = now, .interval_ns = 10 * SECOND } });
}

/* Where they stand and who makes them is in the first thing that is told. */
static void of_a_leak(void **state)
{
	_bench_ b;
	unsigned turn;

	begin(&b, rule("leak", "goroutine_leak_per_hour", RULE_GT, 0));
	for (turn = 0; turn < 9; turn++) {
		eval(&b, T0 + turn * 10 * SECOND);
		assert_int_equal(n_active(&b), 0);
		census_of(&b, turn);
	}
	eval(&b, T0 + 80 * SECOND);
	assert_int_equal(n_active(&b), 1);
	assert_int_equal(b.n_told, 0);
	name_site(b.m, IMAGE, SITE + 0x20, "runtime.gopark", "proc.go", 1);
	name_site(b.m, IMAGE, SITE, "main.forgets", "main.go", 53);
	eval(&b, T0 + 80 * SECOND);
	assert_int_equal(b.n_told, 0);
	name_site(b.m, IMAGE, SITE + 0x10, "main.leaks", "main.go", 58);
	eval(&b, T0 + 80 * SECOND);
	assert_int_equal(b.n_told, 1);
	assert_int_equal(b.told[0].evidence.kind, EVIDENCE_GROUP);
	assert_int_equal(b.told[0].evidence.waiters.count, 36);
	assert_int_equal(b.told[0].evidence.waiters.site.line, 53);
	assert_int_equal(b.told[0].evidence.waiters.created_by.line, 58);
	assert_string_equal(b.told[0].evidence.waiters.reason, "chan send");
}

static void syscalls_of(struct bench *b, unsigned turn, uint32_t here, uint32_t there, bool known)
{
	uint64_t now = T0 + turn * 10 * SECOND;
	struct event ev = { .type = EVENT_GROUP, .target = 1, .time_ns = now };

	for (unsigned i = 0; i < 2; i++) {
		ev.group = (struct event_group){ .serial = 1 + i,
						 .state = GOROUTINE_SYSCALL,
						 .reason = "",
						 .count = 9,
						 .blocked = i ? there : here,
						 .nstack = 1,
						 .stack = { SITE + 0x10 * i } };
		model_apply(b->m, &ev);
	}
	ev.type = EVENT_CENSUS;
	ev.census = (struct event_census){ .begin_ns = now,
					   .interval_ns = 10 * SECOND,
					   .knows_blocked = known };
	model_apply(b->m, &ev);
	eval(b, now);
}

/* All of them are counted, and the line where most are is named. */
static void of_system_calls(void **state)
{
	char text[512];
	_bench_ b;

	begin(&b, rule("hangs", "goroutines_blocked_in_syscall", RULE_GE, 3));
	syscalls_of(&b, 0, 0, 0, true); /* nine are in a call, for less than a minute */
	syscalls_of(&b, 1, 1, 1, true);
	syscalls_of(&b, 2, 2, 7, false); /* a runtime that does not count them */
	assert_int_equal(n_active(&b), 0);
	name_site(b.m, IMAGE, SITE, "main.reads", "main.go", 53);
	name_site(b.m, IMAGE, SITE + 0x10, "main.waits", "main.go", 58);
	syscalls_of(&b, 3, 1, 3, true);
	assert_int_equal(b.n_told, 1);
	assert_true(b.told[0].value == 4);
	assert_int_equal(b.told[0].evidence.waiters.count, 3);
	alert_describe(&b.told[0], text, sizeof(text));
	assert_string_equal(text, "shop (pid 1001): 3 goroutines wait in main.waits at main.go:58; "
				  "4 in system calls for a minute");
	syscalls_of(&b, 4, 2, 0, true);
	assert_int_equal(b.n_told, 2);
	assert_int_equal(b.told[1].state, ALERT_RESOLVED);
}

/* Ten more at each census, all of one line but the first, of 500 at most. */
static void fd_census_of(struct bench *b, unsigned turn)
{
	const uint64_t now = T0 + turn * 10 * SECOND;
	struct event ev = { .target = 1, .time_ns = now };

	ev.type = EVENT_FDS;
	ev.fds = (struct event_fds){ .open = 40 + 10 * turn, .limit = 500 };
	model_apply(b->m, &ev);
	ev.type = EVENT_FD_GROUP;
	ev.fd_group = (struct event_fd_group){ .key = { .kind = FD_INET, .port = 5432 },
					       .open = 30 + 10 * turn,
					       .kept = { 20 + 10 * turn } };
	model_apply(b->m, &ev);
	ev.type = EVENT_FD_CENSUS;
	ev.fd_census = (struct event_fd_census){ .interval_ns = 10 * SECOND, .followed = { true } };
	model_apply(b->m, &ev);
	ev.type = EVENT_FD_SITE;
	ev.fd_site = (struct event_fd_site){ .key = { .kind = FD_FILE },
					     .open = 90,
					     .kept = 90,
					     .nstack = 1,
					     .stack = { SITE + 0x20 } };
	model_apply(b->m, &ev); /* most, but of what does not leak */
	ev.fd_site = (struct event_fd_site){ .key = { .kind = FD_INET, .port = 5432 },
					     .open = 30,
					     .kept = 3,
					     .nstack = 1,
					     .stack = { SITE } };
	model_apply(b->m, &ev);
	ev.fd_site.kept = 1;
	ev.fd_site.stack[0] = SITE + 0x10;
	model_apply(b->m, &ev);
}

/* What leaks, how fast, when it is over, and who opened it. */
static void of_descriptors(void **state)
{
	char text[512];
	_bench_ b;
	_bench_ c;
	unsigned turn;

	begin(&b, rule("leak", "connection_leak_per_hour", RULE_GT, 0));
	for (turn = 0; turn < 9; turn++) {
		eval(&b, T0 + turn * 10 * SECOND);
		assert_int_equal(n_active(&b), 0);
		fd_census_of(&b, turn);
		/* An address of a library has no name, ever; that is not waited for. */
		name_site(b.m, IMAGE, SITE, "main.query", "db.go", 41);
		name_site(b.m, IMAGE, SITE + 0x10, "main.ping", "db.go", 50);
	}
	eval(&b, T0 + 80 * SECOND);
	assert_int_equal(b.n_told, 1);
	assert_int_equal(b.told[0].evidence.kind, EVIDENCE_FDS);
	assert_true(fabs(b.told[0].value - 3600) < 1);
	assert_int_equal(b.told[0].evidence.fds.open, 110);
	assert_true(b.told[0].evidence.fds.opened_by.share == 0.75);
	alert_describe(&b.told[0], text, sizeof(text));
	assert_non_null(strstr(
		text,
		"connections to port 5432 leak: 110 are open, 3600 to 3600 more an hour; the "
		"limit of 500 is reached in 6 min to 6 min; 75 % of what is kept was opened by "
		"main.query at db.go:41"));
	b.told[0].evidence.fds.full_high_s = INFINITY;
	alert_describe(&b.told[0], text, sizeof(text));
	assert_non_null(strstr(text, "the limit of 500 is reached in 6 min at the earliest"));
	b.told[0].evidence.fds.full_low_s = NAN;
	b.told[0].evidence.fds.opened_by.at.function[0] = '\0';
	alert_describe(&b.told[0], text, sizeof(text));
	assert_null(strstr(text, "limit"));
	assert_null(strstr(text, "opened by"));
	/* Files do not leak, so the other rule has nothing to say. */
	begin(&c, rule("files", "fd_leak_per_hour", RULE_GT, 0));
	for (turn = 0; turn < 9; turn++)
		fd_census_of(&c, turn);
	eval(&c, T0 + 90 * SECOND);
	assert_int_equal(n_active(&c), 0);
}

static void inferred_depth(void **state)
{
	_bench_ b;

	begin(&b, rule("depth", "defer_depth_max", RULE_GE, 35));
	model_apply(b.m, &(struct event){ .type = EVENT_DEPTH,
					  .target = 1,
					  .time_ns = T0,
					  .call = { .goid = 5,
						    .depth = 40,
						    .inferred = true,
						    .nstack = 1,
						    .stack = { SITE } } });
	eval(&b, T0);
	assert_false(alerts_active(b.as)->evidence.depth.exact);
}

static void target_gone(void **state)
{
	_bench_ b;

	begin(&b, rule("fds", "open_fds", RULE_GE, 100));
	b.rules[0].keep_ns = 3600 * SECOND;
	shop_add(b.m, 2, 0);
	fds(&b, 1, 100, T0);
	fds(&b, 2, 100, T0);
	eval(&b, T0);
	assert_int_equal(b.n_told, 2);
	assert_int_equal(n_active(&b), 2);
	gone(&b, 1, T0);
	eval(&b, T0);
	assert_int_equal(b.n_told, 3);
	assert_int_equal(b.told[2].state, ALERT_RESOLVED);
	assert_int_equal(b.told[2].pid, 1001);
	assert_string_equal(b.told[2].service, "shop");
	assert_int_equal(n_active(&b), 1);
	assert_int_equal(alerts_active(b.as)->pid, 1002);
	/* A pending one goes without a word. */
	b.rules[0].for_ns = SECOND;
	shop_add(b.m, 3, 0);
	fds(&b, 3, 100, T0);
	eval(&b, T0);
	assert_int_equal(n_active(&b), 2);
	gone(&b, 3, T0);
	eval(&b, T0);
	assert_int_equal(n_active(&b), 1);
	assert_int_equal(b.n_told, 3);
}

static void rule_removed(void **state)
{
	_bench_ b;

	begin(&b, rule("one", "open_fds", RULE_GE, 100));
	b.rules[1] = rule("two", "fd_usage_ratio", RULE_GE, 0.1);
	b.set.n = 2;
	b.rules[0].keep_ns = 3600 * SECOND;
	fds(&b, 1, 100, T0);
	eval(&b, T0);
	assert_int_equal(b.n_told, 2);
	assert_string_equal(b.told[0].key.rule, "one");
	assert_string_equal(b.told[1].key.rule, "two");
	/* Reloaded: other labels and threshold for "two", "one" is gone. */
	b.rules[0] = rule("two", "fd_usage_ratio", RULE_GE, 0.05);
	b.rules[0].severity = SEVERITY_PAGE;
	b.rules[0].n_labels = 1;
	b.rules[0].labels[0] = (struct rule_label){ "team", "payments" };
	b.set.n = 1;
	eval(&b, T0 + SECOND);
	assert_int_equal(b.n_told, 3);
	assert_string_equal(b.told[2].key.rule, "one");
	assert_int_equal(b.told[2].state, ALERT_RESOLVED);
	assert_int_equal(n_active(&b), 1);
	assert_int_equal(alerts_active(b.as)->severity, SEVERITY_PAGE);
	assert_true(alerts_active(b.as)->threshold == 0.05);
	assert_int_equal(alerts_active(b.as)->n_labels, 1);
	assert_string_equal(alerts_active(b.as)->labels[0].value, "payments");
	assert_int_equal(alerts_active(b.as)->active_ns, T0);
}

static void describe(void **state)
{
	static const struct {
		struct alert a;
		const char *text;
	} cases[] = {
		{ { .service = "shop",
		    .pid = 7,
		    .metric = "open_fds",
		    .unit = "descriptors",
		    .value = 512,
		    .threshold = 500 },
		  "shop (pid 7): open_fds is 512 descriptors, threshold 500 descriptors" },
		{ { .service = "shop",
		    .pid = 7,
		    .metric = "fd_usage_ratio",
		    .unit = "ratio",
		    .value = 0.8125,
		    .threshold = 0.5 },
		  "shop (pid 7): fd_usage_ratio is 81 %, threshold 50 %" },
		{ { .service = "shop",
		    .pid = 7,
		    .metric = "defer_depth_max",
		    .evidence = { EVIDENCE_DEPTH,
				  .depth = { .id = 18,
					     .depth = 47,
					     .site = { "main.reserve", "main.go", 41 } } } },
		  "shop (pid 7): 47 defers pending on goroutine 18, registered by main.reserve at "
		  "main.go:41" },
		{ { .service = "shop",
		    .pid = 7,
		    .evidence = { EVIDENCE_DEPTH, .depth = { .id = UINT64_MAX,
							     .depth = UINT32_MAX,
							     .site = { "?" } } } },
		  "shop (pid 7): 4294967295 defers pending on goroutine 18446744073709551615, "
		  "registered by ?" },
		{ { .service = "shop",
		    .pid = 7,
		    .value = 7200.4,
		    .evidence = { EVIDENCE_GROUP,
				  .waiters = { .count = 59,
					       .reason = "chan send",
					       .says = "more an hour",
					       .site = { "main.forgets", "main.go", 53 },
					       .created_by = { "main.leaks", "main.go", 58 } } } },
		  "shop (pid 7): 59 goroutines wait (chan send) in main.forgets at main.go:53, "
		  "created "
		  "by main.leaks at main.go:58; 7200 more an hour" },
		{ { .service = "shop",
		    .pid = 7,
		    .evidence = { EVIDENCE_PILE,
				  .waiters = { .count = 23,
					       .reason = "sync.Mutex.Lock",
					       .site = { "main.get", "cache.go", 33 } } } },
		  "shop (pid 7): 23 goroutines wait for one lock (sync.Mutex.Lock), most in "
		  "main.get at "
		  "cache.go:33" },
		{ { .service = "shop",
		    .pid = 7,
		    .value = 20,
		    .evidence = { EVIDENCE_GROUP, .waiters = { .count = 5,
							       .says = "more an hour",
							       .site = { "?" } } } },
		  "shop (pid 7): 5 goroutines wait in ?; 20 more an hour" },
		{ { .service = "worker",
		    .pid = 8,
		    .evidence = { EVIDENCE_DEPTH, .depth = { .id = 77,
							     .is_thread = true,
							     .depth = 35,
							     .site = { "work", "w.c", 9 } } } },
		  "worker (pid 8): 35 defers pending on thread 77, registered by work at w.c:9" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[256], cut[10];

		alert_describe(&cases[i].a, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
		alert_describe(&cases[i].a, cut, sizeof(cut));
		assert_int_equal(strlen(cut), sizeof(cut) - 1);
		assert_memory_equal(cut, text, sizeof(cut) - 1);
	}
}

static void with_expr(struct bench *b, const char *expr, const char *clear)
{
	struct rule r = { .name = "x", .severity = SEVERITY_WARNING };
	bool plain;

	assert_int_equal(expr_compile(expr, &r.expr, NULL), 0);
	if (clear)
		assert_int_equal(expr_compile(clear, &r.clear, NULL), 0);
	r.of_service = expr_of_service(r.expr);
	r.n_conditions = expr_conditions(r.expr, r.conditions, RULE_CONDITIONS_MAX, &plain);
	begin(b, r);
}

static void expressions(void **state)
{
	_bench_ b;

	with_expr(&b, "open_fds{service=\"shop\"} > 100 or open_fds == 7", NULL);
	fds(&b, 1, 8, T0);
	eval(&b, T0);
	assert_int_equal(b.n_told, 0);
	fds(&b, 1, 7, T0 + SECOND);
	eval(&b, T0 + SECOND);
	assert_int_equal(b.n_told, 1);
	assert_string_equal(b.told[0].metric, "open_fds");
	assert_true(b.told[0].value == 7 && b.told[0].threshold == 100);
	assert_int_equal(b.told[0].pid, 1001);
	fds(&b, 1, 9, T0 + 2 * SECOND);
	eval(&b, T0 + 2 * SECOND);
	assert_int_equal(b.n_told, 2);
	rule_done(&b.rules[0]);
}

/* A rate needs half of its window, and then tells what was. */
static void rates(void **state)
{
	_bench_ b;

	with_expr(&b, "rate(open_fds, 60s) > 2", NULL);
	for (unsigned i = 0; i < 29; i++) {
		fds(&b, 1, 3 * i, T0 + i * SECOND);
		eval(&b, T0 + i * SECOND);
	}
	assert_int_equal(b.n_told, 0);
	for (unsigned i = 29; i < 35; i++) {
		fds(&b, 1, 3 * i, T0 + i * SECOND);
		eval(&b, T0 + i * SECOND);
	}
	assert_int_equal(b.n_told, 1);
	assert_true(fabs(b.told[0].value - 3) < 0.01);
	rule_done(&b.rules[0]);
}

static void of_all_processes(void **state)
{
	_bench_ b;
	char text[256];

	with_expr(&b, "sum by (service) (open_fds) > 100", NULL);
	shop_add(b.m, 2, 0);
	fds(&b, 1, 60, T0);
	fds(&b, 2, 60, T0);
	eval(&b, T0);
	assert_int_equal(b.n_told, 1);
	assert_int_equal(b.told[0].pid, 0);
	assert_string_equal(b.told[0].service, "shop");
	assert_true(b.told[0].value == 120);
	alert_describe(&b.told[0], text, sizeof(text));
	assert_string_equal(text, "shop: open_fds is 120 descriptors, threshold 100 descriptors");
	gone(&b, 2, T0 + SECOND);
	eval(&b, T0 + SECOND);
	assert_int_equal(b.n_told, 2);
	rule_done(&b.rules[0]);
}

/* Between the two it stays as it is. */
static void hysteresis(void **state)
{
	_bench_ b;

	with_expr(&b, "open_fds > 100", "open_fds < 50");
	fds(&b, 1, 70, T0);
	eval(&b, T0);
	assert_int_equal(b.n_told, 0);
	fds(&b, 1, 101, T0 + SECOND);
	eval(&b, T0 + SECOND);
	assert_int_equal(b.n_told, 1);
	fds(&b, 1, 70, T0 + 2 * SECOND);
	eval(&b, T0 + 2 * SECOND);
	assert_int_equal(b.n_told, 1);
	fds(&b, 1, 49, T0 + 3 * SECOND);
	eval(&b, T0 + 3 * SECOND);
	assert_int_equal(b.n_told, 2);
	assert_int_equal(b.told[1].state, ALERT_RESOLVED);
	rule_done(&b.rules[0]);
}

static void grace(void **state)
{
	_bench_ b;
	struct rule r = rule("x", "open_fds", RULE_GT, 100);

	r.grace_ns = 30 * SECOND;
	begin(&b, r);
	fds(&b, 1, 200, T0);
	eval(&b, T0 + 29 * SECOND);
	assert_null(alerts_active(b.as));
	eval(&b, T0 + 30 * SECOND);
	assert_int_equal(b.n_told, 1);
}

/* What is not known ends an alert as what does not hold does, and is told apart. */
static void unknown(void **state)
{
	_bench_ b;
	struct rule r = rule("x", "fd_usage_ratio", RULE_GT, 0.5);

	r.keep_ns = 10 * SECOND;
	begin(&b, r);
	fds(&b, 1, 600, T0);
	eval(&b, T0);
	assert_int_equal(b.n_told, 1);
	assert_false(alerts_active(b.as)->unknown);
	model_apply(b.m, &(struct event){ .type = EVENT_FDS,
					  .target = 1,
					  .time_ns = T0 + SECOND,
					  .fds = { 600, 0 } });
	eval(&b, T0 + SECOND);
	assert_true(alerts_active(b.as)->unknown);
	/* Nobody says that it is well. */
	eval(&b, T0 + 3599 * SECOND);
	assert_int_equal(b.n_told, 1);
	eval(&b, T0 + 3600 * SECOND);
	assert_int_equal(b.n_told, 2);
	assert_int_equal(b.told[1].why, ALERT_NO_DATA);
	assert_true(b.told[1].ended_ns - b.told[1].fired_ns == 3600 * SECOND);
}

/* What numbers are, whatever the model says. */
static bool made_up(void *arg, const struct rule_metric *metric, const struct service *service,
		    const struct target *target, double *ret)
{
	*ret = 1;
	return *(bool *)arg;
}

/* A number that is absent while there is none of what it counts. */
static void none(void **state)
{
	_bench_ b;
	struct rule r = rule("x", "fd_leak_per_hour", RULE_GT, 0);
	bool there = true;

	r.keep_ns = 10 * SECOND;
	begin(&b, r);
	alerts_set_reader(b.as, made_up, &there);
	eval(&b, T0 + SECOND);
	assert_int_equal(b.n_told, 1);
	there = false;
	eval(&b, T0 + 10 * SECOND);
	assert_int_equal(b.n_told, 1);
	eval(&b, T0 + 11 * SECOND);
	assert_int_equal(b.n_told, 2);
	assert_int_equal(b.told[1].why, ALERT_CLEARED);
}

/* A page silences the warnings of its service, until it is over. */
static void inhibition(void **state)
{
	_bench_ b;
	struct rule r = rule("warning", "open_fds", RULE_GT, 100);

	begin(&b, r);
	b.rules[1] = rule("page", "open_fds", RULE_GT, 200);
	b.rules[1].severity = SEVERITY_PAGE;
	b.set.n = 2;
	fds(&b, 1, 300, T0);
	eval(&b, T0);
	assert_int_equal(b.n_told, 1);
	assert_string_equal(b.told[0].key.rule, "page");
	fds(&b, 1, 150, T0 + SECOND);
	eval(&b, T0 + SECOND); /* the page is over */
	assert_int_equal(b.n_told, 3);
	assert_string_equal(b.told[1].key.rule, "page");
	assert_int_equal(b.told[1].state, ALERT_RESOLVED);
	assert_string_equal(b.told[2].key.rule, "warning");
	assert_int_equal(b.told[2].state, ALERT_FIRING);
	/* Who was told of it hears of its end, whatever else goes on. */
	fds(&b, 1, 300, T0 + 2 * SECOND);
	eval(&b, T0 + 2 * SECOND);
	fds(&b, 1, 0, T0 + 3 * SECOND);
	eval(&b, T0 + 3 * SECOND);
	assert_int_equal(b.n_told, 6);
	assert_null(alerts_active(b.as));
}

/* What was inhibited to its end nobody hears of. */
static bool page_is_silenced(void *arg, const struct alert *a)
{
	return *(bool *)arg && a->severity == SEVERITY_PAGE;
}

/* What is silenced wakes nobody, so warnings of its cause are told; and a page is about its own cause only. */
static void inhibits_its_cause(void **state)
{
	static const struct {
		const char *warning; /* about this number, beside a page about descriptors */
		bool silenced;
		unsigned told;
	} cases[] = {
		{ "open_fds", false, 1 },
		{ "open_fds", true, 2 },
		{ "fd_usage_ratio", false, 2 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_bench_ b;
		bool silenced = cases[i].silenced;

		begin(&b, rule("warning", cases[i].warning, RULE_GT, 0));
		alerts_set_silences(b.as, page_is_silenced, &silenced);
		b.rules[1] = rule("page", "open_fds", RULE_GT, 200);
		b.rules[1].severity = SEVERITY_PAGE;
		b.set.n = 2;
		fds(&b, 1, 300, T0);
		eval(&b, T0);
		assert_int_equal(b.n_told, cases[i].told);
	}
}

static void inhibited_for_good(void **state)
{
	_bench_ b;
	struct rule r = rule("warning", "open_fds", RULE_GT, 100);

	begin(&b, r);
	b.rules[1] = rule("page", "open_fds", RULE_GT, 100);
	b.rules[1].severity = SEVERITY_PAGE;
	b.set.n = 2;
	fds(&b, 1, 300, T0);
	eval(&b, T0);
	fds(&b, 1, 0, T0 + SECOND);
	eval(&b, T0 + SECOND);
	assert_int_equal(b.n_told, 2);
	assert_string_equal(b.told[1].key.rule, "page");
}

/* It may be another matter than that of the page, and is not to wait. */
static void critical_beside_a_page(void **state)
{
	_bench_ b;
	struct rule r = rule("critical", "open_fds", RULE_GT, 100);

	r.severity = SEVERITY_CRITICAL;
	begin(&b, r);
	b.rules[1] = rule("page", "open_fds", RULE_GT, 100);
	b.rules[1].severity = SEVERITY_PAGE;
	b.rules[2] = rule("info", "open_fds", RULE_GT, 100);
	b.rules[2].severity = SEVERITY_INFO;
	b.set.n = 3;
	fds(&b, 1, 300, T0);
	eval(&b, T0);
	assert_int_equal(n_active(&b), 3);
	assert_int_equal(b.n_told, 2);
	for (unsigned i = 0; i < b.n_told; i++)
		assert_true(b.told[i].severity >= SEVERITY_CRITICAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressions),
		cmocka_unit_test(rates),
		cmocka_unit_test(of_all_processes),
		cmocka_unit_test(hysteresis),
		cmocka_unit_test(grace),
		cmocka_unit_test(unknown),
		cmocka_unit_test(none),
		cmocka_unit_test(inhibition),
		cmocka_unit_test(inhibits_its_cause),
		cmocka_unit_test(inhibited_for_good),
		cmocka_unit_test(critical_beside_a_page),
		cmocka_unit_test(nothing),
		cmocka_unit_test(over_time),
		cmocka_unit_test(to_the_nanosecond),
		cmocka_unit_test(all_conditions),
		cmocka_unit_test(worst_value),
		cmocka_unit_test(pending_value),
		cmocka_unit_test(waits_for_the_name),
		cmocka_unit_test(the_line_stays),
		cmocka_unit_test(of_slow_requests),
		cmocka_unit_test(waits_for_top_names),
		cmocka_unit_test(of_the_deepest),
		cmocka_unit_test(of_a_leak),
		cmocka_unit_test(of_system_calls),
		cmocka_unit_test(of_descriptors),
		cmocka_unit_test(inferred_depth),
		cmocka_unit_test(target_gone),
		cmocka_unit_test(rule_removed),
		cmocka_unit_test(describe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
