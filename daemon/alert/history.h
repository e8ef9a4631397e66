/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What rate() and rise() of rules remember: for each rule, each place in it and each process or service some samples,
 * evenly spread over the time that is asked for. Outlives a reload, since it is kept by the rule's name. Bounded:
 * HISTORY_MAX series; of further ones nothing is known.
 */
#ifndef DEFERD_ALERT_HISTORY_H
#define DEFERD_ALERT_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "alert/expr.h"
#include "alert/rule.h"

#define HISTORY_SAMPLES   64
#define HISTORY_MAX       65536
#define HISTORY_UNUSED_NS 120000000000ull  /* nobody has asked for so long: forgotten */
#define HISTORY_RISE_NS   3600000000000ull /* a rise is above the median of so long */

struct history;

struct history *history_new(void); /* NULL: out of memory */
void history_free(struct history *h);

/*
 * Remember `value`, and answer as struct expr_env's history does: false while it is not known, for half of the window of a
 * rate, for a twelfth of HISTORY_RISE_NS of a rise.
 */
bool history_ask(struct history *h, const char *rule, uint64_t subject, unsigned node,
		 enum expr_history what, uint64_t window_ns, uint64_t now_ns, double value,
		 double *ret);
/* Once in a while. */
void history_forget_unused(struct history *h, uint64_t now_ns);

#endif
