// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ui/screen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/tables.h"

#define HEADER_ROWS     3
#define HEADER_FROM     14 /* rows of a terminal that has room for the whole header */
#define HELP_KEY_WIDTH  14
#define PRINT_WIDTH_MIN 100

static const struct {
	const char *keys, *meaning;
} help_keys[] = {
	{ "Up Down j k", "move the selection" },
	{ "PgUp PgDn", "move by a page" },
	{ "Home End", "first and last row" },
	{ "Enter", "detail of the service, or of the alert's process" },
	{ "Esc Backspace", "back; clears a filter first" },
	{ "Tab", "goroutines or threads, sites" },
	{ "Left Right", "another process of the service" },
	{ "a", "alerts" },
	{ "< > s", "sort by the column before, by the next" },
	{ "r", "reverse the order" },
	{ "/", "filter by a part of the name" },
	{ "h ?", "this page" },
	{ "q", "quit" },
};

/* Life */

void screen_init(struct screen *s, const char *source)
{
	*s = (struct screen){ .body_rows = 1 };
	snprintf(s->source, sizeof(s->source), "%s", source);
	table_init(&s->services, &table_services);
	table_init(&s->alerts, &table_alerts);
	table_init(&s->goroutines, &table_goroutines);
	table_init(&s->sites, &table_sites);
}

void screen_done(struct screen *s)
{
	table_done(&s->services);
	table_done(&s->alerts);
	table_done(&s->goroutines);
	table_done(&s->sites);
	json_decref(s->snapshot);
	json_decref(s->target);
}

/* Documents */

static const json_t *self_of(const json_t *snapshot)
{
	return json_object_get(snapshot, "deferd");
}

static const json_t *service_of(const struct screen *s, const char *name)
{
	const json_t *o;
	size_t i;

	json_array_foreach(json_object_get(s->snapshot, "services"), i, o) {
		if (!strcmp(value_string(o, "service"), name))
			return o;
	}
	return NULL;
}

static unsigned place_of_pid(const json_t *pids, uint32_t pid)
{
	const json_t *o;
	size_t i;

	json_array_foreach(pids, i, o) {
		if (json_integer_value(o) == pid)
			return (unsigned)i + 1;
	}
	return 0;
}

static uint32_t deepest_pid(const struct screen *s, const char *service)
{
	const json_t *o;
	double depth, most = -1, pid;
	uint32_t found = 0;
	size_t i;

	json_array_foreach(json_object_get(s->snapshot, "targets"), i, o) {
		if (strcmp(value_string(o, "service"), service) || !value_number(o, "pid", &pid) || pid < 1 || pid > UINT32_MAX)
			continue;
		depth = 0;
		(void)value_number(o, "defer_depth_max", &depth);
		if (depth <= most)
			continue;
		most = depth;
		found = (uint32_t)pid;
	}
	return found;
}

static void measure_cpu(struct screen *s, const json_t *fresh)
{
	double cpu_a, cpu_b, ms_a, ms_b;

	s->have_cpu = value_number(self_of(s->snapshot), "cpu_seconds", &cpu_a) &&
		      value_number(self_of(fresh), "cpu_seconds", &cpu_b) &&
		      value_number(s->snapshot, "time_unix_ms", &ms_a) && value_number(fresh, "time_unix_ms", &ms_b) &&
		      cpu_b >= cpu_a && ms_b > ms_a; /* less CPU than before: it was started again */
	if (s->have_cpu)
		s->cpu_percent = (cpu_b - cpu_a) / ((ms_b - ms_a) / 1e3) * 100;
}

int screen_set_snapshot(struct screen *s, json_t *snapshot)
{
	json_t *old = s->snapshot, *alerts = json_object_get(snapshot, "alerts");
	double now_ms;
	int err;

	measure_cpu(s, snapshot);
	s->snapshot = snapshot;
	if (value_number(snapshot, "time_unix_ms", &now_ms))
		tables_add_ages(alerts, now_ms);
	err = table_fill(&s->services, json_object_get(snapshot, "services"));
	if (table_fill(&s->alerts, alerts))
		err = -ENOMEM;
	if (s->page == PAGE_DETAIL && !place_of_pid(json_object_get(service_of(s, s->service), "pids"), s->pid))
		s->pid = deepest_pid(s, s->service);
	json_decref(old);
	return err;
}

