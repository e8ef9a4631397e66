// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The screen without a terminal: what keys and documents make of it, and golden renderings. Each
 * tests/golden/top/NAME.json is a list of snapshots, a target and panics (each a document or the
 * name of one in documents/), keys and a size; NAME.txt is its screen, then a letter for the style of each
 * cell. REFRESH=1 writes them anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <glob.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "ui/screen.h"
#include "ui/tables.h"

#define TEXT_MAX (1u << 20)

static void screen_freep(struct screen *s)
{
	screen_done(s);
}

#define _screen_ _cleanup_(screen_freep) struct screen

static void bufp(struct buf *b)
{
	buf_done(b);
}

#define _buf_ _cleanup_(bufp) struct buf

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *o = json_loads(text, JSON_DECODE_ANY, &error);

	if (!o)
		fail_msg("%d: %s", error.line, error.text);
	return o;
}

/* Services by name and depth: { "a", 3 }, ... */
static json_t *snapshot_of(const char *const *names, const int *depths, unsigned n)
{
	json_t *services = json_array(), *targets = json_array();

	for (unsigned i = 0; i < n; i++) {
		int pid = 100 + names[i][0];

		json_array_append_new(services,
				      json_pack("{s:s, s:[i], s:i}", "service", names[i], "pids",
						pid, "defer_depth_max", depths[i]));
		json_array_append_new(targets, json_pack("{s:s, s:i, s:i}", "service", names[i],
							 "pid", pid, "defer_depth_max", depths[i]));
	}
	return json_pack("{s:o, s:o}", "services", services, "targets", targets);
}

static void draw(struct screen *s, unsigned rows, unsigned cols, struct buf *b)
{
	struct grid g;

	assert_int_equal(grid_init(&g, rows, cols), 0);
	screen_draw(s, &g);
	buf_init(b, 0);
	grid_text(&g, rows, b);
	grid_done(&g);
	assert_false(b->failed);
}

/* Every line at most so wide, and exactly so many of them. */
static void assert_fits(const struct buf *b, unsigned rows, unsigned cols)
{
	const char *at = b->data;
	unsigned n = 0;
	char line[4096];

	for (; *at; at = strchr(at, '\n') + 1, n++) {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
		if (grid_width(line) > cols)
			fail_msg("'%s' is wider than %u", line, cols);
	}
	assert_int_equal(n, rows);
}

static const char *selected(struct screen *s)
{
	return value_string(table_selected(&s->services), "service");
}

static const char *service_at(const struct screen *s, unsigned i)
{
	assert_true(i < s->services.n);
	return value_string(s->services.rows[i].o, "service");
}

static const char *const abc[] = { "a", "b", "c" };

static void sorts(void **state)
{
	_screen_ s;

	screen_init(&s, "test");
	screen_set_snapshot(&s, snapshot_of(abc, (int[]){ 2, 10, 9 }, 3));
	assert_string_equal(service_at(&s, 0), "b"); /* deepest first, as numbers */
	assert_string_equal(service_at(&s, 2), "a");
	screen_key(&s, 'r');
	assert_string_equal(service_at(&s, 0), "a");
	for (unsigned i = s.services.sort; i; i--)
		screen_key(&s, '<');
	assert_int_equal(s.services.sort, 0);
	assert_string_equal(service_at(&s, 0), "a"); /* text: from a on */
	screen_key(&s, 'r');
	assert_string_equal(service_at(&s, 0), "c");
	screen_key(&s, '<'); /* around the end */
	assert_true(s.services.sort > 5);
	screen_key(&s, 's');
	assert_int_equal(s.services.sort, 0);
}

static void unknown_values_come_last(void **state)
{
	_screen_ s;

	screen_init(&s, "test");
	screen_set_snapshot(&s, parse("{\"services\": [{\"service\": \"none\"}, {\"service\": "
				      "\"null\", \"defer_depth_max\": null},"
				      "{\"service\": \"one\", \"defer_depth_max\": 1}]}"));
	assert_string_equal(service_at(&s, 0), "one");
	screen_key(&s, 'r');
	assert_string_equal(service_at(&s, 0), "one");
}

static void type(struct screen *s, const char *text)
{
	for (; *text; text++)
		screen_key(s, (unsigned char)*text);
}

static void filters(void **state)
{
	static const char *const names[] = { "api-orders", "db", "api-users" };
	_screen_ s;

	screen_init(&s, "test");
	screen_set_snapshot(&s, snapshot_of(names, (int[]){ 1, 2, 3 }, 3));
	type(&s, "/API");
	assert_int_equal(s.services.n, 2);
	assert_int_equal(s.services.total, 3);
	type(&s, "-uq"); /* q is a letter here */
	assert_int_equal(s.services.n, 0);
	screen_key(&s, SCREEN_ERASE);
	assert_int_equal(s.services.n, 1);
	assert_string_equal(selected(&s), "api-users");
	screen_key(&s, SCREEN_ENTER);
	assert_false(s.filtering);
	screen_set_snapshot(&s, snapshot_of(names, (int[]){ 1, 2, 3 }, 3));
	assert_int_equal(s.services.n, 1);
	assert_int_equal(screen_key(&s, SCREEN_ESCAPE), SCREEN_STAY);
	assert_int_equal(s.services.n, 3);
}

