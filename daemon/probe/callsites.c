// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "probe/callsites.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <deferd/control.h>

#include "base/cleanup.h"

static const struct {
	uint8_t role;
	const char *function;
} called[] = {
	{ DFD_ROLE_PUSH_HEAP, "runtime.deferproc" },
	{ DFD_ROLE_PUSH_RANGE, "runtime.deferprocat" },
	{ DFD_ROLE_PUSH_STACK, "runtime.deferprocStack" },
	{ DFD_ROLE_RUN, "runtime.deferreturn" },
};

struct search {
	const struct gobin *g;
	struct bytes code; /* from runtime.text on */
	struct callsite_list *ret;
};

/* Of all functions of the table; empty when it is damaged. */
static struct bytes text_of(const struct gobin *g)
{
	struct go_func last;

	if (!g->tab.nfunc || pclntab_func(&g->tab, g->tab.nfunc - 1, &last))
		return bytes_of(NULL, 0);
	return bytes_sub(elfimg_at(g->img, g->text), 0, last.end);
}

static int by_func(const void *a, const void *b)
{
	const struct callsite *x = a, *y = b;

	return (x->func > y->func) - (x->func < y->func);
}

static int by_va(const void *a, const void *b)
{
	const struct callsite *x = a, *y = b;

	return (x->va > y->va) - (x->va < y->va);
}

/* Those before `n` push; in the order of the text, so in that of their functions. */
static bool pushes(const struct callsite_list *l, uint32_t n, uint32_t func)
{
	struct callsite key = { .func = func };

	return bsearch(&key, l->list, n, sizeof(key), by_func) != NULL;
}

/* False: the list is not complete. */
static bool add(struct search *s, uint64_t at, uint8_t role, uint32_t n_pushes)
{
	struct callsite c = { .va = s->g->text + at, .role = role };
	struct go_func f;

	if (pclntab_find(&s->g->tab, at, &f))
		return false;
	if (role == DFD_ROLE_RUN && !pushes(s->ret, n_pushes, f.entry))
		return true;
	if (s->ret->n == CALLSITES_MAX ||
	    !arch_begins_at(bytes_sub(s->code, f.entry, f.end - f.entry), at - f.entry) ||
	    elfimg_va_to_off(s->g->img, c.va, &c.file_off))
		return false;
	c.func = f.entry;
	c.distance = arch_call_distance(s->code.p + at);
	s->ret->list[s->ret->n++] = c;
	return true;
}

/*
 * All calls of functions that push, or of the one that runs. A linker keeps no function that nobody calls: where
 * none is found, calls are made in another way.
 */
static bool find(struct search *s, bool run, uint32_t n_pushes)
{
	uint64_t targets[ARRAY_SIZE(called)], at = 0;
	bool met[ARRAY_SIZE(called)] = {};
	uint8_t roles[ARRAY_SIZE(called)];
	unsigned n = 0, which;

	for (unsigned i = 0; i < ARRAY_SIZE(called); i++) {
		struct gobin_func f;

		if ((called[i].role == DFD_ROLE_RUN) != run ||
		    gobin_function(s->g, called[i].function, &f))
			continue;
		roles[n] = called[i].role;
		targets[n++] = f.va - s->g->text;
	}
	while (n && !arch_find_call(s->code, targets, n, &at, &which)) {
		if (!add(s, at, roles[which], n_pushes))
			return false;
		met[which] = true;
		at++;
	}
	while (n && met[n - 1])
		n--;
	return !n;
}

void callsites_find(const struct gobin *g, struct callsite_list *ret)
{
	struct search s = { .g = g, .code = text_of(g), .ret = ret };

	memset(ret, 0, sizeof(*ret));
	ret->complete = s.code.len && find(&s, false, 0) && find(&s, true, ret->n);
	if (!ret->complete)
		ret->n = 0;
	qsort(ret->list, ret->n, sizeof(ret->list[0]), by_va);
}

bool callsites_check(const struct callsite_list *l)
{
	if (l->n > CALLSITES_MAX || (l->n && !l->complete))
		return false;
	for (uint32_t i = 0; i < l->n; i++) {
		const struct callsite *c = &l->list[i];

		if ((i && c->va <= l->list[i - 1].va) || c->role < DFD_ROLE_PUSH_HEAP ||
		    c->role > DFD_ROLE_RUN)
			return false;
	}
	return true;
}

const struct callsite *callsite_of_return(const struct callsite *list, uint32_t n, uint64_t pc)
{
	struct callsite key = { .va = pc - ARCH_CALL_LEN };

	return n ? bsearch(&key, list, n, sizeof(key), by_va) : NULL;
}

void callsite_point(const struct callsite *c, struct probe_point *ret)
{
	*ret = (struct probe_point){
		.role = c->role,
		.sets = c->role == DFD_ROLE_PUSH_STACK || c->role == DFD_ROLE_RUN
				? PLAN_SET_FULL
				: PLAN_SET_LEAN | PLAN_SET_FULL,
		.func_va = c->va,
		.va = c->va,
		.file_off = c->file_off,
		.nbytes = ARCH_CALL_LEN,
		.insn_len = ARCH_CALL_LEN,
		.emulated = true,
		.call = true,
	};
	arch_call_bytes(c->distance, ret->bytes);
	for (unsigned i = 0; i < ARRAY_SIZE(called); i++) {
		if (called[i].role == c->role)
			snprintf(ret->function, sizeof(ret->function), "a call of %s",
				 called[i].function);
	}
}