int screen_set_target(struct screen *s, json_t *target)
{
	json_t *old = s->target;
	int err;

	s->target = target;
	s->goroutines.kind = !strcmp(value_string(target, "runtime"), "c") ? &table_threads : &table_goroutines;
	err = table_fill(&s->goroutines, json_object_get(target, "goroutines"));
	if (table_fill(&s->sites, json_object_get(target, "sites")))
		err = -ENOMEM;
	json_decref(old);
	return err;
}

void screen_set_trouble(struct screen *s, const char *text)
{
	snprintf(s->trouble, sizeof(s->trouble), "%s", text);
}

uint32_t screen_pid(const struct screen *s)
{
	return s->page == PAGE_DETAIL ? s->pid : 0;
}

/* Keys */

static struct table *table_of(struct screen *s)
{
	switch (s->page) {
	case PAGE_SERVICES:
		return &s->services;
	case PAGE_ALERTS:
		return &s->alerts;
	case PAGE_DETAIL:
		break;
	}
	return s->tab == TAB_SITES ? &s->sites : &s->goroutines;
}

static void refill(struct screen *s)
{
	struct table *t = table_of(s);
	const char *key = s->page == PAGE_SERVICES ? "services" :
			  s->page == PAGE_ALERTS   ? "alerts" :
			  t == &s->sites	   ? "sites" :
						     "goroutines";

	(void)table_fill(t, json_object_get(s->page == PAGE_DETAIL ? s->target : s->snapshot, key));
}

static void clear_filter(struct screen *s)
{
	table_of(s)->filter[0] = 0;
	refill(s);
}

static enum screen_answer open_detail(struct screen *s, const char *service, uint32_t pid)
{
	if (!service[0] || !pid)
		return SCREEN_STAY;
	snprintf(s->service, sizeof(s->service), "%s", service);
	s->pid = pid;
	s->before = s->page;
	s->page = PAGE_DETAIL;
	s->tab = TAB_GOROUTINES;
	table_done(&s->goroutines);
	table_done(&s->sites);
	table_init(&s->goroutines, &table_goroutines);
	table_init(&s->sites, &table_sites);
	(void)screen_set_target(s, NULL);
	return SCREEN_FETCH;
}

static enum screen_answer enter(struct screen *s)
{
	const json_t *row = table_selected(table_of(s)), *labels = json_object_get(row, "labels");
	const char *service;

	switch (s->page) {
	case PAGE_SERVICES:
		service = value_string(row, "service");
		return open_detail(s, service, deepest_pid(s, service));
	case PAGE_ALERTS:
		return open_detail(s, value_string(labels, "service"),
				   (uint32_t)strtoul(value_string(labels, "pid"), NULL, 10));
	case PAGE_DETAIL:
		break;
	}
	return SCREEN_STAY;
}

static enum screen_answer back(struct screen *s)
{
	if (table_of(s)->filter[0])
		clear_filter(s);
	else if (s->page == PAGE_DETAIL)
		s->page = s->before;
	else
		s->page = PAGE_SERVICES;
	return SCREEN_STAY;
}

static enum screen_answer other_process(struct screen *s, int step)
{
	const json_t *pids = json_object_get(service_of(s, s->service), "pids");
	int n = (int)json_array_size(pids), at = (int)place_of_pid(pids, s->pid) - 1;
	json_int_t pid;

	if (s->page != PAGE_DETAIL || n < 2)
		return SCREEN_STAY;
	pid = json_integer_value(json_array_get(pids, (size_t)((at + step + n) % n)));
	if (pid < 1 || pid > UINT32_MAX)
		return SCREEN_STAY;
	s->pid = (uint32_t)pid;
	(void)screen_set_target(s, NULL);
	return SCREEN_FETCH;
}

