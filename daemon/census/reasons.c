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

enum census_wait census_wait_of(const char *text)
{
	/* A reason may end in what it means for tests: "chan receive (durable)". */
	static const struct {
		const char *begin;
		enum census_wait wait;
	} waits[] = {
		{ "chan receive (nil chan)", CENSUS_WAIT_OTHER },
		{ "chan send (nil chan)", CENSUS_WAIT_OTHER },
		{ "chan receive", CENSUS_WAIT_CHANNEL },
		{ "chan send", CENSUS_WAIT_CHANNEL },
		{ "select (no cases)", CENSUS_WAIT_OTHER },
		{ "select", CENSUS_WAIT_SELECT },
		{ "semacquire", CENSUS_WAIT_LOCK },
		{ "sync.", CENSUS_WAIT_LOCK }, /* Mutex, RWMutex, WaitGroup, Cond */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(waits); i++) {
		if (!strncmp(text, waits[i].begin, strlen(waits[i].begin)))
			return waits[i].wait;
	}
	return CENSUS_WAIT_OTHER;
}
