/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is a close that fails with EBADF a second close?
 *
 * Who closes a number that he has had open and closed already may close somebody else's file the next time. Who closes -1, where
 * nothing was opened, or goes through all numbers, as programs do before an exec, closes nothing; and on the way through he comes
 * by numbers that were open once. So a close counts as long as it does not turn out to be of a sweep: closes of one
 * thread that follow each other at once, all upwards or all downwards, many of them of numbers that never were open,
 * or very many. Then those that were counted are taken back.
 *
 * Plain C: a unit test feeds it sequences.
 */
#ifndef DEFERD_SWEEP_H
#define DEFERD_SWEEP_H

#include <deferd/record.h>

#define SWEEP_FN static inline __attribute__((always_inline))

/* A sweep that begins after another close, or turns round, begins with that one. */
SWEEP_FN void sweep_turn(struct dfd_sweep *s)
{
	s->counted = s->had && s->counted;
	s->never = !s->had;
	s->n = 1;
}

SWEEP_FN void sweep_step(struct dfd_sweep *s, dfd_u32 fd, dfd_u64 now_ns)
{
	dfd_u32 down = fd < s->fd;

	if (!s->n || fd == s->fd || now_ns - s->time_ns > DFD_SWEEP_NS)
		s->n = s->never = s->counted = 0;
	else if (s->n > 1 && down != s->down)
		sweep_turn(s);
	s->down = down;
	s->fd = fd;
	s->time_ns = now_ns;
}

/*
 * A close of a number that is not open; `had`: it has been. How many more than before are second closes: 1, 0, or less than 0
 * when those before were the beginning of a sweep.
 */
SWEEP_FN int sweep_close(struct dfd_sweep *s, dfd_u32 fd, int had, dfd_u64 now_ns)
{
	int taken_back;

	sweep_step(s, fd, now_ns);
	s->had = had;
	s->n++;
	s->never += !had;
	if (s->never < DFD_SWEEP_NEVER && s->n < DFD_SWEEP_ALL) {
		s->counted += had;
		return had;
	}
	taken_back = -(int)s->counted;
	s->counted = 0;
	return taken_back;
}

#endif
