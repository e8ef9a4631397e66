/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What one policy remembers of each observed process: an entry a target slot, so that struct watch holds facts only.
 * Loop thread only.
 */
#ifndef DEFERD_ENGINE_SLOTS_H
#define DEFERD_ENGINE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slots {
	unsigned n; /* targets_max + 1 */
	size_t bytes;
	uint32_t *ids;
	char *entries;
	void (*clear)(void *entry); /* frees what an entry owns; NULL: it owns nothing */
};

/* 0, or -ENOMEM. `targets_max` as in struct probe_opts. */
int slots_init(struct slots *s, size_t bytes, unsigned targets_max, void (*clear)(void *entry));
void slots_done(struct slots *s); /* of zeroes is allowed */
/*
 * The entry of target `id`; all zero when the slot had another target before. Valid until slots_sweep() finds the
 * target gone. `id` is of a target that is there.
 */
void *slots_of(struct slots *s, uint32_t id);
/* Clear the entries of targets that are gone. */
void slots_sweep(struct slots *s, bool (*is_there)(void *arg, uint32_t id), void *arg);

#endif