static void filter_is_bounded(void **state)
{
	_screen_ s;

	screen_init(&s, "test");
	screen_set_snapshot(&s, snapshot_of(abc, (int[]){ 1, 2, 3 }, 3));
	screen_key(&s, '/');
	for (unsigned i = 0; i < 200; i++)
		screen_key(&s, 0x4e2d);
	assert_int_equal(strlen(s.services.filter) % 3, 0);
	screen_key(&s, SCREEN_ERASE);
	assert_int_equal(strlen(s.services.filter) % 3, 0);
	for (unsigned i = 0; i < 200; i++)
		screen_key(&s, SCREEN_ERASE);
	assert_string_equal(s.services.filter, "");
	assert_int_equal(s.services.n, 3);
}

static void selection_follows_its_service(void **state)
{
	_screen_ s;

	screen_init(&s, "test");
	screen_set_snapshot(&s, snapshot_of(abc, (int[]){ 3, 2, 1 }, 3));
	screen_key(&s, 'j');
	assert_string_equal(selected(&s), "b");
	screen_set_snapshot(&s, snapshot_of(abc, (int[]){ 3, 1, 2 }, 3));
	assert_string_equal(selected(&s), "b");
	assert_int_equal(s.services.index, 2);
	screen_key(&s, 'r');
	assert_string_equal(selected(&s), "b");
	assert_int_equal(s.services.index, 0);
	/* It is gone: whatever is at its place, and no further than the end. */
	screen_set_snapshot(&s, snapshot_of((const char *[]){ "a", "c" }, (int[]){ 2, 1 }, 2));
	assert_string_equal(selected(&s), "c");
	screen_set_snapshot(&s, parse("{}"));
	assert_string_equal(selected(&s), "");
	screen_key(&s, SCREEN_DOWN);
	screen_key(&s, SCREEN_ENTER);
	assert_int_equal(s.page, PAGE_SERVICES);
}

static void moves_within_the_ends(void **state)
{
	struct buf b;
	_screen_ s;

	screen_init(&s, "test");
	screen_set_snapshot(&s, snapshot_of(abc, (int[]){ 3, 2, 1 }, 3));
	draw(&s, 24, 80, &b);
	buf_done(&b);
	screen_key(&s, SCREEN_PAGE_DOWN);
	assert_string_equal(selected(&s), "c");
	screen_key(&s, SCREEN_DOWN);
	assert_string_equal(selected(&s), "c");
	screen_key(&s, SCREEN_PAGE_UP);
	assert_string_equal(selected(&s), "a");
	screen_key(&s, SCREEN_END);
	assert_string_equal(selected(&s), "c");
	screen_key(&s, SCREEN_HOME);
	assert_string_equal(selected(&s), "a");
}

static void scrolls(void **state)
{
	char names[100][8];
	const char *list[100];
	int depths[100];
	_screen_ s;

	for (int i = 0; i < 100; i++) {
		snprintf(names[i], sizeof(names[i]), "s%02d", i);
		list[i] = names[i];
		depths[i] = 100 - i;
	}
	screen_init(&s, "test");
	screen_set_snapshot(&s, snapshot_of(list, depths, 100));
	for (unsigned i = 0; i < 50; i++) {
		_buf_ b;

		draw(&s, 20, 80, &b);
		assert_non_null(strstr(b.data, selected(&s)));
		screen_key(&s, i % 3 ? SCREEN_DOWN : SCREEN_PAGE_DOWN);
	}
	assert_string_equal(selected(&s), "s99");
}

