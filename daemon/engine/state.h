/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The file that outlives the daemon: read once when it starts, written when something changed, at most once in
 * STATE_EVERY_NS, or STATE_SOON_NS after an alert began or ended, and when the daemon ends. A thread writes, because a disk may
 * take seconds; the end waits for it. One daemon a folder. Logs what it cannot do, once until it can again. Loop thread.
 */
#ifndef DEFERD_ENGINE_STATE_H
#define DEFERD_ENGINE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/reason.h"

#define STATE_FILE     "state"
#define STATE_VERSION  1
#define STATE_EVERY_NS 60000000000ull
#define STATE_SOON_NS  2000000000ull

struct state;

/*
 * 0, or negative errno with the reason: -EBUSY: another daemon uses the folder. It is made if its parent is there. `name` of
 * the folder is copied.
 */
int state_open(const char *dir, struct state **ret_s, struct reason *reason);
/* Whether a daemon that starts now could: the same, and nothing is left behind but the folder. One that runs there is good. */
int state_check(const char *dir, struct reason *reason);
/* What the daemon before kept, the caller's. NULL: nothing, or it was ignored, which is logged with the reason. */
json_t *state_read(struct state *s);

/* An alert has begun or ended. NULL is allowed here and below: nothing is kept. */
void state_note(struct state *s);
/* It is time to make a document and give it to state_write(). */
bool state_is_due(struct state *s, uint64_t now_ns);
/* Takes the document, of engine_keep(); NULL: there is none now. */
void state_write(struct state *s, json_t *doc, uint64_t now_ns);
/* The last one, and all is free. */
void state_close(struct state *s, json_t *doc);

struct state_stats {
	uint64_t written, failed;
};
void state_get_stats(const struct state *s, struct state_stats *ret);

#endif
