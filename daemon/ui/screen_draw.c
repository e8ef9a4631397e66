// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The screen as cells: header, pages, help, the line about the selected row, keys; and all of it as
 * text.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/line.h"
#include "ui/screen_priv.h"

#define HEADER_ROWS     3
#define HEADER_FROM     14 /* rows of a terminal that has room for the whole header */
#define HELP_KEY_WIDTH  14
#define PRINT_WIDTH_MIN 100 /* of text that nothing limits */

static const struct {
	const char *keys, *meaning;
} help_keys[] = {
	{ "Up Down j k", "move the selection" },
	{ "PgUp PgDn", "move by a page" },
	{ "Home End", "first and last row" },
	{ "Enter", "detail of a service, of an alert's process, of a panic" },
	{ "Esc Backspace", "back; clears a filter first" },
	{ "Tab", "goroutines or threads, sites, groups, descriptors, openers; panics" },
	{ "Left Right", "another process of the service" },
	{ "a", "alerts" },
	{ "p", "panics: on a detail those of its service, elsewhere of all" },
	{ "< > s", "sort by the column before, by the next" },
	{ "r", "reverse the order" },
	{ "/", "filter by a part of the name; panics also by outcome, type, message" },
	{ "h ?", "this page" },
	{ "q", "quit" },
};

static unsigned count_firing(const struct screen *s)
{
	unsigned n = 0;
	const json_t *a;
	size_t i;

	json_array_foreach (json_object_get(s->snapshot, "alerts"), i, a)
		n += !strcmp(value_string(a, "state"), "firing");
	return n;
}

static void draw_source(const struct screen *s, struct grid *g)
{
	const json_t *self = json_object_get(s->snapshot, "deferd");
	struct line l = { g };

	line_put(&l, "", STYLE_STRONG, "deferd%s%s", value_string(self, "version")[0] ? " " : "",
		 value_string(self, "version"));
	line_put(&l, "", STYLE_GOOD, "%s", s->source);
	if (json_is_false(json_object_get(self, "settled")))
		line_put(&l, "", STYLE_WARN, "still inspecting processes");
}

static void draw_kernel(const struct screen *s, struct grid *g)
{
	const json_t *self = json_object_get(s->snapshot, "deferd");
	struct line l = { g, 1 };

	line_put_string(&l, "kernel", self, "kernel");
	line_put_string(&l, "attach", self, "attach");
	line_put_string(&l, "probes", self, "probe_set");
	line_put_string(&l, "fd hooks", self, "fd_hooks");
}

static void draw_health(const struct screen *s, struct grid *g)
{
	const json_t *self = json_object_get(s->snapshot, "deferd");
	unsigned firing = count_firing(s);
	char rss[VALUE_MAX] = "-";
	struct line l = { g, 2 };
	double bytes, every;

	if (firing)
		line_put(&l, "", STYLE_ALARM, "%u alert%s firing", firing, firing > 1 ? "s" : "");
	else
		line_put(&l, "", STYLE_GOOD, "no alert firing");
	line_put_count(&l, "events", self, "events", STYLE_PLAIN);
	line_put_count(&l, "dropped", self, "events_dropped", STYLE_ALARM);
	if (s->have_cpu)
		line_put(&l, "own cpu", STYLE_PLAIN, "%.1f%%", s->cpu_percent);
	else
		line_put(&l, "own cpu", STYLE_PLAIN, "-");
	if (value_number(self, "look_every_s", &every) && every > 1)
		line_put(&l, "", STYLE_WARN, "past its budget: reads every %.0f s", every);
	if (value_number(self, "rss_bytes", &bytes))
		value_bytes(rss, sizeof(rss), bytes);
	line_put(&l, "rss", STYLE_PLAIN, "%s", rss);
}

static void draw_header(const struct screen *s, struct grid *g)
{
	draw_source(s, g);
	draw_kernel(s, g);
	draw_health(s, g);
}

static void put_table_state(struct line *l, const struct table *t)
{
	const struct column *c = &t->kind->columns[t->sort];

	if (t->filter[0])
		line_put(l, "filter", STYLE_WARN, "%s", t->filter);
	line_put(l, "sorted by", STYLE_PLAIN, "%s, %s", c->title,
		 c->number       ? t->descending ? "highest first" : "lowest first"
		 : t->descending ? "z to a"
				 : "a to z");
}

static void draw_title(struct screen *s, struct grid *g, unsigned row)
{
	const struct table *t = screen_table(s);
	struct line l = { g, row };

	if (t->filter[0])
		line_put(&l, "", STYLE_STRONG, "%s %u of %u", t->kind->noun, t->n, t->total);
	else
		line_put(&l, "", STYLE_STRONG, "%s %u", t->kind->noun, t->total);
	put_table_state(&l, t);
}

