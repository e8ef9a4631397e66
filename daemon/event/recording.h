/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A file of recorded events: all that the model was given, in its order, with the marks at which rules were judged. Played
 * back through the same model and rules it gives the same alerts at the same times, without a kernel.
 *
 * The file is text, one JSON object a line, compressed by gzip; `zcat FILE | jq` reads it. The first line is
 * {"recording": 1, "deferd": VERSION}; an event is {"ev": TYPE, "ns": TIME, ...} with the fields of its struct that are
 * not zero (event.h), a name {"name": ADDRESS, ...}, a mark {"mark": WHAT, "ns": TIME}. Times are CLOCK_MONOTONIC of the
 * host that recorded. Panic messages of the observed programs are in it as they were. One thread at a time.
 */
#ifndef DEFERD_EVENT_RECORDING_H
#define DEFERD_EVENT_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"
#include "event/event.h"
#include "golang/gotype.h"

#define RECORDING_PLACES_MAX 16        /* functions of one address, what is inlined included */
#define RECORDING_LINE_MAX   (1 << 20) /* bytes; a longer line is not of ours */

/* What an address of an image is called, as an image worker has answered. */
struct recorded_name {
	uint32_t image_id;
	uint32_t kind; /* what was asked for: see model/names.h */
	uint64_t addr;
	unsigned n;
	struct recorded_place {
		const char *function, *file; /* never NULL */
		uint32_t line;
	} places[RECORDING_PLACES_MAX]; /* innermost first; none: it has no name */
	bool open_defers, wrapper, has_frame;
	uint32_t frame;
	bool has_type;
	struct gotype type;
};

enum recorded_mark {
	MARK_TICK,              /* a second of the model ended */
	MARK_JUDGE,             /* the rules were evaluated */
	MARK_AFTERMATH_DROPPED, /* the next complete aftermath was discarded */
	MARK_AFTERMATH_ENDED,   /* ... closed: its goroutine was gone */
	MARK_AFTERMATH_WENT_ON, /* ... closed: its goroutine went on */
	MARK_AFTERMATHS_OVER,   /* watching ended: all that are open were discarded */
	MARK_MAX,
};

struct recorded {
	enum { RECORDED_EVENT, RECORDED_NAME, RECORDED_MARK } what;
	struct event ev;
	struct recorded_name name;
	enum recorded_mark mark;
	uint64_t now_ns; /* of a mark */
};

/* Writing. A write that fails ends the recording: recorder_close() reports it. */
struct recorder;
/* 0, or negative errno with the reason. A file that is there is replaced. */
int recorder_open(const char *path, struct recorder **ret_r, struct reason *reason);
/* Events of traces, looks, exec, exit and fork are left out: the model does not change by them. */
void recorder_event(struct recorder *r, const struct event *ev);
void recorder_name(struct recorder *r, const struct recorded_name *name);
void recorder_mark(struct recorder *r, enum recorded_mark mark, uint64_t now_ns);
/* 0, or the first error of any write. NULL is allowed. */
int recorder_close(struct recorder *r, struct reason *reason);

/* Reading. */
struct recording;
/* 0; -EBADMSG: not a recording, or of another version; else what the system said. With the reason. */
int recording_open(const char *path, struct recording **ret_r, struct reason *reason);
/*
 * 1: *ret is filled, and what it points to is borrowed until the next call, but names of probe sets until
 * recording_close(); 0: the end; -EBADMSG: the line is damaged, with "FILE:LINE: ..." as the reason.
 */
int recording_next(struct recording *r, struct recorded *ret, struct reason *reason);
void recording_close(struct recording *r); /* NULL is allowed */

#endif
