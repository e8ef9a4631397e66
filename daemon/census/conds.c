// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/conds_priv.h"

#include <stdlib.h>

#include "census/g_priv.h"
#include "census/sudog_priv.h"

#define STACK_WORDS 64u /* from runtime.gopark out to sync.(*Cond).Wait */

/* sync/cond.go: Cond { noCopy, L Locker, notify notifyList, ... }; runtime/sema.go: */
#define COND_NOTIFY 16u
#define LIST_BYTES  32u /* notifyList { wait, notify uint32; lock mutex; head, tail *sudog } */
#define LIST_HEAD   16u
#define LIST_TAIL   24u
#define LINK_BYTES  16u /* of a sudog: up to SUDOG_NEXT */

struct conds {
	struct pages pages;
	uint32_t searches, steps; /* so far */
	void (*fn)(void *arg, uint64_t g, uint64_t list);
	void *arg;
};

struct conds *conds_new(const struct memread *m, void (*fn)(void *arg, uint64_t g, uint64_t list),
			void *arg)
{
	struct conds *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	pages_init(&c->pages, m);
	c->searches = c->steps = 0;
	c->fn = fn;
	c->arg = arg;
	return c;
}

/*
 * Follow what may be a list, and call fn for each waiter; NULL: do not. Whether it has g in it, and
 * leads from its head to its tail, which nothing else does.
 */
static bool walk(struct conds *c, uint64_t list, uint64_t g,
		 void (*fn)(void *arg, uint64_t g, uint64_t list), bool *ret_has)
{
	uint8_t head[LIST_BYTES], sudog[LINK_BYTES];
	uint64_t at, last = 0;

	*ret_has = false;
	if (list % 8 || pages_read(&c->pages, list, head, sizeof(head)))
		return false;
	for (at = g_word(head, LIST_HEAD); at; at = g_word(sudog, SUDOG_NEXT)) {
		if (at % 8 || c->steps++ >= CONDS_STEPS_MAX ||
		    pages_read(&c->pages, at, sudog, sizeof(sudog)))
			return false;
		*ret_has |= g_word(sudog, SUDOG_G) == g;
		if (fn)
			fn(c->arg, g_word(sudog, SUDOG_G), list);
		last = at;
	}
	return last && last == g_word(head, LIST_TAIL);
}

static bool is_list(struct conds *c, uint64_t list, uint64_t g)
{
	bool has;

	return walk(c, list, g, NULL, &has) && has && walk(c, list, g, c->fn, &has);
}

bool conds_find(struct conds *c, uint64_t g, uint64_t sp)
{
	if (c->searches++ >= CONDS_SEARCHES_MAX)
		return false;
	for (uint64_t i = 0; i < STACK_WORDS; i++) {
		uint64_t at;

		if (pages_read(&c->pages, sp + i * sizeof(at), &at, sizeof(at)))
			return false;
		if (at < 4096 || at % 8 || (at >= sp && at < sp + STACK_WORDS * sizeof(at)))
			continue;
		if (is_list(c, at, g) || is_list(c, at + COND_NOTIFY, g))
			return true;
	}
	return false;
}