static void show_alerts(struct screen *s)
{
	s->page = s->page == PAGE_ALERTS ? PAGE_SERVICES : PAGE_ALERTS;
}

static void sort_by(struct screen *s, int step)
{
	table_sort_by(table_of(s), step);
	refill(s);
}

static void reverse(struct screen *s)
{
	table_of(s)->descending ^= true;
	refill(s);
}

static bool move(struct screen *s, uint32_t key)
{
	int page = s->body_rows > 1 ? (int)s->body_rows - 1 : 1, end = (int)table_of(s)->n, rows;

	switch (key) {
	case SCREEN_UP:
		rows = -1;
		break;
	case SCREEN_DOWN:
		rows = 1;
		break;
	case SCREEN_PAGE_UP:
		rows = -page;
		break;
	case SCREEN_PAGE_DOWN:
		rows = page;
		break;
	case SCREEN_HOME:
		rows = -end;
		break;
	case SCREEN_END:
		rows = end;
		break;
	default:
		return false;
	}
	if (!s->help)
		table_move(table_of(s), rows);
	else if (rows < 0)
		s->help_top -= s->help_top < (unsigned)-rows ? s->help_top : (unsigned)-rows;
	else
		s->help_top += (unsigned)rows; /* drawing knows where it ends */
	return true;
}

static enum screen_answer filter_key(struct screen *s, uint32_t key)
{
	if (key == SCREEN_ESCAPE)
		table_of(s)->filter[0] = 0;
	if (key == SCREEN_ERASE)
		table_filter_cut(table_of(s));
	else if (key >= ' ' && key < SCREEN_UP)
		table_filter_add(table_of(s), key);
	else
		s->filtering = false;
	refill(s);
	return SCREEN_STAY;
}

static enum screen_answer help_key(struct screen *s, uint32_t key)
{
	switch (key) {
	case 'j':
		key = SCREEN_DOWN;
		break;
	case 'k':
		key = SCREEN_UP;
		break;
	}
	if (!move(s, key))
		s->help = false;
	return key == 'q' ? SCREEN_QUIT : SCREEN_STAY;
}

static enum screen_answer command_key(struct screen *s, uint32_t key)
{
	switch (key) {
	case 'q':
		return SCREEN_QUIT;
	case SCREEN_ENTER:
		return enter(s);
	case SCREEN_ESCAPE:
	case SCREEN_ERASE:
		return back(s);
	case SCREEN_LEFT:
		return other_process(s, -1);
	case SCREEN_RIGHT:
		return other_process(s, 1);
	case SCREEN_TAB:
		s->tab = s->tab == TAB_SITES ? TAB_GOROUTINES : TAB_SITES;
		break;
	case 'j':
		(void)move(s, SCREEN_DOWN);
		break;
	case 'k':
		(void)move(s, SCREEN_UP);
		break;
	case 'a':
		show_alerts(s);
		break;
	case '<':
		sort_by(s, -1);
		break;
	case '>':
	case 's':
		sort_by(s, 1);
		break;
	case 'r':
		reverse(s);
		break;
	case '/':
		s->filtering = true;
		break;
	case 'h':
	case '?':
		s->help = true;
		s->help_top = 0;
		break;
	}
	return SCREEN_STAY;
}

enum screen_answer screen_key(struct screen *s, uint32_t key)
{
	if (s->help)
		return help_key(s, key);
	if (move(s, key))
		return SCREEN_STAY;
	return s->filtering ? filter_key(s, key) : command_key(s, key);
}

/* Drawing: pieces of a line, left to right; what does not fit whole is left out, and all after it */

struct line {
	struct grid *g;
	unsigned row, col;
	bool full;
};

