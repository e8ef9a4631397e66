// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "alert/evidence.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "base/utf8.h"
#include "model/fdlines.h"
#include "model/panics.h"

/* What a kind gathers from. */
struct source {
	struct model *m;
	const struct service *s;
	const struct target *t;
	const struct evidence_about *about;
	uint64_t now_ns;
};

/* Who visits. */
struct visit {
	evidence_fn fn;
	void *arg;
};

/* Parts */

static void put_count(const struct visit *v, const char *in, const char *key, const char *log_key,
		      uint64_t count)
{
	v->fn(v->arg, &(struct evidence_part){ .in = in,
					       .key = key,
					       .log_key = log_key,
					       .type = EVIDENCE_COUNT,
					       .count = count });
}

static void put_real(const struct visit *v, const char *in, const char *key, const char *log_key,
		     double value, int decimals)
{
	v->fn(v->arg, &(struct evidence_part){ .in = in,
					       .key = key,
					       .log_key = log_key,
					       .type = EVIDENCE_REAL,
					       .real = { value, decimals } });
}

static void put_text(const struct visit *v, const char *in, const char *key, const char *text)
{
	v->fn(v->arg,
	      &(struct evidence_part){
		      .in = in, .key = key, .log_key = key, .type = EVIDENCE_TEXT, .text = text });
}

static void put_main_site(const struct visit *v, const char *key, const struct code_line *at)
{
	v->fn(v->arg, &(struct evidence_part){ .key = key,
					       .log_key = key,
					       .type = EVIDENCE_SITE,
					       .site = { at, NAN, .main = true } });
}

static void put_line(const struct visit *v, const char *in, const char *key,
		     const struct code_line *at, double share, const char *if_none)
{
	v->fn(v->arg, &(struct evidence_part){ .in = in,
					       .key = key,
					       .log_key = key,
					       .type = EVIDENCE_SITE,
					       .site = { .at = at,
							 .share = share,
							 .may_be_no = true,
							 .main = true,
							 .if_none = if_none } });
}

/* Names. False when the line is not known (yet). */

static bool set_line(struct code_line *ret, const struct code_line *c)
{
	if (c)
		*ret = *c;
	else
		*ret = (struct code_line){ .function = "?" };
	return c != NULL;
}

static bool name_line(const struct source *src, uint64_t pc, struct code_line *ret)
{
	const struct name *n = model_site_name(src->m, src->t->image_id, pc);

	return set_line(ret, n ? &n->at : NULL);
}

/* Depth */

#define TOP_SHARE_MIN 0.01 /* what registers less is no cause of a pile */

/* The sites that registered most in the process. */
static bool gather_top(struct evidence_depth *d, const struct source *src)
{
	const struct site *top[EVIDENCE_SITES_MAX];
	unsigned n = target_top_sites(src->t, top, EVIDENCE_SITES_MAX);
	uint64_t all = 0;
	bool named = true;

	for (const struct site *s = src->t->sites; s; s = s->hh.next)
		all += s->registered;
	d->n_top = 0;
	for (unsigned i = 0; i < n; i++) {
		struct evidence_site *e = &d->top[d->n_top];

		e->share = all ? (double)top[i]->registered / (double)all : 0;
		if (e->share < TOP_SHARE_MIN)
			continue;
		if (name_line(src, top[i]->key.pc, &e->at))
			d->n_top++;
		else
			named = false;
	}
	return named;
}

/* The first one with a name stays: deeper piles, and those of other goroutines, do not make it another alert. */
static bool gather_pile_site(struct evidence_depth *d, const struct source *src, uint64_t pc)
{
	return code_line_named(&d->site) || name_line(src, pc, &d->site);
}

static bool gather_depth(struct evidence *e, const struct source *src)
{
	const struct peak *p = target_deepest(src->m, src->t, src->now_ns);
	struct evidence_depth *d = &e->depth;
	bool named;

	if (!p)
		return true;
	d->id = p->goid;
	d->is_thread = src->t->runtime == RUNTIME_C;
	d->exact = !p->inferred;
	d->depth = p->depth;
	named = gather_pile_site(d, src, p->site);
	return gather_top(d, src) && named;
}