static void opens_details(void **state)
{
	static const char doc[] = "{\"services\": [{\"service\": \"a\", \"pids\": [1, 2, 3]}, "
				  "{\"service\": \"dead\", \"pids\": []}],"
				  " \"targets\": [{\"service\": \"a\", \"pid\": 1, "
				  "\"defer_depth_max\": 1}, {\"service\": \"a\", \"pid\": 2,"
				  " \"defer_depth_max\": 5}, {\"service\": \"a\", \"pid\": 3}]}";
	_screen_ s;

	screen_init(&s, "test");
	screen_set_snapshot(&s, parse(doc));
	assert_int_equal(screen_pid(&s), 0);
	assert_int_equal(screen_key(&s, SCREEN_ENTER), SCREEN_FETCH);
	assert_int_equal(screen_pid(&s), 2); /* the deepest */
	screen_set_target(
		&s,
		parse("{\"runtime\": \"c\", \"goroutines\": [{\"thread\": 7}], \"sites\": []}"));
	assert_ptr_equal(s.tabs[TAB_GOROUTINES].kind, &table_threads);
	assert_int_equal(screen_key(&s, SCREEN_RIGHT), SCREEN_FETCH);
	assert_int_equal(screen_pid(&s), 3);
	assert_int_equal(s.tabs[TAB_GOROUTINES].n, 0); /* not those of another process */
	screen_key(&s, SCREEN_RIGHT);
	assert_int_equal(screen_pid(&s), 1);
	screen_key(&s, SCREEN_LEFT);
	assert_int_equal(screen_pid(&s), 3);
	screen_key(&s, SCREEN_TAB);
	assert_int_equal(s.tab, TAB_SITES);
	/* The process ends, then its service. */
	screen_set_snapshot(&s, parse("{\"services\": [{\"service\": \"a\", \"pids\": [9]}],"
				      " \"targets\": [{\"service\": \"a\", \"pid\": 9}]}"));
	assert_int_equal(screen_pid(&s), 9);
	screen_set_snapshot(&s, parse("{}"));
	assert_int_equal(screen_pid(&s), 0);
	screen_key(&s, SCREEN_ESCAPE);
	assert_int_equal(s.page, PAGE_SERVICES);
	assert_int_equal(screen_key(&s, 'q'), SCREEN_QUIT);
}

static void alerts_lead_to_their_process(void **state)
{
	_screen_ s;

	screen_init(&s, "test");
	screen_set_snapshot(&s, parse("{\"services\": [{\"service\": \"a\", \"pids\": [1, 2]}], "
				      "\"alerts\": [{\"state\": \"firing\","
				      " \"labels\": {\"service\": \"a\", \"pid\": \"1\", "
				      "\"severity\": \"page\"}}]}"));
	screen_key(&s, 'a');
	assert_int_equal(screen_key(&s, SCREEN_ENTER), SCREEN_FETCH);
	assert_int_equal(screen_pid(&s), 1);
	screen_key(&s, SCREEN_ERASE);
	assert_int_equal(s.page, PAGE_ALERTS);
	screen_key(&s, SCREEN_ERASE);
	assert_int_equal(s.page, PAGE_SERVICES);
}

static void help_scrolls_and_leaves(void **state)
{
	_screen_ s;
	struct buf b;

	screen_init(&s, "test");
	screen_key(&s, '?');
	draw(&s, 12, 60, &b);
	assert_non_null(strstr(b.data, "move the selection"));
	assert_null(strstr(b.data, "alerts firing"));
	buf_done(&b);
	screen_key(&s, SCREEN_END);
	draw(&s, 12, 60, &b);
	assert_non_null(strstr(b.data, "SITE"));
	buf_done(&b);
	screen_key(&s, SCREEN_HOME);
	assert_int_equal(s.help_top, 0);
	screen_key(&s, 'a'); /* leaves, and does nothing else */
	assert_false(s.help);
	assert_int_equal(s.page, PAGE_SERVICES);
}

/* Own CPU is the difference of two snapshots; less than before is another process. */
static void own_cpu(void **state)
{
	_screen_ s;

	screen_init(&s, "test");
	screen_set_snapshot(&s,
			    parse("{\"time_unix_ms\": 1000, \"deferd\": {\"cpu_seconds\": 1.0}}"));
	assert_false(s.have_cpu);
	screen_set_snapshot(&s,
			    parse("{\"time_unix_ms\": 3000, \"deferd\": {\"cpu_seconds\": 1.5}}"));
	assert_true(s.have_cpu);
	assert_true(s.cpu_percent > 24.9 && s.cpu_percent < 25.1);
	screen_set_snapshot(&s,
			    parse("{\"time_unix_ms\": 3000, \"deferd\": {\"cpu_seconds\": 1.5}}"));
	assert_false(s.have_cpu);
	screen_set_snapshot(&s,
			    parse("{\"time_unix_ms\": 5000, \"deferd\": {\"cpu_seconds\": 0.5}}"));
	assert_false(s.have_cpu);
}

/* Panics */

