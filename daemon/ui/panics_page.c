// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ui/panics_page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ui/tables.h"

#define LABEL_WIDTH 14

static const struct {
	const struct table_kind *kind;
	const char *list; /* member of the document */
	const char *time; /* member of its rows that has an age; NULL: none */
	const char *empty;
} tabs[PANICS_TAB_MAX] = {
	[PANICS_EACH] = { &table_panics, "panics", "time", "no panic yet" },
	[PANICS_SITES] = { &table_panic_sites, "sites", "last", "no panic yet" },
	[PANICS_MISPLACED] = { &table_misplaced, "misplaced", NULL,
			       "no recover() in a wrong frame was seen" },
};

/* Life */

void panics_page_init(struct panics_page *p, const char *service)
{
	*p = (struct panics_page){};
	snprintf(p->service, sizeof(p->service), "%s", service);
	for (unsigned i = 0; i < PANICS_TAB_MAX; i++)
		table_init(&p->tables[i], tabs[i].kind);
}

void panics_page_done(struct panics_page *p)
{
	for (unsigned i = 0; i < PANICS_TAB_MAX; i++)
		table_done(&p->tables[i]);
	json_decref(p->doc);
	json_decref(p->opened);
	*p = (struct panics_page){};
}

/* Documents */

static void refresh_opened(struct panics_page *p)
{
	char want[TABLE_KEY_MAX], id[TABLE_KEY_MAX];
	json_t *o;
	size_t i;

	if (!p->opened)
		return;
	table_panics.id(p->opened, want, sizeof(want));
	json_array_foreach (json_object_get(p->doc, "panics"), i, o) {
		table_panics.id(o, id, sizeof(id));
		if (!json_is_object(o) || strcmp(id, want))
			continue;
		json_decref(p->opened);
		p->opened = json_incref(o);
		return;
	}
}

int panics_page_set(struct panics_page *p, json_t *doc, double unix_ms)
{
	json_t *old = p->doc;
	int err = 0;

	p->doc = doc;
	p->trouble[0] = 0;
	for (unsigned i = 0; i < PANICS_TAB_MAX; i++) {
		json_t *list = json_object_get(doc, tabs[i].list);

		if (tabs[i].time && unix_ms > 0)
			tables_add_ages(list, tabs[i].time, unix_ms);
		if (table_fill(&p->tables[i], list))
			err = -ENOMEM;
	}
	refresh_opened(p);
	json_decref(old);
	return err;
}

/* Keys */

struct table *panics_page_table(struct panics_page *p)
{
	return &p->tables[p->tab];
}

const json_t *panics_page_list(const struct panics_page *p)
{
	return json_object_get(p->doc, tabs[p->tab].list);
}

void panics_page_open(struct panics_page *p)
{
	const json_t *row = table_selected(&p->tables[PANICS_EACH]);

	if (p->tab != PANICS_EACH || !row || p->opened)
		return;
	p->opened = json_incref((json_t *)row);
	p->top = 0;
}

void panics_page_close(struct panics_page *p)
{
	json_decref(p->opened);
	p->opened = NULL;
}

void panics_page_scroll(struct panics_page *p, int lines)
{
	p->top = grid_scroll(p->top, lines);
}

/* Drawing: the title */

/* A member of totals[], or of their outcomes, over all services. */
static double sum(const struct panics_page *p, const char *key, bool outcome)
{
	const json_t *t;
	double all = 0, n;
	size_t i;

	json_array_foreach (json_object_get(p->doc, "totals"), i, t) {
		if (value_number(outcome ? json_object_get(t, "outcomes") : t, key, &n) && n > 0)
			all += n;
	}
	return all;
}

static void put_sum(struct line *l, const char *name, double n, enum style style)
{
	char text[VALUE_MAX];

	value_count(text, sizeof(text), n, 9);
	line_put(l, name, style, "%s", text);
}

static void put_totals(const struct panics_page *p, struct line *l)
{
	double n;

	put_sum(l, "started", sum(p, "started", false), STYLE_PLAIN);
	for (const struct tables_outcome *o = tables_outcomes; o->name; o++) {
		n = sum(p, o->name, strcmp(o->name, "running") != 0);
		if (n > 0)
			put_sum(l, o->name, n, o->style);
	}
	n = sum(p, "untold", false);
	if (n > 0)
		put_sum(l, "without details", n, STYLE_WARN);
}

static void put_opened(const json_t *o, struct line *l)
{
	const char *lane = json_object_get(o, "thread") ? "thread" : "goroutine";
	const char *outcome = value_string(o, "outcome");
	const char *service = value_string(o, "service");
	double n;

	if (value_number(o, "id", &n))
		line_put(l, "", STYLE_STRONG, "panic #%.0f", n);
	else
		line_put(l, "", STYLE_STRONG, "panic");
	line_put(l, "", STYLE_STRONG, "%s", service[0] ? service : "-");
	line_put(l, "", tables_outcome_style(outcome), "%s", outcome[0] ? outcome : "-");
	if (value_number(o, "pid", &n))
		line_put(l, "pid", STYLE_PLAIN, "%.0f", n);
	if (value_number(o, lane, &n))
		line_put(l, lane, STYLE_PLAIN, "%.0f", n);
}