static bool gather_request(struct evidence *e, const struct source *src)
{
	const struct requests_seen *r = src->t->requests;
	struct evidence_depth *d = &e->depth;
	bool named;

	if (!r || !r->deep_peak)
		return true;
	d->id = r->deep_goid;
	d->exact = true;
	d->depth = (uint32_t)r->deep_peak;
	named = gather_pile_site(d, src, r->deep_site);
	return gather_top(d, src) && named;
}

static void visit_depth(const struct evidence *e, const struct visit *v)
{
	const struct evidence_depth *d = &e->depth;
	const char *id = d->is_thread ? "thread" : "goroutine";

	put_count(v, NULL, id, id, d->id);
	put_count(v, NULL, "depth", "depth", d->depth);
	v->fn(v->arg,
	      &(struct evidence_part){ .key = "exact",
				       .log_key = "confidence",
				       .type = EVIDENCE_TRUTH,
				       .truth = { d->exact, d->exact ? "exact" : "inferred" } });
	put_main_site(v, "site", &d->site);
	v->fn(v->arg, &(struct evidence_part){ .key = "top_sites",
					       .log_key = "top_sites",
					       .type = EVIDENCE_SITES,
					       .sites = { d->n_top, d->top } });
}

static void describe_depth(const struct evidence *e, const char *metric, double value, char *buf,
			   size_t size)
{
	const struct evidence_depth *d = &e->depth;
	char place[CODE_LINE_MAX];

	code_line_print(&d->site, CODE_LINE_AT, place, sizeof(place));
	snprintf(buf, size, "%u defers pending on %s %llu, registered by %s", d->depth,
		 d->is_thread ? "thread" : "goroutine", (unsigned long long)d->id, place);
}

/* Panics */

/* The newest panic of this outcome; of recovered ones, at the site that recovers most. */
static const struct ledger_entry *newest(const struct service *s, enum panic_outcome outcome,
					 uint64_t now_ns)
{
	const struct ledger_site *busiest = NULL;
	const struct ledger_entry *e;
	uint64_t n;

	if (s->ledger && outcome == OUTCOME_RECOVERED)
		busiest = ledger_busiest(s->ledger, now_ns, &n);
	for (unsigned age = 0; s->ledger && (e = ledger_entry(s->ledger, age)); age++) {
		if (e->outcome == outcome && (!busiest || ledger_site_of(s->ledger, e) == busiest))
			return e;
	}
	return NULL;
}

static bool gather_panic(struct evidence *e, const struct source *src)
{
	const struct ledger_entry *p = newest(src->s, src->about->outcome, src->now_ns);
	char type[MODEL_FUNC_MAX], message[MODEL_FUNC_MAX], both[2 * MODEL_FUNC_MAX + 2];
	const struct code_line *c;
	const uint64_t *stack;
	unsigned n;
	bool known;

	if (!p)
		return true;
	e->panic.pid = p->pid;
	e->panic.runtime = p->runtime;
	known = model_panic_type(src->m, p->image_id, &p->what, type, sizeof(type));
	known &= model_panic_message(src->m, p->image_id, &p->what, message, sizeof(message));
	snprintf(both, sizeof(both), "%s%s%s", type, type[0] && message[0] ? ": " : "", message);
	utf8_sanitize(e->panic.text, sizeof(e->panic.text), both, strlen(both));
	stack = ledger_first_stack(p, &n);
	c = model_program_frame(src->m, p->image_id, p->runtime, stack, n);
	return set_line(&e->panic.site, c) && known;
}

static void visit_panic(const struct evidence *e, const struct visit *v)
{
	put_text(v, NULL, "panic", e->panic.text);
	put_main_site(v, "site", &e->panic.site);
}

static void describe_panic(const struct evidence *e, const char *metric, double value, char *buf,
			   size_t size)
{
	char place[CODE_LINE_MAX];

	code_line_print(&e->panic.site, CODE_LINE_AT, place, sizeof(place));
	snprintf(buf, size, "%s is %g; the newest: %s%sin %s", metric, value, e->panic.text,
		 e->panic.text[0] ? ", " : "", place);
}

/* Goroutines that stand at one place */

/* Where they stand, and who made them. */
static bool gather_place(struct evidence_waiters *w, const struct source *src,
			 const uint64_t *stack, unsigned nstack, uint64_t created_at)
{
	const struct code_line *c =
		model_program_frame(src->m, src->t->image_id, src->t->runtime, stack, nstack);
	bool named = set_line(&w->site, c);

	w->created_by = (struct code_line){};
	return !created_at ? named : name_line(src, created_at, &w->created_by) && named;
}

