// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "event/decode.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "golang/goerror.h"

_Static_assert((int)OUTCOME_MAX == (int)DFD_OUTCOME_MAX &&
		       (int)OUTCOME_FATAL == (int)DFD_OUTCOME_FATAL,
	       "outcomes");
_Static_assert((int)WRITE_KIND_MAX == (int)DFD_WRITE_MAX &&
		       (int)WRITE_LOCAL == (int)DFD_WRITE_LOCAL &&
		       EVENT_AFTERMATH_NS == DFD_AFTERMATH_NS,
	       "writes");
_Static_assert(EVENT_TEXT_MAX == DFD_PANIC_TEXT_MAX && EVENT_CLOSED_MAX == DFD_PANIC_NEST_MAX &&
		       EVENT_VALUE_MAX == DFD_PANIC_VALUE,
	       "panics");

_Static_assert(GOERROR_NODES_MAX == DFD_NODES_MAX && GOERROR_WORDS == DFD_NODE_WORDS &&
		       GOERROR_TEXTS == DFD_NODE_TEXTS && GOERROR_TEXT_MAX >= DFD_NODE_TEXT_MAX &&
		       GOERROR_ERRORS == DFD_NODE_ERRORS,
	       "values");

/* A site, then the frames of a record; of a descriptor, the frames only. */
_Static_assert(EVENT_STACK_MAX == 1 + DFD_STACK_MAX && EVENT_STACK_MAX >= DFD_FD_STACK, "stacks");

_Static_assert(EVENT_NS_BUCKETS == DFD_REQUEST_NS_BUCKETS &&
		       EVENT_DEFERS_BUCKETS == DFD_REQUEST_DEFERS_BUCKETS,
	       "requests");

static const struct {
	enum call_kind kind;
	enum lowering lowering;
	bool is; /* a push or run at all */
} calls[DFD_ROLE_MAX] = {
	[DFD_ROLE_PUSH_HEAP] = { CALL_PUSH, LOWERING_HEAP, true },
	[DFD_ROLE_PUSH_STACK] = { CALL_PUSH, LOWERING_STACK, true },
	[DFD_ROLE_PUSH_RANGE] = { CALL_PUSH, LOWERING_RANGE, true },
	[DFD_ROLE_RUN] = { CALL_RUN, LOWERING_STACK, true },
	[DFD_ROLE_C_PUSH] = { CALL_PUSH, LOWERING_C, true },
	[DFD_ROLE_C_RUN] = { CALL_RUN, LOWERING_C, true },
};

enum lowering decode_lowering(unsigned role)
{
	return role < DFD_ROLE_MAX ? calls[role].lowering : LOWERING_HEAP;
}

int decode_header(const void *rec, size_t size, struct dfd_rec_hdr *ret_h)
{
	if (size < sizeof(*ret_h))
		return -EBADMSG;
	memcpy(ret_h, rec, sizeof(*ret_h));
	return 0;
}

static bool is_call(unsigned role)
{
	return role < DFD_ROLE_MAX && calls[role].is;
}

/*
 * The walk begins at the probed instruction and skips its caller, which is the site; not so where
 * that instruction is `push %rbp` and the kernel (6.11 and newer) knows that no frame is made yet.
 */
static unsigned decode_stack(uint64_t site, const uint64_t *stack, unsigned n, uint64_t bias,
			     uint64_t *ret_stack)
{
	unsigned len = 0;

	if (!site)
		return 0;
	ret_stack[len++] = site - bias;
	for (unsigned i = 1 + (n > 1 && stack[1] == site); i < n && stack[i]; i++)
		ret_stack[len++] = stack[i] - bias;
	return len;
}

static int decode_call(const void *rec, size_t size, uint64_t bias, enum event_type type,
		       struct event *ev)
{
	struct dfd_rec_call r;
	struct event_call *c = &ev->call;

	if (size < sizeof(r))
		return -EBADMSG;
	memcpy(&r, rec, sizeof(r));
	if (!is_call(r.role) || r.nstack > DFD_STACK_MAX)
		return -EBADMSG;
	ev->type = type;
	*c = (struct event_call){
		.g = r.g,
		.goid = r.goid,
		.fn = r.fn ? r.fn - bias : 0,
		.ran = r.ran,
		.depth = r.depth,
		.kind = calls[r.role].kind,
		.lowering = calls[r.role].lowering,
		.inferred = r.flags & DFD_CALL_INFERRED,
	};
	if (r.pile_site)
		c->pile_site = r.pile_site - bias;
	if (c->lowering == LOWERING_C)
		c->g = c->goid = 0;
	c->nstack = decode_stack(r.site, r.stack, r.nstack, bias, c->stack);
	return 0;
}