__attribute__((format(printf, 4, 5))) static void put(struct line *l, const char *name, enum style style, const char *fmt, ...)
{
	char text[TABLE_KEY_MAX];
	unsigned need, at;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	at = l->col ? l->col + 2 : 0;
	need = grid_width(text) + (name[0] ? grid_width(name) + 1 : 0);
	/* The first piece is cut rather than left out. */
	l->full |= at && at + need > l->g->cols;
	if (l->full)
		return;
	if (name[0])
		at += grid_put(l->g, l->row, at, l->g->cols, STYLE_DIM, name) + 1;
	l->col = at + grid_put(l->g, l->row, at, l->g->cols, style, text);
}

static void put_count(struct line *l, const char *name, const json_t *o, const char *key, enum style style_above_zero)
{
	char text[VALUE_MAX] = "-";
	double n = 0;

	if (value_number(o, key, &n))
		value_count(text, sizeof(text), n, 9);
	put(l, name, n > 0 ? style_above_zero : STYLE_PLAIN, "%s", text);
}

static void put_string(struct line *l, const char *name, const json_t *o, const char *key)
{
	put(l, name, STYLE_PLAIN, "%s", value_string(o, key)[0] ? value_string(o, key) : "-");
}

static unsigned count_firing(const struct screen *s)
{
	unsigned n = 0;
	const json_t *a;
	size_t i;

	json_array_foreach(json_object_get(s->snapshot, "alerts"), i, a)
		n += !strcmp(value_string(a, "state"), "firing");
	return n;
}

static void draw_source(const struct screen *s, struct grid *g)
{
	const json_t *self = self_of(s->snapshot);
	struct line l = { g };

	put(&l, "", STYLE_STRONG, "deferd%s%s", value_string(self, "version")[0] ? " " : "", value_string(self, "version"));
	put(&l, "", STYLE_GOOD, "%s", s->source);
	if (json_is_false(json_object_get(self, "settled")))
		put(&l, "", STYLE_WARN, "still inspecting processes");
}

static void draw_kernel(const struct screen *s, struct grid *g)
{
	const json_t *self = self_of(s->snapshot);
	struct line l = { g, 1 };

	put_string(&l, "kernel", self, "kernel");
	put_string(&l, "attach", self, "attach");
	put_string(&l, "probes", self, "probe_set");
	put_string(&l, "fd hooks", self, "fd_hooks");
}

static void draw_health(const struct screen *s, struct grid *g)
{
	const json_t *self = self_of(s->snapshot);
	unsigned firing = count_firing(s);
	char rss[VALUE_MAX] = "-";
	struct line l = { g, 2 };
	double bytes;

	if (firing)
		put(&l, "", STYLE_ALARM, "%u alert%s firing", firing, firing > 1 ? "s" : "");
	else
		put(&l, "", STYLE_GOOD, "no alert firing");
	put_count(&l, "events", self, "events", STYLE_PLAIN);
	put_count(&l, "dropped", self, "events_dropped", STYLE_ALARM);
	if (s->have_cpu)
		put(&l, "own cpu", STYLE_PLAIN, "%.1f%%", s->cpu_percent);
	else
		put(&l, "own cpu", STYLE_PLAIN, "-");
	if (value_number(self, "rss_bytes", &bytes))
		value_bytes(rss, sizeof(rss), bytes);
	put(&l, "rss", STYLE_PLAIN, "%s", rss);
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
		put(l, "filter", STYLE_WARN, "%s", t->filter);
	put(l, "sorted by", STYLE_PLAIN, "%s, %s first", c->title,
	    c->number ? t->descending ? "highest" : "lowest" : t->descending ? "last" : "a");
}

static void draw_title(struct screen *s, struct grid *g, unsigned row)
{
	const struct table *t = table_of(s);
	struct line l = { g, row };

	if (t->filter[0])
		put(&l, "", STYLE_STRONG, "%u of %u %s", t->n, t->total, t->kind->noun);
	else
		put(&l, "", STYLE_STRONG, "%u %s", t->total, t->kind->noun);
	put_table_state(&l, t);
}

