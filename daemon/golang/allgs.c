// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Tracebacks walk all goroutines through runtime.forEachGRace, so it is in every program:
 *
 *   go1.26 runtime.forEachGRace
 *     mov  0x1a3b5e(%rip),%rcx     runtime.allglen
 *     mov  0x18d0af(%rip),%rdx     runtime.allgptr
 *
 * It has exactly these two loads, in this order, from 1.19 to 1.27. Built without optimisation they
 * stand in runtime.atomicAllG instead, which is inlined otherwise.
 */
#include "golang/allgs.h"

#include <errno.h>

#define LOADS     2
#define CODE_MAX  1024 /* bytes of the function that are looked at */
#define LOAD_LEN  7
#define MOV_LOAD  0x8b
#define REX_W     0x48
#define REX_WR    0x4c
#define MODRM_RIP 0x05 /* mod 00, rm 101; the register does not matter */

static bool is_load(const uint8_t *p)
{
	return (p[0] == REX_W || p[0] == REX_WR) && p[1] == MOV_LOAD && (p[2] & 0xc7) == MODRM_RIP;
}

/* The addresses that `code` at `va` loads from; how many, counted past LOADS, too. */
static unsigned find_loads(struct bytes code, uint64_t va, uint64_t *ret)
{
	unsigned n = 0;

	for (uint64_t i = 0; i < CODE_MAX && bytes_has(code, i, LOAD_LEN); i++) {
		if (!is_load(code.p + i))
			continue;
		if (n < LOADS)
			ret[n] = va + i + LOAD_LEN +
				 (uint64_t)(int64_t)(int32_t)le32_at(code.p + i + 3);
		n++;
		i += LOAD_LEN - 1;
	}
	return n;
}

static int loads_of(const struct gobin *g, const char *function, uint64_t *ret)
{
	struct gobin_func f;
	struct bytes code;
	int err = gobin_function(g, function, &f);

	if (err)
		return err;
	code = elfimg_at(g->img, f.va);
	if (code.len > f.size)
		code.len = f.size;
	return find_loads(code, f.va, ret) == LOADS ? 0 : -EBADMSG;
}

int allgs_find(const struct gobin *g, struct allgs *ret)
{
	static const char *const functions[] = { "runtime.forEachGRace", "runtime.atomicAllG" };
	uint64_t at[LOADS];
	int err = -ENOENT;

	for (unsigned i = 0; i < sizeof(functions) / sizeof(*functions) && err; i++) {
		int r = loads_of(g, functions[i], at);

		if (!r || r != -ENOENT)
			err = r;
	}
	if (err)
		return err;
	if (at[0] % 8 || at[1] % 8 || at[0] == at[1])
		return -EBADMSG;
	*ret = (struct allgs){ at[0], at[1] };
	return 0;
}
