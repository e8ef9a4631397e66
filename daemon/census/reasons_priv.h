/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef DEFERD_CENSUS_REASONS_PRIV_H
#define DEFERD_CENSUS_REASONS_PRIV_H

#include "census/goroutine.h"
#include "census/opts.h"
#include "census/reasons.h"

/* The texts of the wait reasons, "" for none; sanitized. 0 or negative errno. */
int census_reasons(const struct memread *m, const struct census_where *where,
		   char ret_texts[CENSUS_REASONS_MAX][CENSUS_REASON_MAX]);

/* What who waits for this reason waits for. */
enum census_wait census_wait_of(const char *text);

#endif
