/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What moving the screen (screen.c) and drawing it (screen_draw.c) share. */
#ifndef DEFERD_UI_SCREEN_PRIV_H
#define DEFERD_UI_SCREEN_PRIV_H

#include "ui/screen.h"
#include "ui/tables.h"

/* The table that answers keys. */
struct table *screen_table(struct screen *s);
/* Text is shown in place of a table: an opened panic. */
bool screen_reads(const struct screen *s);
/* A member of services[]; NULL: it is gone. */
const json_t *screen_service(const struct screen *s, const char *name);
/* From 1; 0: not among them. */
unsigned screen_place_of_pid(const json_t *pids, uint32_t pid);

#endif
