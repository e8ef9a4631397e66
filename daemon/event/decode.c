// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "event/decode.h"

#include <errno.h>
#include <string.h>

static const struct {
	enum call_kind kind;
	enum lowering lowering;
} roles[DFD_ROLE_MAX] = {
	[DFD_ROLE_PUSH_HEAP] = { CALL_PUSH, LOWERING_HEAP },
	[DFD_ROLE_PUSH_STACK] = { CALL_PUSH, LOWERING_STACK },
	[DFD_ROLE_PUSH_RANGE] = { CALL_PUSH, LOWERING_RANGE },
	[DFD_ROLE_RUN] = { CALL_RUN, LOWERING_STACK },
	[DFD_ROLE_PANIC] = { CALL_PANIC, LOWERING_HEAP },
	[DFD_ROLE_RECOVER] = { CALL_RECOVER, LOWERING_HEAP },
	[DFD_ROLE_FATAL] = { CALL_FATAL, LOWERING_HEAP },
	[DFD_ROLE_GOEXIT] = { CALL_GOEXIT, LOWERING_HEAP },
	[DFD_ROLE_C_PUSH] = { CALL_PUSH, LOWERING_C },
	[DFD_ROLE_C_RUN] = { CALL_RUN, LOWERING_C },
	[DFD_ROLE_C_PANIC] = { CALL_PANIC, LOWERING_C },
	[DFD_ROLE_C_RECOVER] = { CALL_RECOVER, LOWERING_C },
};

enum lowering decode_lowering(unsigned role)
{
	return role < DFD_ROLE_MAX ? roles[role].lowering : LOWERING_HEAP;
}

int decode_header(const void *rec, size_t size, struct dfd_rec_hdr *ret_h)
{
	if (size < sizeof(*ret_h))
		return -EBADMSG;
	memcpy(ret_h, rec, sizeof(*ret_h));
	return 0;
}

static int decode_call(const void *rec, size_t size, uint64_t bias, enum event_type type,
		       struct event *ev)
{
	struct dfd_rec_call r;
	struct event_call *c = &ev->call;

	if (size < sizeof(r))
		return -EBADMSG;
	memcpy(&r, rec, sizeof(r));
	if (r.role == DFD_ROLE_NONE || r.role >= DFD_ROLE_MAX || r.nstack > DFD_STACK_MAX)
		return -EBADMSG;
	ev->type = type;
	*c = (struct event_call){
		.g = r.g,
		.goid = r.goid,
		.fn = r.args[0],
		.depth = r.depth,
		.kind = roles[r.role].kind,
		.lowering = roles[r.role].lowering,
		.inferred = r.flags & DFD_CALL_INFERRED,
	};
	if (c->lowering == LOWERING_C)
		c->g = c->goid = 0;
	if (!r.site)
		r.nstack = 0;
	else
		c->stack[c->nstack++] = r.site - bias;
	/* The walk begins at the probed instruction and skips its caller, which is the site. */
	for (unsigned i = 1; i < r.nstack && r.stack[i]; i++)
		c->stack[c->nstack++] = r.stack[i] - bias;
	return 0;
}

static int decode_proc(const void *rec, size_t size, enum event_type type, struct event *ev)
{
	struct dfd_rec_proc r;

	if (size < sizeof(r))
		return -EBADMSG;
	memcpy(&r, rec, sizeof(r));
	ev->type = type;
	ev->child_pid = r.other_pid;
	return 0;
}

static int decode_fd(const void *rec, size_t size, struct event *ev)
{
	struct dfd_rec_fd r;

	if (size < sizeof(r))
		return -EBADMSG;
	memcpy(&r, rec, sizeof(r));
	ev->type = EVENT_FD;
	ev->fd = (struct event_fd){
		.syscall = r.syscall, .ret = r.ret, .fd = r.fd, .closing = r.closing
	};
	return 0;
}

int decode_record(const void *rec, size_t size, uint64_t bias, struct event *ret_ev)
{
	struct dfd_rec_hdr h;
	struct event ev = {};
	int err = decode_header(rec, size, &h);

	if (err)
		return err;
	if (h.size != size)
		return -EBADMSG;
	ev.target = h.target;
	ev.pid = h.pid;
	ev.tid = h.tid;
	ev.time_ns = h.time_ns;
	switch (h.type) {
	case DFD_REC_EXEC:
		err = decode_proc(rec, size, EVENT_EXEC, &ev);
		break;
	case DFD_REC_EXIT:
		err = decode_proc(rec, size, EVENT_EXIT, &ev);
		break;
	case DFD_REC_FORK:
		err = decode_proc(rec, size, EVENT_FORK, &ev);
		break;
	case DFD_REC_DEPTH:
		err = decode_call(rec, size, bias, EVENT_DEPTH, &ev);
		break;
	case DFD_REC_ENDED:
		err = decode_call(rec, size, bias, EVENT_ENDED, &ev);
		break;
	case DFD_REC_PANIC:
		err = decode_call(rec, size, bias, EVENT_PANIC, &ev);
		break;
	case DFD_REC_CALL:
		err = decode_call(rec, size, bias, EVENT_CALL, &ev);
		break;
	case DFD_REC_FD:
		err = decode_fd(rec, size, &ev);
		break;
	default:
		err = -EBADMSG;
	}
	if (!err)
		*ret_ev = ev;
	return err;
}

void decode_counts(const struct dfd_counts *per_cpu, unsigned ncpu, struct event_counts *ret_counts)
{
	struct event_counts c = {};

	for (unsigned i = 0; i < ncpu; i++) {
		const struct dfd_counts *k = &per_cpu[i];

		for (unsigned role = 1; role < DFD_ROLE_MAX; role++) {
			if (roles[role].kind == CALL_PUSH)
				c.registered[roles[role].lowering] += k->calls[role];
		}
		c.runs += k->runs;
		c.panics += k->calls[DFD_ROLE_PANIC] + k->calls[DFD_ROLE_C_PANIC];
		c.recovered += k->calls[DFD_ROLE_RECOVER] + k->calls[DFD_ROLE_C_RECOVER];
		c.fatal += k->calls[DFD_ROLE_FATAL];
		c.goexits += k->calls[DFD_ROLE_GOEXIT];
		c.hits += k->hits;
		c.crossings += k->crossings;
		c.fd_opened += k->fd_opened;
		c.fd_closed += k->fd_closed;
		c.fd_ebadf += k->fd_ebadf;
	}
	*ret_counts = c;
}

void decode_goroutine(const struct dfd_g_key *key, const struct dfd_depth *st, uint64_t bias,
		      uint32_t epoch, struct event_goroutine *ret_g)
{
	uint32_t window = 0;

	/*
	 * peaks[0] belongs to st->epoch; when a push came after the epoch was raised, the ended
	 * window is peaks[1].
	 */
	if (st->epoch == epoch - 1)
		window = st->peaks[0];
	else if (st->epoch == epoch)
		window = st->peaks[1];
	*ret_g = (struct event_goroutine){
		.g = key->g,
		.goid = st->goid ? st->goid : key->g,
		.registered = st->registered,
		.last_ns = st->last_ns,
		.site = st->site - bias,
		.peak_site = st->peak_site - bias,
		.depth = st->depth,
		.window_peak = window,
		.peak = st->peak,
		.inferred = st->flags & DFD_CALL_INFERRED,
	};
}
