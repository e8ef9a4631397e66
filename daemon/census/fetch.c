// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/fetch_priv.h"

#include <errno.h>

#include "census/g_priv.h"

#define GAP_MAX 1024u
#define RUN_MAX 65536u

/* How many of the addresses lie so near to each other that one read of up to `max` bytes is cheaper. */
static uint32_t run_length(const uint64_t *addr, uint32_t n, size_t max)
{
	uint32_t i = 1;

	while (i < n && addr[i] - addr[i - 1] <= G_BYTES + GAP_MAX &&
	       addr[i] - addr[0] <= max - G_BYTES)
		i++;
	return i;
}

/* A hole between two of them: each by itself. */
static int fetch_apart(const struct memread *m, const struct memread_span *run,
		       const uint64_t *addr, uint32_t n, const uint8_t **at)
{
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *to = (uint8_t *)run->dst + (addr[i] - addr[0]);
		int err = memread_at(m, addr[i], to, G_BYTES);

		if (err == -ESRCH)
			return err;
		at[i] = err ? NULL : to;
	}
	return 0;
}

int fetch_gs(const struct memread *m, const uint64_t *addr, uint32_t n, struct fetch *f,
	     uint32_t *ret_n)
{
	struct memread_span runs[FETCH_MAX];
	uint32_t len[FETCH_MAX], n_runs = 0, done = 0;
	size_t room = FETCH_BYTES;
	uint8_t *to = f->bytes;

	n = n < FETCH_MAX ? n : FETCH_MAX;
	while (done < n && room >= G_BYTES) {
		uint32_t k = run_length(addr + done, n - done, room < RUN_MAX ? room : RUN_MAX);
		size_t bytes = addr[done + k - 1] - addr[done] + G_BYTES;

		runs[n_runs] = (struct memread_span){ .addr = addr[done], .dst = to, .n = bytes };
		len[n_runs++] = k;
		for (uint32_t i = 0; i < k; i++)
			f->at[done + i] = to + (addr[done + i] - addr[done]);
		to += bytes;
		room -= bytes;
		done += k;
	}
	*ret_n = done;
	memread_many(m, runs, n_runs);
	for (uint32_t i = 0, first = 0; i < n_runs; first += len[i++]) {
		int err = runs[i].err;

		if (err && err != -ESRCH)
			err = fetch_apart(m, &runs[i], addr + first, len[i], f->at + first);
		if (err)
			return err;
	}
	return 0;
}
