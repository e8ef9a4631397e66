// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A recording is a source of the engine: the same alerts, at the same times, as when it was made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "engine/engine.h"
#include "tempdir.h"

#define SECOND 1000000000ull

static struct tempdir dir;
static struct config *config;
static struct reason reason;
static struct recorder *out;

struct transition {
	double at_s;
	enum alert_state state;
	char rule[RULE_NAME_MAX];
	char service[MODEL_NAME_MAX];
};

static struct played {
	struct engine *engine;
	uint64_t begin_ns;
	unsigned n;
	struct transition list[64];
	unsigned events;
} played;

static void on_event(void *arg, const struct event *ev)
{
	if (!played.events++)
		played.begin_ns = ev->time_ns;
}

static void on_alert(void *arg, const struct alert *a)
{
	struct transition *t = &played.list[played.n++];

	assert_true(played.n < 64);
	t->at_s = (double)(engine_now_ns(played.engine) - played.begin_ns) / 1e9;
	t->state = a->state;
	snprintf(t->rule, sizeof(t->rule), "%s", a->key.rule);
	snprintf(t->service, sizeof(t->service), "%s", a->service);
}

static int play(const char *path)
{
	struct engine_opts opts = { .on_event = on_event, .on_alert = on_alert };
	struct engine_source source = { .procfd = -1 };
	int more;

	played = (struct played){};
	assert_int_equal(recording_open(path, &source.recording, &reason), 0);
	assert_int_equal(engine_new(NULL, &source, config, &opts, &played.engine, &reason), 0);
	while ((more = engine_play(played.engine, &reason)) > 0)
		;
	engine_free(played.engine);
	recording_close(source.recording);
	return more;
}

static int setup(void **state)
{
	struct buf errors = {};

	tempdir_make(&dir);
	return config_load(NULL, &config, &errors); /* with the default rules */
}

static int teardown(void **state)
{
	config_free(config);
	tempdir_done(&dir);
	return 0;
}

static void begin(void)
{
	struct event ev = { .type = EVENT_TARGET,
			    .target = 65537,
			    .pid = 7,
			    .time_ns = 100 * SECOND,
			    .info = { .service = "shop",
				      .image = "shop",
				      .version = "go1.22.1",
				      .reason = "",
				      .runtime = RUNTIME_GO,
				      .image_id = 1,
				      .probes = "lean" } };

	assert_int_equal(recorder_open(tempdir_path(&dir, "rec.gz"), &out, &reason), 0);
	recorder_event(out, &ev);
}

static void deep(unsigned second, uint32_t depth)
{
	struct event ev = {
		.type = EVENT_DEPTH,
		.target = 65537,
		.pid = 7,
		.time_ns = (100 + second) * SECOND,
		.call = { .g = 1, .goid = 18, .depth = depth, .nstack = 1, .stack = { 5 } }
	};

	recorder_event(out, &ev);
}

static void name_of_site(void)
{
	struct recorded_name name = {
		.image_id = 1, .addr = 5, .n = 1, .places = { { "main.reserve", "main.go", 41 } }
	};

	recorder_name(out, &name);
}

static void second(unsigned second)
{
	recorder_mark(out, MARK_TICK, (100 + second) * SECOND);
	recorder_mark(out, MARK_JUDGE, (100 + second) * SECOND);
}

static void an_alert_fires_at_the_recorded_moment(void **state)
{
	begin();
	second(1);
	deep(2, 34);
	second(2);
	deep(3, 47);
	name_of_site();
	for (unsigned i = 3; i < 400; i++)
		second(i);
	assert_int_equal(recorder_close(out, &reason), 0);
	assert_int_equal(play(tempdir_path(&dir, "rec.gz")), 0);
	assert_int_equal(played.n, 2);
	assert_string_equal(played.list[0].rule, "DeferPileUp");
	assert_true(played.list[0].at_s == 3);
	assert_int_equal(played.list[0].state, ALERT_FIRING);
	assert_int_equal(played.list[1].state, ALERT_RESOLVED);
	assert_true(played.list[1].at_s > 10);
}

static void below_the_threshold_nothing_fires(void **state)
{
	begin();
	deep(2, 34);
	name_of_site();
	for (unsigned i = 2; i < 60; i++)
		second(i);
	assert_int_equal(recorder_close(out, &reason), 0);
	assert_int_equal(play(tempdir_path(&dir, "rec.gz")), 0);
	assert_int_equal(played.n, 0);
}

static void an_alert_waits_for_the_name_as_it_did(void **state)
{
	begin();
	deep(3, 47);
	recorder_mark(out, MARK_JUDGE, 103 * SECOND);
	recorder_mark(out, MARK_JUDGE, 103 * SECOND + SECOND / 4);
	name_of_site();
	recorder_mark(out, MARK_JUDGE, 103 * SECOND + SECOND / 3);
	assert_int_equal(recorder_close(out, &reason), 0);
	assert_int_equal(play(tempdir_path(&dir, "rec.gz")), 0);
	assert_int_equal(played.n, 1);
	assert_true(played.list[0].at_s > 3.3 && played.list[0].at_s < 3.4);
}

static void what_came_before_the_damage_holds(void **state)
{
	begin();
	deep(3, 47);
	name_of_site();
	second(3);
	recorder_event(out, &(struct event){ .type = EVENT_SITE, .site.lowering = 77 });
	assert_int_equal(recorder_close(out, &reason), 0);
	assert_int_equal(play(tempdir_path(&dir, "rec.gz")), -EBADMSG);
	assert_int_equal(played.n, 1);
}

/*
 * tests/golden/recordings/ has what `deferd record` wrote while three programs of tests/fixtures ran, and beside it what it
 * printed then.
 */
static void recorded_run_has_the_alerts_of_that_run(void **state)
{
	_cleanup_file_ FILE *f = fopen("tests/golden/recordings/fixtures.txt", "r");
	char line[1024], word[16], rule[RULE_NAME_MAX], service[MODEL_NAME_MAX];
	unsigned n = 0;
	double at_s;

	assert_non_null(f);
	assert_int_equal(play("tests/golden/recordings/fixtures.gz"), 0);
	while (fgets(line, sizeof(line), f)) {
		const struct transition *t = &played.list[n++];

		assert_int_equal(
			sscanf(line, "%lf %15s %*s %63s %127s", &at_s, word, rule, service), 4);
		assert_true(n <= played.n);
		assert_true(t->at_s - at_s < 0.001 && at_s - t->at_s < 0.001);
		assert_string_equal(t->rule, rule);
		assert_string_equal(t->service, service);
		assert_int_equal(t->state, strcmp(word, "firing") ? ALERT_RESOLVED : ALERT_FIRING);
	}
	assert_int_equal(n, played.n);
	assert_true(n >= 4);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_alert_fires_at_the_recorded_moment),   T(below_the_threshold_nothing_fires),
		T(an_alert_waits_for_the_name_as_it_did),   T(what_came_before_the_damage_holds),
		T(recorded_run_has_the_alerts_of_that_run),
	};

	return cmocka_run_group_tests_name("engine/replay", tests, NULL, NULL);
}
