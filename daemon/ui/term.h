/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The terminal, owned by this module alone: ncurses is included nowhere else. While it is open,
 * standard error goes to a place of its own and is written out when it closes, so that no message
 * lands in the middle of the screen.
 *
 * Colours when the terminal has them and NO_COLOR is not set; else bold, underline and reverse. The
 * caller has set LC_CTYPE.
 */
#ifndef DEFERD_UI_TERM_H
#define DEFERD_UI_TERM_H

#include "base/reason.h"
#include "ui/screen.h"

struct term;

/*
 * Over standard input and output. 0; -ENOTTY; -ENOMEM; -EINVAL with the reason when $TERM is not
 * known.
 */
int term_open(struct term **ret_t, struct reason *reason);
void term_close(struct term *t); /* NULL is allowed */

/* Draw a screen as large as the terminal is now. */
int term_draw(struct term *t, struct screen *s);
/* The next key, as in screen.h; 0 when none is waiting. */
uint32_t term_key(struct term *t);

/* Columns of standard output: the terminal's, else $COLUMNS; 0: neither. */
unsigned term_columns(void);

#endif
