// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "golang/hchan.h"

#include <string.h>

/* qcount, dataqsiz, buf, elemsize u16, closed u32, (Go 1.23+: *timer,) elemtype */
#define HCHAN_ELEMENT 24u
#define HCHAN_CLOSED  28u
#define HCHAN_TIMED   32u /* Go 1.23+ */

/* abi.Type: Size_, PtrBytes, Hash u32, TFlag u8, Align_ u8, FieldAlign_ u8, Kind_ u8 */
#define TYPE_FLAGS  20u
#define TYPE_KIND   23u
#define FLAG_NAMED  4u
#define KIND_MASK   31u
#define KIND_STRUCT 25u
#define TIME_BYTES  24u

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

static uint64_t word(const uint8_t *bytes, unsigned off)
{
	uint64_t v;

	memcpy(&v, bytes + off, sizeof(v));
	return v;
}

/* A program whose go.mod is older than Go 1.23 has channels that do not name their timers, as all had before. */
enum hchan_use hchan_use(const uint8_t *bytes, unsigned minor, uint64_t *ret_element)
{
	uint16_t element;

	memcpy(&element, bytes + HCHAN_ELEMENT, sizeof(element));
	if (!element)
		return HCHAN_SIGNALS;
	if (word(bytes, 8) != 1 || element != TIME_BYTES)
		return HCHAN_VALUES;
	if (minor >= 23 && word(bytes, HCHAN_TIMED))
		return HCHAN_TIMER;
	*ret_element = word(bytes, minor >= 23 ? HCHAN_TIMED + 8 : HCHAN_TIMED);
	return HCHAN_TIMES;
}

bool hchan_is_time(const uint8_t type[HCHAN_TYPE_BYTES])
{
	return word(type, 0) == TIME_BYTES && word(type, 8) == TIME_BYTES &&
	       (type[TYPE_FLAGS] & FLAG_NAMED) && (type[TYPE_KIND] & KIND_MASK) == KIND_STRUCT;
}
