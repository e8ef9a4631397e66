/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The panic ledger of a service: what began, what became of it, and where. Fed by the model with
 * events; outcomes were decided by the kernel side (bpf/panicrule.h), so counts are exact there
 * while this keeps the newest details of each service, within bounds. Addresses are named when
 * somebody looks: ask the model.
 */
#ifndef DEFERD_MODEL_LEDGER_H
#define DEFERD_MODEL_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "event/event.h"
#include "model/aftermath.h"

#define LEDGER_ENTRIES_MAX 64 /* of a service; the oldest make room */
#define LEDGER_SITES_MAX \
	128 /* of a service; who has not panicked for the longest time makes room */
#define LEDGER_SITE_FRAMES 4 /* that tell one site from another */
#define LEDGER_MINUTE      6 /* buckets of the last minute */

enum ledger_kind {
	LEDGER_PANIC,
	LEDGER_THROW,  /* the runtime gave up: concurrent map writes, deadlock, ... */
	LEDGER_SIGNAL, /* died of a signal */
	LEDGER_EXIT,   /* ended itself, with a status that tells of a failure */
	LEDGER_KIND_MAX,
};

/* Whether the recoveries of a site are meant: see design.h. */
enum panic_design {
	DESIGN_UNKNOWN, /* not looked at yet */
	DESIGN_NONE,
	DESIGN_ABORT,        /* http.ErrAbortHandler */
	DESIGN_CONTROL_FLOW, /* within one package */
	DESIGN_MAX,
};

#define LEDGER_AGAIN_NS        10000000000ull /* a value is raised again by another goroutine so soon */
#define LEDGER_AGAIN_STATIC_NS 1000000000ull /* the same of a value that others may raise, too */

struct ledger_entry {
	uint64_t id; /* unique; THROW and SIGNAL have one, too */
	uint32_t target;
	uint32_t pid;
	uint32_t tid;
	uint32_t image_id;
	enum runtime_kind runtime;
	enum ledger_kind kind;
	enum panic_outcome outcome;
	uint64_t began_ns, ended_ns;  /* ended_ns 0: it runs */
	uint64_t frame, recover_site; /* RECOVERED; 0: not known */
	uint64_t raises; /* the id of the panic whose value this one raises again; 0: none */
	uint64_t last; /* THROW, SIGNAL, EXIT: the id of the newest panic before; 0: none is kept */
	uint64_t raised_by; /* the newest one that raises this one's again; 0: none */
	unsigned norigin;
	uint64_t origin
		[EVENT_STACK_MAX]; /* where that value was raised first; of a stack overflow: the recursion */
	uint64_t replaced_by;    /* OVERRIDDEN, REPANICKED: the id of the one that did; else 0 */
	struct event_panic what; /* as it began */
};

/* Everything told of one call path, type and process. */
struct ledger_site {
	UT_hash_handle hh;
	struct ledger_site_key {
		uint64_t type;
		uint64_t frames[LEDGER_SITE_FRAMES];
		uint32_t target, kind;
		uint32_t aborts; /* 1: by http.ErrAbortHandler */
		uint32_t pad;
	} key;
	uint32_t image_id;
	uint32_t pid;
	enum runtime_kind runtime;
	uint64_t last_ns;
	uint64_t started;
	uint64_t outcomes[OUTCOME_MAX];       /* of those that ended */
	uint64_t recovered_at[LEDGER_MINUTE]; /* by 10 s of time */
	uint64_t minute_of[LEDGER_MINUTE];
	uint64_t frame;        /* where the newest recovery went on; 0: none yet */
	uint64_t judged_frame; /* `design` is of this one */
	uint8_t go_minor;      /* see struct event_panic */
	bool nil_stays;
	enum panic_design design;
	uint64_t design_since_ns; /* names were asked for then; 0: not yet */
	unsigned nstack, norigin;
	uint64_t stack[EVENT_STACK_MAX];  /* of the newest */
	uint64_t origin[EVENT_STACK_MAX]; /* of the newest: see struct ledger_entry */
	struct aftermath_counts aftermath;
};

struct ledger {
	struct ledger_entry *entries[LEDGER_ENTRIES_MAX]; /* a ring; NULL: not used yet */
	unsigned next;                                    /* place of the next one */
	struct ledger_site *sites;                        /* hash by key */
	struct aftermaths aftermaths;
};

struct ledger *ledger_new(void); /* NULL: out of memory */
void ledger_free(struct ledger *l);

/*
 * A step of target `id`. Who began is entered, who ended is closed; a DYING that follows a FATAL or
 * THROW of the same target tells nothing new (`died` says whether one came before). False: out of
 * memory.
 */
bool ledger_apply(struct ledger *l, const struct event *ev, uint32_t image_id,
		  enum runtime_kind runtime, bool died);

/* A copy of a site that an earlier deferd had told of. False: out of memory. Where it is known already, nothing happens. */
bool ledger_take_site(struct ledger *l, const struct ledger_site *site);
/* What a panic's value says. */
void ledger_say(struct ledger *l, const struct event_panic_text *in);

/* The stack that it is about: where its value was raised first, what filled the stack; else its own. */
const uint64_t *ledger_first_stack(const struct ledger_entry *e, unsigned *ret_n);
/* NULL: it is not kept any more. */
const struct ledger_site *ledger_site_of(const struct ledger *l, const struct ledger_entry *e);

/* Newest first; NULL past the oldest. */
const struct ledger_entry *ledger_entry(const struct ledger *l, unsigned age);
/* The newest panic of a process, no death; NULL: none is kept. */
const struct ledger_entry *ledger_newest_panic(const struct ledger *l, uint32_t target);
bool ledger_uses_image(const struct ledger *l, uint32_t image_id);
/* A site recovered in the last minute, and whether it does so in silence is not known yet. */
bool ledger_wants_aftermath(const struct ledger *l, uint64_t now_ns);
/* The highest number of panics recovered at one site in the last minute; not those by design. */
const struct ledger_site *ledger_busiest(const struct ledger *l, uint64_t now_ns,
					 uint64_t *ret_per_minute);

#endif