void panics_page_draw_title(const struct panics_page *p, struct grid *g, unsigned row)
{
	struct line l = { g, row };

	if (p->opened) {
		put_opened(p->opened, &l);
		return;
	}
	if (p->service[0])
		line_put(&l, "", STYLE_STRONG, "panics of %s", p->service);
	else
		line_put(&l, "", STYLE_STRONG, "panics");
	if (p->doc)
		put_totals(p, &l);
}

/* Drawing: the opened panic, as lines that are counted whether they are seen or not */

struct pager {
	struct grid *g; /* NULL: count only */
	unsigned row, n, top, at;
};

/* Text longer than the line goes on below. */
static void put_text(struct pager *p, unsigned cols, const char *label, enum style style,
		     const char *text)
{
	unsigned width = cols > LABEL_WIDTH + 1 ? cols - LABEL_WIDTH - 1 : 1;

	do {
		size_t len = grid_fit(text, width);

		if (p->g && p->at >= p->top && p->at - p->top < p->n) {
			unsigned row = p->row + p->at - p->top;

			(void)grid_put(p->g, row, 0, LABEL_WIDTH, STYLE_DIM, label);
			(void)grid_put(p->g, row, LABEL_WIDTH + 1, width, style, text);
		}
		p->at++;
		label = "";
		text += len;
	} while (*text);
}

static void put_member(struct pager *p, unsigned cols, const char *label, const char *text)
{
	put_text(p, cols, label, STYLE_PLAIN, text[0] ? text : "-");
}

static void put_line(struct pager *p, unsigned cols, const char *label, const json_t *site)
{
	char place[VALUE_MAX];

	tables_place(site, place, sizeof(place));
	put_text(p, cols, label, STYLE_PLAIN, place);
}

static void put_replaced(struct pager *p, unsigned cols, const json_t *o)
{
	char text[VALUE_MAX];
	double id;

	if (!value_number(o, "replaced_by", &id))
		return;
	snprintf(text, sizeof(text), "panic #%.0f", id);
	put_text(p, cols, "replaced by", STYLE_WARN, text);
}

static void put_stack(struct pager *p, unsigned cols, const json_t *stack)
{
	const json_t *site;
	size_t i;

	if (!json_array_size(stack))
		put_text(p, cols, "stack", STYLE_PLAIN, "-");
	json_array_foreach (stack, i, site)
		put_line(p, cols, i ? "" : "stack", site);
}

static void put_panic(struct pager *p, unsigned cols, const json_t *o)
{
	put_member(p, cols, "type", tables_panic_type(o));
	put_member(p, cols, "message", value_string(o, "message"));
	put_line(p, cols, "at", json_object_get(o, "site"));
	if (json_is_object(json_object_get(o, "called_by")))
		put_line(p, cols, "called by", json_object_get(o, "called_by"));
	if (json_is_object(json_object_get(o, "recovered_in"))) {
		put_line(p, cols, "recovered in", json_object_get(o, "recovered_in"));
		put_line(p, cols, "by recover in", json_object_get(o, "recover_site"));
	}
	put_replaced(p, cols, o);
	put_member(p, cols, "began", value_string(o, "time"));
	put_member(p, cols, "ended", value_string(o, "ended"));
	put_stack(p, cols, json_object_get(o, "stack"));
}

void panics_page_draw_opened(struct panics_page *p, struct grid *g, unsigned row, unsigned n)
{
	struct pager all = {}, shown = { .g = g, .row = row, .n = n };

	put_panic(&all, g->cols, p->opened);
	shown.top = p->top = grid_scroll_end(p->top, n, all.at);
	put_panic(&shown, g->cols, p->opened);
}

/* Drawing: words */

void panics_page_put_selected(struct panics_page *p, struct line *l)
{
	const json_t *row = table_selected(panics_page_table(p));
	const char *message = value_string(row, "message");

	if (p->opened)
		return;
	if (p->tab == PANICS_EACH && message[0])
		line_put(l, "", STYLE_PLAIN, "%s: %s", tables_panic_type(row), message);
	else
		line_put_place(l, "", json_object_get(row, "site"));
	if (p->tab == PANICS_SITES && json_is_object(json_object_get(row, "called_by")))
		line_put_place(l, "called by", json_object_get(row, "called_by"));
	if (p->tab == PANICS_MISPLACED)
		line_put_place(l, "called by", json_object_get(row, "caller"));
}

const char *panics_page_why_empty(const struct panics_page *p)
{
	if (!p->doc)
		return p->trouble[0] ? "there is no ledger to show" : "waiting for the ledger";
	return tabs[p->tab].empty;
}
