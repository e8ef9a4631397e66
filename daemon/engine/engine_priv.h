/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of engine/ share; nobody else includes this. */
#ifndef DEFERD_ENGINE_ENGINE_PRIV_H
#define DEFERD_ENGINE_ENGINE_PRIV_H

#include "base/memread.h"
#include "engine/engine.h"
#include "engine/jobs.h"
#include "probe/budget.h"
#include "proc/cgroup.h"

/* A process that has a target id, attached or not. */
struct watch {
	UT_hash_handle hh; /* by pid */
	UT_hash_handle hh_id;
	pid_t pid;
	uint32_t id;
	uint64_t start_ticks;
	struct image *image;
	uint64_t bias;
	int64_t clock_ns; /* see struct census_opts */
	struct engine *engine;
	struct memread_process memory;
	struct watch_census {
		struct census *c;        /* NULL before the first */
		uint64_t due_ns;         /* of the next one */
		uint64_t ended_ns;       /* of the last one; 0: there was none */
		uint64_t spent_ns;       /* by the one that runs */
		uint64_t cost_ns;        /* of the last one */
		uint64_t names_until_ns; /* it is complete, and its functions are being named */
		bool asked;              /* do not wait for the interval: something was lost */
		bool complained;         /* one has failed */
	} census;
	enum {
		LAYOUT_NONE,
		LAYOUT_PENDING,
		LAYOUT_CONFIRMED,
		LAYOUT_BELIEVED,
		LAYOUT_REFUTED
	} layout;
	bool panics_refuted;            /* all fits but _panic */
	char golib[PROC_NAME_MAX];      /* a library of it with a Go runtime; "": none is known */
	unsigned searches;              /* for the list of goroutines, in its data */
	uint64_t search_ns;             /* not before */
	uint64_t allgs_len, allgs_list; /* see struct census_where; 0: not found (yet) */
	struct watch_probes {
		int set;               /* enum config_probe_set */
		double budget_percent; /* of a core; 0: any */
		bool chosen;           /* by a command, not by the configuration */
		bool burst;            /* of CONFIG_PROBES_BURST: the full set is attached, now */
		uint64_t turn_ns;      /* when that changes */
	} probes;
	struct watch_timing {
		bool on;
		bool failed;                 /* not tried again before the next reload */
		unsigned every;              /* for a second of so many; 0: not at all */
		uint64_t turn_ns;            /* when it is on again */
		double percent;              /* of a core, that it costs on the average */
		uint64_t mark_ns, mark_hits; /* when that was judged last */
	} timing;                            /* of requests */
	struct budget budget;                /* what of its probes is attached */
	unsigned n_pruned;       /* functions whose calls are left out at BUDGET_PRUNED */
	uint32_t *pruned;        /* in their order; see struct callsite */
	uint64_t hot_ns;         /* the kernel side has stopped looking, then; 0: it has not */
	enum target_state state; /* but for the budget's doing */
	char reason[REASON_MAX + 128];
	uint64_t attached_ns; /* an exec or exit before this is of the process before */
	uint64_t limit_read_ns;
	uint64_t fd_limit;
	struct descriptors *fds;  /* NULL before their first census */
	uint64_t fds_ns;          /* of the newest; 0: there was none */
	struct fdsites *fd_sites; /* NULL: who opens them is not kept */
	uint64_t fd_sites_until_ns;
};

