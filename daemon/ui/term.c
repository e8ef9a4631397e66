// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ui/term.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <ncursesw/curses.h>

#include "base/cleanup.h"

#define ESC_DELAY_MS 25 /* between Esc and the rest of a key's sequence */
#define COLUMNS_MAX  4096

struct term {
	SCREEN *screen;
	int stderr_fd; /* the real one */
	int held_fd;   /* what was written meanwhile */
	bool colour;
};

/* Looks of a style: without colours, and the colour to add to it where there are any. */
static const struct look {
	attr_t attrs, attrs_with_colour;
	short colour;
} looks[STYLE_MAX] = {
	[STYLE_PLAIN] = { A_NORMAL, A_NORMAL, -1 },
	[STYLE_DIM] = { A_NORMAL, A_DIM, -1 },
	[STYLE_STRONG] = { A_BOLD, A_BOLD, -1 },
	[STYLE_TITLE] = { A_UNDERLINE, A_UNDERLINE, -1 },
	[STYLE_SORTED] = { A_UNDERLINE | A_BOLD, A_UNDERLINE | A_BOLD, COLOR_CYAN },
	[STYLE_KEY] = { A_BOLD, A_BOLD, COLOR_CYAN },
	[STYLE_GOOD] = { A_NORMAL, A_NORMAL, COLOR_GREEN },
	[STYLE_WARN] = { A_BOLD, A_NORMAL, COLOR_YELLOW },
	[STYLE_ALARM] = { A_BOLD | A_UNDERLINE, A_BOLD, COLOR_RED },
};

/* Standard error */

static void hold_stderr(struct term *t)
{
	t->held_fd = memfd_create("stderr", MFD_CLOEXEC);
	t->stderr_fd = t->held_fd < 0 ? -1 : dup(STDERR_FILENO);
	if (t->stderr_fd >= 0)
		(void)dup2(t->held_fd, STDERR_FILENO);
}

static void release_stderr(struct term *t)
{
	char bytes[4096];
	off_t at = 0;
	ssize_t n;

	if (t->stderr_fd >= 0) {
		(void)dup2(t->stderr_fd, STDERR_FILENO);
		close(t->stderr_fd);
		while ((n = pread(t->held_fd, bytes, sizeof(bytes), at)) > 0 &&
		       write(STDERR_FILENO, bytes, (size_t)n) == n)
			at += n;
	}
	if (t->held_fd >= 0)
		close(t->held_fd);
}

/* Life */

static bool wants_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return !(no && *no) && has_colors();
}

/* Pair n is the look n: its colour on the terminal's own background. */
static void set_up_colours(struct term *t)
{
	t->colour = wants_colour() && start_color() != ERR;
	if (!t->colour)
		return;
	(void)use_default_colors();
	for (short i = 0; i < STYLE_MAX; i++)
		(void)init_pair((short)(i + 1), looks[i].colour, -1);
}

static void set_up(struct term *t)
{
	set_escdelay(ESC_DELAY_MS);
	(void)cbreak();
	(void)noecho();
	(void)nonl();
	(void)intrflush(stdscr, FALSE);
	(void)keypad(stdscr, TRUE);
	(void)nodelay(stdscr, TRUE);
	(void)curs_set(0);
	set_up_colours(t);
}

int term_open(struct term **ret_t, struct reason *reason)
{
	const char *name = getenv("TERM");
	struct term *t;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return reason_set(reason, -ENOTTY, "no terminal");
	t = calloc(1, sizeof(*t));
	if (!t)
		return reason_set(reason, -ENOMEM, "out of memory");
	t->screen = newterm(NULL, stdout, stdin);
	if (!t->screen) {
		free(t);
		return reason_set(reason, -EINVAL, "a terminal of the type '%s' is not known here",
				  name ? name : "");
	}
	hold_stderr(t);
	set_up(t);
	*ret_t = t;
	return 0;
}

void term_close(struct term *t)
{
	if (!t)
		return;
	(void)endwin();
	delscreen(t->screen);
	release_stderr(t);
	free(t);
}

/* Drawing */

static void follow_size(void)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) || !ws.ws_row || !ws.ws_col)
		return;
	if (ws.ws_row != LINES || ws.ws_col != COLS)
		(void)resizeterm(ws.ws_row, ws.ws_col);
}

static void put_cell(const struct term *t, unsigned row, unsigned col, const struct cell *c)
{
	unsigned style = c->style & ~(unsigned)STYLE_SELECTED;
	const struct look *look = &looks[style];
	attr_t attrs = t->colour ? look->attrs_with_colour : look->attrs;
	wchar_t text[] = { (wchar_t)c->ch, 0 };
	cchar_t cc;

	if (c->style & STYLE_SELECTED)
		attrs = (attrs & ~A_DIM) | A_REVERSE;
	if (setcchar(&cc, text, attrs, t->colour ? (short)(style + 1) : 0, NULL) == OK)
		(void)mvadd_wch((int)row, (int)col,
				&cc); /* ERR in the last cell of all, which it does write */
}

int term_draw(struct term *t, struct screen *s)
{
	struct grid g;
	int err;

	follow_size();
	err = grid_init(&g, (unsigned)LINES, (unsigned)COLS);
	if (err)
		return err;
	screen_draw(s, &g);
	(void)erase();
	for (unsigned row = 0; row < g.rows; row++) {
		for (unsigned col = 0; col < g.cols; col++) {
			const struct cell *c = &g.cells[(size_t)row * g.cols + col];

			if (c->ch)
				put_cell(t, row, col, c);
		}
	}
	(void)refresh();
	grid_done(&g);
	return 0;
}

/* Keys */

static uint32_t special_key(wint_t key)
{
	static const struct {
		wint_t curses;
		uint32_t ours;
	} keys[] = {
		{ KEY_UP, SCREEN_UP },         { KEY_DOWN, SCREEN_DOWN },
		{ KEY_LEFT, SCREEN_LEFT },     { KEY_RIGHT, SCREEN_RIGHT },
		{ KEY_PPAGE, SCREEN_PAGE_UP }, { KEY_NPAGE, SCREEN_PAGE_DOWN },
		{ KEY_HOME, SCREEN_HOME },     { KEY_END, SCREEN_END },
		{ KEY_ENTER, SCREEN_ENTER },   { KEY_BACKSPACE, SCREEN_ERASE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].curses == key)
			return keys[i].ours;
	}
	return 0;
}

static uint32_t plain_key(wint_t key)
{
	switch (key) {
	case '\r':
	case '\n':
		return SCREEN_ENTER;
	case '\t':
		return SCREEN_TAB;
	case 0x1b:
		return SCREEN_ESCAPE;
	case 0x08:
	case 0x7f:
		return SCREEN_ERASE;
	default:
		return key;
	}
}

uint32_t term_key(struct term *t)
{
	uint32_t key = 0;
	wint_t got;
	int kind;

	/* Keys that mean nothing here are passed over: 0 is for "none is waiting". */
	while (!key && (kind = get_wch(&got)) != ERR)
		key = kind == KEY_CODE_YES ? special_key(got) : plain_key(got);
	return key;
}

unsigned term_columns(void)
{
	const char *text = getenv("COLUMNS");
	struct winsize ws;
	long n;

	if (isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_col)
		return ws.ws_col;
	n = text ? strtol(text, NULL, 10) : 0;
	return n > 0 && n <= COLUMNS_MAX ? (unsigned)n : 0;
}
