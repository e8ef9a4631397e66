// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * One column a release, from `go build` of each and its DWARF
 * (1.19.8, 1.21.13, 1.22.10, 1.23.9, 1.24.11, 1.25.5, 1.26.6, 1.27.3). Fields move between minor
 * releases only.
 *
 * No 1.20 was at hand. Its column holds what 1.19 and 1.21 agree on (goid 152, _defer.link 40, and
 * most others) and NONE where they differ: interpolating would be guessing.
 */
#include "golang/layout.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

#define OLDEST   19
#define NEWEST   27
#define NONE     GO_LAYOUT_ABSENT
#define F(field) offsetof(struct go_layout, field)

struct field {
	size_t at; /* where in struct go_layout */
	uint16_t by_minor[NEWEST - OLDEST + 1];
};

/* clang-format off */
static const struct field fields[] = {
	/*                     1.19  .20  .21  .22  .23  .24  .25  .26  .27 */
	{ F(g.stack_lo),        {   0,   0,   0,   0,   0,   0,   0,   0,   0 } },
	{ F(g.stack_hi),        {   8,   8,   8,   8,   8,   8,   8,   8,   8 } },
	{ F(g.panic),           {  32,  32,  32,  32,  32,  32,  32,  32,  32 } },
	{ F(g.defer),           {  40,  40,  40,  40,  40,  40,  40,  40,  40 } },
	{ F(g.m),               {  48,  48,  48,  48,  48,  48,  48,  48,  48 } },
	{ F(g.sched_sp),        {  56,  56,  56,  56,  56,  56,  56,  56,  56 } },
	{ F(g.sched_pc),        {  64,  64,  64,  64,  64,  64,  64,  64,  64 } },
	{ F(g.sched_bp),        { 104, 104, 104, 104, 104, 104,  96,  96,  96 } },
	{ F(g.syscallsp),       { 112, 112, 112, 112, 112, 112, 104, 104, 104 } },
	{ F(g.syscallpc),       { 120, 120, 120, 120, 120, 120, 112, 112, 112 } },
	{ F(g.param),           { 136, 136, 136, 136, 144, 144, 136, 136, 136 } },
	{ F(g.atomicstatus),    { 144, 144, 144, 144, 152, 152, 144, 144, 144 } },
	{ F(g.goid),            { 152, 152, 152, 152, 160, 160, 152, 152, 152 } },
	{ F(g.waitsince),       { 168, 168, 168, 168, 176, 176, 168, 168, 168 } },
	{ F(g.waitreason),      { 176, 176, 176, 176, 184, 184, 176, 176, 176 } },
	{ F(g.sigcode0),        {  272, NONE,  248,  248,  256,  256,  248,  256,  256 } },
	{ F(g.sigcode1),        {  280, NONE,  256,  256,  264,  264,  256,  264,  264 } },
	{ F(g.parent_goid),     { NONE, NONE,  272,  272,  280,  280,  272,  280,  280 } },
	{ F(g.gopc),            {  296, NONE,  280,  280,  288,  288,  280,  288,  288 } },
	{ F(g.startpc),         {  312, NONE,  296,  296,  304,  304,  296,  304,  304 } },
	{ F(m.g0),              {   0,   0,   0,   0,   0,   0,   0,   0,   0 } },
	{ F(m.curg),            { 192, 192, 192, 192, 192, 192, 184, 184, 184 } },
	{ F(defer.size),        {  72,  72,  72,  48,  48,  48,  48,  48,  48 } },
	{ F(defer.heap),        {   1,   1,   1,   0,   0,   0,   0,   0,   0 } },
	{ F(defer.rangefunc),   { NONE, NONE, NONE,    1,    1,    1,    1,    1,    1 } },
	{ F(defer.open_defer),  {    2,    2,    2, NONE, NONE, NONE, NONE, NONE, NONE } },
	{ F(defer.sp),          {   8,   8,   8,   8,   8,   8,   8,   8,   8 } },
	{ F(defer.pc),          {  16,  16,  16,  16,  16,  16,  16,  16,  16 } },
	{ F(defer.fn),          {  24,  24,  24,  24,  24,  24,  24,  24,  24 } },
	{ F(defer.link),        {  40,  40,  40,  32,  32,  32,  32,  32,  32 } },
	{ F(defer.head),        { NONE, NONE, NONE,   40,   40,   40,   40,   40,   40 } },
	{ F(panic.size),        {  56,  56,  56, 104, 104, 104, 104, 104,  96 } },
	{ F(panic.arg),         {   8,   8,   8,   8,   8,   8,   8,   0,   0 } },
	{ F(panic.link),        {  24,  24,  24,  24,  24,  24,  24,  16,  16 } },
	{ F(panic.sp),          {  40,  40,  40,  48,  48,  48,  48,  40,  48 } },
	{ F(panic.start_sp),    { NONE, NONE, NONE,   40,   40,   40,   40,   32,   32 } },
	{ F(panic.retpc),       { NONE, NONE, NONE,   72,   72,   72,   72,   64,   64 } },
	{ F(panic.recovered),   {  48,  48,  48,  96,  96,  96,  96,  88,  88 } },
	{ F(panic.goexit),      {  50,  50,  50,  97,  97,  97,  98,  90,  90 } },
	{ F(panic.repanicked),  { NONE, NONE, NONE, NONE, NONE, NONE,   97,   89,   89 } },
	{ F(moduledata.types),  {  280, NONE,  296,  296,  296,  296,  296,  296,  296 } },
	{ F(moduledata.etypes), {  288, NONE,  304,  304,  304,  304,  304,  304,  312 } },
	{ F(moduledata.rodata), {  296, NONE,  312,  312,  312,  312,  312,  312,  336 } },
	{ F(moduledata.gofunc), {  304, NONE,  320,  320,  320,  320,  320,  320,  344 } },
};
/* clang-format on */

static const uint8_t wrapper_ids[NEWEST - OLDEST + 1] = { 21, 21, 21, 22, 22, 22, 23, 23, 23 };

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
	l.wrapper_id = wrapper_ids[column];
	*ret = l;
	return 0;
}

uint8_t go_wrapper_id(unsigned minor)
{
	if (minor == 0)
		return 0xff;
	if (minor < OLDEST)
		minor = OLDEST;
	return wrapper_ids[(minor > NEWEST ? NEWEST : minor) - OLDEST];
}