static bool gather_pile_of(struct evidence_waiters *w, const struct source *src,
			   const struct event_pile *p)
{
	w->count = p->count;
	snprintf(w->reason, sizeof(w->reason), "%s", p->reason);
	return gather_place(w, src, p->stack, p->nstack, p->created_at);
}

static bool gather_group(struct evidence *e, const struct source *src)
{
	struct evidence_waiters *w = &e->waiters;
	uint64_t count;
	const struct parked *p = src->about->group.find(src->t, &count);

	w->says = src->about->group.says;
	if (!p)
		return true;
	w->count = count;
	snprintf(w->reason, sizeof(w->reason), "%s", p->reason);
	return gather_place(w, src, p->what.stack, p->what.nstack, p->what.created_at);
}

static bool gather_pile(struct evidence *e, const struct source *src)
{
	const struct event_pile *p = target_pile(src->t);

	return !p || gather_pile_of(&e->waiters, src, p);
}

static bool gather_pool(struct evidence *e, const struct source *src)
{
	struct evidence_waiters *w = &e->waiters;
	struct pool_shortage s;

	if (!target_pool_shortage(src->t, &s))
		return true;
	fdgroup_name(&s.in_use->what.key, w->pool, sizeof(w->pool));
	w->pool_open = s.in_use->what.open;
	return gather_pile_of(w, src, s.waiters);
}

static bool gather_exhausted(struct evidence *e, const struct source *src)
{
	struct evidence_waiters *w = &e->waiters;
	struct pool_exhaustion x;
	bool named;

	if (!target_pool_exhaustion(src->t, &x))
		return true;
	fdgroup_name(&x.in_use->what.key, w->pool, sizeof(w->pool));
	w->pool_open = x.in_use->what.open;
	w->still_s = (double)(src->now_ns - x.since_ns) / 1e9;
	named = gather_pile_of(w, src, x.waiters);
	w->held_by = x.holders ? x.holders->count : 0;
	w->holder = (struct code_line){};
	if (!w->held_by)
		return named;
	w->held_s = x.holders->oldest_ns ? (double)(src->now_ns - x.holders->oldest_ns) / 1e9 : NAN;
	return set_line(&w->holder, model_program_frame(src->m, src->t->image_id, src->t->runtime,
							x.holders->stack, x.holders->nstack)) &&
	       named;
}

static void visit_waiters(const struct evidence *e, const struct visit *v)
{
	const struct evidence_waiters *w = &e->waiters;

	put_count(v, NULL, "goroutines", "goroutines", w->count);
	put_text(v, NULL, "reason", w->reason);
	put_main_site(v, "site", &w->site);
	v->fn(v->arg,
	      &(struct evidence_part){ .key = "created_by",
				       .log_key = "created_by",
				       .type = EVIDENCE_SITE,
				       .site = { &w->created_by, NAN, .may_be_no = true } });
}

static void visit_pool(const struct evidence *e, const struct visit *v)
{
	put_text(v, "pool", "what", e->waiters.pool);
	put_count(v, "pool", "open", "open", e->waiters.pool_open);
	visit_waiters(e, v);
}

static void visit_exhausted(const struct evidence *e, const struct visit *v)
{
	visit_pool(e, v);
	put_count(v, "pool", "held_by", "held_by", e->waiters.held_by);
	v->fn(v->arg,
	      &(struct evidence_part){ .key = "held_at",
				       .log_key = "held_at",
				       .type = EVIDENCE_SITE,
				       .site = { &e->waiters.holder, NAN, .may_be_no = true } });
}

static void describe_group(const struct evidence *e, const char *metric, double value, char *buf,
			   size_t size)
{
	const struct evidence_waiters *w = &e->waiters;
	char place[CODE_LINE_MAX], created[CODE_LINE_MAX];

	code_line_print(&w->site, CODE_LINE_AT, place, sizeof(place));
	code_line_print(&w->created_by, CODE_LINE_AT, created, sizeof(created));
	snprintf(buf, size, "%llu goroutines %s%s%sin %s%s%s; %.0f %s",
		 (unsigned long long)w->count, w->reason[0] ? "wait (" : "wait ", w->reason,
		 w->reason[0] ? ") " : "", place, created[0] ? ", created by " : "", created, value,
		 w->says);
}

