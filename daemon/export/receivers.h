/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Who is told of alerts over the network: Alertmanagers (API v2, all of them, again and again while an alert fires; with
 * each message they are asked which alerts are silenced there), and webhooks (each change once). Each has a thread, which one that does not answer keeps from nothing else. A message says
 * what is the case, not what has happened: whatever one could not be told while it was away, the next message says, so
 * that there is no queue to run over. The loop's thread owns all but the message that is under way.
 */
#ifndef DEFERD_EXPORT_RECEIVERS_H
#define DEFERD_EXPORT_RECEIVERS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "alert/alert.h"
#include "base/reason.h"

#define RECEIVERS_MAX     16
#define RECEIVER_TEXT_MAX 256
#define RECEIVER_BACK_OFF_MIN_NS \
	1000000000ull /* doubled with each failure, plus up to a quarter by chance */
#define RECEIVER_BACK_OFF_MAX_NS 60000000000ull

enum receiver_kind { RECEIVER_ALERTMANAGER, RECEIVER_WEBHOOK };

struct receiver_opts {
	enum receiver_kind kind;
	char url[RECEIVER_TEXT_MAX]; /* of an Alertmanager without /api/v2/alerts */
	char ca_file[RECEIVER_TEXT_MAX];
	char bearer_token_file[RECEIVER_TEXT_MAX];
	uint64_t timeout_ns;
};

struct receivers_opts {
	unsigned n;
	struct receiver_opts list[RECEIVERS_MAX];
	uint64_t resend_ns;           /* to an Alertmanager, while an alert fires */
	char link[RECEIVER_TEXT_MAX]; /* generatorURL of all alerts; "": none */
	char host
		[HOST_NAME_MAX +
		 1]; /* the label `instance`, unless `labels` has one: two hosts are two alerts; "": none */
	unsigned n_labels; /* for all alerts */
	struct rule_label labels[RULE_LABELS_MAX];
};

/* What became of messages to one. */
struct receiver_stats {
	const char *url;
	enum receiver_kind kind;
	uint64_t sent;          /* taken by it */
	uint64_t failed;        /* not answered, or 5xx: tried again */
	uint64_t refused;       /* 3xx or 4xx: not tried again */
	uint64_t good_ns;       /* when one was taken last; 0: none yet */
	const char *last_error; /* "": the last one was taken */
};

struct receivers;

/* 0; -ENOSYS with the reason: libcurl is not installed; -ENOMEM. `opts` is copied. */
int receivers_new(const struct receivers_opts *opts, struct receivers **ret_rs,
		  struct reason *reason);
/* Waits for what is under way, for a second at most. NULL is allowed. */
void receivers_free(struct receivers *rs);
/*
 * Others from now on; those whose url and kind stay have heard what they have heard. 0 or negative errno: then the old ones
 * stay.
 */
int receivers_reload(struct receivers *rs, const struct receivers_opts *opts,
		     struct reason *reason);

/* For the log: the first failure of a row, and that it is over. */
typedef void (*receivers_tell_fn)(bool bad, const char *text);

/* An alert begins to fire: it is told even if it is over before the next tick. */
void receivers_note(struct receivers *rs, const struct alert *a);

/*
 * Before the first tick: those of `active` that an earlier deferd has told to everybody (`heard`) are told to no webhook again.
 * Alertmanagers are to hear of them again and again anyhow.
 */
void receivers_adopt(struct receivers *rs, const struct alert *active);
/* Every webhook has been told of it. NULL is allowed: there is none. */
bool receivers_heard(const struct receivers *rs, const struct alert *a);
/* Once a second: what is due goes out. */
void receivers_tick(struct receivers *rs, const struct alert *active, uint64_t now_ns,
		    int64_t unix_ms, receivers_tell_fn tell);

unsigned receivers_count(const struct receivers *rs); /* NULL: 0 */
void receivers_get_stats(const struct receivers *rs, unsigned i, struct receiver_stats *ret_stats);
/* The silence that an Alertmanager had for it when it was told last, as in silences.h, borrowed; NULL: none that is known. */
const json_t *receivers_silence(const struct receivers *rs, const struct alert *a);
/* Alerts that found no room: see DIGEST_MAX. */
uint64_t receivers_dropped(const struct receivers *rs);

#endif
