// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/wakes.h"

#include "census/sudog_priv.h"
#include "golang/hchan.h"

static bool use_of(struct pages *p, const struct go_layout *l, uint64_t channel,
		   enum hchan_use *ret)
{
	uint8_t bytes[HCHAN_BYTES], type[HCHAN_TYPE_BYTES];
	uint64_t element;

	if (pages_read(p, channel, bytes, sizeof(bytes)))
		return false;
	*ret = hchan_use(bytes, l->minor, &element);
	if (*ret != HCHAN_TIMES)
		return true;
	if (pages_read(p, element, type, sizeof(type)))
		return false;
	*ret = hchan_is_time(type) ? HCHAN_TIMER : HCHAN_VALUES;
	return true;
}

enum census_wake wakes_of(struct pages *p, const struct go_layout *l, uint64_t g,
			  enum census_wait wait, uint64_t waiting)
{
	uint64_t channels[WAKES_CASES];
	unsigned n = 0;
	bool clock = false;

	while (waiting && n < WAKES_CASES) {
		uint8_t sudog[SUDOG_BYTES];
		enum hchan_use use;
		unsigned had = n;

		if (pages_read(p, waiting, sudog, sizeof(sudog)) ||
		    !sudog_case(l, sudog, g, channels, &n, &waiting))
			return CENSUS_WAKE_UNKNOWN;
		if (n > had && !use_of(p, l, channels[n - 1], &use))
			return CENSUS_WAKE_UNKNOWN;
		if (n > had && use == HCHAN_VALUES)
			return CENSUS_WAKE_OTHERS;
		clock |= n > had && use == HCHAN_TIMER;
		if (wait != CENSUS_WAIT_SELECT)
			break;
	}
	if (!n)
		return CENSUS_WAKE_UNKNOWN;
	return clock ? CENSUS_WAKE_CLOCK : CENSUS_WAKE_OTHERS;
}
