/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Numbers for processes that are made up: the same of the same seed. One sequence a program. */
#ifndef DEFERD_TESTS_CHANCE_H
#define DEFERD_TESTS_CHANCE_H

#include <math.h>
#include <stdint.h>

static uint64_t chance;

static inline void chance_seed(unsigned seed)
{
	chance = 0x9e3779b97f4a7c15ull * (seed + 1);
}

static inline double uniform(void)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (double)((chance >> 11) + 1) / 9007199254740993.0;
}

static inline double between(double low, double high)
{
	return low + (high - low) * uniform();
}

/* As many of each size. */
static inline double scale(double low, double high)
{
	return low * pow(high / low, uniform());
}

static inline double wait(double mean)
{
	return -mean * log(uniform());
}

#endif
