// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "golang/hchan.h"

#include <string.h>

/* qcount, dataqsiz, buf, elemsize u16, closed u32 */
#define HCHAN_CLOSED 28u

bool hchan_state(const uint8_t *bytes, struct hchan_state *ret)
{
	uint64_t length, capacity;
	uint32_t closed;

	memcpy(&length, bytes, sizeof(length));
	memcpy(&capacity, bytes + 8, sizeof(capacity));
	memcpy(&closed, bytes + HCHAN_CLOSED, sizeof(closed));
	if (length > capacity)
		return false;
	*ret = (struct hchan_state){ length, capacity, closed != 0 };
	return true;
}
