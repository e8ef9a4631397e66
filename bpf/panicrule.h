/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What became of a panic?
 *
 * The runtime tells little: gopanic is called when a panic begins, recovery when one ends by
 * recover(), fatalpanic when one ends the process. Between them a deferred call may panic anew,
 * recover and panic again, or end the goroutine, and no call says which older panic that was the
 * end of. What decides is where things lie on the goroutine's stack:
 *
 *	stack.hi ---------------------------------------------------- grows down -->
 *	  f()          gopanic(p1)   deferred()      gopanic(p2)   deferred()
 *	  ^ recovers                 ^ or this one
 *
 * Each panic is kept with the depth of its gopanic frame, stack.hi - sp, a distance that stack
 * growth keeps. A recovery that goes on in the frame at `sp` throws away everything deeper: all
 * panics with a depth beyond stack.hi - sp end there. The newest of them is the one that was
 * recovered; it had replaced the others. What is left belongs to panics further out, which go on.
 * If f() recovers, p2 is recovered and p1 overridden; if the inner deferred() does, p2 is recovered
 * and p1 still runs.
 *
 * An older panic that recover() had taken already when the newer began was not overridden but
 * recovered and panicked again; the chain's head says so at that moment. A Goexit seals the fate of
 * all panics that run then: recoveries further in stop at its frame.
 *
 * The same rule holds for Go 1.19 to 1.27. Plain C: a unit test feeds it recorded sequences.
 */
#ifndef DEFERD_PANICRULE_H
#define DEFERD_PANICRULE_H

#include <deferd/record.h>

#define PANICRULE_FN static inline __attribute__((always_inline))

/* An index that is in range whatever n is. The compiler may not know that it is: it would turn sums
 * of addresses into ORs, which the verifier refuses. */
PANICRULE_FN dfd_u32 panicrule_index(dfd_u32 n)
{
	dfd_u32 i = n & (DFD_PANIC_NEST_MAX - 1);

	__asm__ volatile("" : "+r"(i));
	return i;
}

/* The panics that an event ended, newest first. */
struct panic_end {
	dfd_u64 id[DFD_PANIC_NEST_MAX];
	dfd_u8 outcome[DFD_PANIC_NEST_MAX];
	dfd_u32 n;
	dfd_u32 told; /* at least one of them is known to user space */
};

PANICRULE_FN void panicrule_close(struct dfd_panics *st, struct panic_end *ret_end, dfd_u8 outcome)
{
	dfd_u32 top = panicrule_index(st->n - 1);
	dfd_u32 i = panicrule_index(ret_end->n);

	ret_end->id[i] = st->open[top].id;
	ret_end->outcome[i] = outcome;
	ret_end->told |= st->open[top].flags & DFD_PANIC_TOLD;
	ret_end->n++;
	st->n--;
}

/* Older than one that ended: replaced by it, before or after recover() took it. */
PANICRULE_FN dfd_u8 panicrule_replaced(const struct dfd_panics *st)
{
	dfd_u32 top = panicrule_index(st->n - 1);

	return st->open[top].flags & DFD_PANIC_TAKEN ? DFD_OUTCOME_REPANICKED
						     : DFD_OUTCOME_OVERRIDDEN;
}

/* The newest panic was found taken by recover() when something else began. */
PANICRULE_FN void panicrule_taken(struct dfd_panics *st)
{
	if (st->n)
		st->open[panicrule_index(st->n - 1)].flags |= DFD_PANIC_TAKEN;
}

/* Every panic that runs ends with this outcome. */
PANICRULE_FN void panicrule_all(struct dfd_panics *st, dfd_u8 outcome, struct panic_end *ret_end)
{
	int i;

	for (i = 0; i < DFD_PANIC_NEST_MAX && st->n; i++)
		panicrule_close(st, ret_end, outcome);
}

/* gopanic, its frame at `depth`. 0; -1: too many in each other, this one is not followed. */
PANICRULE_FN int panicrule_start(struct dfd_panics *st, dfd_u64 id, dfd_u64 type, dfd_u32 depth,
				 dfd_u32 flags)
{
	dfd_u32 i = panicrule_index(st->n);

	if (st->n >= DFD_PANIC_NEST_MAX)
		return -1;
	st->open[i].id = id;
	st->open[i].type = type;
	st->open[i].depth = depth;
	st->open[i].flags = flags;
	st->n++;
	return 0;
}

/* recovery: the goroutine goes on in the frame whose sp is stack.hi - `depth`. */
PANICRULE_FN void panicrule_recover(struct dfd_panics *st, dfd_u32 depth, struct panic_end *ret_end)
{
	int i;

	for (i = 0; i < DFD_PANIC_NEST_MAX && st->n; i++) {
		if (st->open[panicrule_index(st->n - 1)].depth <= depth)
			break;
		panicrule_close(st, ret_end,
				ret_end->n ? panicrule_replaced(st) : DFD_OUTCOME_RECOVERED);
	}
}

/* The type of the newest panic; 0: none runs, or it has none. */
PANICRULE_FN dfd_u64 panicrule_type(const struct dfd_panics *st)
{
	return st->n ? st->open[panicrule_index(st->n - 1)].type : 0;
}

/*
 * fatalpanic or throw: the process dies. The newest panic that nobody took is what it dies of, or
 * was dying of when the runtime gave up.
 */
PANICRULE_FN void panicrule_fatal(struct dfd_panics *st, struct panic_end *ret_end)
{
	dfd_u32 found = 0;
	int i;

	for (i = 0; i < DFD_PANIC_NEST_MAX && st->n; i++) {
		dfd_u8 outcome = panicrule_replaced(st);

		if (!found && outcome == DFD_OUTCOME_OVERRIDDEN) {
			found = 1;
			outcome = DFD_OUTCOME_FATAL;
		}
		panicrule_close(st, ret_end, outcome);
	}
}

#endif
