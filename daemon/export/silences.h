/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which alerts an Alertmanager keeps from people: its own word, since only it knows how its matchers are meant. Pure:
 * whoever asks it hands over the answers. An object by digest_key():
 *
 *   { id, created_by, comment, ends_at: "2026-11-27T20:15:00Z"; all but `id` absent until silences_add_detail() }
 */
#ifndef DEFERD_EXPORT_SILENCES_H
#define DEFERD_EXPORT_SILENCES_H

#include <jansson.h>

#define SILENCES_MAX        1024 /* alerts that are looked at; further ones are taken for not silenced */
#define SILENCES_DETAIL_MAX 16 /* silences whose details are asked for */
#define SILENCE_ID_MAX      64

/* What is asked for, behind the address of the Alertmanager. */
#define SILENCES_PATH "/api/v2/alerts?active=false&inhibited=false&unprocessed=false&silenced=true"

/* `text`: the answer to SILENCES_PATH. The object is the caller's; NULL: it is no list. */
json_t *silences_parse(const char *text);

/* The ids in it, each once; only those that may stand in a path (letters, digits, '-'). Returns how many. */
unsigned silences_ids(const json_t *silences,
		      char ret_ids[static SILENCES_DETAIL_MAX][SILENCE_ID_MAX]);

/* `text`: the answer to /api/v2/silence/ID. What it cannot be read from stays without. */
void silences_add_detail(json_t *silences, const char *id, const char *text);

#endif
