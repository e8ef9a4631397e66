/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the goroutines of a census wait for: locks and channels, with what these say of themselves, and who may have the
 * locks. Reads the memory of the process when it is asked; what it gives back is plain data. The names of functions, by
 * which one kind of lock is told from another, are the caller's to know.
 */
#ifndef DEFERD_CENSUS_LOCKS_H
#define DEFERD_CENSUS_LOCKS_H

#include "census/census.h"
#include "census/holders.h"
#include "census/piles.h"
#include "golang/hchan.h"
#include "golang/synclock.h"

#define LOCKS_MAX         64                /* of a survey, and as many channels */
#define LOCKS_SITES_MAX   (3 * PILE_GROUPS) /* one RWMutex is waited for by three words */
#define LOCKS_HOLDERS_MAX 3

struct lock_names {
	/*
	 * The k-th function of a return address, innermost first, or the one with this entry; both link-time. NULL: there is
	 * none; *ret_known is set to false when its name is not known yet.
	 */
	const char *(*at_site)(void *arg, uint64_t pc, unsigned k, bool *ret_known);
	const char *(*at_entry)(void *arg, uint64_t entry, bool *ret_known);
	void *arg;
};

struct lock_wait {
	uint64_t address;
	enum synclock_kind kind; /* of a lock */
	uint32_t waiting;
	uint32_t selecting; /* CHANNEL: of these, in a select that has other cases too */
	uint64_t oldest_ns; /* one waits since about then; 0: not known */
	unsigned n_sites;
	struct {
		const struct group *group; /* borrowed, until the next census begins */
		uint32_t count;
	} sites[LOCKS_SITES_MAX];
	bool has_state;
	union {
		struct synclock_state lock;
		struct hchan_state channel;
	};
	bool searched; /* holders were looked for */
	enum holder_hint hint;
	unsigned n_holders; /* of the best hint only */
	struct {
		uint64_t goid;
		const struct group *group; /* where it stands; NULL: not known */
	} holders[LOCKS_HOLDERS_MAX];
};

/* Those that most wait for first. */
struct lock_survey {
	unsigned n_locks, n_channels;
	struct lock_wait locks[LOCKS_MAX],
		channels[LOCKS_MAX]; /* channels: with two waiters and more */
	uint64_t left_out; /* goroutines in none of these: too many, or their select is over */
	uint32_t searched; /* goroutines that were looked at for holders */
	bool named;        /* false: some name was not known yet */
};

/* Which lock a group of goroutines waits for. *ret_named is false when one of its functions has no name yet. */
struct synclock locks_kind(const struct group *g, const struct lock_names *names, bool *ret_named);
/* Of the last census that is complete. NULL: out of memory, or there is no census. free() it. */
struct lock_survey *locks_survey(struct census *c, const struct lock_names *names);

#endif
