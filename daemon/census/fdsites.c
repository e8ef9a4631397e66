// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/fdsites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

struct site {
	UT_hash_handle hh;
	struct site_key {
		struct event_fd_key what;
		uint32_t nstack;
		uint64_t stack[EVENT_STACK_MAX];
	} key;
	uint32_t kept;
	unsigned n, room;
	uint64_t *opened_ns;
};

struct fdsites {
	struct site *sites;
};

struct fdsites *fdsites_new(void)
{
	return calloc(1, sizeof(struct fdsites));
}

static void clear(struct fdsites *s)
{
	struct site *i, *next;

	HASH_ITER (hh, s->sites, i, next) {
		HASH_DEL(s->sites, i);
		free(i->opened_ns);
		free(i);
	}
}

void fdsites_free(struct fdsites *s)
{
	if (!s)
		return;
	clear(s);
	free(s);
}

_Static_assert(sizeof(struct site_key) == sizeof(struct event_fd_key) + 4 + 8 * EVENT_STACK_MAX,
	       "no gaps: it is hashed");

static struct site *site_of(struct fdsites *s, const struct event_fd_opened *o,
			    struct event_fd_key what)
{
	struct site *site, probe = { .key = { .what = what, .nstack = o->nstack } };

	memcpy(probe.key.stack, o->stack, o->nstack * sizeof(*o->stack));
	HASH_FIND(hh, s->sites, &probe.key, sizeof(probe.key), site);
	if (site || HASH_COUNT(s->sites) >= FDSITES_MAX)
		return site;
	site = calloc(1, sizeof(*site));
	if (!site)
		return NULL;
	site->key = probe.key;
	HASH_ADD(hh, s->sites, key, sizeof(site->key), site);
	return site;
}

int fdsites_add(struct fdsites *s, const struct event_fd_opened *o, struct event_fd_key what,
		uint64_t old_ns)
{
	struct site *site = site_of(s, o, what);

	if (!site)
		return -ENOMEM;
	if (site->n == site->room) {
		unsigned room = site->room ? 2 * site->room : 16;
		uint64_t *more = reallocarray(site->opened_ns, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		site->opened_ns = more;
		site->room = room;
	}
	site->opened_ns[site->n++] = o->opened_ns;
	site->kept += o->opened_ns <= old_ns;
	return 0;
}

static int most_kept(struct site *a, struct site *b)
{
	return (a->kept < b->kept) - (a->kept > b->kept) ?: (a->n < b->n) - (a->n > b->n);
}

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void fdsites_tell(struct fdsites *s, const struct event *about, event_fn fn, void *arg)
{
	struct event ev = *about;
	unsigned told = 0;

	ev.type = EVENT_FD_SITE;
	HASH_SORT(s->sites, most_kept);
	for (const struct site *i = s->sites; i && told < FDSITES_TOLD; i = i->hh.next, told++) {
		if (!i->n)
			continue;
		qsort(i->opened_ns, i->n, sizeof(*i->opened_ns), by_time);
		ev.fd_site = (struct event_fd_site){
			.key = i->key.what,
			.open = i->n,
			.kept = i->kept,
			.oldest_ns = i->opened_ns[0],
			.median_ns = i->opened_ns[i->n / 2],
			.nstack = i->key.nstack,
		};
		memcpy(ev.fd_site.stack, i->key.stack, sizeof(ev.fd_site.stack));
		fn(arg, &ev);
	}
	clear(s);
}
