// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/requests.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stat/histogram.h"

#define UNIT_S 128e-9 /* of a duration */

const double requests_seconds_le[REQUESTS_LE] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
						  0.1,    0.25,  0.5,    1,     2.5,  5,     10 };
const double requests_defers_le[REQUESTS_LE] = { 0,  1,   2,   5,   10,   20,   35,
						 50, 100, 200, 500, 1000, 2000, 5000 };

struct requests *requests_new(void)
{
	return calloc(1, sizeof(struct requests));
}

static double middle_of(unsigned bucket)
{
	return (histogram_floor(bucket) + histogram_floor(bucket + 1)) / 2;
}

/* The defers that a bucket stands for: a whole number, which is exact where it has only one. */
static double defers_of(unsigned bucket)
{
	return floor(bucket < 64 ? bucket : middle_of(bucket));
}

/* The first bound that it is not past. */
static unsigned bound_of(const double *le, double value)
{
	unsigned i = 0;

	while (i < REQUESTS_LE && value > le[i])
		i++;
	return i;
}

/* What one bucket has counted since, in slot and window. */
static uint32_t add_bucket(uint32_t now, uint32_t *seen, uint32_t *slot, uint32_t *window)
{
	uint32_t n = now - *seen;

	if (!n)
		return 0;
	*seen = now;
	*slot += n;
	*window += n;
	return n;
}

static void add_counts(struct requests *r, struct requests_counts *seen,
		       const struct event_requests *now)
{
	struct requests_counts *slot = &r->slots[r->slot], *window = &r->window;
	uint32_t n;

	for (unsigned i = 0; i < EVENT_NS_BUCKETS; i++) {
		n = add_bucket(now->ns[i], &seen->ns[i], &slot->ns[i], &window->ns[i]);
		if (n)
			r->seconds_le[bound_of(requests_seconds_le, middle_of(i) * UNIT_S)] += n;
		(void)add_bucket(now->deep_ns[i], &seen->deep_ns[i], &slot->deep_ns[i],
				 &window->deep_ns[i]);
	}
	for (unsigned i = 0; i < EVENT_DEFERS_BUCKETS; i++) {
		n = add_bucket(now->defers[i], &seen->defers[i], &slot->defers[i],
			       &window->defers[i]);
		if (n)
			r->defers_le[bound_of(requests_defers_le, defers_of(i))] += n;
	}
}

/* What a count has become more by. */
static uint64_t take(uint64_t now, uint64_t *seen)
{
	uint64_t more = now - *seen;

	*seen = now;
	return more;
}

void requests_add(struct requests *r, struct requests_seen *seen, const struct event_requests *now,
		  uint64_t now_ns)
{
	uint64_t defers;

	requests_tick(r, now_ns);
	r->ended += take(now->ended, &seen->ended);
	r->streams += take(now->streams, &seen->streams);
	r->streams_ended += take(now->streams_ended, &seen->streams_ended);
	r->hijacked += take(now->hijacked, &seen->hijacked);
	r->panicked += take(now->panicked, &seen->panicked);
	r->unfinished += take(now->unfinished, &seen->unfinished);
	r->unbegun += take(now->unbegun, &seen->unbegun);
	r->untracked += take(now->untracked, &seen->untracked);
	r->seconds_sum += (double)take(now->ns_sum, &seen->ns_sum) / 1e9;
	r->own_only = now->own_only;
	defers = take(now->defers_sum, &seen->defers_sum);
	r->defers_sum += (double)defers;
	r->slot_defers[r->slot] += defers;
	seen->stream_ns = now->stream_ns;
	seen->deep_goid = now->deep_goid;
	seen->deep_site = now->deep_site;
	seen->deep_peak = now->deep_peak;
	add_counts(r, &seen->counts, now);
}

