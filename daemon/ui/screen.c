// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The state of the screen, and what keys do to it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/screen_priv.h"

#define LINES_ENOUGH 1000000 /* more than there are of anything that scrolls */

/* Life */

static const struct {
	const struct table_kind *kind;
	const char *list; /* of the target's document */
} tabs[TAB_MAX] = {
	[TAB_GOROUTINES] = { &table_goroutines, "goroutines" },
	[TAB_SITES] = { &table_sites, "sites" },
	[TAB_GROUPS] = { &table_groups, "groups" },
	[TAB_DESCRIPTORS] = { &table_fd_groups, "fd_groups" },
	[TAB_OPENERS] = { &table_fd_sites, "fd_sites" },
};

static void init_tabs(struct screen *s)
{
	for (int i = 0; i < TAB_MAX; i++)
		table_init(&s->tabs[i], tabs[i].kind);
}

static void done_tabs(struct screen *s)
{
	for (int i = 0; i < TAB_MAX; i++)
		table_done(&s->tabs[i]);
}

void screen_init(struct screen *s, const char *source)
{
	*s = (struct screen){ .body_rows = 1 };
	snprintf(s->source, sizeof(s->source), "%s", source);
	table_init(&s->services, &table_services);
	table_init(&s->alerts, &table_alerts);
	init_tabs(s);
	panics_page_init(&s->panics, "");
}

void screen_done(struct screen *s)
{
	table_done(&s->services);
	table_done(&s->alerts);
	done_tabs(s);
	panics_page_done(&s->panics);
	json_decref(s->snapshot);
	json_decref(s->target);
}

/* Documents */

const json_t *screen_service(const struct screen *s, const char *name)
{
	const json_t *o;
	size_t i;

	json_array_foreach (json_object_get(s->snapshot, "services"), i, o) {
		if (!strcmp(value_string(o, "service"), name))
			return o;
	}
	return NULL;
}