/* Neither limited nor failed, as a service or a target. */
static bool is_whole(const json_t *o)
{
	const char *state = value_string(o, "state");

	return strcmp(state, "limited") && strcmp(state, "failed");
}

static void draw_target_title(struct screen *s, struct grid *g, unsigned row)
{
	const json_t *pids = json_object_get(screen_service(s, s->service), "pids");
	const json_t *exact = json_object_get(s->target, "exact");
	const char *version = value_string(s->target, "version");
	struct line l = { g, row };

	line_put(&l, "", STYLE_STRONG, "%s", s->service);
	if (json_array_size(pids) > 1)
		line_put(&l, "pid", STYLE_PLAIN, "%u (%u of %zu)", s->pid,
			 screen_place_of_pid(pids, s->pid), json_array_size(pids));
	else
		line_put(&l, "pid", STYLE_PLAIN, "%u", s->pid);
	if (!s->target)
		return;
	line_put_string(&l, "runtime", s->target, version[0] ? "version" : "runtime");
	line_put(&l, "state", is_whole(s->target) ? STYLE_PLAIN : STYLE_WARN, "%s",
		 value_string(s->target, "state"));
	line_put_count(&l, "alerts", s->target, "alerts_firing", STYLE_ALARM);
	if (json_is_false(exact))
		line_put(&l, "exact", STYLE_WARN, "no");
	line_put_string(&l, "image", s->target, "image");
}

static void put_fds(struct line *l, const json_t *target)
{
	char text[VALUE_MAX], limit[VALUE_MAX];
	bool leaks =
		!strcmp(value_string(json_object_get(target, "fd_leak"), "verdict"), "leaking");
	enum style style = leaks ? STYLE_ALARM : STYLE_PLAIN;
	const json_t *pool = json_object_get(target, "pool");
	double open, n;

	if (!value_number(target, "open_fds", &open))
		return;
	value_count(text, sizeof(text), open, 9);
	if (value_number(target, "max_fds", &n)) {
		value_count(limit, sizeof(limit), n, 9);
		line_put(l, "fds", style, "%s of %s", text, limit);
	} else {
		line_put(l, "fds", style, "%s", text);
	}
	if (value_number(target, "fd_growth_per_second", &n)) {
		value_rate(text, sizeof(text), n, 9, true);
		line_put(l, "fd/s", STYLE_PLAIN, "%s", text);
	}
	if (value_number(target, "fd_exhaustion_seconds", &n)) {
		if (n > 0)
			value_duration(text, sizeof(text), n);
		line_put(l, "full in", n < 3600 ? STYLE_ALARM : STYLE_WARN, "%s",
			 n > 0 ? text : "now");
	}
	if (json_is_object(pool))
		line_put(l, "pool too small", STYLE_WARN, "%lld wait",
			 value_integer(pool, "waiting"));
}

static void draw_target_numbers(struct screen *s, struct grid *g, unsigned row)
{
	struct line l = { g, row };

	if (!s->target)
		return;
	line_put_count(&l, "goroutines", s->target, "goroutine_count", STYLE_PLAIN);
	line_put_count(&l, "leaks", s->target, "goroutine_leaks", STYLE_ALARM);
	line_put_count(&l, "depth", s->target, "defer_depth_max", STYLE_STRONG);
	line_put_count(&l, "registered", s->target, "defers_registered", STYLE_PLAIN);
	line_put_count(&l, "panics", s->target, "panics_started", STYLE_WARN);
	line_put_count(&l, "recovered", s->target, "panics_recovered", STYLE_PLAIN);
	put_fds(&l, s->target);
	line_put_count(&l, "lost", s->target, "events_lost", STYLE_ALARM);
}

static void put_tab(struct line *l, const struct table *t, bool chosen)
{
	char count[48];

	snprintf(count, sizeof(count), t->filter[0] ? "%u of %u" : "%u",
		 t->filter[0] ? t->n : t->total, t->total);
	line_put(l, "", chosen ? STYLE_STRONG : STYLE_PLAIN, "%c%s %s%c", chosen ? '[' : ' ',
		 t->kind->noun, count, chosen ? ']' : ' ');
}

static void draw_tabs(struct screen *s, struct grid *g, unsigned row)
{
	struct line l = { g, row };

	if (s->page == PAGE_PANICS) {
		for (unsigned i = 0; i < PANICS_TAB_MAX; i++)
			put_tab(&l, &s->panics.tables[i], s->panics.tab == i);
	} else {
		for (enum screen_tab i = 0; i < TAB_MAX; i++)
			put_tab(&l, &s->tabs[i], s->tab == i);
	}
	put_table_state(&l, screen_table(s));
}