static void describe_pile(const struct evidence *e, const char *metric, double value, char *buf,
			  size_t size)
{
	const struct evidence_waiters *w = &e->waiters;
	char place[CODE_LINE_MAX];

	code_line_print(&w->site, CODE_LINE_AT, place, sizeof(place));
	snprintf(buf, size, "%llu goroutines wait for one lock (%s), most in %s",
		 (unsigned long long)w->count, w->reason, place);
}

static void describe_pool(const struct evidence *e, const char *metric, double value, char *buf,
			  size_t size)
{
	const struct evidence_waiters *w = &e->waiters;
	char place[CODE_LINE_MAX];

	code_line_print(&w->site, CODE_LINE_AT, place, sizeof(place));
	snprintf(buf, size,
		 "the pool is too small: %llu goroutines wait for one of %llu %s, most in %s",
		 (unsigned long long)w->count, (unsigned long long)w->pool_open, w->pool, place);
}

static void describe_holders(const struct evidence_waiters *w, char *buf, size_t size)
{
	char place[CODE_LINE_MAX], age[32] = "";

	code_line_print(&w->holder, CODE_LINE_AT, place, sizeof(place));
	if (!isnan(w->held_s))
		snprintf(age, sizeof(age), " for %.0f s or longer", w->held_s);
	if (w->held_by)
		snprintf(buf, size, "%llu goroutines hold one%s, most in %s",
			 (unsigned long long)w->held_by, age, place);
	else
		snprintf(buf, size,
			 "no goroutine is in a call that uses one: they were taken and not given "
			 "back");
}

static void describe_exhausted(const struct evidence *e, const char *metric, double value,
			       char *buf, size_t size)
{
	const struct evidence_waiters *w = &e->waiters;
	char place[CODE_LINE_MAX], holders[CODE_LINE_MAX + 96];

	code_line_print(&w->site, CODE_LINE_AT, place, sizeof(place));
	describe_holders(w, holders, sizeof(holders));
	snprintf(buf, size,
		 "the pool is used up: %llu goroutines wait for one of %llu %s, which have not "
		 "moved "
		 "for %.0f s, most in %s; %s",
		 (unsigned long long)w->count, (unsigned long long)w->pool_open, w->pool,
		 w->still_s, place, holders);
}

/* A deadlock */

static size_t put_edge(char *buf, size_t size, const struct event_edge *e,
		       const struct code_line *at)
{
	char place[CODE_LINE_MAX];
	int n;

	code_line_print(at, CODE_LINE_AT, place, sizeof(place));
	n = snprintf(buf, size, "goroutine %llu waits in %s for %s 0x%llx%s of goroutine %llu",
		     (unsigned long long)e->goid, place, e->rw ? "RWMutex" : "Mutex",
		     (unsigned long long)e->lock, e->reads ? " (to read)" : "",
		     (unsigned long long)e->holder);
	return n < 0 || (size_t)n >= size ? 0 : (size_t)n;
}

static bool gather_ring(struct evidence *e, const struct source *src)
{
	const struct ring *r = target_ring(src->t);
	struct evidence_ring *ring = &e->ring;
	bool known = true;
	size_t at = 0;

	if (!r || !r->n)
		return true;
	ring->goroutines = r->edges[0].goroutines;
	ring->length = r->edges[0].length;
	for (unsigned i = 0; i < r->n; i++) {
		const struct event_edge *edge = &r->edges[i];
		struct code_line line = {};
		size_t n;

		known &= set_line(&line,
				  model_program_frame(src->m, src->t->image_id, src->t->runtime,
						      edge->stack, edge->nstack));
		if (!i)
			ring->site = line;
		if (at && at + 2 < sizeof(ring->edges))
			at += (size_t)sprintf(ring->edges + at, "; ");
		n = put_edge(ring->edges + at, sizeof(ring->edges) - at, edge, &line);
		if (!n)
			break;
		at += n;
	}
	return known;
}

static void visit_ring(const struct evidence *e, const struct visit *v)
{
	put_count(v, NULL, "goroutines", "goroutines", e->ring.goroutines);
	put_count(v, NULL, "ring", "ring", e->ring.length);
	put_text(v, NULL, "waits", e->ring.edges);
	put_main_site(v, "site", &e->ring.site);
}

