/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a channel of Go says of itself: struct hchan, the same from Go 1.19 to 1.27 (runtime/chan.go). Pure. */
#ifndef DEFERD_GOLANG_HCHAN_H
#define DEFERD_GOLANG_HCHAN_H

#include <stdbool.h>
#include <stdint.h>

#define HCHAN_BYTES 48u /* of its beginning, that are read */

struct hchan_state {
	uint64_t length, capacity; /* elements in its buffer, and how many it can hold */
	bool closed;
};

/* `bytes`: HCHAN_BYTES from its start. False: it is no channel any more; *ret is untouched. */
bool hchan_state(const uint8_t *bytes, struct hchan_state *ret);

/* What comes out of it. */
enum hchan_use {
	HCHAN_VALUES,
	HCHAN_SIGNALS, /* elements of no size: that something has happened, or is over */
	HCHAN_TIMER,   /* the time, of a Timer or Ticker */
	HCHAN_TIMES,   /* the same, if its elements are of type time.Time: see hchan_is_time() */
};

/* `minor`: of the Go release. *ret_element: for HCHAN_TIMES the address of their type. */
enum hchan_use hchan_use(const uint8_t *bytes, unsigned minor, uint64_t *ret_element);

#define HCHAN_TYPE_BYTES 24u
/* Whether that is time.Time, or a struct that looks the same: a named one of three words, the last a pointer. */
bool hchan_is_time(const uint8_t type[HCHAN_TYPE_BYTES]);

#endif
