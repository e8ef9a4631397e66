// SPDX-License-Identifier: GPL-2.0
/*
 * Go: one program for every probe point of a target, told apart by the cookie, so that one link
 * holds them all. The planner chose instructions where argument registers, g and the return address
 * are as at entry.
 */
#include "ledger.bpf.h"
#include "requests.bpf.h"
#include "value.bpf.h"

#define GODEPTH_READ(dst, size, addr) bpf_probe_read_user(dst, size, (const void *)(addr))
#include "godepth.h"

__u32 epoch = 1;
__u64 clock_ns = 1;
__u64 panic_ids = 1;
__u32 watch_writes = 0;
__u32 asleep = 0;

/*
 * A push onto the loop's own list (*head, the argument), which joins g's chain only when the loop
 * ends. Lists of nested loops come and go, so the count starts again at each new head.
 */
static __always_inline enum godepth_end push_range(struct hit *hit, struct dfd_depth *st,
						   const struct go_g_head *g)
{
	__u64 head = ARCH_GO_ARG2(hit->ctx);
	struct dfd_anchor first;
	__u32 pending = 0, met;
	enum godepth_end end;

	st->range_n = st->range_head == head ? st->range_n + 1 : 1;
	st->range_head = head;
	end = godepth_walk(g, st, hit->t, &first, &pending, &met);
	if (end > GODEPTH_END)
		st->flags |= DFD_CALL_INFERRED;
	st->depth = pending + st->range_n;
	return end;
}

/*
 * What a function of its own returns. It has to be something, and something that its caller hands on: one that
 * returns nothing, as clang sees it, may leave a pointer to its stack in r0, which the verifier refuses.
 */
static __always_inline int nothing(void)
{
	int zero = 0;

	asm volatile("" : "+r"(zero));
	return zero;
}

/* Global, so that the verifier looks at its loop once and not on each way that leads there. */
__noinline __u64 go_pile_site(__u64 head, __u32 link_off, __u32 uncounted_off, __u64 pc)
{
	return godepth_pile_site(head, link_off, uncounted_off, pc);
}

/* A request that is timed registers defers, on several goroutines at the same time perhaps. */
static __always_inline void count_for_request(struct hit *hit, struct dfd_depth *st)
{
	struct dfd_request *r = request_of(hit->t, hit->g, st->goid, &st->work);

	if (!r)
		return;
	__sync_fetch_and_add(&r->defers, 1);
	if (st->depth <= r->peak)
		return;
	r->peak = st->depth;
	r->peak_goid = st->goid;
	r->site = st->pile_site;
}

/* The goroutine that this g is now. */
static __always_inline void meet(struct hit *hit, struct dfd_depth *st)
{
	__u64 goid = read_word(hit->g + hit->t->goid_off);

	if (goid == st->goid)
		return;
	st->goid = goid;
	st->work.g = 0;
}

static __noinline int push(struct hit *hit, const struct go_g_head *g)
{
	struct dfd_depth *st = state_of(hit, 1);
	enum godepth_end end;
	int cross;

	if (!st)
		return nothing();
	hit->fn = ARCH_GO_ARG0(hit->ctx);
	if (hit->role == DFD_ROLE_PUSH_RANGE) {
		end = push_range(hit, st, g);
	} else {
		end = godepth_push(st, g, hit->t, ARCH_CALLER_SP(hit->sp), hit->site);
		st->range_head = 0;
	}
	if (end == GODEPTH_TORN)
		lose(DFD_LOSS_TORN);
	else if (end == GODEPTH_UNREAD)
		lose(DFD_LOSS_READ);
	/* Anything but the next turn of a loop may be another goroutine in a reused g. */
	if (end != GODEPTH_ANCHOR || !st->goid)
		meet(hit, st);
	cross = pushed(hit, st);
	if (cross && hit->role != DFD_ROLE_PUSH_RANGE)
		st->pile_site =
			go_pile_site(g->defer, hit->t->link_off, hit->t->uncounted_off, hit->site);
	push_ends(hit, st, cross);
	if (hit->t->requests_since_ns)
		count_for_request(hit, st);
	return nothing();
}