static int step_of(unsigned role)
{
	switch (role) {
	case DFD_ROLE_PANIC:
	case DFD_ROLE_C_PANIC:
		return PANIC_STARTED;
	case DFD_ROLE_RECOVER:
	case DFD_ROLE_C_RECOVER:
		return PANIC_RECOVERED;
	case DFD_ROLE_GOEXIT:
		return PANIC_GOEXIT;
	case DFD_ROLE_FATAL:
		return PANIC_FATAL;
	case DFD_ROLE_THROW:
		return PANIC_THROW;
	case DFD_ROLE_DYING:
		return PANIC_DYING;
	default:
		return -EBADMSG;
	}
}

static uint64_t unbiased(uint64_t addr, uint64_t bias)
{
	return addr ? addr - bias : 0;
}

static int decode_panic(const void *rec, size_t size, uint64_t bias, struct event *ev)
{
	struct event_panic *p = &ev->panic;
	struct dfd_rec_panic r;
	int step;

	if (size < sizeof(r))
		return -EBADMSG;
	memcpy(&r, rec, sizeof(r));
	step = step_of(r.role);
	if (step < 0 || r.nstack > DFD_STACK_MAX || r.nclosed > DFD_PANIC_NEST_MAX ||
	    r.text_len > sizeof(r.text))
		return -EBADMSG;
	ev->type = EVENT_PANIC;
	*p = (struct event_panic){
		.step = (enum panic_step)step,
		.id = r.id,
		.c = r.role == DFD_ROLE_C_PANIC || r.role == DFD_ROLE_C_RECOVER,
		.type = unbiased(r.type, bias),
		.data = r.data,
		.value_size = r.size,
		.bias = bias,
		.frame = unbiased(r.frame, bias),
		.recover_site = unbiased(r.recover_site, bias),
		.nclosed = r.nclosed,
		.text_len = r.text_len,
		.watched = r.watched != 0,
	};
	if (!p->c) {
		p->g = r.g;
		p->goid = r.goid;
	}
	if (step == PANIC_DYING)
		p->signo = r.value[0] < NSIG ? (unsigned)r.value[0] : 0;
	else
		memcpy(p->value, r.value, sizeof(p->value));
	_Static_assert(sizeof(p->inner) == sizeof(r.inner), "the same words");
	memcpy(p->inner, r.inner, sizeof(p->inner));
	memcpy(p->text, r.text, r.text_len);
	p->aborts = step == PANIC_STARTED && event_aborts(p->text, p->text_len);
	for (unsigned i = 0; i < r.nclosed; i++) {
		if (r.outcome[i] == DFD_OUTCOME_RUNNING || r.outcome[i] >= DFD_OUTCOME_MAX)
			return -EBADMSG;
		p->closed[i].id = r.closed[i];
		p->closed[i].outcome = (enum panic_outcome)r.outcome[i];
	}
	p->nstack = decode_stack(r.site, r.stack, r.nstack, bias, p->stack);
	return 0;
}

static void take_node(const struct dfd_node *in, struct goerror_node *ret)
{
	*ret = (struct goerror_node){
		.known = in->known, .parent = in->parent, .slot = in->slot, .unread = in->unread
	};
	memcpy(ret->words, in->words, sizeof(in->words));
	for (unsigned k = 0; k < GOERROR_TEXTS; k++) {
		ret->text_len[k] =
			in->text_len[k] < DFD_NODE_TEXT_MAX ? in->text_len[k] : DFD_NODE_TEXT_MAX;
		memcpy(ret->text[k], in->text[k], ret->text_len[k]);
	}
}

static int decode_value(const void *rec, size_t size, struct event *ev)
{
	struct goerror_node nodes[GOERROR_NODES_MAX];
	char text[EVENT_TEXT_MAX + 1];
	struct dfd_rec_value r;

	if (size < sizeof(r))
		return -EBADMSG;
	memcpy(&r, rec, sizeof(r));
	if (r.n > DFD_NODES_MAX)
		return -EBADMSG;
	for (unsigned i = 0; i < r.n; i++)
		take_node(&r.nodes[i], &nodes[i]);
	ev->type = EVENT_PANIC_TEXT;
	ev->panic_text.panic = r.id;
	ev->panic_text.len = (unsigned)goerror_print(text, sizeof(text), nodes, r.n);
	memcpy(ev->panic_text.text, text, ev->panic_text.len);
	return 0;
}

