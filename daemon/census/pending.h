/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The deferred calls that goroutines have pending, each with the first word that its closure holds: of a method the
 * receiver, so that of mu.Unlock it is the address of mu. Of records all are told; of open-coded ones those whose bit says
 * so, in frames of functions of which it is known where the closures lie.
 */
#ifndef DEFERD_CENSUS_PENDING_H
#define DEFERD_CENSUS_PENDING_H

#include "census/census.h"

#define PENDING_RECORDS_MAX 64u   /* of one goroutine that are looked at */
#define PENDING_FRAMES_MAX  1024u /* the same */

struct pending_call {
	uint64_t function; /* entry, link-time */
	uint64_t capture;  /* run-time */
	/* Open-coded: of the function that has it pending, where it begins and where it is, as a return address; link-time. */
	uint64_t begin, at; /* both 0: of a record */
};

struct pending; /* a reader of them */

struct pending *pending_new(const struct census *c); /* NULL: out of memory; free() it */
/*
 * Call fn for each one of goroutine `t`. False: it runs, or has gone on since the census; what was told is not to be
 * believed then.
 */
bool pending_calls(struct pending *p, const struct census_goroutine *t,
		   void (*fn)(void *arg, const struct census_goroutine *t,
			      const struct pending_call *call),
		   void *arg);

#endif