struct engine {
	struct loop *loop;
	int procfd;
	const struct config *config;
	const struct kernel_features *features;
	struct engine_opts opts;
	struct probe *probe;
	struct model *model;
	struct alerts *alerts;
	struct images *images;
	struct jobs *jobs;
	struct watch *by_pid;
	struct watch *by_id;
	struct loop_source *drain_timer, *tick_timer, *urgent_source;
	struct pace {
		bool asleep;
		uint64_t second_ns;    /* the newest one */
		uint64_t attached_ns;  /* to the newest process */
		uint64_t events, hits; /* at the newest second */
		unsigned looks;        /* seconds */
		unsigned unjudged;     /* seconds of its own cost */
		struct budget own;     /* of its steps only the number matters */
	} pace;
	struct plan_c_profile profiles[INSPECT_PROFILES_MAX];
	unsigned n_profiles;
	char own_service[CGROUP_SERVICE_MAX]; /* of the cgroup we run in ourselves */
	struct proc_image own_image;
	struct waiting { /* processes, to be attached in a later turn of the loop */
		int fd;  /* readable while there are some */
		struct loop_source *source;
		unsigned next, n, room;
		pid_t *pids;
		uint64_t spent_ns; /* attaching, in this turn */
	} waiting;
	bool looked;             /* at everything, once */
	bool counts;             /* goroutines of some process, now or at once */
	bool hot;                /* somebody is */
	bool urgent;             /* somebody crossed the threshold: do not wait for the second */
	bool resync;             /* an exec or exit was lost: look at /proc again */
	uint64_t hooks_until_ns; /* descriptor hooks on suspicion end then */
	bool hooks_failed;
	uint64_t writes_since_ns; /* writes are watched since then, or were; 0: never */
	uint64_t writes_pause_ns; /* from one start to the next */
	bool writes_failed;
	unsigned chain_budget; /* memory reads left in this scan */
	unsigned chain_seen;   /* goroutines of this scan that wanted to be read */
	unsigned chain_first;  /* the first of them whose turn it is */
	unsigned chain_next;   /* where the next scan goes on; 0: from the start */
	uint32_t counting;     /* id of the target whose census runs; 0: none does */
	uint64_t untracked;    /* goroutines that found no room in the kernel's map */
	uint64_t now_ns;       /* of the event or tick that runs */
	uint64_t scanned_ns;
	uint64_t judged_ns; /* the rules were evaluated then */
	uint64_t golibs_ns; /* when they were looked for last */
	struct golib_seen *golibs_seen;
	struct fd_census {
		struct fditer *it; /* NULL: not yet, or the kernel has none, and /proc is read */
		bool tried;        /* to open it */
		uint64_t due_ns;
		bool complained; /* that a pass failed */
		bool sites;      /* who opens is kept of somebody, or was at the census before */
		struct fd_entry *fds; /* of the process that is being read */
		unsigned n, room;
		bool failed; /* no room for them */
	} fd_census;
	int64_t clock_ns; /* see proc_clock_offset(): our own */
	struct engine_stats stats;
};

/* pace.c: how often the loop turns */
int pace_start(struct engine *e, loop_timer_fn on_drain,
	       loop_timer_fn on_tick); /* or negative errno */
void pace_stop(struct engine *e);
void pace_reload(struct engine *e); /* another budget, which nothing has been past */
void pace_wake(struct engine *e);
bool pace_second(struct engine *e); /* each tick: whether a second is over */
/* Each second: whether the kernel's maps and descriptors are looked at in this one. */
bool pace_looks(struct engine *e);
/* Each second, at its end. `idle`: nothing is under way. */
void pace_rest(struct engine *e, bool idle);
/* Past its own budget everything that is done at intervals is done so many times less often. */
unsigned pace_stretch(const struct engine *e);

/* discover.c: which processes are observed */
int discover_start(struct engine *e); /* 0, or negative errno */
void discover_stop(struct engine *e);
void discover_profiles(struct engine *e);
void discover_all(struct engine *e); /* walk /proc */
void discover_pid(struct engine *e, pid_t pid);
/* By the kernel's records, of `time_ns`: see watch_at(). */
void discover_exec(struct engine *e, pid_t pid, uint64_t time_ns);
void discover_gone(struct engine *e, pid_t pid, uint64_t time_ns);
void discover_sweep(struct engine *e);    /* notice exits without the kernel's help */
void discover_refilter(struct engine *e); /* the configuration wants others */
void discover_report(struct engine *e, struct image *im, int err,
		     const struct worker_result *result, const struct reason *reason);