static __noinline int run(struct hit *hit, const struct go_g_head *g)
{
	struct dfd_depth *st = state_of(hit, 0);

	if (!st)
		return nothing();
	hit->ran = godepth_run(st, g, hit->t, ARCH_CALLER_SP(hit->sp));
	__sync_fetch_and_add(&hit->counts->runs, hit->ran);
	if (hit->ran && (hit->t->flags & DFD_TARGET_TRACE))
		emit(hit, DFD_REC_CALL, st, st->goid);
	return nothing();
}

/* The runtime's own account of the newest panic of a goroutine. */
struct go_panic {
	__u64 at; /* 0: none */
	__u8 recovered, goexit;
};

static __always_inline __u8 read_byte(__u64 addr)
{
	__u8 byte = 0;

	if (bpf_probe_read_user(&byte, sizeof(byte), (const void *)addr))
		lose(DFD_LOSS_READ);
	return byte;
}

static __always_inline void read_panic(struct hit *hit, __u64 at, struct go_panic *ret_p)
{
	const struct dfd_panic_layout *l = &hit->t->panic;

	ret_p->at = at;
	if (!at)
		return;
	ret_p->recovered = read_byte(at + l->recovered);
	ret_p->goexit = read_byte(at + l->goexit);
}

/* A recover() whose result was open has turned out to have returned nil. */
static __always_inline void misplaced(struct hit *hit, struct dfd_panics *st)
{
	struct dfd_recover_key key = { .site = st->asked_site,
				       .caller = st->asked_caller,
				       .target = hit->t->id };

	count_key(&recovers_by_site, &key, DFD_LOSS_RECOVER_MAP);
}

/*
 * Something happens on a goroutine that panics: what the head of its chain says about the newest
 * panic, and about the last call of recover(). Up to Go 1.25 the answer of recover() could be had
 * at once from its argument; this way there is one rule for all.
 */
static __always_inline void look_back(struct hit *hit, struct dfd_panics *st,
				      const struct go_panic *head)
{
	if (head->at && !head->goexit && head->recovered)
		panicrule_taken(st);
	if (st->asked && st->asked == head->at && !head->recovered)
		misplaced(hit, st);
	st->asked = 0;
}

/* A larger word is an address: programs are linked to higher ones. */
#define STRING_LEN_MAX (1ULL << 22)

/* internal/abi.Type and abi.PtrType, the same in all releases: words 0, its size; 2, kind in its highest byte; 6, elem. */
#define TYPE_WORDS 7
#define KIND_PTR   22

/* Bytes of what the data word of an interface of that type points to; 0: not known. */
static __always_inline __u64 value_size(__u64 type)
{
	__u64 t[TYPE_WORDS] = {}, size = 0;

	if (!type || bpf_probe_read_user(t, sizeof(t), (const void *)type))
		return 0;
	if ((t[2] >> 56 & 31) != KIND_PTR)
		return t[0];
	if (bpf_probe_read_user(&size, sizeof(size), (const void *)t[6]))
		return 0;
	return size;
}

/* The words behind a small value are its neighbour's. */
static __always_inline void cut_value(struct dfd_rec_panic *r)
{
	__u32 i;

	for (i = 1; i < DFD_PANIC_VALUE; i++) {
		if (r->size && i * 8 >= r->size)
			r->value[i] = 0;
	}
	for (i = 0; i < DFD_PANIC_INNER; i++) {
		if (bpf_probe_read_user(r->inner[i], sizeof(r->inner[i]),
					(const void *)r->value[1 + 2 * i]))
			r->inner[i][0] = r->inner[i][1] = 0;
	}
}

