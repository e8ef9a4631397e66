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

static void check_panic(const struct event_panic *p)
{
	if ((unsigned)p->step >= PANIC_STEP_MAX || p->nstack > EVENT_STACK_MAX ||
	    p->nclosed > EVENT_CLOSED_MAX || p->text_len > EVENT_TEXT_MAX ||
	    (p->c && (p->g || p->goid)))
		abort();
	for (unsigned i = 0; i < p->nclosed; i++)
		if (p->closed[i].outcome == OUTCOME_RUNNING ||
		    (unsigned)p->closed[i].outcome >= OUTCOME_MAX)
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
	case EVENT_CALL:
		check_call(&ev.call);
		break;
	case EVENT_PANIC:
		check_panic(&ev.panic);
		break;
	case EVENT_WRITE:
		if ((unsigned)ev.write.kind >= WRITE_KIND_MAX)
			abort();
		break;
	case EVENT_EXEC:
	case EVENT_EXIT:
	case EVENT_FORK:
	case EVENT_FD:
	case EVENT_HOT:
		break;
	default:
		abort();
	}
	return 0;
}

static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size)
{
	struct dfd_rec_panic p = { .h = { .type = DFD_REC_PANIC, .size = sizeof(p) },
				   .role = i ? DFD_ROLE_RECOVER : DFD_ROLE_PANIC,
				   .site = 0x2000,
				   .nstack = 3,
				   .text_len = 9,
				   .nclosed = 2,
				   .outcome = { DFD_OUTCOME_RECOVERED, DFD_OUTCOME_OVERRIDDEN } };

	/* The corpus has the others. */
	if (i > 1 || size < sizeof(p))
		return 0;
	memcpy(buf, &p, sizeof(p));
	return sizeof(p);
}