static const char *why_empty(struct screen *s)
{
	if (!s->snapshot)
		return "waiting for the first numbers";
	if (screen_table(s)->filter[0])
		return "nothing matches the filter; Esc clears it";
	switch (s->page) {
	case PAGE_PANICS:
		return panics_page_why_empty(&s->panics);
	case PAGE_ALERTS:
		return "no alert is pending or firing";
	case PAGE_DETAIL:
		return !s->pid      ? "the service has no process any more"
		       : !s->target ? "waiting for this process"
				    : "none seen yet";
	case PAGE_SERVICES:
		break;
	}
	return json_is_false(json_object_get(json_object_get(s->snapshot, "deferd"), "settled"))
		       ? "none found yet"
		       : "no Go service and no C service with a defer runtime is running";
}

/* The bottom line: what is said of the selected row beside its columns. */

static bool put_state(struct line *l, const json_t *o)
{
	const char *state = value_string(o, "state"), *reason = value_string(o, "reason");
	bool failed = !strcmp(state, "failed");

	if (!failed && strcmp(state, "limited"))
		return false;
	line_put(l, "", failed ? STYLE_ALARM : STYLE_WARN, "%s%s%s", state, reason[0] ? ": " : "",
		 reason);
	return true;
}

static void put_selected(struct screen *s, struct line *l)
{
	const json_t *row = table_selected(screen_table(s));

	if (s->page == PAGE_PANICS) {
		panics_page_put_selected(&s->panics, l);
	} else if (s->page == PAGE_ALERTS) {
		line_put(l, "", STYLE_PLAIN, "%s",
			 value_string(json_object_get(row, "annotations"), "summary"));
	} else if (s->page == PAGE_SERVICES) {
		if (!put_state(l, row))
			line_put_place(l, "deepest at", json_object_get(row, "deepest_site"));
	} else if (!put_state(l, s->target)) {
		if (s->tab == TAB_SITES)
			line_put_place(l, "", row);
		else if (s->tab == TAB_GROUPS)
			line_put_place(l, "created by", json_object_get(row, "created_by"));
		else if (s->tab == TAB_OPENERS)
			line_put_place(l, "opened by", json_object_get(row, "site"));
		else if (s->tab == TAB_GOROUTINES)
			line_put_place(l, "its peak was at", json_object_get(row, "peak_site"));
	}
}

static void draw_note(struct screen *s, struct grid *g, unsigned row)
{
	struct line l = { g, row };

	if (s->trouble[0])
		line_put(&l, "", STYLE_ALARM, "%s", s->trouble);
	else if (s->page == PAGE_PANICS && s->panics.trouble[0])
		line_put(&l, "", STYLE_ALARM, "%s", s->panics.trouble);
	else if (!s->help)
		put_selected(s, &l);
}

static void put_page_keys(struct screen *s, struct line *l)
{
	const char *tab =
		s->page == PAGE_PANICS ? "next list" : s->tabs[(s->tab + 1) % TAB_MAX].kind->noun;

	if (s->page == PAGE_DETAIL || s->page == PAGE_PANICS)
		line_put(l, "Esc", STYLE_KEY, "back");
	if (screen_reads(s)) {
		line_put(l, "Up Down", STYLE_KEY, "scroll");
		return;
	}
	if (s->page == PAGE_PANICS && s->panics.tab == PANICS_EACH)
		line_put(l, "Enter", STYLE_KEY, "stack");
	if (s->page == PAGE_DETAIL || s->page == PAGE_PANICS) {
		line_put(l, "Tab", STYLE_KEY, "%s", tab);
	} else {
		line_put(l, "Enter", STYLE_KEY, "detail");
		line_put(l, "a", STYLE_KEY, "%s", s->page == PAGE_ALERTS ? "services" : "alerts");
	}
	if (s->page != PAGE_PANICS)
		line_put(l, "p", STYLE_KEY, "panics");
}

static void draw_keys(struct screen *s, struct grid *g, unsigned row)
{
	struct line l = { g, row };

	if (s->filtering) {
		line_put(&l, "", STYLE_KEY, "/%s_", screen_table(s)->filter);
		line_put(&l, "Enter", STYLE_PLAIN, "keeps it");
		line_put(&l, "Esc", STYLE_PLAIN, "clears it");
		return;
	}
	if (s->help) {
		line_put(&l, "any key", STYLE_PLAIN, "back");
		return;
	}
	line_put(&l, "q", STYLE_KEY, "quit");
	line_put(&l, "?", STYLE_KEY, "help");
	put_page_keys(s, &l);
	if (screen_reads(s))
		return;
	line_put(&l, "/", STYLE_KEY, "filter");
	line_put(&l, "< >", STYLE_KEY, "sort");
	line_put(&l, "r", STYLE_KEY, "reverse");
	if (s->page == PAGE_DETAIL &&
	    json_array_size(json_object_get(screen_service(s, s->service), "pids")) > 1)
		line_put(&l, "Left Right", STYLE_KEY, "process");
}

