// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "alert/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

struct series {
	UT_hash_handle hh;
	struct series_key {
		char rule[RULE_NAME_MAX];
		uint64_t subject;
		uint32_t node;
		uint32_t what;
	} key;
	uint64_t used_ns;
	unsigned n, next;
	uint64_t time_ns[HISTORY_SAMPLES];
	double value[HISTORY_SAMPLES];
};

struct history {
	struct series *all;
};

struct history *history_new(void)
{
	return calloc(1, sizeof(struct history));
}

void history_free(struct history *h)
{
	if (!h)
		return;
	history_forget_unused(h, UINT64_MAX);
	free(h);
}

void history_forget_unused(struct history *h, uint64_t now_ns)
{
	struct series *s, *next;

	HASH_ITER (hh, h->all, s, next) {
		if (now_ns - s->used_ns < HISTORY_UNUSED_NS)
			continue;
		HASH_DEL(h->all, s);
		free(s);
	}
}

static struct series *series_of(struct history *h, const struct series_key *key)
{
	struct series *s;

	HASH_FIND(hh, h->all, key, sizeof(*key), s);
	if (s || HASH_COUNT(h->all) >= HISTORY_MAX)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->key = *key;
	HASH_ADD(hh, h->all, key, sizeof(s->key), s);
	return s;
}

static unsigned slot_of(const struct series *s, unsigned age)
{
	return (s->next + HISTORY_SAMPLES - 1 - age) % HISTORY_SAMPLES;
}

static int by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* From the oldest sample in the window on. */
static bool rate(const struct series *s, uint64_t window_ns, uint64_t now_ns, double value,
		 double *ret)
{
	for (unsigned age = s->n; age-- > 0;) {
		uint64_t ago_ns = now_ns - s->time_ns[slot_of(s, age)];

		if (ago_ns > window_ns)
			continue;
		if (!ago_ns || ago_ns < window_ns / 2)
			return false;
		*ret = (value - s->value[slot_of(s, age)]) / ((double)ago_ns / 1e9);
		return true;
	}
	return false;
}

static bool rise(const struct series *s, double value, double *ret)
{
	double sorted[HISTORY_SAMPLES];

	if (s->n < HISTORY_SAMPLES / 12)
		return false;
	memcpy(sorted, s->value, s->n * sizeof(*sorted));
	qsort(sorted, s->n, sizeof(*sorted), by_number);
	*ret = value - sorted[s->n / 2];
	return true;
}

static void add(struct series *s, uint64_t now_ns, double value)
{
	s->time_ns[s->next] = now_ns;
	s->value[s->next] = value;
	s->next = (s->next + 1) % HISTORY_SAMPLES;
	s->n += s->n < HISTORY_SAMPLES;
}

bool history_ask(struct history *h, const char *rule, uint64_t subject, unsigned node,
		 enum expr_history what, uint64_t window_ns, uint64_t now_ns, double value,
		 double *ret)
{
	struct series_key key = { .subject = subject, .node = node, .what = what };
	/* A little closer than needed, for samples that come late. */
	uint64_t step_ns =
		(what == EXPR_RATE ? window_ns : HISTORY_RISE_NS) / (HISTORY_SAMPLES - 4);
	struct series *s;
	bool known;

	snprintf(key.rule, sizeof(key.rule), "%s", rule);
	s = series_of(h, &key);
	if (!s)
		return false;
	s->used_ns = now_ns;
	known = what == EXPR_RATE ? rate(s, window_ns, now_ns, value, ret) : rise(s, value, ret);
	if (!s->n || now_ns - s->time_ns[slot_of(s, 0)] >= step_ns)
		add(s, now_ns, value);
	return known;
}
