/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Rules over the model, in time: which alerts are pending, firing, over. Evaluation depends on its
 * arguments alone; the caller decides when, and what to do with a transition (log it, send it). One
 * alert a rule and target, never one a goroutine.
 */
#ifndef DEFERD_ALERT_ALERT_H
#define DEFERD_ALERT_ALERT_H

#include <stdbool.h>
#include <stdint.h>

#include "alert/evidence.h"
#include "alert/rule.h"
#include "model/model.h"

enum alert_state { ALERT_PENDING, ALERT_FIRING, ALERT_RESOLVED };

/* Why an alert is over. */
enum alert_end {
	ALERT_CLEARED, /* its conditions do not hold any more */
	ALERT_GONE,    /* the process, or the service, has ended */
	ALERT_NO_DATA, /* its numbers have not been known for ALERT_NO_DATA_NS: nobody says that it is well */
	ALERT_RULE_GONE, /* the rule was removed */
	ALERT_GONE_MEANWHILE, /* after a restart of deferd the process, or the service, is not there any more, */
	ALERT_NOT_OBSERVED, /* or it is, and is not observed now */
	ALERT_END_MAX,
};
extern const char *const alert_end_words[ALERT_END_MAX];
#define ALERT_NO_DATA_NS 3600000000000ull
/* So long after a restart an alert of before goes on: what it is about is not known again at once. */
#define ALERT_BACK_NS  300000000000ull
#define ALERT_SAYS_MAX 512

struct alert {
	UT_hash_handle hh;
	struct {
		char rule[RULE_NAME_MAX];
		uint64_t target; /* its id; of a service, ALERT_OF_SERVICE and its serial */
	} key;
	uint32_t rule_hash;
	enum alert_state state;
	enum rule_severity severity;
	unsigned n_labels;
	struct rule_label labels[RULE_LABELS_MAX];
	unsigned n_notes;
	struct rule_note *notes; /* as in the rule, not expanded: see template.h; NULL: none */
	char service[MODEL_NAME_MAX];
	uint32_t pid; /* panic alerts: of the newest such panic, perhaps gone; 0: not known */
	enum runtime_kind runtime;
	const char *metric; /* of the first condition, */
	const char *unit;   /* and of value and threshold */
	double value;       /* pending: the last; then the worst, for >= and > the highest */
	double threshold;
	uint64_t active_ns; /* monotonic: the conditions hold since */
	uint64_t fired_ns;
	uint64_t last_true_ns;
	uint64_t ended_ns; /* RESOLVED: when, and */
	enum alert_end why;
	bool told; /* that it fires */
	/* The line that it was told with, "" without one: by this others know it, whatever is learned of it later. */
	char site[CODE_LINE_MAX];
	/* Firing, and not told: a warning of whose cause a page speaks already, or it is inferred while events were lost. */
	bool inhibited;
	bool unknown; /* what it is about is not known now: it goes on, unless that is how its number says "none" */
	bool on_latency; /* a condition is about how long requests take */
	/* Those of the other conditions: NULL name, none */
	struct alert_also {
		const char *metric;
		double value, threshold;
	} also[RULE_CONDITIONS_MAX - 1];
	struct evidence evidence;
	/* Of an earlier deferd: */
	uint64_t back_until_ns; /* until then it goes on, whatever its rule says; 0: it is not */
	bool waits;             /* its subject has not been seen yet: key.target is none */
	bool of_service;        /* ... which is a service, or of this start: */
	uint64_t start_ticks;
	bool heard;                /* it was told to everybody then */
	char says[ALERT_SAYS_MAX]; /* as it was described then, until evidence is gathered again */
};

#define ALERT_OF_SERVICE (1ull << 32)
#define ALERT_WAITING    (1ull << 33) /* and a number */

/* "main.reserve main.go:41": the line that others know it by; "" where it has none. */
void alert_site(const struct alert *a, char buf[static CODE_LINE_MAX]);

/* `a` is borrowed for the call. Called for FIRING, unless it is inhibited, and then for RESOLVED, once each. */
typedef void (*alert_fn)(void *arg, const struct alert *a);

struct alerts;

struct alerts *alerts_new(void);
void alerts_free(struct alerts *as);
/* Where numbers come from instead of the model, for rehearsals. */
void alerts_set_reader(struct alerts *as, metric_read_fn read, void *arg);
/* Who is asked whether a page is silenced: it inhibits nothing then. */
void alerts_set_silences(struct alerts *as, bool (*is_silenced)(void *arg, const struct alert *a),
			 void *arg);
/*
 * Look at every target through every rule. An alert waits up to ALERT_NAME_WAIT_NS for the name of
 * its site, so that the line of code is in the first thing that is told.
 */
#define ALERT_NAME_WAIT_NS 500000000ull
void alerts_eval(struct alerts *as, const struct rule_set *rules, struct model *m, uint64_t now_ns,
		 alert_fn fn, void *arg);
/*
 * An alert of an earlier deferd fires on, with its times and what it was called; `a->notes` and `a->key.target` do not matter,
 * the rest of what a rule says of it is the rule's. It finds its subject when that is seen. False: out of memory.
 */
bool alerts_adopt(struct alerts *as, const struct rule_set *rules, const struct alert *a,
		  uint64_t now_ns);
/* All that is there has been seen: those whose subject has not are over. `lives`: is there such a process? */
void alerts_end_waiting(struct alerts *as, uint64_t now_ns,
			bool (*lives)(void *world, uint32_t pid, uint64_t start_ticks), void *world,
			alert_fn fn, void *arg);
/* Pending and firing ones, as a hash (iterate by hh.next). */
const struct alert *alerts_active(const struct alerts *as);

/* "shop (pid 7): 2 panics_overridden, the newest *errors.errorString: no such user, at main.go:41";
 * "shop (pid 7): 47 defers pending on goroutine 18, registered by main.reserve at main.go:41". */
void alert_describe(const struct alert *a, char *buf, size_t size);

#endif