static void draw_target_title(struct screen *s, struct grid *g, unsigned row)
{
	const json_t *pids = json_object_get(service_of(s, s->service), "pids");
	char open[VALUE_MAX] = "-", limit[VALUE_MAX] = "-";
	struct line l = { g, row };
	double n;

	put(&l, "", STYLE_STRONG, "%s", s->service);
	if (json_array_size(pids) > 1)
		put(&l, "pid", STYLE_PLAIN, "%u (%u of %zu)", s->pid, place_of_pid(pids, s->pid), json_array_size(pids));
	else
		put(&l, "pid", STYLE_PLAIN, "%u", s->pid);
	put_string(&l, "", s->target, "version");
	put_string(&l, "", s->target, "state");
	put_count(&l, "depth", s->target, "defer_depth_max", STYLE_PLAIN);
	put_count(&l, "panics", s->target, "panics_started", STYLE_PLAIN);
	if (value_number(s->target, "open_fds", &n))
		value_count(open, sizeof(open), n, 9);
	if (value_number(s->target, "max_fds", &n))
		value_count(limit, sizeof(limit), n, 9);
	put(&l, "fds", STYLE_PLAIN, "%s of %s", open, limit);
	put_count(&l, "alerts", s->target, "alerts_firing", STYLE_ALARM);
}

static void put_tab(struct line *l, const struct table *t, bool chosen)
{
	char count[48];

	snprintf(count, sizeof(count), t->filter[0] ? "%u of %u" : "%u", t->filter[0] ? t->n : t->total, t->total);
	put(l, "", chosen ? STYLE_STRONG : STYLE_PLAIN, "%c%s %s%c", chosen ? '[' : ' ', count, t->kind->noun, chosen ? ']' : ' ');
}

static void draw_tabs(struct screen *s, struct grid *g, unsigned row)
{
	struct line l = { g, row };

	put_tab(&l, &s->goroutines, s->tab == TAB_GOROUTINES);
	put_tab(&l, &s->sites, s->tab == TAB_SITES);
	put_table_state(&l, table_of(s));
}

static const char *why_empty(struct screen *s)
{
	if (!s->snapshot)
		return "waiting for the first numbers";
	if (table_of(s)->filter[0])
		return "nothing matches the filter; Esc clears it";
	switch (s->page) {
	case PAGE_ALERTS:
		return "no alert is pending or firing";
	case PAGE_DETAIL:
		return !s->pid    ? "the service has no process any more" :
		       !s->target ? "waiting for this process" :
				    "none seen yet";
	case PAGE_SERVICES:
		break;
	}
	return json_is_false(json_object_get(self_of(s->snapshot), "settled")) ?
		       "none found yet" :
		       "no Go service and no C service with a defer runtime is running";
}

/* The bottom line: what is said of the selected row beside its columns. */

static bool put_state(struct line *l, const json_t *o)
{
	const char *state = value_string(o, "state"), *reason = value_string(o, "reason");
	bool failed = !strcmp(state, "failed");

	if (!failed && strcmp(state, "limited"))
		return false;
	put(l, "", failed ? STYLE_ALARM : STYLE_WARN, "%s%s%s", state, reason[0] ? ": " : "", reason);
	return true;
}

static void put_place(struct line *l, const char *name, const json_t *site)
{
	char place[VALUE_MAX];

	tables_place(site, place, sizeof(place));
	if (strcmp(place, "-"))
		put(l, name, STYLE_PLAIN, "%s", place);
}

static void put_selected(struct screen *s, struct line *l)
{
	const json_t *row = table_selected(table_of(s));

	if (s->page == PAGE_ALERTS) {
		put(l, "", STYLE_PLAIN, "%s", value_string(json_object_get(row, "annotations"), "summary"));
	} else if (s->page == PAGE_SERVICES) {
		if (!put_state(l, row))
			put_place(l, "deepest at", json_object_get(row, "deepest_site"));
	} else if (!put_state(l, s->target)) {
		if (s->tab == TAB_SITES)
			put_place(l, "", row);
		else
			put_place(l, "its peak was at", json_object_get(row, "peak_site"));
	}
}

