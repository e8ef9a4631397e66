/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What `top` shows, as data: documents (export/views.h) and keys in, a grid of cells out. Knows no
 * terminal, no clock and no source: whoever owns it fetches what screen_pid() and screen_panics()
 * want, passes keys on, and draws the grid.
 *
 * Documents come from elsewhere: members may be missing, null or of another type, and show as "-".
 */
#ifndef DEFERD_UI_SCREEN_H
#define DEFERD_UI_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "ui/grid.h"
#include "ui/panics_page.h"
#include "ui/table.h"

/* Keys without a character: beyond the code points. */
enum screen_key {
	SCREEN_UP = 0x110000,
	SCREEN_DOWN,
	SCREEN_LEFT,
	SCREEN_RIGHT,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_HOME,
	SCREEN_END,
	SCREEN_ENTER,
	SCREEN_ESCAPE,
	SCREEN_ERASE,
	SCREEN_TAB,
};

enum screen_answer {
	SCREEN_STAY,
	SCREEN_QUIT,
	SCREEN_FETCH, /* screen_pid() or screen_panics() has changed */
};

enum screen_page { PAGE_SERVICES, PAGE_ALERTS, PAGE_DETAIL, PAGE_PANICS };
enum screen_tab { TAB_GOROUTINES, TAB_SITES, TAB_GROUPS, TAB_DESCRIPTORS, TAB_OPENERS, TAB_MAX };

struct screen {
	enum screen_page page;
	enum screen_page before,
		panics_before; /* where Escape leads from the detail, from panics */
	enum screen_tab tab;
	bool help, filtering;
	unsigned help_top, body_rows; /* body_rows: of the last drawing, a page of PgUp and PgDn */
	char source[320], trouble[256];
	json_t *snapshot, *target; /* NULL: not there yet */
	bool have_cpu;
	double cpu_percent;          /* of the daemon, between the last two snapshots */
	char service[TABLE_KEY_MAX]; /* of the detail */
	uint32_t pid;                /* of the detail; 0: the service has no process any more */
	struct table services, alerts;
	struct table tabs[TAB_MAX]; /* of the detail */
	struct panics_page panics;
};

/* `source`: one line that tells where the documents come from; copied. */
void screen_init(struct screen *s, const char *source);
void screen_done(struct screen *s);

/* Documents are taken. 0 or -ENOMEM; the screen shows what it can in either case. */
int screen_set_snapshot(struct screen *s, json_t *snapshot);
int screen_set_target(struct screen *s, json_t *target); /* NULL: no process has this pid */
/* As of the last snapshot; clears its trouble. */
int screen_set_panics(struct screen *s, json_t *panics);
/* Why there is no such document, or only an old one; shown on its page alone. */
void screen_set_panics_trouble(struct screen *s, const char *text);
/* A line that stays until it is replaced by "": why the documents are old. */
void screen_set_trouble(struct screen *s, const char *text);

/* The process whose document is wanted beside the snapshot; 0: none. */
uint32_t screen_pid(const struct screen *s);
/* The service whose panics are wanted beside it: "" those of all; NULL: none. Borrowed from s. */
const char *screen_panics(const struct screen *s);
enum screen_answer screen_key(struct screen *s, uint32_t key);

/* Fill a blank grid of any size. */
void screen_draw(struct screen *s, struct grid *g);
/*
 * Header, all services and alerts as lines of text, no wider than `width` (0: as wide as they are).
 * 0 or -ENOMEM.
 */
int screen_print(struct screen *s, unsigned width, struct buf *b);

#endif
