// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/roll_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/*
 * The length is read first, as the runtime writes it last: an array then has at least that many. One
 * that grew has been copied to another place, and the old one may be freed: look again.
 */
static int read_end(const struct memread *m, const struct census_where *w, uint32_t known,
		    uint64_t **ret_list, uint32_t *ret_n)
{
	_cleanup_free_ uint64_t *list = NULL;
	uint64_t n, at, again;
	int err = memread_at(m, w->allgs_len, &n, sizeof(n));

	if (!err)
		err = memread_at(m, w->allgs_list, &at, sizeof(at));
	if (err)
		return err;
	if (n > CENSUS_GOROUTINES_MAX)
		return -E2BIG;
	if (n < known)
		return -EBADMSG;
	n -= known;
	list = malloc((n + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	err = n ? memread_at(m, at + known * sizeof(*list), list, n * sizeof(*list)) : 0;
	if (!err)
		err = memread_at(m, w->allgs_list, &again, sizeof(again));
	if (err)
		return err;
	if (again != at)
		return -EAGAIN;
	*ret_list = TAKE_PTR(list);
	*ret_n = (uint32_t)n;
	return 0;
}

static int compare_addresses(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

struct record *roll_find(struct roll *r, uint64_t addr)
{
	const uint64_t *at =
		r->n ? bsearch(&addr, r->addr, r->n, sizeof(*r->addr), compare_addresses) : NULL;

	return at ? &r->rec[at - r->addr] : NULL;
}

/* Sorted, each once, and only those that are new. Returns how many. */
static uint32_t sift(struct roll *r, uint64_t *list, uint32_t n)
{
	uint32_t kept = 0;

	qsort(list, n, sizeof(*list), compare_addresses);
	for (uint32_t i = 0; i < n; i++) {
		if ((!kept || list[i] != list[kept - 1]) && !roll_find(r, list[i]))
			list[kept++] = list[i];
	}
	return kept;
}

/* Some more than is needed: each growth copies everything. */
static int make_room(struct roll *r, uint32_t n)
{
	uint32_t room = n + n / 8;
	struct record *rec;
	uint64_t *addr;

	if (n <= r->room)
		return 0;
	addr = realloc(r->addr, room * sizeof(*addr));
	if (!addr)
		return -ENOMEM;
	r->addr = addr;
	rec = realloc(r->rec, room * sizeof(*rec));
	if (!rec)
		return -ENOMEM;
	r->rec = rec;
	r->room = room;
	return 0;
}

/* From the end, so that each is moved at most once. */
static void merge(struct roll *r, const uint64_t *list, uint32_t n)
{
	uint32_t to = r->n + n, from = r->n;

	r->n = to;
	while (n) {
		to--;
		if (from && r->addr[from - 1] > list[n - 1]) {
			from--;
			r->addr[to] = r->addr[from];
			r->rec[to] = r->rec[from];
		} else {
			r->addr[to] = list[--n];
			r->rec[to] = (struct record){ .group = GROUP_NONE };
		}
	}
}

int roll_update(struct roll *r, const struct memread *m, const struct census_where *w)
{
	_cleanup_free_ uint64_t *list = NULL;
	uint32_t n, kept;
	int err = read_end(m, w, r->listed, &list, &n);

	if (err)
		return err;
	kept = sift(r, list, n);
	err = make_room(r, r->n + kept);
	if (err)
		return err;
	merge(r, list, kept);
	r->listed += n;
	return 0;
}

void roll_done(struct roll *r)
{
	free(r->addr);
	free(r->rec);
	*r = (struct roll){};
}
