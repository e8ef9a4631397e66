/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What becomes more together has one cause: a connection that is not closed keeps the goroutines that read and write it, and a client
 * that stays keeps those that serve him. They are a finding once, of the descriptors. Pure.
 */
#ifndef DEFERD_MODEL_CAUSES_H
#define DEFERD_MODEL_CAUSES_H

#include "model/targets.h"

/*
 * Places where goroutines leak, without those where they become more as fast as descriptors do, or wait for one to be
 * ready: how many; *ret_fastest is the fastest, if there is one.
 */
unsigned target_goroutine_leaks(const struct target *t, const struct parked **ret_fastest);

#endif