/* Newest first, one of each outcome; the first two began in the same millisecond. */
static json_t *three_panics(void)
{
	return parse(
		"{\"panics\": ["
		"{\"id\": 9, \"service\": \"web\", \"pid\": 7, \"goroutine\": 20, \"outcome\": "
		"\"fatal\", \"time\": \"2026-11-24T23:20:00.500Z\", \"message\": \"no money\"},"
		"{\"id\": 8, \"service\": \"db\", \"pid\": 8, \"thread\": 8, \"outcome\": "
		"\"overridden\", \"time\": \"2026-11-24T23:20:00.500Z\", \"replaced_by\": 9},"
		"{\"id\": 7, \"service\": \"web\", \"pid\": 7, \"goroutine\": 21, \"outcome\": "
		"\"recovered\", \"time\": \"2026-11-24T23:19:59.000Z\", \"site\": "
		"{\"function\": \"main.pay\"}}],"
		"\"sites\": [{\"told\": 3, \"outcomes\": {\"fatal\": 1, \"recovered\": 2}}],"
		"\"misplaced\": [{\"count\": 4}, {\"count\": 5, \"pid\": 1}],"
		"\"totals\": [{\"started\": 3, \"outcomes\": {\"fatal\": 1}, \"untold\": 2},"
		"{\"started\": 40, \"outcomes\": {\"recovered\": 30}, \"running\": 1}]}");
}

static void open_panics(struct screen *s)
{
	screen_init(s, "test");
	screen_set_snapshot(s, parse("{\"time_unix_ms\": 1795562460000, \"services\": "
				     "[{\"service\": \"web\", \"pids\": [7]}], \"targets\": "
				     "[{\"service\": \"web\", \"pid\": 7}]}"));
	assert_int_equal(screen_key(s, 'p'), SCREEN_FETCH);
	assert_int_equal(screen_set_panics(s, three_panics()), 0);
}

static json_int_t panic_at(const struct screen *s, unsigned i)
{
	const struct table *t = &s->panics.tables[PANICS_EACH];

	assert_true(i < t->n);
	return json_integer_value(json_object_get(t->rows[i].o, "id"));
}

static bool shows(struct screen *s, unsigned rows, unsigned cols, const char *text)
{
	_buf_ b;

	draw(s, rows, cols, &b);
	assert_fits(&b, rows, cols);
	return strstr(b.data, text) != NULL;
}

static void panics_toggle_and_go_back(void **state)
{
	_screen_ s;

	open_panics(&s);
	assert_string_equal(screen_panics(&s), ""); /* of all services */
	assert_int_equal(screen_pid(&s), 0);
	screen_key(&s, 'p');
	assert_int_equal(s.page, PAGE_SERVICES);
	assert_null(screen_panics(&s));
	screen_key(&s, 'a');
	screen_key(&s, 'p');
	screen_key(&s, SCREEN_ESCAPE);
	assert_int_equal(s.page, PAGE_ALERTS);
	screen_key(&s, SCREEN_ESCAPE);
	/* From a detail, those of its service; on the way back its process is wanted again. */
	screen_key(&s, SCREEN_ENTER);
	assert_int_equal(screen_key(&s, 'p'), SCREEN_FETCH);
	assert_string_equal(screen_panics(&s), "web");
	assert_int_equal(s.panics.tables[PANICS_EACH].n, 0); /* not those of all */
	assert_int_equal(screen_key(&s, SCREEN_ESCAPE), SCREEN_FETCH);
	assert_int_equal(screen_pid(&s), 7);
	screen_key(&s, SCREEN_ESCAPE);
	assert_int_equal(s.page, PAGE_SERVICES);
}

static void panics_sort_and_filter(void **state)
{
	const struct table *t;
	_screen_ s;

	open_panics(&s);
	t = &s.panics.tables[PANICS_EACH];
	assert_int_equal(panic_at(&s, 0), 9);
	assert_int_equal(panic_at(&s, 1), 8);
	assert_int_equal(panic_at(&s, 2), 7);
	screen_key(&s, 'r');
	assert_int_equal(panic_at(&s, 0), 7);
	type(&s, "/FATAL");
	assert_int_equal(t->n, 1);
	screen_key(&s, SCREEN_ESCAPE);
	type(&s, "/money"); /* q, p and the like are letters */
	assert_int_equal(t->n, 1);
	screen_key(&s, SCREEN_ESCAPE);
	type(&s, "/main.p");
	screen_key(&s, SCREEN_ENTER);
	assert_int_equal(panic_at(&s, 0), 7);
	assert_int_equal(screen_set_panics(&s, three_panics()), 0);
	assert_int_equal(t->n, 1);
	screen_key(&s, SCREEN_ESCAPE);
	assert_int_equal(t->n, 3);
	assert_int_equal(s.page, PAGE_PANICS);
}

static void panics_have_three_tabs(void **state)
{
	_screen_ s;

	open_panics(&s);
	assert_true(shows(&s, 12, 100, "started 43  fatal 1  recovered 30  running 1  without"));
	assert_true(shows(&s, 12, 100, "[panics 3]"));
	screen_key(&s, SCREEN_TAB);
	assert_true(shows(&s, 12, 100, "1 fatal, 2 recovered"));
	screen_key(&s, SCREEN_ENTER); /* has nothing to open */
	assert_null(s.panics.opened);
	screen_key(&s, SCREEN_TAB);
	assert_true(shows(&s, 12, 100, "[misplaced 2]"));
	screen_key(&s, SCREEN_TAB);
	assert_true(shows(&s, 12, 100, "no money"));
}