static void draw_note(struct screen *s, struct grid *g, unsigned row)
{
	struct line l = { g, row };

	if (s->trouble[0])
		put(&l, "", STYLE_ALARM, "%s", s->trouble);
	else if (!s->help)
		put_selected(s, &l);
}

static void draw_keys(struct screen *s, struct grid *g, unsigned row)
{
	struct line l = { g, row };

	if (s->filtering) {
		put(&l, "", STYLE_KEY, "/%s_", table_of(s)->filter);
		put(&l, "Enter", STYLE_PLAIN, "keeps it");
		put(&l, "Esc", STYLE_PLAIN, "clears it");
		return;
	}
	if (s->help) {
		put(&l, "any key", STYLE_PLAIN, "back");
		return;
	}
	put(&l, "q", STYLE_KEY, "quit");
	if (s->page == PAGE_DETAIL) {
		put(&l, "Esc", STYLE_KEY, "back");
		put(&l, "Tab", STYLE_KEY, "%s", s->tab == TAB_SITES ? s->goroutines.kind->noun : "sites");
	} else {
		put(&l, "Enter", STYLE_KEY, "detail");
		put(&l, "a", STYLE_KEY, "%s", s->page == PAGE_ALERTS ? "services" : "alerts");
	}
	put(&l, "?", STYLE_KEY, "help");
	put(&l, "/", STYLE_KEY, "filter");
	put(&l, "< >", STYLE_KEY, "sort");
	put(&l, "r", STYLE_KEY, "reverse");
	if (s->page == PAGE_DETAIL && json_array_size(json_object_get(service_of(s, s->service), "pids")) > 1)
		put(&l, "Left Right", STYLE_KEY, "process");
}

static void help_line(struct grid *g, unsigned row, const char *left, const char *right)
{
	(void)grid_put(g, row, 0, HELP_KEY_WIDTH, STYLE_KEY, left);
	(void)grid_put(g, row, HELP_KEY_WIDTH + 1, g->cols, STYLE_PLAIN, right);
}

/* Keys, a blank line, the columns of the table behind it. */
static void draw_help(struct screen *s, struct grid *g, unsigned row, unsigned n)
{
	const struct column *columns = table_of(s)->kind->columns;
	unsigned n_keys = ARRAY_SIZE(help_keys), n_columns = 0, all;

	while (columns[n_columns].title)
		n_columns++;
	all = n_keys + 1 + n_columns;
	if (s->help_top + n > all)
		s->help_top = all > n ? all - n : 0;
	for (unsigned i = 0; i < n && s->help_top + i < all; i++) {
		unsigned at = s->help_top + i;

		if (at < n_keys)
			help_line(g, row + i, help_keys[at].keys, help_keys[at].meaning);
		else if (at > n_keys)
			help_line(g, row + i, columns[at - n_keys - 1].title, columns[at - n_keys - 1].meaning);
	}
}

static void draw_body(struct screen *s, struct grid *g, unsigned row, unsigned n)
{
	struct line empty = { g, row + 1 };

	if (s->page == PAGE_DETAIL && n) {
		draw_tabs(s, g, row++);
		empty.row++;
		n--;
	}
	s->body_rows = n ? n - 1 : 0;
	if (!n)
		return;
	table_draw(table_of(s), g, row, n - 1, true);
	if (!table_of(s)->n && n > 1)
		put(&empty, "", STYLE_DIM, "%s", why_empty(s));
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

int screen_print(struct screen *s, unsigned width, struct buf *b)
{
	unsigned need = table_width(&s->services);
	struct grid g;

	if (!width)
		width = need > PRINT_WIDTH_MIN ? need : PRINT_WIDTH_MIN;
	if (grid_init(&g, HEADER_ROWS + 2 + s->services.n, width))
		return -ENOMEM;
	draw_header(s, &g);
	table_draw(&s->services, &g, HEADER_ROWS + 1, s->services.n, false);
	grid_text(&g, g.rows, b);
	grid_done(&g);
	return b->failed ? -ENOMEM : 0;
}
