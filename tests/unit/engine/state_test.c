// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "engine/state.h"
#include "tempdir.h"

#define T0 3600000000000ull

static json_t *document(int kept)
{
	static int clock;

	return json_pack("{s:i, s:{s:i}}", "clock", ++clock, "kept", "n", kept);
}

static int kept_in(json_t *doc)
{
	int n = doc ? (int)json_integer_value(json_object_get(json_object_get(doc, "kept"), "n"))
		    : -1;

	json_decref(doc);
	return n;
}

static struct state *open_one(const char *dir)
{
	struct reason reason = {};
	struct state *s = NULL;

	assert_int_equal(state_open(dir, &s, &reason), 0);
	return s;
}

static struct state_stats stats_of(const struct state *s)
{
	struct state_stats st;

	state_get_stats(s, &st);
	return st;
}

/* Wait for the thread, not for a time. */
static void settle(struct state *s, uint64_t now)
{
	while (!state_is_due(s, now))
		usleep(1000);
}

static void life(void **state)
{
	_tempdir_ d = {};
	const char *dir;
	struct reason reason = {};
	struct state *s, *other = NULL;

	tempdir_make(&d);
	dir = tempdir_path(&d, "deferd");
	assert_int_equal(state_check(dir, &reason), 0);
	s = open_one(dir);
	assert_int_equal(state_open(dir, &other, &reason), -EBUSY);
	assert_int_equal(state_check(dir, &reason), 0); /* it is good all the same */
	assert_null(state_read(s));
	state_close(s, NULL);
	s = open_one(dir);
	assert_null(state_read(s));
	state_close(s, document(5));
	s = open_one(dir);
	assert_int_equal(kept_in(state_read(s)), 5);
	state_close(s, NULL); /* nothing better is known: the old one stays */
	s = open_one(dir);
	assert_int_equal(kept_in(state_read(s)), 5);
	state_close(s, NULL);
}

static void when(void **state)
{
	_tempdir_ d = {};
	struct state *s;

	tempdir_make(&d);
	s = open_one(d.path);
	assert_true(state_is_due(s, T0));
	state_write(s, NULL, T0); /* there is none yet: asked again at once */
	assert_true(state_is_due(s, T0));
	state_write(s, document(1), T0);
	assert_false(state_is_due(s, T0 + STATE_EVERY_NS - 1));
	settle(s, T0 + STATE_EVERY_NS);
	assert_int_equal(stats_of(s).written, 1);
	/* But for the clock it is the same. */
	state_write(s, document(1), T0 + STATE_EVERY_NS);
	assert_int_equal(stats_of(s).written, 1);
	assert_false(state_is_due(s, T0 + STATE_EVERY_NS + STATE_SOON_NS));
	state_note(s);
	assert_true(state_is_due(s, T0 + STATE_EVERY_NS + STATE_SOON_NS));
	state_write(s, document(2), T0 + STATE_EVERY_NS + STATE_SOON_NS);
	settle(s, T0 + 3 * STATE_EVERY_NS);
	assert_int_equal(stats_of(s).written, 2);
	assert_int_equal(kept_in(state_read(s)), 2);
	state_close(s, NULL);
	assert_false(state_is_due(NULL, T0));
	state_note(NULL);
	state_close(NULL, NULL);
}

static void ignored(void **state)
{
	_tempdir_ d = {};
	struct state *s;

	tempdir_make(&d);
	s = open_one(d.path);
	tempdir_puts(&d, STATE_FILE, "deferd-state 1 2 00000000\n{}");
	assert_null(state_read(s));
	tempdir_puts(&d, STATE_FILE, "deferd-state 9 2 00000000\n{}");
	assert_null(state_read(s));
	state_close(s, document(3)); /* and is written anew */
	s = open_one(d.path);
	assert_int_equal(kept_in(state_read(s)), 3);
	state_close(s, NULL);
}

/* What cannot be written is counted, and written when it can be. */
static void fails(void **state)
{
	_tempdir_ d = {};
	struct state *s;
	const char *file;

	tempdir_make(&d);
	s = open_one(d.path);
	file = tempdir_path(&d, STATE_FILE);
	assert_int_equal(mkdir(file, 0700), 0);
	state_write(s, document(1), T0);
	settle(s, T0 + STATE_EVERY_NS);
	assert_int_equal(stats_of(s).failed, 1);
	assert_int_equal(stats_of(s).written, 0);
	assert_int_equal(rmdir(file), 0);
	state_write(s, document(1), T0 + STATE_EVERY_NS);
	settle(s, T0 + 2 * STATE_EVERY_NS);
	assert_int_equal(stats_of(s).written, 1);
	state_close(s, NULL);
}

static void no_folder(void **state)
{
	_tempdir_ d = {};
	struct reason reason = {};
	struct state *s = NULL;

	tempdir_make(&d);
	tempdir_puts(&d, "file", "x");
	assert_int_equal(state_open(tempdir_path(&d, "file"), &s, &reason), -ENOTDIR);
	assert_int_equal(state_open(tempdir_path(&d, "a/b"), &s, &reason), -ENOENT);
	assert_int_equal(state_check(tempdir_path(&d, "a/b"), &reason), -ENOENT);
	assert_non_null(strstr(reason.text, "No such file"));
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(life),  cmocka_unit_test(when),      cmocka_unit_test(ignored),
		cmocka_unit_test(fails), cmocka_unit_test(no_folder),
	};

	return cmocka_run_group_tests_name("engine/state", tests, NULL, NULL);
}