static void panic_opens_and_stays(void **state)
{
	_screen_ s;

	open_panics(&s);
	screen_key(&s, 'j');
	screen_key(&s, SCREEN_ENTER);
	assert_true(shows(&s, 12, 60, "panic #8  db  overridden  pid 8  thread 8"));
	assert_true(shows(&s, 12, 60, "replaced by    panic #9"));
	type(&s, "/sr<>"); /* keys of a table that is not seen */
	screen_key(&s, SCREEN_TAB);
	assert_false(s.filtering);
	assert_int_equal(s.panics.tab, PANICS_EACH);
	/* The ledger forgets it. */
	screen_set_panics(&s, parse("{\"panics\": []}"));
	assert_true(shows(&s, 12, 60, "panic #8"));
	/* It goes on. */
	screen_set_panics(&s, parse("{\"panics\": [{\"id\": 8, \"outcome\": \"goexit\"}]}"));
	assert_true(shows(&s, 12, 60, "goexit"));
	screen_key(&s, SCREEN_ESCAPE);
	assert_null(s.panics.opened);
	assert_int_equal(s.page, PAGE_PANICS);
	screen_key(&s, SCREEN_ENTER);
	screen_key(&s, 'p'); /* leaves the ledger */
	assert_int_equal(s.page, PAGE_SERVICES);
}

/* Forty lines, and a message of 30 characters of two columns each. */
static json_t *long_panic(void)
{
	json_t *stack = json_array();
	char message[30 * 3 + 1] = "", function[16];

	for (unsigned i = 0; i < 30; i++)
		strcat(message, "\xe4\xb8\xad");
	for (int i = 0; i < 40; i++) {
		snprintf(function, sizeof(function), "main.f%02d", i);
		json_array_append_new(stack, json_pack("{s:s, s:s, s:i}", "function", function,
						       "file", "f.go", "line", i + 1));
	}
	return json_pack("{s:[{s:i, s:s, s:o}]}", "panics", "id", 1, "message", message, "stack",
			 stack);
}

static void stack_longer_than_the_screen(void **state)
{
	_screen_ s;

	open_panics(&s);
	screen_set_panics(&s, long_panic());
	screen_key(&s, SCREEN_ENTER);
	assert_true(shows(&s, 10, 40, "message"));
	assert_false(shows(&s, 10, 40, "f39"));
	screen_key(&s, SCREEN_END);
	assert_true(shows(&s, 10, 40, "main.f39 f.go:40"));
	screen_key(&s, SCREEN_DOWN); /* no further */
	assert_true(shows(&s, 10, 40, "main.f39"));
	screen_key(&s, 'k');
	assert_false(shows(&s, 10, 40, "main.f39"));
	assert_true(shows(&s, 10, 40, "main.f38"));
	screen_key(&s, SCREEN_PAGE_UP);
	assert_true(shows(&s, 10, 40, "main.f32")); /* a page is seven rows, and one is kept */
	screen_key(&s, SCREEN_HOME);
	assert_int_equal(s.panics.top, 0);
	assert_true(shows(&s, 100, 100, "main.f39")); /* nothing to scroll */
}

static void ledger_that_is_not_there(void **state)
{
	_screen_ s;

	screen_init(&s, "test");
	screen_set_snapshot(&s, parse("{}"));
	screen_key(&s, 'p');
	assert_true(shows(&s, 10, 80, "waiting for the ledger"));
	screen_set_panics_trouble(&s, "this daemon keeps none");
	assert_true(shows(&s, 10, 80, "this daemon keeps none"));
	screen_key(&s, SCREEN_ENTER);
	screen_key(&s, SCREEN_ESCAPE);
	assert_false(shows(&s, 10, 80, "this daemon keeps none"));
	screen_key(&s, 'p');
	assert_int_equal(screen_set_panics(&s, parse("{}")), 0);
	assert_true(shows(&s, 10, 80, "no panic yet"));
	screen_key(&s, SCREEN_ENTER);
	assert_null(s.panics.opened);
}

