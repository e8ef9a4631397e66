// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "golang/operand.h"

#define CODE_MAX 1024 /* bytes of a function that are looked at */

int operand_code(const struct gobin *g, const char *function, struct bytes *ret_code,
		 uint64_t *ret_va)
{
	struct gobin_func f;
	struct bytes code;
	int err = gobin_function(g, function, &f);

	if (err)
		return err;
	code = elfimg_at(g->img, f.va);
	if (code.len > f.size)
		code.len = f.size;
	if (code.len > CODE_MAX)
		code.len = CODE_MAX;
	*ret_code = code;
	*ret_va = f.va;
	return 0;
}