static __always_inline void go_panic_value(struct hit *hit, struct dfd_rec_panic *r)
{
	r->type = ARCH_GO_ARG0(hit->ctx);
	r->data = ARCH_GO_ARG1(hit->ctx);
	r->size = value_size(r->type);
	/* Readable or not: the value of a small type is the data word itself. */
	if (bpf_probe_read_user(r->value, sizeof(r->value), (const void *)r->data) &&
	    bpf_probe_read_user(r->value, 32, (const void *)r->data) &&
	    bpf_probe_read_user(r->value, 16, (const void *)r->data) &&
	    bpf_probe_read_user(r->value, 8, (const void *)r->data) &&
	    bpf_probe_read_user(r->value, 1, (const void *)r->data))
		return;
	cut_value(r);
	if (r->value[1] < STRING_LEN_MAX)
		ledger_text(r, r->value[0], r->value[1]);
	else if (r->value[4] < STRING_LEN_MAX)
		ledger_text(r, r->value[3], r->value[4]);
}

static __noinline int go_panic(struct hit *hit, const struct go_g_head *g)
{
	__u64 id = __sync_fetch_and_add(&panic_ids, 1), goid = 0;
	int told = may_tell(hit->counts);
	struct panic_end end = {};
	struct go_panic head = {};
	struct dfd_panics *st = 0;
	struct dfd_rec_panic *r;

	if (g) {
		goid = read_word(hit->g + hit->t->goid_off);
		if (!(hit->t->flags & DFD_TARGET_NO_PANICS)) {
			read_panic(hit, g->panic, &head);
			st = panics_of(hit, 1);
		}
	}
	if (st) {
		look_back(hit, st, &head);
		/* Ends that were missed: of another goroutine in this g, or before an empty chain. */
		if (st->goid != goid || !head.at)
			panicrule_all(st, DFD_OUTCOME_UNKNOWN, &end);
		st->goid = goid;
		if (panicrule_start(st, id, ARCH_GO_ARG0(hit->ctx), g->stack_hi - hit->sp,
				    told ? DFD_PANIC_TOLD : 0))
			lose(DFD_LOSS_PANIC_MAP);
	}
	ledger_count(hit, &end);
	if (!told)
		return nothing();
	r = ledger_reserve(hit, goid);
	if (!r) {
		count_up(&hit->counts->details_untold);
		return nothing();
	}
	ledger_list(r, &end);
	r->id = id;
	r->watched = aftermath_begin(hit, id, goid);
	go_panic_value(hit, r);
	ledger_stack(hit, r);
	record_submit(r);
	value_tell(hit->t->id, id, ARCH_GO_ARG0(hit->ctx), ARCH_GO_ARG1(hit->ctx));
	return nothing();
}

/*
 * The frame that goes on: its sp. From Go 1.22 the panic itself says so, and a Goexit further out
 * than it but within that frame goes on instead; before, g does. No function returns when a Goexit
 * goes on.
 */
static __always_inline __u64 recovering_sp(struct hit *hit, const struct go_g_head *g,
					   __u64 *ret_pc)
{
	const struct dfd_panic_layout *l = &hit->t->panic;
	__u64 sp, start, p = g->panic;
	int i;

	if (l->start_sp == DFD_ABSENT) {
		sp = read_word(hit->g + l->g_sigcode0);
		if (!p || !read_byte(p + l->goexit) || read_word(p + l->sp) != sp)
			*ret_pc = read_word(hit->g + l->g_sigcode1);
		return sp;
	}
	sp = read_word(p + l->sp);
	*ret_pc = read_word(p + l->retpc);
	for (i = 0; i < DFD_PANIC_NEST_MAX && p; i++) {
		start = read_word(p + l->start_sp);
		if (start >= sp)
			break;
		if (read_byte(p + l->goexit)) {
			sp = start;
			*ret_pc = 0;
			break;
		}
		p = read_word(p + l->link);
	}
	return sp;
}

/* A panic has ended `depth` from the stack's end. Further out than the handler of a request, it has ended that, too. */
static __always_inline void request_recovered(struct hit *hit, __u64 goid, __u64 depth)
{
	struct dfd_g_key key = { .g = hit->g, .target = hit->t->id };
	struct dfd_requests *all = bpf_map_lookup_elem(&requests_by_target, &key.target);
	struct dfd_request *r = bpf_map_lookup_elem(&requests_by_g, &key);

	if (!all || !is_open(hit->t, r) || r->goid != goid || depth >= r->frame)
		return;
	count_up(&all->panicked);
	request_close(all, hit->t, r);
}