static const char *const odd_panics[] = {
	"{}",
	"[]",
	"null",
	"{\"panics\": 3, \"sites\": {}, \"misplaced\": null, \"totals\": \"x\"}",
	"{\"panics\": [null, 1, {}], \"sites\": [{}, []], \"misplaced\": [{}], \"totals\": [{}, "
	"1]}",
	"{\"panics\": [{\"id\": \"x\", \"pid\": null, \"time\": 5, \"type\": 3, \"site\": [], "
	"\"recovered_in\": 3, \"stack\": {}, \"outcome\": 1}], \"sites\": [{\"outcomes\": [], "
	"\"told\": \"\", \"site\": 1}], \"misplaced\": [{\"caller\": 3, \"count\": null}],"
	" \"totals\": [{\"outcomes\": 3, \"started\": {}}]}",
	"{\"panics\": [{\"id\": 1e300, \"pid\": 1e300, \"thread\": 1e300, \"time\": "
	"\"9999-99-99T99:99:99Z\", \"outcome\": \"an outcome that nobody knows\", \"stack\": "
	"[null, "
	"3, {}, {\"function\": \"\xe5\x87\xbd\xe6\x95\xb0\", \"line\": 1e300, \"file\": \"x\"}],"
	" \"message\": \"\\u001b[31m\xe6\x96\x87\xe4\xbb\xb6\xe6\x96\x87\xe4\xbb\xb6\\n\\r\", "
	"\"replaced_by\": 1e300, \"recovered_in\": {}, \"recover_site\": null}], \"sites\": "
	"[{\"told\": 1e300, \"outcomes\": {\"fatal\": 1e300, \"recovered\": -1, \"unknown\": 1e18,"
	" \"overridden\": 1e300, \"repanicked\": 1e300, \"goexit\": 1e300, \"running\": 1}}],"
	" \"totals\": [{\"started\": 1e308, \"outcomes\": {\"fatal\": 1e308}}, {\"started\": "
	"1e308, \"untold\": -3}]}",
};

static void any_ledger_fits_anywhere(void **state)
{
	const unsigned rows[] = { 1, 2, 3, 4, 5, 7, 10, 13, 14, 24 };

	for (unsigned i = 0; i < ARRAY_SIZE(odd_panics); i++) {
		for (unsigned cols = 1; cols <= 200; cols += cols < 45 ? 1 : 7) {
			_screen_ s;

			open_panics(&s);
			screen_set_panics(&s, parse(odd_panics[i]));
			for (unsigned p = 0; p < 12; p++) {
				_buf_ b;
				unsigned r = rows[(i + cols + p) % ARRAY_SIZE(rows)];

				draw(&s, r, cols, &b);
				assert_fits(&b, r, cols);
				assert_null(strpbrk(b.data, "\x1b\x07\r\t"));
				screen_key(&s, p % 2 ? SCREEN_ENTER : SCREEN_END);
				if (p > 5)
					screen_key(&s, p % 2 ? SCREEN_ESCAPE : SCREEN_TAB);
			}
		}
	}
}

static const char *const odd[] = {
	"{}",
	"[]",
	"null",
	"{\"services\": null, \"targets\": 3, \"alerts\": {}, \"deferd\": []}",
	"{\"services\": [null, 3, \"x\", []], \"alerts\": [1, {\"labels\": 2}], \"targets\": "
	"[null]}",
	"{\"services\": [{}], \"targets\": [{}], \"alerts\": [{}]}",
	"{\"services\": [{\"service\": 3, \"pids\": \"x\", \"deepest_site\": [], \"state\": null, "
	"\"exact\": 1}]}",
	"{\"services\": [{\"service\": \"big\", \"pids\": [4194304, 1e300], \"defers_registered\": "
	"9223372036854775807,"
	" \"defer_depth_max\": 1e308, \"panics_started\": -9223372036854775807, \"open_fds\": "
	"1e18, \"max_fds\": 1073741816,"
	" \"fd_growth_per_second\": -1e300, \"fd_exhaustion_seconds\": 1e300, "
	"\"defers_registered_per_second\": 123456789.5}],"
	" \"targets\": [{\"service\": \"big\", \"pid\": 1e300}], \"time_unix_ms\": 1e300,"
	" \"deferd\": {\"events\": 1e300, \"events_dropped\": 1e300, \"rss_bytes\": 1e300, "
	"\"cpu_seconds\": -1e300}}",
	"{\"services\": [{\"service\": "
	"\"\xe4\xb8\xad\xe6\x96\x87\xe6\x9c\x8d\xe5\x8a\xa1\xe4\xb8\xad\xe6\x96\x87\xe6\x9c\x8d\xe5"
	"\x8a\xa1\","
	" \"pids\": [1], \"deepest_site\": {\"function\": \"\xe5\x87\xbd\xe6\x95\xb0\", \"file\":"
	" \"\xe6\x96\x87\xe4\xbb\xb6\xe6\x96\x87\xe4\xbb\xb6\xe6\x96\x87\xe4\xbb\xb6.go\", "
	"\"line\": 12}}],"
	" \"targets\": [{\"service\": \"\xe4\xb8\xad\xe6\x96\x87\", \"pid\": 1}]}",
	"{\"services\": [{\"service\": \"\\u001b[31mred\\u0007\\u009b\", \"reason\": "
	"\"line\\nbreak\\u001b]0;title\\u0007\"}]}",
};

