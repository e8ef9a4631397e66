// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ui/table.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define GAP 1

struct layout {
	unsigned n;
	unsigned column[TABLE_COLUMNS]; /* index of each one shown */
	unsigned width[TABLE_COLUMNS];
};

void table_init(struct table *t, const struct table_kind *kind)
{
	*t = (struct table){ .kind = kind, .sort = kind->sort, .descending = !kind->ascending };
}

void table_done(struct table *t)
{
	free(t->rows);
	*t = (struct table){};
}

/* Order */

/* Rows without a value come last in either direction. */
static int compare_values(const struct column *c, const json_t *a, const json_t *b, bool descending)
{
	struct table_value ta, tb;
	bool have_a, have_b;
	double na, nb;
	int order;

	if (c->number) {
		have_a = c->number(a, c->key, &na);
		have_b = c->number(b, c->key, &nb);
		order = have_a && have_b ? (na > nb) - (na < nb) : 0;
	} else {
		c->format(c, a, &ta);
		c->format(c, b, &tb);
		have_a = strcmp(ta.text, "-") != 0;
		have_b = strcmp(tb.text, "-") != 0;
		order = strcmp(ta.text, tb.text);
	}
	if (!have_a || !have_b)
		return have_b - have_a;
	return descending ? -order : order;
}

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct table_row *ra = a, *rb = b;
	const struct table *t = arg;
	int order = compare_values(&t->kind->columns[t->sort], ra->o, rb->o, t->descending);

	if (order)
		return order;
	if (t->kind->listed)
		return (ra->place > rb->place) - (ra->place < rb->place);
	return strcmp(ra->id, rb->id);
}

static void find_selected(struct table *t)
{
	if (t->index < t->n && !strcmp(t->rows[t->index].id, t->selected))
		return;
	for (unsigned i = 0; i < t->n; i++) {
		if (!strcmp(t->rows[i].id, t->selected)) {
			t->index = i;
			return;
		}
	}
	if (t->index >= t->n)
		t->index = t->n ? t->n - 1 : 0;
	strcpy(t->selected, t->n ? t->rows[t->index].id : "");
}

int table_fill(struct table *t, const json_t *list)
{
	size_t total = json_array_size(list), i;
	const json_t *o;

	free(t->rows);
	t->rows = calloc(total + 1, sizeof(*t->rows));
	t->total = (unsigned)total;
	t->n = 0;
	if (!t->rows)
		return -ENOMEM;
	json_array_foreach (list, i, o) {
		if (!json_is_object(o) || (t->filter[0] && !t->kind->matches(o, t->filter)))
			continue;
		t->rows[t->n].o = o;
		t->rows[t->n].place = i;
		t->kind->id(o, t->rows[t->n].id, sizeof(t->rows[t->n].id));
		t->n++;
	}
	qsort_r(t->rows, t->n, sizeof(*t->rows), compare_rows, t);
	find_selected(t);
	return 0;
}

const json_t *table_selected(const struct table *t)
{
	return t->index < t->n ? t->rows[t->index].o : NULL;
}

static unsigned count_columns(const struct table_kind *kind)
{
	unsigned n = 0;

	while (kind->columns[n].title && n < TABLE_COLUMNS)
		n++;
	return n;
}

void table_sort_by(struct table *t, int step)
{
	int n = (int)count_columns(t->kind);

	t->sort = (unsigned)(((int)t->sort + step + n) % n);
	t->descending = t->kind->columns[t->sort].number != NULL;
}

void table_filter_add(struct table *t, uint32_t ch)
{
	char bytes[MB_LEN_MAX];
	mbstate_t state = {};
	size_t n = wcrtomb(bytes, (wchar_t)ch, &state), len = strlen(t->filter);

	if (n == (size_t)-1 || len + n >= sizeof(t->filter))
		return;
	memcpy(t->filter + len, bytes, n);
	t->filter[len + n] = 0;
}

void table_filter_cut(struct table *t)
{
	size_t len = strlen(t->filter);

	while (len && ((unsigned char)t->filter[--len] & 0xc0) == 0x80)
		;
	t->filter[len] = 0;
}

void table_move(struct table *t, int rows)
{
	long to = (long)t->index + rows;

	if (!t->n)
		return;
	t->index = to < 0 ? 0 : to >= (long)t->n ? t->n - 1 : (unsigned)to;
	strcpy(t->selected, t->rows[t->index].id);
}

/* Layout */