/* Whether that was a _panic: a frame of this stack, and of a new release the value that we saw. */
static __always_inline int fits(struct hit *hit, const struct go_g_head *g,
				const struct dfd_panics *st, __u64 sp)
{
	__u64 type = panicrule_type(st);

	if (sp <= g->stack_lo || sp > g->stack_hi)
		return 0;
	if (!type || !(hit->t->flags & DFD_TARGET_UNPROVEN))
		return 1;
	return read_word(g->panic + hit->t->panic.arg) == type;
}

/* Runs on g0, called by the scheduler; the goroutine is the argument. */
static __noinline int go_recovery(struct hit *hit)
{
	struct panic_end end = {};
	struct dfd_panics *st;
	struct dfd_rec_panic *r;
	struct go_g_head g;
	__u64 pc = 0, sp, goid, recover_site;

	hit->g = ARCH_GO_ARG0(hit->ctx);
	hit->site = 0;
	st = panics_of(hit, 0);
	if (!st || !st->n || bpf_probe_read_user(&g, sizeof(g), (const void *)hit->g)) {
		/* One ended, though not known which. */
		count_up(&hit->counts->outcomes[DFD_OUTCOME_RECOVERED]);
		return nothing();
	}
	sp = recovering_sp(hit, &g, &pc);
	if (fits(hit, &g, st, sp)) {
		panicrule_recover(st, g.stack_hi - sp, &end);
		if (hit->t->requests_since_ns)
			request_recovered(hit, st->goid, g.stack_hi - sp);
	} else {
		count_up(&hit->counts->misfits);
		panicrule_close(st, &end, DFD_OUTCOME_RECOVERED);
		panicrule_all(st, DFD_OUTCOME_UNKNOWN, &end);
	}
	ledger_count(hit, &end);
	goid = st->goid;
	recover_site = st->asked ? st->asked_site : 0;
	st->asked = 0;
	panics_settle(hit, st);
	if (!end.told)
		return nothing();
	r = ledger_reserve(hit, goid);
	if (!r)
		return nothing();
	ledger_list(r, &end);
	r->watched = aftermath_recovered(hit, r->closed[0]);
	r->frame = pc;
	r->recover_site = recover_site;
	record_submit(r);
	return nothing();
}

/*
 * recover(). Most calls find no panic: deferred functions ask on every normal return. The answer is
 * known when the next thing happens on this goroutine (look_back()).
 */
static __noinline int go_recover_call(struct hit *hit, const struct go_g_head *g)
{
	struct go_panic head = {};
	struct dfd_panics *st;

	if (!g->panic)
		return nothing();
	st = panics_of(hit, 0);
	if (!st)
		return nothing();
	read_panic(hit, g->panic, &head);
	if (head.goexit || head.recovered)
		return nothing();
	look_back(hit, st, &head);
	st->asked = head.at;
	st->asked_site = hit->site;
	st->asked_caller = read_word(ARCH_FRAME_SLOT(hit->ctx));
	return nothing();
}

/* The value of a panic: {type, data}. */
struct go_value {
	__u64 type, data;
};

static __always_inline void read_value(struct hit *hit, __u64 at, struct go_value *ret)
{
	if (bpf_probe_read_user(ret, sizeof(*ret), (const void *)(at + hit->t->panic.arg)))
		lose(DFD_LOSS_READ);
}

/*
 * What the runtime is about to print (printpanics): where the value is an error, it has asked for the
 * text already and put it in the place of the value. Since Go 1.26 it leaves the value of a panic
 * that was raised again as it is, and prints the one before it.
 */
