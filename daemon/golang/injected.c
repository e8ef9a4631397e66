// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "golang/injected.h"

void injected_find(const struct gobin *g, struct injected *ret)
{
	static const char *const names[INJECTED_MAX] = { "runtime.sigpanic",
							 "runtime.asyncPreempt" };

	*ret = (struct injected){};
	for (unsigned i = 0; i < INJECTED_MAX; i++) {
		struct gobin_func f;

		if (gobin_function(g, names[i], &f))
			continue;
		ret->functions[i].begin = f.va;
		ret->functions[i].end = f.va + f.size;
	}
}

/* A call that does not return may be the last instruction: it returns to the end. */
bool injected_has(const struct injected *in, uint64_t pc)
{
	for (unsigned i = 0; i < INJECTED_MAX; i++) {
		if (pc > in->functions[i].begin && pc <= in->functions[i].end)
			return true;
	}
	return false;
}

void injected_mark(const struct injected *in, uint64_t *stack, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		stack[i] += injected_has(in, stack[i - 1]);
}
