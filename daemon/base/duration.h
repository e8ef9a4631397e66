/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A time span in words for people, in one unit that suits it. */
#ifndef DEFERD_BASE_DURATION_H
#define DEFERD_BASE_DURATION_H

#include <stddef.h>

#define DURATION_MAX 32 /* of its text */

/* "132 us", "132 ms", "2.54 s", "10 min", "2.5 h", "10 days"; seconds may be negative. Cut where `size` ends. */
void duration_print(double seconds, char *buf, size_t size);

#endif