static __always_inline void go_printed(struct hit *hit, struct dfd_rec_panic *r, __u64 type)
{
	__u64 at = ARCH_GO_ARG0(hit->ctx), link;
	struct go_value v = {};

	read_value(hit, at, &v);
	link = v.type == type ? read_word(at + hit->t->panic.link) : 0;
	if (link) {
		read_value(hit, link, &v);
		r->value[2] = 1;
	}
	r->type = v.type;
	if (v.type == type || bpf_probe_read_user(r->value, 16, (const void *)v.data))
		return;
	ledger_text(r, r->value[0], r->value[1]);
}

#define OVERFLOW_FRAMES 3 /* runtime.throw, newstack, morestack; then the goroutine's, if any */

static __always_inline int is_overflow(const struct dfd_rec_panic *r)
{
	static const char text[] = "stack overflow";
	__u32 i;

	for (i = 0; i < sizeof(text) - 1; i++) {
		if (r->text[i] != text[i])
			return 0;
	}
	return r->text_len == sizeof(text) - 1;
}

/*
 * A stack overflow is found in the prologue of the function that has no room, and told of on the scheduler's stack, from which in
 * newer releases no frame leads back: runtime.morestack leaves what it interrupts in g.sched. The function has no frame yet, so that
 * its caller's return address lies where its stack pointer points, and the frame pointer is its caller's.
 */
static __noinline int add_overflown(struct hit *hit, struct dfd_rec_panic *r)
{
	const struct dfd_panic_layout *l = &hit->t->panic;
	__u64 pc = read_word(hit->g + l->g_sched_pc), bp = read_word(hit->g + l->g_sched_bp), up;
	__u64 next = read_word(read_word(hit->g + l->g_sched_sp));
	__u32 i;

	if (r->nstack < OVERFLOW_FRAMES || hit->g == ARCH_GO_G(hit->ctx))
		return 0;
	if (r->nstack > OVERFLOW_FRAMES && r->stack[OVERFLOW_FRAMES] == read_word(bp + 8))
		return 0;
	for (i = OVERFLOW_FRAMES; i < DFD_STACK_MAX; i++) {
		if (!pc)
			break;
		r->stack[i] = pc;
		r->nstack = i + 1;
		pc = next;
		up = read_word(bp);
		next = up > bp ? read_word(bp + 8) : 0;
		bp = up;
	}
	return 0;
}

/* What a goroutine ends of, where, and the panics that this ended. */
static __always_inline void last_words(struct hit *hit, __u64 goid, const struct panic_end *end,
				       __u64 type, __u64 text, __u64 len)
{
	struct dfd_rec_panic *r = ledger_reserve(hit, goid);

	if (!r)
		return;
	ledger_list(r, end);
	if (type) {
		go_printed(hit, r, type);
	} else {
		r->value[0] = text;
		r->value[1] = len;
		ledger_text(r, text, len);
	}
	ledger_stack(hit, r);
	if (hit->role == DFD_ROLE_THROW && is_overflow(r))
		(void)add_overflown(hit, r);
	record_submit(r);
}

/* Goexit, fatalpanic or throw: all that runs on this goroutine ends. */
static __noinline int go_end(struct hit *hit, const struct go_g_head *g, __u64 text, __u64 len)
{
	struct dfd_panics *st = panics_of(hit, 0);
	struct panic_end end = {};
	struct go_panic head = {};
	__u64 type = 0;

	if (st) {
		type = hit->role == DFD_ROLE_FATAL ? panicrule_type(st) : 0;
		read_panic(hit, g->panic, &head);
		look_back(hit, st, &head);
		if (hit->role == DFD_ROLE_GOEXIT)
			panicrule_all(st, DFD_OUTCOME_GOEXIT, &end);
		else
			panicrule_fatal(st, &end);
	}
	ledger_count(hit, &end);
	if (st)
		panics_settle(hit, st);
	/* A Goexit that ends no panic is nobody's news. */
	if (hit->role == DFD_ROLE_GOEXIT && !end.told && !(hit->t->flags & DFD_TARGET_TRACE))
		return nothing();
	last_words(hit, read_word(hit->g + hit->t->goid_off), &end, type, text, len);
	return nothing();
}

