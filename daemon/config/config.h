/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The configuration: one struct, defaults that need no file, and a loader that either gives a whole
 * valid one or a list of everything that is wrong. A reload loads a fresh copy and swaps; nothing
 * ever edits the one in force.
 */
#ifndef DEFERD_CONFIG_CONFIG_H
#define DEFERD_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "alert/rule.h"
#include "base/buf.h"
#include "export/receivers.h"

#define CONFIG_PATH_MAX     256
#define CONFIG_RUNTIMES_MAX 3
#define CONFIG_PATTERNS_MAX 32
#define CONFIG_FUNCTION_MAX 128
#define CONFIG_SERVICES_MAX 32

extern const char *const config_probe_set_names[]; /* by enum config_probe_set, NULL terminated */
enum config_probe_set {
	CONFIG_PROBES_OFF,
	CONFIG_PROBES_LEAN,
	CONFIG_PROBES_FULL,
	CONFIG_PROBES_BURST /* full for a second of each minute, else lean */
};
enum config_fd_hooks {
	CONFIG_FD_HOOKS_AUTO,
	CONFIG_FD_HOOKS_FENTRY,
	CONFIG_FD_HOOKS_KPROBE,
	CONFIG_FD_HOOKS_TRACEPOINT,
	CONFIG_FD_HOOKS_OFF
};

enum config_fd_source { CONFIG_FD_SOURCE_AUTO, CONFIG_FD_SOURCE_PROC };

/* A defer runtime for C: the functions that register, run, and so on. Empty: it has none. */
struct config_runtime {
	char name[CONFIG_FUNCTION_MAX];
	char push[CONFIG_FUNCTION_MAX];
	char run[CONFIG_FUNCTION_MAX];
	char panic[CONFIG_FUNCTION_MAX];
	char recover[CONFIG_FUNCTION_MAX];
};

struct config_patterns {
	unsigned n;
	char glob[CONFIG_PATTERNS_MAX][CONFIG_FUNCTION_MAX];
};

/* How a service is probed. */
struct config_probes {
	int set;               /* enum config_probe_set */
	double budget_percent; /* of a core, of each process; 0: any */
};

/* Those of services whose name fits. -1: as for all others. */
struct config_service_probes {
	char glob[CONFIG_FUNCTION_MAX];
	struct config_probes probes;
};

/* The usual 95th percentile of requests of services whose name fits. */
struct config_baseline {
	char glob[CONFIG_FUNCTION_MAX];
	uint64_t p95_ns;
};

struct config {
	struct {
		char listen_address[CONFIG_PATH_MAX]; /* host:port */
		char telemetry_path[CONFIG_PATH_MAX];
		char config_file[CONFIG_PATH_MAX]; /* TLS and basic auth; "" none */
		bool enable_lifecycle;             /* POST /-/reload over TCP */
		uint32_t series_max;               /* of one metric family */
	} web;
	struct {
		char socket[CONFIG_PATH_MAX]; /* "" none */
		char group[64];
	} control;
	struct {
		int level; /* enum log_level */
	} log;
	struct {
		struct config_probes all;
		uint32_t threshold;  /* pending defers of one goroutine */
		bool watch_writes;   /* for the suspicion that panics are swallowed */
		bool panic_messages; /* are kept: what the values of panics say */
		unsigned n_services;
		struct config_service_probes services[CONFIG_SERVICES_MAX];
	} probes;
	struct {
		bool timed;
		unsigned n_baselines;
		struct config_baseline baselines[CONFIG_SERVICES_MAX];
	} requests;
	struct {
		int hooks;  /* enum config_fd_hooks */
		int source; /* enum config_fd_source */
		uint64_t window_ns;
	} descriptors;
	struct {
		bool enabled;
		uint64_t interval_ns;  /* from one census of a process to the next, at least */
		double budget_percent; /* of one core, all processes together */
	} census;
	struct {
		double budget_percent; /* of one core, that deferd itself may take; 0: any */
	} daemon;
	struct {
		char directory[CONFIG_PATH_MAX]; /* "": config_state_directory() finds it */
	} state;
	struct {
		uint32_t targets, goroutines, sites, ring_bytes;
	} limits;
	struct {
		struct config_patterns include, exclude; /* globs on service names */
	} targets;
	unsigned n_runtimes;
	struct config_runtime runtimes[CONFIG_RUNTIMES_MAX];
	struct config_patterns rule_files;
	struct receivers_opts receivers;
	bool default_rules;
	struct rule_set rules; /* of the main file and the rule files, the default ones first */
};

/* Valid without a file. 0 or -ENOMEM. */
int config_default(struct config **ret_c);
/*
 * Defaults, then the file. 0; -EINVAL with one line a fault in *errors ("file:line:col: ...");
 * -ENOMEM. `path` NULL: defaults only.
 */
int config_load(const char *path, struct config **ret_c, struct buf *errors);
/*
 * The same from memory, and from no other file: `rule_files` are not read. `name` stands in the
 * messages.
 */
int config_parse(const char *name, const char *text, size_t len, struct config **ret_c,
		 struct buf *errors);
void config_free(struct config *c);

int config_probe_set_of(const char *name); /* enum config_probe_set; -EINVAL */
int config_fd_hooks_of(const char *name);  /* enum config_fd_hooks; -EINVAL */
/* The first of probes.services that fits decides; what it leaves open is as for all. */
struct config_probes config_probes_of(const struct config *c, const char *service);

/* Where state is kept: as configured, or where systemd says ($STATE_DIRECTORY); "": nowhere. */
const char *config_state_directory(const struct config *c);

/* The first of requests.baselines that fits; 0: none. */
uint64_t config_p95_of(const struct config *c, const char *service);

/* Is a service of this name observed? Excluded wins. */
bool config_wants_service(const struct config *c, const char *name);

/*
 * A reload from `old` to `fresh`: what only a restart brings into force keeps its old value in
 * *fresh, and is named ("limits.targets, web.listen_address"; "" when nothing differs).
 */
void config_keep_restart_keys(const struct config *old, struct config *fresh, struct buf *ret_keys);

/* Print every key with its default and its meaning, as a commented file. */
void config_print_example(struct buf *b);

#endif
