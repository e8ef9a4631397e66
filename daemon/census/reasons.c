// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/reasons_priv.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

int census_reasons(const struct memread *m, const struct census_where *where,
		   char ret_texts[CENSUS_REASONS_MAX][CENSUS_REASON_MAX])
{
	struct {
		uint64_t at, len;
	} strings[CENSUS_REASONS_MAX];
	char text[CENSUS_REASON_MAX];
	unsigned n = where->n_wait_reasons;
	int err;

	memset(ret_texts, 0, CENSUS_REASONS_MAX * sizeof(*ret_texts));
	if (!where->wait_reasons || n > CENSUS_REASONS_MAX)
		return -ENOENT;
	err = memread_at(m, where->wait_reasons, strings, n * sizeof(*strings));
	for (unsigned i = 0; i < n && !err; i++) {
		if (strings[i].len >= sizeof(text))
			return -EBADMSG;
		err = strings[i].len ? memread_at(m, strings[i].at, text, strings[i].len) : 0;
		utf8_sanitize(ret_texts[i], sizeof(*ret_texts), text, err ? 0 : strings[i].len);
	}
	return err;
}

bool census_reason_runs(const char *text)
{
	static const char *const runs[] = {
		"GC assist marking",    "garbage collection",     "garbage collection scan",
		"GC worker (active)",   "GC mark termination",    "stopping the world",
		"flushing proc caches", "trace goroutine status", "trace proc status",
		"page trace flush",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(runs); i++) {
		if (!strcmp(text, runs[i]))
			return true;
	}
	return false;
}