static void describe_ring(const struct evidence *e, const char *metric, double value, char *buf,
			  size_t size)
{
	snprintf(buf, size, "%llu goroutines will never run again: %s",
		 (unsigned long long)e->ring.goroutines, e->ring.edges);
}

/* Descriptors */

static const char no_opener[] =
	"not known: they were opened before it was looked at, or in a way that no hook sees";

/* The line that opened most of what leaks, and its share of these. */
static void gather_opener(struct evidence_site *opened_by, const struct source *src,
			  const struct event_fd_key *what)
{
	struct fd_line lines[FD_LINES_MAX];
	unsigned n = fd_lines(src->m, src->t, lines);
	const struct fd_line *most = NULL;
	uint64_t kept = 0;

	for (unsigned i = 0; i < n; i++) {
		if (memcmp(&lines[i].what, what, sizeof(*what)))
			continue;
		kept += lines[i].kept;
		most = most ?: &lines[i];
	}
	if (!most || !most->at || !most->kept)
		return;
	opened_by->at = *most->at;
	opened_by->share = (double)most->kept / (double)kept;
}

/* A line of a library never has a name; it is not waited for. */
static bool gather_fds(struct evidence *e, const struct source *src)
{
	const struct fdgroup *g = fdgroups_fastest(src->t->fd_groups, src->about->fds);
	struct evidence_fds *f = &e->fds;
	struct fd_end end;

	if (!g)
		return true;
	fdgroup_name(&g->what.key, f->what, sizeof(f->what));
	f->open = g->what.open;
	f->low_per_hour = g->leak.low_per_hour;
	f->high_per_hour = g->leak.high_per_hour;
	f->limit = src->t->fds.limit;
	f->limit_kind = FD_LIMIT_PROCESS;
	f->full_low_s = f->full_high_s = NAN;
	if (target_fd_end(src->t, &end)) {
		f->limit = end.max;
		f->limit_kind = end.limit;
		f->full_low_s = end.low_s;
		f->full_high_s = end.high_s;
	}
	gather_opener(&f->opened_by, src, &g->what.key);
	return true;
}

static void visit_fds(const struct evidence *e, const struct visit *v)
{
	const struct evidence_fds *f = &e->fds;
	static const char in[] = "descriptors";

	put_text(v, in, "what", f->what);
	put_count(v, in, "open", "open", f->open);
	put_text(v, in, "limit_name", fd_limit_names[f->limit_kind]);
	put_real(v, in, "low_per_hour", "low_per_hour", f->low_per_hour, 1);
	put_real(v, in, "high_per_hour", "high_per_hour", f->high_per_hour, 1);
	put_real(v, in, "exhaustion_seconds", "full_in_seconds", f->full_low_s, 0);
	put_real(v, in, "exhaustion_high_seconds", NULL, f->full_high_s, 0);
	put_line(v, in, "opened_by", &f->opened_by.at, f->opened_by.share, "not known");
}

static void describe_opener(const struct evidence_site *opened_by, char *buf, size_t size)
{
	char place[CODE_LINE_MAX];

	code_line_print(&opened_by->at, CODE_LINE_AT, place, sizeof(place));
	if (place[0])
		snprintf(buf, size, "; %.0f %% of what is kept was opened by %s",
			 100 * opened_by->share, place);
	else
		snprintf(buf, size, "; who opened them is %s", no_opener);
}

static void describe_limit(enum fd_limit kind, uint64_t limit, char *buf, size_t size)
{
	const char *name = kind == FD_LIMIT_PROCESS ? "the limit" : fd_limit_names[kind];

	snprintf(buf, size, "%s of %llu", name, (unsigned long long)limit);
}

static void describe_fds(const struct evidence *e, const char *metric, double value, char *buf,
			 size_t size)
{
	const struct evidence_fds *f = &e->fds;
	char low[32], high[32], limit[64], full[160] = "", opened[CODE_LINE_MAX + 64];

	duration_print(f->full_low_s, low, sizeof(low));
	duration_print(f->full_high_s, high, sizeof(high));
	describe_limit(f->limit_kind, f->limit, limit, sizeof(limit));
	if (f->full_high_s <= 0)
		snprintf(full, sizeof(full), "; %s is reached", limit);
	else if (isfinite(f->full_high_s))
		snprintf(full, sizeof(full), "; %s is reached in %s to %s", limit, low, high);
	else if (isfinite(f->full_low_s))
		snprintf(full, sizeof(full), "; %s is reached in %s at the earliest", limit, low);
	describe_opener(&f->opened_by, opened, sizeof(opened));
	snprintf(buf, size, "%s leak: %llu are open, %.0f to %.0f more an hour%s%s", f->what,
		 (unsigned long long)f->open, f->low_per_hour, f->high_per_hour, full, opened);
}

