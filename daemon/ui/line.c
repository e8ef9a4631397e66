// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ui/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ui/tables.h"

void line_put(struct line *l, const char *name, enum style style, const char *fmt, ...)
{
	char text[TABLE_KEY_MAX];
	unsigned need, at;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	at = l->col ? l->col + 2 : 0;
	need = grid_width(text) + (name[0] ? grid_width(name) + 1 : 0);
	l->full |= at && at + need > l->g->cols;
	if (l->full)
		return;
	if (name[0])
		at += grid_put(l->g, l->row, at, l->g->cols, STYLE_DIM, name) + 1;
	l->col = at + grid_put(l->g, l->row, at, l->g->cols, style, text);
	/* Only the first piece of a line can be too long: it is cut, and shows it. */
	if (need > l->g->cols && l->g->cols > 2)
		(void)grid_put(l->g, l->row, l->g->cols - 2, 2, style, "..");
}

void line_put_count(struct line *l, const char *name, const json_t *o, const char *key,
		    enum style style_above_zero)
{
	char text[VALUE_MAX] = "-";
	double n = 0;

	if (value_number(o, key, &n))
		value_count(text, sizeof(text), n, 9);
	line_put(l, name, n > 0 ? style_above_zero : STYLE_PLAIN, "%s", text);
}

void line_put_string(struct line *l, const char *name, const json_t *o, const char *key)
{
	line_put(l, name, STYLE_PLAIN, "%s", value_string(o, key)[0] ? value_string(o, key) : "-");
}

void line_put_place(struct line *l, const char *name, const json_t *site)
{
	char place[VALUE_MAX];

	tables_place(site, place, sizeof(place));
	if (strcmp(place, "-"))
		line_put(l, name, STYLE_PLAIN, "%s", place);
}