static unsigned content_width(const struct table *t, const struct column *c)
{
	unsigned width = c->min, w;
	struct table_value v;

	for (unsigned i = 0; i < t->n && c->min < c->max; i++) {
		c->format(c, t->rows[i].o, &v);
		w = grid_width(v.text);
		if (w > width)
			width = w;
	}
	return width < c->max ? width : c->max;
}

static unsigned layout_width(const struct layout *l)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < l->n; i++)
		sum += l->width[i] + (i ? GAP : 0);
	return sum;
}

/* Leave out the column of the highest rank; false when all that are left must stay. */
static bool drop_one(const struct table_kind *kind, struct layout *l)
{
	unsigned worst = 0;

	for (unsigned i = 1; i < l->n; i++) {
		if (kind->columns[l->column[i]].rank >= kind->columns[l->column[worst]].rank)
			worst = i;
	}
	if (l->n < 2 || !kind->columns[l->column[worst]].rank)
		return false;
	l->n--;
	memmove(l->column + worst, l->column + worst + 1, (l->n - worst) * sizeof(*l->column));
	memmove(l->width + worst, l->width + worst + 1, (l->n - worst) * sizeof(*l->width));
	return true;
}

/* "-": no value */
static bool is_shown(const struct table *t, const struct column *c)
{
	struct table_value v;

	if (!c->rare)
		return true;
	for (unsigned i = 0; i < t->n; i++) {
		c->format(c, t->rows[i].o, &v);
		if (strcmp(v.text, "-"))
			return true;
	}
	return false;
}

static void lay_out(const struct table *t, unsigned width, struct layout *l)
{
	unsigned n = count_columns(t->kind), spare;

	*l = (struct layout){};
	for (unsigned i = 0; i < n; i++) {
		if (!is_shown(t, &t->kind->columns[i]))
			continue;
		l->column[l->n] = i;
		l->width[l->n++] = t->kind->columns[i].min;
	}
	while (layout_width(l) > width && drop_one(t->kind, l))
		;
	spare = width > layout_width(l) ? width - layout_width(l) : 0;
	for (unsigned i = 0; i < l->n && spare; i++) {
		unsigned more = content_width(t, &t->kind->columns[l->column[i]]) - l->width[i];

		more = more < spare ? more : spare;
		l->width[i] += more;
		spare -= more;
	}
}

unsigned table_width(const struct table *t)
{
	unsigned sum = 0;

	for (const struct column *c = t->kind->columns; c->title; c++)
		sum += is_shown(t, c) ? content_width(t, c) + GAP : 0;
	return sum;
}

/* Drawing */

static void draw_head(const struct table *t, const struct layout *l, struct grid *g, unsigned row)
{
	unsigned col = 0;

	grid_fill(g, row, STYLE_TITLE);
	for (unsigned i = 0; i < l->n; i++) {
		const struct column *c = &t->kind->columns[l->column[i]];
		enum style style = l->column[i] == t->sort ? STYLE_SORTED : STYLE_TITLE;

		if (c->align == COLUMN_NUMBER)
			grid_put_right(g, row, col, l->width[i], style, c->title);
		else
			(void)grid_put(g, row, col, l->width[i], style, c->title);
		col += l->width[i] + GAP;
	}
}

static void draw_row(const struct table *t, const struct layout *l, struct grid *g, unsigned row,
		     const json_t *o)
{
	unsigned col = 0;

	for (unsigned i = 0; i < l->n; i++) {
		const struct column *c = &t->kind->columns[l->column[i]];
		struct table_value v = {};

		c->format(c, o, &v);
		if (c->align == COLUMN_NUMBER)
			grid_put_right(g, row, col, l->width[i], v.style, v.text);
		else if (c->align == COLUMN_TAIL)
			grid_put_tail(g, row, col, l->width[i], v.style, v.text);
		else
			(void)grid_put(g, row, col, l->width[i], v.style, v.text);
		col += l->width[i] + GAP;
	}
}

static void scroll(struct table *t, unsigned n)
{
	if (t->index < t->top)
		t->top = t->index;
	if (n && t->index >= t->top + n)
		t->top = t->index - n + 1;
	if (t->top + n > t->n)
		t->top = t->n > n ? t->n - n : 0;
}

void table_draw(struct table *t, struct grid *g, unsigned row, unsigned n, bool cursor)
{
	struct layout l;

	lay_out(t, g->cols, &l);
	draw_head(t, &l, g, row);
	scroll(t, n);
	for (unsigned i = t->top; i < t->n && i < t->top + n; i++) {
		draw_row(t, &l, g, row + 1 + i - t->top, t->rows[i].o);
		if (cursor && i == t->index)
			grid_select(g, row + 1 + i - t->top);
	}
}