unsigned screen_place_of_pid(const json_t *pids, uint32_t pid)
{
	const json_t *o;
	size_t i;

	json_array_foreach (pids, i, o) {
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

	json_array_foreach (json_object_get(s->snapshot, "targets"), i, o) {
		if (strcmp(value_string(o, "service"), service) || !value_number(o, "pid", &pid) ||
		    pid < 1 || pid > UINT32_MAX)
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

	s->have_cpu = value_number(json_object_get(s->snapshot, "deferd"), "cpu_seconds", &cpu_a) &&
		      value_number(json_object_get(fresh, "deferd"), "cpu_seconds", &cpu_b) &&
		      value_number(s->snapshot, "time_unix_ms", &ms_a) &&
		      value_number(fresh, "time_unix_ms", &ms_b) && cpu_b >= cpu_a &&
		      ms_b > ms_a; /* less CPU than before: it was started again */
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
		tables_add_ages(alerts, "activeAt", now_ms);
	err = table_fill(&s->services, json_object_get(snapshot, "services"));
	if (table_fill(&s->alerts, alerts))
		err = -ENOMEM;
	if (s->service[0] &&
	    !screen_place_of_pid(json_object_get(screen_service(s, s->service), "pids"), s->pid))
		s->pid = deepest_pid(s, s->service);
	json_decref(old);
	return err;
}

int screen_set_target(struct screen *s, json_t *target)
{
	json_t *old = s->target;
	int err = 0;

	s->target = target;
	s->tabs[TAB_GOROUTINES].kind =
		!strcmp(value_string(target, "runtime"), "c") ? &table_threads : &table_goroutines;
	for (int i = 0; i < TAB_MAX; i++) {
		if (table_fill(&s->tabs[i], json_object_get(target, tabs[i].list)))
			err = -ENOMEM;
	}
	json_decref(old);
	return err;
}

void screen_set_trouble(struct screen *s, const char *text)
{
	snprintf(s->trouble, sizeof(s->trouble), "%s", text);
}

int screen_set_panics(struct screen *s, json_t *panics)
{
	double now_ms = 0;

	(void)value_number(s->snapshot, "time_unix_ms", &now_ms);
	return panics_page_set(&s->panics, panics, now_ms);
}

void screen_set_panics_trouble(struct screen *s, const char *text)
{
	snprintf(s->panics.trouble, sizeof(s->panics.trouble), "%s", text);
}

const char *screen_panics(const struct screen *s)
{
	return s->page == PAGE_PANICS ? s->panics.service : NULL;
}

uint32_t screen_pid(const struct screen *s)
{
	return s->page == PAGE_DETAIL ? s->pid : 0;
}

/* Keys */

struct table *screen_table(struct screen *s)
{
	switch (s->page) {
	case PAGE_SERVICES:
		return &s->services;
	case PAGE_ALERTS:
		return &s->alerts;
	case PAGE_PANICS:
		return panics_page_table(&s->panics);
	case PAGE_DETAIL:
		break;
	}
	return &s->tabs[s->tab];
}

bool screen_reads(const struct screen *s)
{
	return s->page == PAGE_PANICS && s->panics.opened;
}

static const json_t *shown_list(const struct screen *s)
{
	switch (s->page) {
	case PAGE_SERVICES:
		return json_object_get(s->snapshot, "services");
	case PAGE_ALERTS:
		return json_object_get(s->snapshot, "alerts");
	case PAGE_PANICS:
		return panics_page_list(&s->panics);
	case PAGE_DETAIL:
		break;
	}
	return json_object_get(s->target, tabs[s->tab].list);
}

static void refill(struct screen *s)
{
	(void)table_fill(screen_table(s), shown_list(s));
}

static void clear_filter(struct screen *s)
{
	screen_table(s)->filter[0] = 0;
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
	done_tabs(s);
	init_tabs(s);
	(void)screen_set_target(s, NULL);
	return SCREEN_FETCH;
}

static enum screen_answer enter(struct screen *s)
{
	const json_t *row = table_selected(screen_table(s)),
		     *labels = json_object_get(row, "labels");
	const char *service;

	switch (s->page) {
	case PAGE_SERVICES:
		service = value_string(row, "service");
		return open_detail(s, service, deepest_pid(s, service));
	case PAGE_ALERTS:
		return open_detail(s, value_string(labels, "service"),
				   (uint32_t)strtoul(value_string(labels, "pid"), NULL, 10));
	case PAGE_PANICS:
		panics_page_open(&s->panics);
		break;
	case PAGE_DETAIL:
		break;
	}
	return SCREEN_STAY;
}

/* A detail below was not kept up meanwhile. */
static enum screen_answer leave_panics(struct screen *s)
{
	panics_page_close(&s->panics);
	s->page = s->panics_before;
	return s->page == PAGE_DETAIL ? SCREEN_FETCH : SCREEN_STAY;
}

/* On a detail those of its service, elsewhere those of all. */
static enum screen_answer show_panics(struct screen *s)
{
	if (s->page == PAGE_PANICS)
		return leave_panics(s);
	panics_page_done(&s->panics);
	panics_page_init(&s->panics, s->page == PAGE_DETAIL ? s->service : "");
	s->panics_before = s->page;
	s->page = PAGE_PANICS;
	return SCREEN_FETCH;
}

static enum screen_answer back(struct screen *s)
{
	if (screen_reads(s))
		panics_page_close(&s->panics);
	else if (screen_table(s)->filter[0])
		clear_filter(s);
	else if (s->page == PAGE_PANICS)
		return leave_panics(s);
	else if (s->page == PAGE_DETAIL)
		s->page = s->before;
	else
		s->page = PAGE_SERVICES;
	return SCREEN_STAY;
}

static enum screen_answer other_process(struct screen *s, int step)
{
	const json_t *pids = json_object_get(screen_service(s, s->service), "pids");
	int n = (int)json_array_size(pids), at = (int)screen_place_of_pid(pids, s->pid) - 1;
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
	panics_page_close(&s->panics);
	s->page = s->page == PAGE_ALERTS ? PAGE_SERVICES : PAGE_ALERTS;
}

static void next_tab(struct screen *s)
{
	if (s->page == PAGE_PANICS)
		s->panics.tab = (s->panics.tab + 1) % PANICS_TAB_MAX;
	else
		s->tab = (s->tab + 1) % TAB_MAX;
}

static void sort_by(struct screen *s, int step)
{
	table_sort_by(screen_table(s), step);
	refill(s);
}

static void reverse(struct screen *s)
{
	screen_table(s)->descending ^= true;
	refill(s);
}

static bool move(struct screen *s, uint32_t key)
{
	int page = s->body_rows > 1 ? (int)s->body_rows - 1 : 1,
	    end = s->help || screen_reads(s) ? LINES_ENOUGH : (int)screen_table(s)->n, rows;

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
	if (!s->help && screen_reads(s))
		panics_page_scroll(&s->panics, rows);
	else if (!s->help)
		table_move(screen_table(s), rows);
	else
		s->help_top = grid_scroll(s->help_top, rows);
	return true;
}

static enum screen_answer filter_key(struct screen *s, uint32_t key)
{
	if (key == SCREEN_ESCAPE)
		screen_table(s)->filter[0] = 0;
	if (key == SCREEN_ERASE)
		table_filter_cut(screen_table(s));
	else if (key >= ' ' && key < SCREEN_UP)
		table_filter_add(screen_table(s), key);
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

/* Of the table, which is not to be seen while there is text in its place. */
static bool is_table_key(uint32_t key)
{
	return key == SCREEN_TAB || key == '<' || key == '>' || key == 's' || key == 'r' ||
	       key == '/';
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
		next_tab(s);
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
	case 'p':
		return show_panics(s);
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
	if (screen_reads(s) && is_table_key(key))
		return SCREEN_STAY;
	return s->filtering ? filter_key(s, key) : command_key(s, key);
}
