/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Many g structs at once. A read costs by the page and the call, not by the byte, and g structs lie
 * side by side: neighbours are read in one run, with the gaps between them.
 */
#ifndef DEFERD_CENSUS_FETCH_PRIV_H
#define DEFERD_CENSUS_FETCH_PRIV_H

#include <stdint.h>

#include "base/memread.h"

#define FETCH_MAX   256u     /* g structs at once */
#define FETCH_BYTES 0x20000u /* of memory, gaps included */

struct fetch {
	uint8_t bytes[FETCH_BYTES];
	const uint8_t *at[FETCH_MAX]; /* of each G_BYTES; NULL: it cannot be read */
};

/*
 * Read as many of the n structs at ascending addresses as there is room for, at least one; *ret_n says
 * how many. 0; -ESRCH: the process is gone.
 */
int fetch_gs(const struct memread *m, const uint64_t *addr, uint32_t n, struct fetch *f,
	     uint32_t *ret_n);

#endif