/* Whatever comes: every page at every size fits, and nothing that a terminal obeys gets through. */
static void anything_fits_anywhere(void **state)
{
	static const char *const pages[] = { "", "a", "?" };
	const unsigned rows[] = { 1, 2, 3, 4, 5, 7, 10, 13, 14, 15, 24 };

	for (unsigned i = 0; i < ARRAY_SIZE(odd); i++) {
		for (unsigned cols = 1; cols <= 200; cols += cols < 12 ? 1 : 7) {
			_screen_ s;

			screen_init(&s, "test");
			screen_set_snapshot(&s, parse(odd[i]));
			for (unsigned p = 0; p < 2 * ARRAY_SIZE(pages); p++) {
				_buf_ b;
				unsigned r = rows[(i + cols + p) % ARRAY_SIZE(rows)];

				type(&s, pages[p % ARRAY_SIZE(pages)]);
				if (p == ARRAY_SIZE(pages)) {
					screen_key(&s, SCREEN_ENTER);
					screen_set_target(&s, parse(odd[i]));
				}
				draw(&s, r, cols, &b);
				assert_fits(&b, r, cols);
				assert_null(strpbrk(b.data, "\x1b\x07\r\t"));
			}
		}
	}
}

/* In the second line: the first one tells what the table is sorted by. */
static bool has_title(const struct buf *b, const char *title)
{
	const char *head = strchr(b->data, '\n') + 1;
	char line[512], want[40];

	snprintf(line, sizeof(line), " %.*s ", (int)strcspn(head, "\n"), head);
	snprintf(want, sizeof(want), " %s ", title);
	return strstr(line, want) != NULL;
}

/* As the width shrinks columns go, and none comes back; name and depth stay. */
static void columns_go_by_rank(void **state)
{
	bool gone[TABLE_COLUMNS] = {};
	unsigned n_gone = 0;

	for (unsigned cols = 200; cols >= 40; cols--) {
		_screen_ s;
		_buf_ b;

		screen_init(&s, "test");
		screen_set_snapshot(&s, snapshot_of(abc, (int[]){ 1, 2, 3 }, 3));
		draw(&s, 10, cols, &b); /* without the header, whose words are no titles */
		assert_fits(&b, 10, cols);
		for (unsigned i = 0; table_services.columns[i].title; i++) {
			const struct column *c = &table_services.columns[i];
			bool there = has_title(&b, c->title);

			assert_false(there && gone[i]);
			gone[i] = !there;
		}
		assert_true(has_title(&b, "SERVICE") && has_title(&b, "DEPTH"));
	}
	for (unsigned i = 0; i < TABLE_COLUMNS; i++)
		n_gone += gone[i];
	assert_int_equal(n_gone, 15); /* of 19: service, depth, descriptors, alerts are left */
}

/* What no probe counted is not 0. */
static void failed_is_not_zero(void **state)
{
	const struct column *c = &table_services.columns[3];
	json_t *row = parse("{\"state\": \"failed\", \"defer_depth_max\": 0}");
	struct table_value v = {};

	c->format(c, row, &v);
	assert_string_equal(v.text, "-");
	json_object_set_new(row, "state", json_string("limited"));
	c->format(c, row, &v);
	assert_string_equal(v.text, "0");
	json_decref(row);
}

static void text_has_all_columns(void **state)
{
	_screen_ s;
	_buf_ b;

	screen_init(&s, "test");
	screen_set_snapshot(&s, parse("{\"services\": [{\"service\": \"a\", \"state\": \"failed\", "
				      "\"reason\": \"no build info\"}]}"));
	buf_init(&b, 0);
	assert_int_equal(screen_print(&s, 0, &b), 0);
	for (const struct column *c = table_services.columns; c->title; c++)
		assert_non_null(strstr(b.data, c->title));
	assert_non_null(strstr(b.data, "failed: no build info"));
}

/* Where it is too narrow for the whole reason, its beginning is there. */
static void text_tells_reasons_when_narrow(void **state)
{
	_screen_ s;
	_buf_ b;

	screen_init(&s, "test");
	screen_set_snapshot(
		&s, parse("{\"services\": [{\"service\": \"legacy\", \"state\": \"limited\", "
			  "\"reason\": \"a reason that has many more words than this width has "
			  "columns\"}]}"));
	buf_init(&b, 0);
	assert_int_equal(screen_print(&s, 40, &b), 0);
	assert_non_null(strstr(b.data, "\nlegacy: limited: a reason"));
}

/* Golden */

static const struct {
	const char *name;
	uint32_t key;
} key_names[] = {
	{ "Up", SCREEN_UP },       { "Down", SCREEN_DOWN },   { "Left", SCREEN_LEFT },
	{ "Right", SCREEN_RIGHT }, { "Enter", SCREEN_ENTER }, { "Escape", SCREEN_ESCAPE },
	{ "Erase", SCREEN_ERASE }, { "Tab", SCREEN_TAB },     { "End", SCREEN_END },
};

