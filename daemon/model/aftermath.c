// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/aftermath.h"

#include <stddef.h>

#define LOGS                                                                             \
	(1u << WRITE_STDERR | 1u << WRITE_STDOUT | 1u << WRITE_FILE | 1u << WRITE_PIPE | \
	 1u << WRITE_LOCAL)

enum aftermath_verdict aftermath_verdict(const struct aftermath_counts *t)
{
	if (t->silent < t->watched || t->raised)
		return AFTERMATH_NOT_SILENT;
	return t->watched < AFTERMATH_SUSPECT ? AFTERMATH_UNSURE : AFTERMATH_SUSPECTED;
}

static struct aftermath *find(struct aftermaths *a, uint64_t panic)
{
	for (unsigned i = 0; i < AFTERMATH_MAX; i++) {
		if (a->each[i].panic == panic)
			return &a->each[i];
	}
	return NULL;
}

static struct aftermath *free_place(struct aftermaths *a, uint64_t now_ns)
{
	for (unsigned i = 0; i < AFTERMATH_MAX; i++) {
		struct aftermath *each = &a->each[i];

		if (!each->panic ||
		    (!each->recovered_ns && each->began_ns + AFTERMATH_STALE_NS < now_ns))
			return each;
	}
	return NULL;
}

static bool same_goroutine(const struct aftermath *a, const struct event *ev)
{
	if (a->target != ev->target)
		return false;
	return ev->panic.c ? a->tid == ev->tid : a->goid == ev->panic.goid;
}

static void begin(struct aftermaths *a, const struct event *ev, struct aftermath_counts *counts)
{
	struct aftermath *each;

	for (unsigned i = 0; i < AFTERMATH_MAX; i++) {
		each = &a->each[i];
		if (each->panic && each->recovered_ns && same_goroutine(each, ev) &&
		    each->counts != counts && ev->time_ns - each->recovered_ns < AFTERMATH_AGAIN_NS)
			each->panicked = true;
	}
	each = counts && ev->panic.watched && counts->watched < AFTERMATH_ENOUGH
		       ? free_place(a, ev->time_ns)
		       : NULL;
	if (!each)
		return;
	*each = (struct aftermath){
		.panic = ev->panic.id,
		.target = ev->target,
		.tid = ev->tid,
		.g = ev->panic.g,
		.goid = ev->panic.goid,
		.began_ns = ev->time_ns,
		.counts = counts,
	};
}

void aftermaths_panic(struct aftermaths *a, const struct event *ev, struct aftermath_counts *counts)
{
	const struct event_panic *p = &ev->panic;

	if (p->step == PANIC_STARTED)
		begin(a, ev, counts);
	for (unsigned i = 0; i < p->nclosed; i++) {
		struct aftermath *each = p->closed[i].id ? find(a, p->closed[i].id) : NULL;

		if (!each)
			continue;
		if (p->closed[i].outcome == OUTCOME_RECOVERED && p->watched)
			each->recovered_ns = ev->time_ns;
		else
			each->panic = 0;
	}
}

void aftermaths_write(struct aftermaths *a, const struct event_write *w)
{
	struct aftermath *each = w->panic ? find(a, w->panic) : NULL;

	if (each)
		each->wrote |= 1u << w->kind;
}

void aftermaths_drop(struct aftermaths *a, uint32_t target)
{
	for (unsigned i = 0; i < AFTERMATH_MAX; i++) {
		if (a->each[i].target == target)
			a->each[i].panic = 0;
	}
}

void aftermaths_forget(struct aftermaths *a, const struct aftermath_counts *counts)
{
	for (unsigned i = 0; i < AFTERMATH_MAX; i++) {
		if (a->each[i].counts == counts)
			a->each[i] = (struct aftermath){};
	}
}

void aftermaths_discard(struct aftermaths *a, uint64_t now_ns)
{
	for (unsigned i = 0; i < AFTERMATH_MAX; i++) {
		struct aftermath *each = &a->each[i];

		if (!each->recovered_ns || now_ns < each->recovered_ns + EVENT_AFTERMATH_NS)
			each->panic = 0;
	}
}

struct aftermath *aftermaths_complete(struct aftermaths *a, uint64_t now_ns)
{
	for (unsigned i = 0; i < AFTERMATH_MAX; i++) {
		struct aftermath *each = &a->each[i];

		if (each->panic && each->recovered_ns &&
		    now_ns > each->recovered_ns + AFTERMATH_COMPLETE_NS)
			return each;
	}
	return NULL;
}

void aftermath_discard(struct aftermath *a)
{
	a->panic = 0;
}

void aftermath_close(struct aftermath *a, bool went_on)
{
	struct aftermath_counts *t = a->counts;

	t->watched++;
	t->silent += !(a->wrote & LOGS) && !a->panicked;
	t->panicked += a->panicked;
	t->went_on += went_on;
	for (unsigned k = 0; k < WRITE_KIND_MAX; k++)
		t->wrote[k] += a->wrote >> k & 1;
	a->panic = 0;
}
