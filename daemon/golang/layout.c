// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * One column a release, from the DWARF of a program built by each (layouts/layouts.sh). Fields move
 * between minor releases only. 1.20 could not be built with; its column was read from the machine
 * code of programs that it built, instruction by instruction: layouts/go1.20.
 */
#include "golang/layout.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

#define RELEASES_MAX           16
#define NONE                   GO_LAYOUT_ABSENT
#define LAYOUT_ROW(field, ...) { offsetof(struct go_layout, field), { __VA_ARGS__ } },

static const struct field {
	size_t at; /* where in struct go_layout */
	uint16_t by_minor[RELEASES_MAX];
} fields[] = {
#include "golang/layout_table.h"
};

#define OLDEST LAYOUT_OLDEST
#define NEWEST LAYOUT_NEWEST

_Static_assert(ARRAY_SIZE(fields) == (sizeof(struct go_layout) - offsetof(struct go_layout, g)) /
					     sizeof(uint16_t),
	       "every member has a row");

int go_layout_find(unsigned minor, struct go_layout *ret)
{
	struct go_layout l = { .unverified = minor > NEWEST };
	unsigned column;

	if (minor < OLDEST)
		return -ENOTSUP;
	column = (l.unverified ? NEWEST : minor) - OLDEST;
	l.minor = (uint16_t)(column + OLDEST);
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		memcpy((char *)&l + fields[i].at, &fields[i].by_minor[column], sizeof(uint16_t));
	*ret = l;
	return 0;
}

struct go_layout go_layout_nearest(unsigned minor)
{
	struct go_layout l = {};

	if (go_layout_find(minor, &l) < 0)
		(void)go_layout_find(OLDEST, &l);
	return l;
}

uint8_t go_wrapper_id(unsigned minor)
{
	return minor ? (uint8_t)go_layout_nearest(minor).wrapper_id : 0xff;
}