/* No descriptors left */

static const struct fdgroup *largest(const struct fdgroup *gs)
{
	const struct fdgroup *most = NULL;

	for (const struct fdgroup *g = gs; g; g = g->hh.next) {
		if (!most || g->what.open > most->what.open)
			most = g;
	}
	return most;
}

static bool gather_full(struct evidence *e, const struct source *src)
{
	const struct fdgroup *g =
		fdgroups_fastest(src->t->fd_groups, FDS_ALL) ?: largest(src->t->fd_groups);
	const struct event_fd_opened *r = &src->t->refusal;
	struct evidence_full *f = &e->full;
	struct fd_end end;

	f->open = src->t->fds.open;
	f->limit = src->t->fds.limit;
	f->hard = src->t->fds.hard;
	f->reached = target_fd_end(src->t, &end) ? end.limit : FD_LIMIT_PROCESS;
	f->used = f->reached != FD_LIMIT_PROCESS ? end.used : 0;
	f->max = f->reached != FD_LIMIT_PROCESS ? end.max : 0;
	if (g) {
		fdgroup_name(&g->what.key, f->what, sizeof(f->what));
		f->most = g->what.open;
		gather_opener(&f->opened_by, src, &g->what.key);
	}
	if (!r->opened_ns)
		return true;
	return set_line(&f->failed_in, model_opener_frame(src->m, src->t->image_id, src->t->runtime,
							  r->stack, r->nstack));
}

static void visit_full(const struct evidence *e, const struct visit *v)
{
	const struct evidence_full *f = &e->full;
	static const char in[] = "descriptors";

	put_count(v, in, "open", "open", f->open);
	put_text(v, in, "limit_name", fd_limit_names[f->reached]);
	put_count(v, in, "limit", "limit", f->limit);
	put_count(v, in, "hard_limit", "hard_limit", f->hard);
	put_text(v, in, "what", f->what);
	put_count(v, in, "most", "most", f->most);
	put_line(v, in, "failed_in", &f->failed_in, NAN, "not seen");
	/* The cause, where it is known. */
	put_line(v, in, "opened_by", &f->opened_by.at, f->opened_by.share, "not known");
}

static void describe_hard(const struct evidence_full *f, char *buf, size_t size)
{
	if (f->hard > f->limit && f->hard != UINT64_MAX)
		snprintf(buf, size, ", soft; the hard limit is %llu", (unsigned long long)f->hard);
	else if (f->hard == f->limit)
		snprintf(buf, size, ", soft and hard");
	else
		buf[0] = '\0';
}

static void describe_reached(const struct evidence_full *f, char *buf, size_t size)
{
	static const char *const whats[FD_LIMIT_MAX] = { "descriptor", "inotify instance",
							 "inotify watch",
							 "descriptor on the host" };
	int n = snprintf(buf, size, "no %s is left", whats[f->reached]);

	/* In a user namespace the limit may be lower than the host's. */
	if (f->reached != FD_LIMIT_PROCESS && f->max && f->used >= f->max)
		snprintf(buf + n, size - (size_t)n, " (%s: %llu of %llu are used)",
			 fd_limit_names[f->reached], (unsigned long long)f->used,
			 (unsigned long long)f->max);
	else if (f->reached != FD_LIMIT_PROCESS)
		snprintf(buf + n, size - (size_t)n, " (%s)", fd_limit_names[f->reached]);
}

static void describe_full(const struct evidence *e, const char *metric, double value, char *buf,
			  size_t size)
{
	const struct evidence_full *f = &e->full;
	char hard[64], place[CODE_LINE_MAX], opened[CODE_LINE_MAX + 64],
		most[128] = "", failed[CODE_LINE_MAX + 32] = "", reached[128];

	describe_hard(f, hard, sizeof(hard));
	describe_opener(&f->opened_by, opened, sizeof(opened));
	if (f->most)
		snprintf(most, sizeof(most), "; %llu are %s", (unsigned long long)f->most, f->what);
	code_line_print(&f->failed_in, CODE_LINE_AT, place, sizeof(place));
	if (place[0])
		snprintf(failed, sizeof(failed), "; calls fail in %s", place);
	describe_reached(f, reached, sizeof(reached));
	snprintf(buf, size, "%s: %llu are open, of %llu (RLIMIT_NOFILE%s)%s%s%s", reached,
		 (unsigned long long)f->open, (unsigned long long)f->limit, hard, most, failed,
		 opened);
}