/* throw may run on the scheduler's stack: the goroutine is the one that the thread runs for. */
static __noinline int go_throw(struct hit *hit)
{
	__u64 m = read_word(hit->g + hit->t->panic.g_m), user = read_word(m + hit->t->panic.m_curg);
	struct go_g_head g = {};

	if (user)
		hit->g = user;
	if (bpf_probe_read_user(&g, sizeof(g), (const void *)hit->g))
		lose(DFD_LOSS_READ);
	return go_end(hit, &g, ARCH_GO_ARG0(hit->ctx), ARCH_GO_ARG1(hit->ctx));
}

/*
 * The process is about to die, of a signal if nothing else was told. Its number is the first argument
 * of the caller then, runtime.sighandler, which keeps it where callers leave room for that: above the
 * return address. User space judges whether it is one.
 */
static __noinline int go_dying(struct hit *hit, __u64 goid)
{
	struct panic_end none = {};
	__u32 signo = (__u32)read_word(ARCH_FRAME_SPILLS(hit->ctx));

	last_words(hit, goid, &none, 0, signo, 0);
	return nothing();
}

/* Without a layout: that it happened, and where. */
static __noinline int go_blind(struct hit *hit)
{
	struct panic_end none = {};

	switch (hit->role) {
	case DFD_ROLE_PANIC:
		return go_panic(hit, 0);
	case DFD_ROLE_RECOVER:
		count_up(&hit->counts->outcomes[DFD_OUTCOME_RECOVERED]);
		break;
	case DFD_ROLE_FATAL:
		count_up(&hit->counts->outcomes[DFD_OUTCOME_FATAL]);
		last_words(hit, 0, &none, 0, 0, 0);
		break;
	case DFD_ROLE_THROW:
		last_words(hit, 0, &none, 0, ARCH_GO_ARG0(hit->ctx), ARCH_GO_ARG1(hit->ctx));
		break;
	case DFD_ROLE_DYING:
		return go_dying(hit, 0);
	default:
		break;
	}
	return nothing();
}

static __always_inline int dispatch(struct hit *hit, const struct go_g_head *g)
{
	switch (hit->role) {
	case DFD_ROLE_RUN:
		return run(hit, g);
	case DFD_ROLE_PANIC:
		return go_panic(hit, g);
	case DFD_ROLE_RECOVER_CALL:
		return go_recover_call(hit, g);
	case DFD_ROLE_FATAL:
	case DFD_ROLE_GOEXIT:
		return go_end(hit, g, 0, 0);
	case DFD_ROLE_DYING:
		return go_dying(hit, read_word(hit->g + hit->t->goid_off));
	default:
		return push(hit, g);
	}
}

static __always_inline int is_push(__u8 role)
{
	return role == DFD_ROLE_PUSH_HEAP || role == DFD_ROLE_PUSH_STACK ||
	       role == DFD_ROLE_PUSH_RANGE;
}

/* Whether what this hit would look at is not known of its target. */
static __always_inline int is_blind(const struct hit *hit)
{
	if (hit->t->flags & DFD_TARGET_BLIND)
		return 1;
	return hit->t->flags & DFD_TARGET_NO_PANICS && !is_push(hit->role) &&
	       hit->role != DFD_ROLE_RUN && hit->role != DFD_ROLE_PANIC;
}

SEC("uprobe")
int uprobe__go(struct pt_regs *ctx)
{
	struct hit hit = {};
	struct go_g_head g;

	if (!hit_begin(&hit, ctx))
		return 0;
	hit.g = ARCH_GO_G(ctx);
	if (is_push(hit.role))
		count_site(&hit);
	if (is_blind(&hit))
		return go_blind(&hit);
	if (hit.role == DFD_ROLE_RECOVER)
		return go_recovery(&hit);
	if (hit.role == DFD_ROLE_THROW)
		return go_throw(&hit);
	if (bpf_probe_read_user(&g, sizeof(g), (const void *)hit.g)) {
		lose(DFD_LOSS_READ);
		return 0;
	}
	return dispatch(&hit, &g);
}

char LICENSE[] SEC("license") = "GPL";
