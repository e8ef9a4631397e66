// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "golang/goerrors.h"

#include <string.h>

#include "golang/gotype.h"

#define TYPE_ALIGN 8

/* Descriptors are not marked: what is one has the name of a known type, and is what reads as that. */
static uint8_t known_at(const struct gobin *g, uint64_t va)
{
	struct gotype t;

	if (!gotype_may_be_error(g, va) || gotype_read(g, va, &t) < 0)
		return GOERROR_NONE;
	return t.known;
}

void goerrors_find(const struct gobin *g, uint64_t ret[GOERRORS_MAX])
{
	uint64_t types = g->moduledata.types, len = elfimg_at(g->img, types).len;

	memset(ret, 0, GOERRORS_MAX * sizeof(*ret));
	/* No further than the file goes. */
	if (len > g->moduledata.etypes - types)
		len = g->moduledata.etypes - types;
	for (uint64_t off = 0; types && off < len; off += TYPE_ALIGN) {
		uint8_t known = known_at(g, types + off);

		if (known && !ret[known])
			ret[known] = types + off;
	}
}
