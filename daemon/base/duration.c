// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "base/duration.h"

#include <math.h>
#include <stdio.h>

void duration_print(double seconds, char *buf, size_t size)
{
	double of = fabs(seconds);

	if (of < 1e-3)
		snprintf(buf, size, "%.0f us", seconds * 1e6);
	else if (of < 1)
		snprintf(buf, size, "%.0f ms", seconds * 1e3);
	else if (of < 120)
		snprintf(buf, size, "%.3g s", seconds);
	else if (of < 7200)
		snprintf(buf, size, "%.0f min", seconds / 60);
	else if (of < 172800)
		snprintf(buf, size, "%.1f h", seconds / 3600);
	else
		snprintf(buf, size, "%.0f days", seconds / 86400);
}