static void help_line(struct grid *g, unsigned row, const char *left, const char *right)
{
	(void)grid_put(g, row, 0, HELP_KEY_WIDTH, STYLE_KEY, left);
	(void)grid_put(g, row, HELP_KEY_WIDTH + 1, g->cols, STYLE_PLAIN, right);
}

/* Keys, a blank line, the columns of the table behind it. */
static void draw_help(struct screen *s, struct grid *g, unsigned row, unsigned n)
{
	const struct column *columns = screen_table(s)->kind->columns;
	unsigned n_keys = ARRAY_SIZE(help_keys), n_columns = 0, all;

	while (columns[n_columns].title)
		n_columns++;
	all = n_keys + 1 + n_columns;
	s->help_top = grid_scroll_end(s->help_top, n, all);
	for (unsigned i = 0; i < n && s->help_top + i < all; i++) {
		unsigned at = s->help_top + i;

		if (at < n_keys)
			help_line(g, row + i, help_keys[at].keys, help_keys[at].meaning);
		else if (at > n_keys)
			help_line(g, row + i, columns[at - n_keys - 1].title,
				  columns[at - n_keys - 1].meaning);
	}
}

static void draw_body(struct screen *s, struct grid *g, unsigned row, unsigned n)
{
	struct line empty = { g, row + 1 };

	if (screen_reads(s)) {
		s->body_rows = n;
		panics_page_draw_opened(&s->panics, g, row, n);
		return;
	}
	if ((s->page == PAGE_DETAIL || s->page == PAGE_PANICS) && n) {
		draw_tabs(s, g, row++);
		empty.row++;
		n--;
	}
	s->body_rows = n ? n - 1 : 0;
	if (!n)
		return;
	table_draw(screen_table(s), g, row, n - 1, true);
	if (!screen_table(s)->n && n > 1)
		line_put(&empty, "", STYLE_DIM, "%s", why_empty(s));
}

void screen_draw(struct screen *s, struct grid *g)
{
	unsigned row = 0, foot = g->rows >= 4 ? 2 : 0;

	if (g->rows >= HEADER_FROM) {
		draw_header(s, g);
		row = HEADER_ROWS;
	}
	if (s->help) {
		s->body_rows = g->rows - foot - row;
		draw_help(s, g, row, s->body_rows);
	} else if (s->page == PAGE_DETAIL) {
		draw_target_title(s, g, row++);
		draw_target_numbers(s, g, row++);
	} else if (s->page == PAGE_PANICS) {
		panics_page_draw_title(&s->panics, g, row++);
	} else {
		draw_title(s, g, row++);
	}
	if (!s->help)
		draw_body(s, g, row, g->rows > row + foot ? g->rows - row - foot : 0);
	if (!foot)
		return;
	draw_note(s, g, g->rows - 2);
	draw_keys(s, g, g->rows - 1);
}

/* Text */

static unsigned print_reasons(const struct table *t, struct grid *g, unsigned row)
{
	for (unsigned i = 0; i < t->n; i++) {
		const json_t *o = t->rows[i].o;
		struct line l = { g, row };

		if (is_whole(o))
			continue;
		line_put(&l, "", STYLE_WARN, "%s: %s: %s", value_string(o, "service"),
			 value_string(o, "state"), value_string(o, "reason"));
		row++;
	}
	return row;
}

/* Services, why some of them are not observed whole, and alerts; returns the rows used. */
static unsigned print_tables(struct screen *s, struct grid *g, unsigned row)
{
	struct line l = { g, row };

	if (s->services.n) {
		table_draw(&s->services, g, row, s->services.n, false);
		row = print_reasons(&s->services, g, row + 1 + s->services.n);
	} else {
		line_put(&l, "", STYLE_DIM, "%s", why_empty(s));
		row++;
	}
	if (s->alerts.n) {
		table_draw(&s->alerts, g, ++row, s->alerts.n, false);
		row += 1 + s->alerts.n;
	}
	return row;
}

int screen_print(struct screen *s, unsigned width, struct buf *b)
{
	unsigned services = table_width(&s->services),
		 alerts = s->alerts.n ? table_width(&s->alerts) : 0, rows;
	struct grid g;

	if (!width) {
		width = services > alerts ? services : alerts;
		width = width > PRINT_WIDTH_MIN ? width : PRINT_WIDTH_MIN;
	}
	if (grid_init(&g, HEADER_ROWS + 5 + 2 * s->services.n + s->alerts.n, width))
		return -ENOMEM;
	draw_header(s, &g);
	rows = print_tables(s, &g, HEADER_ROWS + 1);
	grid_text(&g, rows, b);
	grid_done(&g);
	return b->failed ? -ENOMEM : 0;
}