static int decode_proc(const void *rec, size_t size, enum event_type type, struct event *ev)
{
	struct dfd_rec_proc r;

	if (size < sizeof(r))
		return -EBADMSG;
	memcpy(&r, rec, sizeof(r));
	ev->type = type;
	if (type == EVENT_EXIT)
		ev->exit = (struct event_exit){ r.signo, r.status, r.oom != 0 };
	else
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

static int decode_write(const void *rec, size_t size, struct event *ev)
{
	struct dfd_rec_write r;

	if (size < sizeof(r))
		return -EBADMSG;
	memcpy(&r, rec, sizeof(r));
	if (r.kind >= DFD_WRITE_MAX)
		return -EBADMSG;
	ev->type = EVENT_WRITE;
	ev->write = (struct event_write){ .panic = r.id, .kind = (enum write_kind)r.kind };
	return 0;
}

static int decode_hot(const void *rec, size_t size, struct event *ev)
{
	struct dfd_rec_hot r;

	if (size != sizeof(r))
		return -EBADMSG;
	memcpy(&r, rec, sizeof(r));
	ev->type = EVENT_HOT;
	ev->hot_gen = (uint8_t)r.gen;
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
		err = decode_panic(rec, size, bias, &ev);
		break;
	case DFD_REC_VALUE:
		err = decode_value(rec, size, &ev);
		break;
	case DFD_REC_CALL:
		err = decode_call(rec, size, bias, EVENT_CALL, &ev);
		break;
	case DFD_REC_FD:
		err = decode_fd(rec, size, &ev);
		break;
	case DFD_REC_WRITE:
		err = decode_write(rec, size, &ev);
		break;
	case DFD_REC_HOT:
		err = decode_hot(rec, size, &ev);
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

		for (unsigned role = 1; role < DFD_ROLE_HTTP_BEGIN; role++) {
			if (is_call(role) && calls[role].kind == CALL_PUSH)
				c.registered[calls[role].lowering] += k->calls[role];
		}
		c.runs += k->runs;
		c.panics += k->calls[DFD_ROLE_PANIC] + k->calls[DFD_ROLE_C_PANIC];
		for (unsigned o = 0; o < OUTCOME_MAX; o++)
			c.outcomes[o] += k->outcomes[o];
		c.misfits += k->misfits;
		c.untold += k->details_untold;
		c.goexits += k->calls[DFD_ROLE_GOEXIT];
		c.hits += k->hits;
		c.stepped += k->stepped;
		c.unread += k->unread;
		c.timed += k->timed;
		c.crossings += k->crossings;
		c.fd_opened += k->fd_opened;
		c.fd_closed += k->fd_closed;
		c.fd_ebadf += k->fd_ebadf;
		c.fd_refused += k->fd_refused;
		c.fd_unsited += k->fd_unsited;
	}
	*ret_counts = c;
}

void decode_requests(const struct dfd_requests *r, uint64_t bias,
		     struct event_requests *ret_requests)
{
	*ret_requests = (struct event_requests){
		.ended = r->ended,
		.streams = r->streams,
		.streams_ended = r->streams_ended,
		.hijacked = r->hijacked,
		.panicked = r->panicked,
		.unfinished = r->unfinished,
		.unbegun = r->unbegun,
		.untracked = r->untracked,
		.ns_sum = r->ns_sum,
		.defers_sum = r->defers_sum,
		.deep_goid = r->deep_goid,
		.deep_site = r->deep_site ? r->deep_site - bias : 0,
		.deep_peak = r->deep_peak,
		.ns = r->ns,
		.deep_ns = r->deep_ns,
		.defers = r->defers,
	};
}

void decode_goroutine(const struct dfd_g_key *key, const struct dfd_depth *st, uint64_t bias,
		      uint32_t epoch, struct event_goroutine *ret_g)
{
	uint32_t window = 0;
	uint64_t site = 0;

	/*
	 * peaks[0] belongs to st->epoch; when a push came after the epoch was raised, the ended
	 * window is peaks[1].
	 */
	if (st->epoch == epoch || st->epoch == epoch - 1) {
		window = st->peaks[st->epoch == epoch];
		site = st->peak_sites[st->epoch == epoch];
	}
	*ret_g = (struct event_goroutine){
		.g = key->g,
		.goid = st->goid ? st->goid : key->g,
		.registered = st->registered,
		.last_ns = st->last_ns,
		.site = st->site - bias,
		.peak_site = st->peak_site - bias,
		.depth = st->depth,
		.window_peak = window,
		.window_site = window ? site - bias : 0,
		.peak = st->peak,
		.inferred = st->flags & DFD_CALL_INFERRED,
	};
}

void decode_fd_opened(const struct dfd_fd_key *key, const struct dfd_fd_opened *o, uint64_t bias,
		      struct event_fd_opened *ret)
{
	*ret = (struct event_fd_opened){ .fd = (int)key->fd,
					 .opened_ns = o->time_ns,
					 .syscall = o->syscall,
					 .error = o->error };
	while (ret->nstack < o->nstack && ret->nstack < DFD_FD_STACK) {
		ret->stack[ret->nstack] = o->stack[ret->nstack] - bias;
		ret->nstack++;
	}
}
