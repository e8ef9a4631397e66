// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A record of the ring: an event whose every field is in range, or nothing at all. */
#include "driver.h"
#include "event/decode.h"

static void check_call(const struct event_call *c)
{
	if ((unsigned)c->kind >= CALL_MAX || (unsigned)c->lowering >= LOWERING_MAX ||
	    c->nstack > EVENT_STACK_MAX || (c->lowering == LOWERING_C && (c->g || c->goid)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct event ev, untouched;
	struct dfd_rec_hdr h;
	int err;

	memset(&ev, 0x5a, sizeof(ev));
	untouched = ev;
	err = decode_record(data, len, 0x1000, &ev);
	if (err) {
		if (memcmp(&ev, &untouched, sizeof(ev)))
			abort();
		return 0;
	}
	if (decode_header(data, len, &h) || h.size != len || ev.pid != h.pid ||
	    ev.target != h.target)
		abort();
	switch (ev.type) {
	case EVENT_DEPTH:
	case EVENT_ENDED:
	case EVENT_PANIC:
	case EVENT_CALL:
		check_call(&ev.call);
		break;
	case EVENT_EXEC:
	case EVENT_EXIT:
	case EVENT_FORK:
	case EVENT_FD:
		break;
	default:
		abort();
	}
	return 0;
}

static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size)
{
	return 0; /* the corpus has them */
}