struct watch *watch_of_pid(struct engine *e, pid_t pid);
/* The one that a record of the kernel is about: not what was attached since, another process of the same number. */
struct watch *watch_at(struct engine *e, pid_t pid, uint64_t time_ns);
struct watch *watch_of_id(struct engine *e, uint32_t id);
void watch_remove(struct engine *e, struct watch *w);
void watch_free(struct watch *w); /* it is in no table any more */

/* attach.c: from a process and its image's report to a target */
int attach_process(struct engine *e, pid_t pid, struct image *im);
/*
 * Attach what its budget level has, instead of what is attached; *ret_ns: since then. 0, or negative errno
 * with the reason.
 */
int attach_change(struct engine *e, struct watch *w, uint64_t *ret_ns, struct reason *reason);
/* Hits were missed while other probes were attached: what is known of its goroutines is void. */
void watch_missed(struct engine *e, struct watch *w);
/* The model is told anew of its state and reason, and of what the budget adds to them. */
void watch_announce(struct engine *e, struct watch *w);

/* The bytes of other points of its, in the file and in memory, are those that were planned. 0, or negative errno. */
int attach_verify(const struct watch *w, const struct probe_point *points, unsigned n,
		  struct reason *reason);

/* timing.c: when the requests of servers are timed; each second, after the scan */
void timing_tick(struct engine *e);
void timing_reload(struct engine *e);
/* They should be; for a part of the time, perhaps. */
bool timing_wants(const struct engine *e, const struct watch *w);

/* sets.c: which probes a process has; each second, after governor_tick() */
#define SETS_BURST_EVERY_S 60
/* Whether a set has the point; `burst`: in a burst. */
bool sets_want(int set, bool burst, const struct probe_point *pt);
void sets_tick(struct engine *e);
void sets_reload(struct engine *e);

/* governor.c: what probes may cost a process; each second, after the scan, and at EVENT_HOT */
void governor_begin(struct engine *e, struct watch *w);
bool governor_allows(enum budget_level level, const struct probe_point *pt);
/* It registers or runs deferred calls. */
bool governor_is_push(const struct probe_point *pt);
/* What its probes may cost is bounded. */
bool governor_has_budget(const struct engine *e, const struct watch_probes *p);
/* See struct probe_target; `suspect`: budget_is_suspect(). */
uint32_t governor_hits_max(const struct engine *e, const struct watch_probes *p, bool suspect);
uint16_t governor_stepped_hits(const struct engine *e);
void governor_tick(struct engine *e);
void governor_hot(struct engine *e, const struct event *ev);
void governor_cool(struct engine *e); /* who was hot; after the ring was drained */
void governor_reload(struct engine *e);

/* golibs.c: Go runtimes in shared libraries; each second */
#define GOLIBS_VM_BYTES (256ull << 20) /* a process with one has more */
/* Whether it has one, now; takes 50 us, and milliseconds when it has. The name is that of the library. */
bool golibs_find(struct engine *e, pid_t pid, char ret_name[static PROC_NAME_MAX]);
void golibs_tick(struct engine *e);
void golibs_done(struct engine *e);

/* layouts.c: whether the runtime's layout fits a process; a few times a second */
void layouts_verify(struct engine *e);

/* goroutines.c: censuses, a stretch at a time; 20 times a second. Whether there is more to do. */
bool goroutines_tick(struct engine *e);
/* Something was lost of this target: do not wait for the interval. */
void goroutines_ask(struct watch *w);
/* Once a second: goroutines that found no room in the kernel's map are of any target. */
void goroutines_check_map(struct engine *e);

/* descriptors.c: what descriptors processes have, and how old they are; each second that is looked in */
void descriptors_tick(struct engine *e);
void descriptors_stop(struct engine *e);

/* aftermaths.c: whether recovered panics are swallowed; each second, after the scan */
void aftermaths_tick(struct engine *e);

/* Takes what is on the ring now. */
void engine_drain(struct engine *e);

/* Every event goes through here: to the model, then to the observer. */
void engine_emit(struct engine *e, const struct event *ev);
/* The same, for what the probe is asked to read; `arg` is the engine. */
void engine_take(void *arg, const struct event *ev);

#endif