static void press(struct screen *s, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(key_names); i++) {
		if (!strcmp(key_names[i].name, name)) {
			screen_key(s, key_names[i].key);
			return;
		}
	}
	type(s, name);
}

static json_t *load(const char *path)
{
	json_error_t error;
	json_t *o = json_load_file(path, 0, &error);

	if (!o)
		fail_msg("%s:%d: %s", path, error.line, error.text);
	return o;
}

/* A document, or the name of one that several cases share. */
static json_t *document(json_t *o)
{
	char path[256];

	if (!json_is_string(o))
		return json_incref(o);
	snprintf(path, sizeof(path), "tests/golden/top/documents/%s.json", json_string_value(o));
	return load(path);
}

static void render(const json_t *fixture, struct buf *b)
{
	const unsigned rows = (unsigned)json_integer_value(json_object_get(fixture, "rows"));
	const unsigned cols = (unsigned)json_integer_value(json_object_get(fixture, "cols"));
	json_t *key, *doc, *target = json_object_get(fixture, "target"),
			   *panics = json_object_get(fixture, "panics");
	struct grid g;
	_screen_ s;
	size_t i;

	screen_init(&s, value_string(fixture, "source"));
	screen_set_trouble(&s, value_string(fixture, "trouble"));
	json_array_foreach (json_object_get(fixture, "snapshots"), i, doc)
		assert_int_equal(screen_set_snapshot(&s, document(doc)), 0);
	json_array_foreach (json_object_get(fixture, "keys"), i, key) {
		press(&s, json_string_value(key));
		if (target && screen_pid(&s) && !s.target)
			assert_int_equal(screen_set_target(&s, document(target)), 0);
		if (panics && screen_panics(&s) && !s.panics.doc)
			assert_int_equal(screen_set_panics(&s, document(panics)), 0);
	}
	screen_set_panics_trouble(&s, value_string(fixture, "panics_trouble"));
	if (!rows) {
		assert_int_equal(screen_print(&s, cols, b), 0);
		return;
	}
	assert_int_equal(grid_init(&g, rows, cols), 0);
	screen_draw(&s, &g);
	grid_text(&g, rows, b);
	buf_puts(b, "\n");
	grid_styles(&g, rows, b);
	grid_done(&g);
}

static void compare(const char *path, const struct buf *b)
{
	_cleanup_free_ char *expected = calloc(1, TEXT_MAX);
	_cleanup_file_ FILE *f = fopen(path, getenv("REFRESH") ? "w+" : "r");

	if (!f)
		fail_msg("%s is not there; REFRESH=1 writes it", path);
	if (getenv("REFRESH")) {
		assert_int_equal(fwrite(b->data, 1, b->len, f), b->len);
		return;
	}
	(void)!fread(expected, 1, TEXT_MAX - 1, f);
	if (strcmp(expected, b->data))
		fail_msg("%s differs; REFRESH=1 rewrites it. Now:\n%s", path, b->data);
}

static void golden(void **state)
{
	glob_t g;

	assert_int_equal(glob("tests/golden/top/*.json", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		char path[256];
		json_t *fixture = load(g.gl_pathv[i]);
		_buf_ b;

		buf_init(&b, TEXT_MAX);
		render(fixture, &b);
		json_decref(fixture);
		snprintf(path, sizeof(path), "%.*s.txt", (int)strlen(g.gl_pathv[i]) - 5,
			 g.gl_pathv[i]);
		compare(path, &b);
	}
	globfree(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts),
		cmocka_unit_test(unknown_values_come_last),
		cmocka_unit_test(filters),
		cmocka_unit_test(filter_is_bounded),
		cmocka_unit_test(selection_follows_its_service),
		cmocka_unit_test(moves_within_the_ends),
		cmocka_unit_test(scrolls),
		cmocka_unit_test(opens_details),
		cmocka_unit_test(alerts_lead_to_their_process),
		cmocka_unit_test(help_scrolls_and_leaves),
		cmocka_unit_test(own_cpu),
		cmocka_unit_test(panics_toggle_and_go_back),
		cmocka_unit_test(panics_sort_and_filter),
		cmocka_unit_test(panics_have_three_tabs),
		cmocka_unit_test(panic_opens_and_stays),
		cmocka_unit_test(stack_longer_than_the_screen),
		cmocka_unit_test(ledger_that_is_not_there),
		cmocka_unit_test(any_ledger_fits_anywhere),
		cmocka_unit_test(anything_fits_anywhere),
		cmocka_unit_test(columns_go_by_rank),
		cmocka_unit_test(failed_is_not_zero),
		cmocka_unit_test(text_has_all_columns),
		cmocka_unit_test(text_tells_reasons_when_narrow),
		cmocka_unit_test(golden),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8") && !setlocale(LC_CTYPE, "C.utf8")) {
		printf("1..0 # SKIP this system has no C.UTF-8\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
