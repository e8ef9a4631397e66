// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "stat/histogram.h"

#include <math.h>

double histogram_floor(unsigned at)
{
	unsigned shift = at < 64 ? 0 : at / 32 - 1;

	return ldexp(at - shift * 32, (int)shift);
}

uint64_t histogram_sum(const uint32_t *counts, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += counts[i];
	return sum;
}

double histogram_quantile(const uint32_t *counts, unsigned n, double q)
{
	uint64_t all = histogram_sum(counts, n);
	double rank = q * (double)all, below = 0;

	if (!all)
		return NAN;
	for (unsigned i = 0; i + 1 < n; i++) {
		double low = histogram_floor(i);

		if (counts[i] && below + counts[i] >= rank)
			return low + (histogram_floor(i + 1) - low) * (rank - below) / counts[i];
		below += counts[i];
	}
	return histogram_floor(n - 1);
}
