// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "ui/grid.h"

/* What a text becomes in `width` columns of a grid of 10. */
static const char *shown(const char *text, unsigned width)
{
	static char line[128];
	struct buf b = {};
	struct grid g;

	assert_int_equal(grid_init(&g, 1, 10), 0);
	assert_true(grid_put(&g, 0, 0, width, STYLE_PLAIN, text) <= width);
	grid_text(&g, 1, &b);
	assert_true(b.len < sizeof(line));
	strcpy(line, b.data);
	line[strlen(line) - 1] = 0; /* the end of the line */
	buf_done(&b);
	grid_done(&g);
	return line;
}

static void nothing_hostile_gets_through(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "plain", "plain" },
		{ "\x1b[31mred", "?[31mred" },
		{ "a\tb\nc\rd\x7f", "a?b?c?d?" },
		{ "c1:\xc2\x9b"
		  "2J",
		  "c1:?2J" },                   /* CSI in one character */
		{ "bad:\xff\xc3_", "bad:??_" }, /* no UTF-8 */
		{ "cut:\xe2\x82", "cut:??" },
		{ "rlo:\xe2\x80\xae"
		  "x",
		  "rlo:x" }, /* right-to-left override */
		{ "zw:\xe2\x80\x8b"
		  "e\xcc\x81",
		  "zw:e" }, /* zero width space, combining accent */
		{ "\xe2\x82\xac"
		  "5",
		  "\xe2\x82\xac"
		  "5" }, /* three bytes, one column */
		{ "\xe6\x97\xa5\xe6\x9c\xac",
		  "\xe6\x97\xa5\xe6\x9c\xac" }, /* three bytes, two columns */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(shown(cases[i].text, 10), cases[i].want);
}

static void nothing_passes_an_edge(void **state)
{
	assert_string_equal(shown("0123456789abcdef", 99), "0123456789");
	assert_string_equal(shown("0123456789", 4), "0123");
	assert_string_equal(shown("012\xe6\x97\xa5", 4), "012"); /* no half of a wide character */
	assert_string_equal(shown("", 4), "");
	assert_string_equal(shown("x", 0), "");
}

/*
 * Either half of a wide character is overwritten: the other one does not stay and push the line
 * out.
 */
static void halves_do_not_stay(void **state)
{
	for (unsigned col = 0; col < 4; col++) {
		struct buf b = {};
		struct grid g;

		assert_int_equal(grid_init(&g, 1, 4), 0);
		(void)grid_put(&g, 0, 0, 4, STYLE_PLAIN, "\xe6\x97\xa5\xe6\x9c\xac");
		(void)grid_put(&g, 0, col, 1, STYLE_PLAIN, ".");
		grid_text(&g, 1, &b);
		b.data[strcspn(b.data, "\n")] = 0;
		assert_true(grid_width(b.data) <= 4);
		assert_non_null(strchr(b.data, '.'));
		buf_done(&b);
		grid_done(&g);
	}
}

static void outside(void **state)
{
	struct grid g;

	assert_int_equal(grid_init(&g, 2, 3), 0);
	assert_int_equal(grid_put(&g, 0, 3, 5, STYLE_PLAIN, "x"), 0);
	(void)grid_put(&g, 2, 0, 5, STYLE_PLAIN, "x");
	grid_put_right(&g, 9, 9, 5, STYLE_PLAIN, "x");
	grid_put_tail(&g, 9, 9, 5, STYLE_PLAIN, "a long text");
	grid_fill(&g, 2, STYLE_TITLE);
	grid_select(&g, 2);
	for (unsigned i = 0; i < 6; i++)
		assert_true(g.cells[i].ch == ' ' && g.cells[i].style == STYLE_PLAIN);
	grid_done(&g);
	assert_int_equal(grid_init(&g, 0, 0), 0);
	(void)grid_put(&g, 0, 0, 5, STYLE_PLAIN, "x");
	grid_done(&g);
}

static void right_and_tail(void **state)
{
	struct buf b = {};
	struct grid g;

	assert_int_equal(grid_init(&g, 6, 8), 0);
	grid_put_right(&g, 0, 0, 8, STYLE_PLAIN, "47");
	grid_put_right(&g, 1, 2, 4, STYLE_PLAIN, "123456");
	grid_put_tail(&g, 2, 0, 8, STYLE_PLAIN, "main.go:7");
	grid_put_tail(&g, 3, 0, 8, STYLE_PLAIN, "a.go:7");
	grid_put_tail(&g, 4, 0, 7, STYLE_PLAIN,
		      "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e.go"); /* 9 columns */
	grid_put_tail(&g, 5, 0, 2, STYLE_PLAIN, "abc");
	grid_text(&g, 6, &b);
	assert_string_equal(b.data, "      47\n  1234\n..n.go:7\na.go:7\n..\xe8\xaa\x9e.go\nab\n");
	buf_done(&b);
	grid_done(&g);
}

static void widths(void **state)
{
	assert_int_equal(grid_width(""), 0);
	assert_int_equal(grid_width("abc"), 3);
	assert_int_equal(grid_width("\xe6\x97\xa5"), 2);
	assert_int_equal(grid_width("e\xcc\x81"), 1);
	assert_int_equal(grid_width("\x1b\xff"), 2);
}

/* Whole characters, and one at least: whoever cuts a text into lines gets to its end. */
static void fits(void **state)
{
	assert_int_equal(grid_fit("", 5), 0);
	assert_int_equal(grid_fit("abc", 5), 3);
	assert_int_equal(grid_fit("abc", 2), 2);
	assert_int_equal(grid_fit("a\xe6\x97\xa5", 2), 1);
	assert_int_equal(grid_fit("\xe6\x97\xa5", 1), 3);
	assert_int_equal(grid_fit("abc", 0), 1);
	assert_int_equal(grid_fit("e\xcc\x81x", 1), 3);
	assert_int_equal(grid_fit("\xff\xff", 1), 1);
}

static void styles(void **state)
{
	struct buf b = {};
	struct grid g;

	assert_int_equal(grid_init(&g, 2, 6), 0);
	grid_fill(&g, 0, STYLE_TITLE);
	(void)grid_put(&g, 1, 1, 2, STYLE_ALARM, "ab");
	grid_select(&g, 1);
	grid_styles(&g, 2, &b);
	assert_string_equal(b.data, "tttttt\n:AA:::\n");
	buf_done(&b);
	grid_done(&g);
}

/* What the terminal's encoding has no place for is no riddle of its own. */
static void without_utf8(void **state)
{
	assert_non_null(setlocale(LC_CTYPE, "C"));
	assert_string_equal(shown("a\xe2\x82\xac"
				  "b",
				  10),
			    "a?b");
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_hostile_gets_through),
		cmocka_unit_test(nothing_passes_an_edge),
		cmocka_unit_test(halves_do_not_stay),
		cmocka_unit_test(outside),
		cmocka_unit_test(right_and_tail),
		cmocka_unit_test(widths),
		cmocka_unit_test(fits),
		cmocka_unit_test(styles),
		cmocka_unit_test(without_utf8),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		print_message("1..0 # SKIP no locale C.UTF-8\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