void requests_gone(struct requests *r, const struct requests_seen *seen)
{
	r->streams_ended += seen->streams - seen->streams_ended;
}

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static double median(const float *values, unsigned n)
{
	float sorted[REQUESTS_BASE_MAX];

	memcpy(sorted, values, n * sizeof(*values));
	qsort(sorted, n, sizeof(*sorted), by_value);
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

void requests_learned(struct requests *r, const float *seconds, unsigned n)
{
	memcpy(r->base, seconds, n * sizeof(*seconds));
	r->n_base = n;
	r->next_base = n % REQUESTS_BASE_MAX;
	r->wait_base = n < REQUESTS_BASE_SOON ? 0 : REQUESTS_SLOTS - 1;
	r->baseline = median(r->base, n);
}

/* A slot has ended. */
static void learn(struct requests *r, uint64_t now_ns)
{
	double p95;

	if (r->wait_base) {
		r->wait_base--;
		return;
	}
	if (now_ns < r->held_until_ns || !requests_seconds(r, 0.95, &p95))
		return;
	r->base[r->next_base] = (float)p95;
	r->next_base = (r->next_base + 1) % REQUESTS_BASE_MAX;
	if (r->n_base < REQUESTS_BASE_MAX)
		r->n_base++;
	r->wait_base = r->n_base < REQUESTS_BASE_SOON ? 0 : REQUESTS_SLOTS - 1;
	r->baseline = median(r->base, r->n_base);
}

/* The oldest slot becomes the newest. */
static void turn(struct requests *r)
{
	struct requests_counts *oldest;

	r->slot = (r->slot + 1) % REQUESTS_SLOTS;
	oldest = &r->slots[r->slot];
	for (unsigned i = 0; i < EVENT_NS_BUCKETS; i++) {
		r->window.ns[i] -= oldest->ns[i];
		r->window.deep_ns[i] -= oldest->deep_ns[i];
	}
	for (unsigned i = 0; i < EVENT_DEFERS_BUCKETS; i++)
		r->window.defers[i] -= oldest->defers[i];
	memset(oldest, 0, sizeof(*oldest));
	r->slot_defers[r->slot] = 0;
}

void requests_tick(struct requests *r, uint64_t now_ns)
{
	uint64_t slots;

	if (!r->slot_ns)
		r->slot_ns = now_ns;
	slots = (now_ns - r->slot_ns) / REQUESTS_SLOT_NS;
	if (!slots)
		return;
	r->slot_ns += slots * REQUESTS_SLOT_NS;
	learn(r, now_ns);
	for (uint64_t i = 0; i < slots && i < REQUESTS_SLOTS; i++)
		turn(r);
}

void requests_hold(struct requests *r, uint64_t until_ns)
{
	r->held_until_ns = until_ns;
}

bool requests_seconds(const struct requests *r, double q, double *ret_seconds)
{
	if (!r || histogram_sum(r->window.ns, EVENT_NS_BUCKETS) < REQUESTS_ENOUGH)
		return false;
	*ret_seconds = histogram_quantile(r->window.ns, EVENT_NS_BUCKETS, q) * UNIT_S;
	return true;
}

bool requests_defers(const struct requests *r, double q, double *ret_defers)
{
	uint64_t all = r ? histogram_sum(r->window.defers, EVENT_DEFERS_BUCKETS) : 0;
	uint64_t below = 0;

	if (all < REQUESTS_ENOUGH)
		return false;
	for (unsigned i = 0; i < EVENT_DEFERS_BUCKETS; i++) {
		below += r->window.defers[i];
		if ((double)below >= q * (double)all) {
			*ret_defers = defers_of(i);
			return *ret_defers > 0 || !r->own_only;
		}
	}
	return false;
}

bool requests_slow_deep(const struct requests *r, double *ret_share)
{
	uint64_t all = r ? histogram_sum(r->window.ns, EVENT_NS_BUCKETS) : 0, slow = 0, deep = 0;

	if (all < REQUESTS_ENOUGH)
		return false;
	for (unsigned i = EVENT_NS_BUCKETS; i-- > 0 && slow * 20 < all;) {
		slow += r->window.ns[i];
		deep += r->window.deep_ns[i];
	}
	*ret_share = (double)deep / (double)slow;
	return true;
}

uint64_t requests_streams_open(const struct requests *r)
{
	return r && r->streams > r->streams_ended ? r->streams - r->streams_ended : 0;
}

bool requests_baseline(const struct requests *r, double *ret_seconds)
{
	if (!r || r->n_base < REQUESTS_BASE_MIN)
		return false;
	*ret_seconds = r->baseline;
	return true;
}

uint64_t requests_recent(const struct requests *r, double *ret_defers_mean)
{
	uint64_t n = r ? histogram_sum(r->window.defers, EVENT_DEFERS_BUCKETS) : 0;
	double sum = 0;

	for (unsigned i = 0; n && i < REQUESTS_SLOTS; i++)
		sum += (double)r->slot_defers[i];
	*ret_defers_mean = n ? sum / (double)n : 0;
	if (n && sum <= 0 && r->own_only)
		*ret_defers_mean = NAN;
	return n;
}
