// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/search.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "census/census.h"
#include "census/g_priv.h"
#include "census/verify.h"

#define CHUNK_BYTES 65536u
#define SLICE_BYTES 24u

/* Pointer, length and capacity, of more than the one goroutine that there is before main runs. */
static bool is_slice(const uint8_t *p)
{
	uint64_t at = g_word(p, 0), n = g_word(p, 8), room = g_word(p, 16);

	return at >= 4096 && at % 8 == 0 && n >= 2 && n <= room &&
	       room <= 2 * CENSUS_GOROUTINES_MAX;
}

/* runtime.allgptr, too, points to the list, and what lies behind it may look like numbers. */
static bool ends_with_g(const struct memread *m, const uint8_t *slice)
{
	uint64_t at, self;

	return !memread_at(m, g_word(slice, 0) + 8 * (g_word(slice, 8) - 1), &at, sizeof(at)) &&
	       !memread_at(m, at + G_SCHED_G, &self, sizeof(self)) && self == at;
}

static bool is_allgs(const struct memread *m, const struct go_layout *l, uint64_t slice,
		     uint64_t runtime_main)
{
	const struct verify_where w = { .allgs_len = slice + 8,
					.allgs_list = slice,
					.runtime_main = runtime_main };
	struct reason reason;

	return !verify_layout(m, l, &w, &reason);
}

/* What is found; `first` is the first goroutine of the list. */
struct found {
	uint64_t slice, first, n, room;
	bool alike, others; /* there is another like it; one of other goroutines */
};

/*
 * While a collection marks, a copy of the slice as it was lies in runtime.work.stackRoots: not longer,
 * and without room for more (runtime/mgcmark.go, gcPrepareMarkRoots).
 */
static void take(struct found *f, const struct memread *m, const uint8_t *p, uint64_t slice)
{
	struct found new = { .slice = slice, .n = g_word(p, 8), .room = g_word(p, 16) };

	if (memread_at(m, g_word(p, 0), &new.first, sizeof(new.first)))
		return;
	if (f->slice && new.first != f->first)
		f->others = true;
	else if (!f->slice || new.n > f->n || (new.n == f->n &&new.room > f->room))
		*f = new;
	else if (new.n == f->n &&new.room == f->room)
		f->alike = true;
}

static int judge(const struct found *f, uint64_t *ret_slice, struct reason *reason)
{
	if (f->others)
		return reason_set(reason, -EBADMSG,
				  "its data contain the lists of more than one Go runtime");
	if (!f->slice || f->alike)
		return reason_set(reason, -ENOENT, "its data contain no list of goroutines%s",
				  f->alike ? " that is the only one" : "");
	*ret_slice = f->slice;
	return 0;
}

int search_allgs(const struct memread *m, const struct go_layout *l, const struct search_where *w,
		 uint64_t *ret_slice, struct reason *reason)
{
	_cleanup_free_ uint8_t *chunk = malloc(CHUNK_BYTES);
	uint64_t end = w->end, n;
	struct found found = {};

	if (!chunk)
		return reason_set(reason, -ENOMEM, "out of memory");
	if (end > w->begin && end - w->begin > SEARCH_BYTES_MAX)
		end = w->begin + SEARCH_BYTES_MAX;
	/* Chunks overlap, so that a slice is in one of them as a whole. */
	for (uint64_t at = w->begin & ~7ull; at + SLICE_BYTES <= end; at += n - SLICE_BYTES + 8) {
		int err;

		n = end - at < CHUNK_BYTES ? end - at : CHUNK_BYTES;
		err = memread_at(m, at, chunk, n);
		if (err == -ESRCH)
			return reason_set(reason, err, "the process is gone");
		for (uint64_t i = 0; !err && i + SLICE_BYTES <= n; i += 8) {
			if (is_slice(chunk + i) && ends_with_g(m, chunk + i) &&
			    is_allgs(m, l, at + i, w->runtime_main))
				take(&found, m, chunk + i, at + i);
		}
	}
	return judge(&found, ret_slice, reason);
}
