// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "stat/rate.h"

/* However often somebody looks; a tenth of slack for a tick that comes early. */
#define SAMPLE_NS 900000000ull

static unsigned rate_slot(const struct rate *r, unsigned age)
{
	return (r->next + RATE_SLOTS - 1 - age) % RATE_SLOTS;
}

void rate_add(struct rate *r, uint64_t time_ns, uint64_t value)
{
	/*
	 * The newest sample gives way until it is a second younger than the one before: 16 slots
	 * are to last 15 s.
	 */
	if (r->n >= 2 && r->time_ns[rate_slot(r, 0)] - r->time_ns[rate_slot(r, 1)] < SAMPLE_NS) {
		r->next = rate_slot(r, 0);
		r->n--;
	}
	r->time_ns[r->next] = time_ns;
	r->value[r->next] = value;
	r->next = (r->next + 1) % RATE_SLOTS;
	if (r->n < RATE_SLOTS)
		r->n++;
}

double rate_per_sec(const struct rate *r)
{
	unsigned newest, oldest;

	if (r->n < 2)
		return 0;
	newest = rate_slot(r, 0);
	oldest = rate_slot(r, r->n - 1);
	if (r->time_ns[newest] <= r->time_ns[oldest])
		return 0;
	return (double)(r->value[newest] - r->value[oldest]) * 1e9 /
	       (double)(r->time_ns[newest] - r->time_ns[oldest]);
}

void recent_add(struct recent *r, uint64_t time_ns, uint64_t n)
{
	uint64_t slot = time_ns / RECENT_SLOT_NS;
	unsigned i = slot % RECENT_SLOTS;

	if (r->slot_of[i] != slot) {
		r->slot_of[i] = slot;
		r->n[i] = 0;
	}
	r->n[i] += n;
}

void recent_take_back(struct recent *r, uint64_t time_ns, uint64_t n)
{
	uint64_t slot = time_ns / RECENT_SLOT_NS;

	for (unsigned age = 0; n && age < RECENT_SLOTS && age <= slot; age++) {
		unsigned i = (slot - age) % RECENT_SLOTS;
		uint64_t taken = r->slot_of[i] == slot - age ? r->n[i] : 0;

		taken = taken < n ? taken : n;
		r->n[i] -= taken;
		n -= taken;
	}
}

uint64_t recent_sum(const struct recent *r, uint64_t now_ns)
{
	uint64_t slot = now_ns / RECENT_SLOT_NS, sum = 0;

	for (unsigned i = 0; i < RECENT_SLOTS; i++) {
		if (r->slot_of[i] + RECENT_SLOTS > slot)
			sum += r->n[i];
	}
	return sum;
}