/* Closes of what has been closed already */

static bool gather_close(struct evidence *e, const struct source *src)
{
	const struct event_fd_opened *c = &src->t->bad_close;

	return set_line(&e->close.site, model_opener_frame(src->m, src->t->image_id,
							   src->t->runtime, c->stack, c->nstack));
}

static void visit_close(const struct evidence *e, const struct visit *v)
{
	put_main_site(v, "site", &e->close.site);
}

static void describe_close(const struct evidence *e, const char *metric, double value, char *buf,
			   size_t size)
{
	char place[CODE_LINE_MAX];

	code_line_print(&e->close.site, CODE_LINE_AT, place, sizeof(place));
	snprintf(buf, size,
		 "closed a descriptor that it had closed already %.0f times in 5 minutes, the "
		 "newest in %s: "
		 "if the number has been reused, this closes a descriptor of other code",
		 value, place);
}

static const struct evidence_row {
	bool (*gather)(struct evidence *e, const struct source *src);
	void (*visit)(const struct evidence *e, const struct visit *v);
	void (*describe)(const struct evidence *e, const char *metric, double value, char *buf,
			 size_t size);
	bool is_moment;
} rows[EVIDENCE_KIND_MAX] = {
	[EVIDENCE_DEPTH] = { gather_depth, visit_depth, describe_depth, .is_moment = true },
	[EVIDENCE_REQUEST] = { gather_request, visit_depth, describe_depth },
	[EVIDENCE_PANIC] = { gather_panic, visit_panic, describe_panic, .is_moment = true },
	[EVIDENCE_GROUP] = { gather_group, visit_waiters, describe_group },
	[EVIDENCE_PILE] = { gather_pile, visit_waiters, describe_pile },
	[EVIDENCE_POOL] = { gather_pool, visit_pool, describe_pool },
	[EVIDENCE_EXHAUSTED] = { gather_exhausted, visit_exhausted, describe_exhausted },
	[EVIDENCE_RING] = { gather_ring, visit_ring, describe_ring },
	[EVIDENCE_FDS] = { gather_fds, visit_fds, describe_fds },
	[EVIDENCE_FULL] = { gather_full, visit_full, describe_full },
	[EVIDENCE_BAD_CLOSE] = { gather_close, visit_close, describe_close },
};

void evidence_visit(const struct evidence *e, evidence_fn fn, void *arg)
{
	if (e->kind != EVIDENCE_NONE)
		rows[e->kind].visit(e, &(struct visit){ fn, arg });
}

static void keep_main(void *arg, const struct evidence_part *part)
{
	if (part->type == EVIDENCE_SITE && part->site.main && code_line_named(part->site.at))
		*(const struct code_line **)arg = part->site.at;
}

const struct code_line *evidence_site(const struct evidence *e)
{
	const struct code_line *site = NULL;

	evidence_visit(e, keep_main, &site);
	return site;
}

const char *evidence_no_site(const struct evidence *e)
{
	return e->kind == EVIDENCE_FDS || e->kind == EVIDENCE_FULL ? no_opener : "";
}

bool evidence_gather(struct evidence *e, const struct evidence_about *about, struct model *m,
		     const struct service *s, const struct target *t, uint64_t now_ns)
{
	const struct source src = { m, s, t, about, now_ns };

	if (e->kind != about->kind)
		*e = (struct evidence){ .kind = about->kind };
	return e->kind == EVIDENCE_NONE || rows[e->kind].gather(e, &src);
}

bool evidence_is_moment(enum evidence_kind kind)
{
	return rows[kind].is_moment;
}

void evidence_describe(const struct evidence *e, const char *metric, double value, char *buf,
		       size_t size)
{
	if (size)
		buf[0] = '\0';
	if (e->kind != EVIDENCE_NONE)
		rows[e->kind].describe(e, metric, value, buf, size);
}
