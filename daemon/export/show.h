/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What there is to show at one moment, gathered by whoever runs the pipeline (engine_show()) and
 * handed to the pages. All of it is borrowed until the loop turns again.
 */
#ifndef DEFERD_EXPORT_SHOW_H
#define DEFERD_EXPORT_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "alert/alert.h"
#include "base/reason.h"
#include "census/locks.h"
#include "export/receivers.h"
#include "model/model.h"
#include "probe/kernel.h"
#include "probe/probe.h"

/* deferd's own process. */
struct show_self {
	bool last_reload_good;
	uint64_t reloads, reloads_refused;
	uint64_t reload_ns; /* the newest one took; 0: none yet */
	double last_reload_good_unix_s;
	double start_unix_s;
	uint64_t cpu_ns;
	uint64_t rss_bytes;
	uint64_t open_fds, max_fds;
	uint64_t state_written,
		state_failed;    /* how often the state was, or could not be, written */
	uint64_t series_dropped; /* by earlier pages; a page adds its own */
};

/* A census of one process. */
struct show_census {
	struct census *census;
	uint32_t image_id; /* whose link-time addresses those in it are */
	uint64_t took_ns;  /* CPU time of ours */
	/* What its goroutines wait for, by the memory of the process as it is now: see locks_survey(). */
	struct lock_survey *(*survey)(struct model *m, const struct show_census *sc);
};

struct show {
	struct model *model; /* not const: a name that is asked for becomes wanted */
	const struct alerts *alerts;
	const struct rule_set *rules;
	uint64_t judged_ns;                /* the rules were evaluated last; 0: never */
	const struct receivers *receivers; /* NULL: none */
	const struct kernel_features *features;
	struct probe_stats probe;
	const char *
		probe_set; /* of services that have none of their own: "off", "lean", "full", "burst" */
	enum fd_hooks fd_hooks;
	bool watches_writes; /* the hooks on writes are attached */
	unsigned n_failures;
	const char *const *failure_names; /* why processes could not be attached */
	const uint64_t *failures;
	unsigned images;
	uint64_t chains_read;  /* goroutines settled by reading their memory */
	uint64_t last_scan_ns; /* duration of the newest scan */
	uint64_t censuses;     /* of goroutines, that were completed */
	uint64_t census_ns;    /* CPU time they took */
	uint64_t census_failures;
	unsigned
		look_every_s; /* maps and descriptors are read; more than 1: deferd is past its own budget */
	double own_percent; /* of a core, over the newest ten seconds */
	/*
	 * The last census of a process that is complete. 0; -ESRCH: not observed; -EAGAIN, -ENOTSUP,
	 * -EBADMSG: there is none, with the reason.
	 */
	int (*census)(void *arg, uint32_t pid, struct show_census *ret, struct reason *reason);
	void *arg;
	bool settled;        /* the first look at all of /proc is over */
	uint32_t series_max; /* of one metric family */
	struct show_self *self;
	uint64_t now_ns; /* monotonic */
	int64_t unix_ms; /* the same instant on the wall */
};

/* The wall clock of a monotonic instant. */
static inline int64_t show_unix_ms(const struct show *s, uint64_t ns)
{
	return s->unix_ms - (int64_t)(s->now_ns - ns) / 1000000;
}

#endif
