/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a channel of Go says of itself: struct hchan, the same from Go 1.19 to 1.27 (runtime/chan.go). Pure. */
#ifndef DEFERD_GOLANG_HCHAN_H
#define DEFERD_GOLANG_HCHAN_H

#include <stdbool.h>
#include <stdint.h>

#define HCHAN_BYTES 32u /* of its beginning, that are read */

struct hchan_state {
	uint64_t length, capacity; /* elements in its buffer, and how many it can hold */
	bool closed;
};

/* `bytes`: HCHAN_BYTES from its start. False: it is no channel any more; *ret is untouched. */
bool hchan_state(const uint8_t *bytes, struct hchan_state *ret);

#endif
