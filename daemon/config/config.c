// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "config/config.h"

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/receivers.h"
#include "config/rules.h"
#include "config/yaml.h"

#define SECOND   1e9
#define F(field) offsetof(struct config, field)
#define STR(field) \
	.type = YAML_STRING, .offset = F(field), .size = sizeof(((struct config *)0)->field)

static const char *const level_names[] = { "debug", "info", "warn", "error", NULL };
const char *const config_probe_set_names[] = { "off", "lean", "full", "burst", NULL };
static const char *const fd_source_names[] = { "auto", "proc", NULL };
static const char *const hook_names[] = { "auto", "fentry", "kprobe", "tracepoint", "off", NULL };

/* Sections */

static const struct yaml_key web_keys[] = {
	{ "listen_address", STR(web.listen_address), .doc = "host:port of the Prometheus endpoint",
	  .preset = "\"127.0.0.1:10035\"", .restart = true },
	{ "telemetry_path", STR(web.telemetry_path), .doc = "path of the metrics",
	  .preset = "\"/metrics\"" },
	{ "config_file", STR(web.config_file),
	  .doc = "TLS and basic auth, in the form of Prometheus exporters; empty: none",
	  .preset = "\"\"" },
	{ "enable_lifecycle", .type = YAML_BOOL, .offset = F(web.enable_lifecycle),
	  .doc = "allow POST /-/reload over TCP", .preset = "false" },
	{ "series_max", .type = YAML_U32, .offset = F(web.series_max), .min = 10, .max = 1000000,
	  .doc = "most series of one metric family; further ones are dropped and counted",
	  .preset = "10000" },
};

static const struct yaml_key control_keys[] = {
	{ "socket", STR(control.socket),
	  .doc = "socket of `deferd top` and `deferd ps`; empty: none",
	  .preset = "\"/run/deferd/deferd.sock\"", .restart = true },
	{ "group", STR(control.group),
	  .doc = "group that may use the socket; ignored when it does not exist",
	  .preset = "\"deferd\"", .restart = true },
};

static const struct yaml_key log_keys[] = {
	{ "level", .type = YAML_ENUM, .offset = F(log.level), .names = level_names,
	  .doc = "debug, info, warn or error", .preset = "info" },
};

#define S(field) offsetof(struct config_service_probes, field)
static const struct yaml_key service_keys[] = {
	{ "service", YAML_STRING, S(glob), CONFIG_FUNCTION_MAX, .required = true,
	  .doc = "glob on its name" },
	{ "set", .type = YAML_ENUM, .offset = S(probes.set), .names = config_probe_set_names,
	  .doc = "instead of probes.set" },
	{ "budget_percent", .type = YAML_NUMBER, .offset = S(probes.budget_percent), .max = 100,
	  .doc = "instead of probes.budget_percent" },
};

static void parse_services(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct config *c = base;
	yaml_node_t *item;

	if (!yaml_is_list(f, node, "probes.services"))
		return;
	YAML_FOR_EACH (f, node, item) {
		struct config_service_probes *s = &c->probes.services[c->probes.n_services];

		if (c->probes.n_services == CONFIG_SERVICES_MAX) {
			yaml_error(f, item, "probes.services: more than %d", CONFIG_SERVICES_MAX);
			return;
		}
		s->probes = (struct config_probes){ -1, -1 };
		yaml_bind(f, item, "probes.services", service_keys, ARRAY_SIZE(service_keys), s);
		c->probes.n_services++;
	}
}

static const struct yaml_key probes_keys[] = {
	{ "set", .type = YAML_ENUM, .offset = F(probes.all.set), .names = config_probe_set_names,
	  .doc = "lean: defers in loops, panics; full: every defer and every run, for diagnosis; "
		 "burst: full for one second of each minute, otherwise lean; off: no probes, only "
		 "the census and descriptors",
	  .preset = "lean" },
	{ "threshold", .type = YAML_U32, .offset = F(probes.threshold), .min = 2, .max = 1000000,
	  .doc = "number of pending defers of one goroutine or thread that is reported "
		 "immediately; also the threshold of the default rule",
	  .preset = "35", .restart = true },
	{ "budget_percent", .type = YAML_NUMBER, .offset = F(probes.all.budget_percent), .min = 0,
	  .max = 100,
	  .doc = "CPU time that probes may cost a process, in percent of one core; above it the "
		 "process loses probes within a second, and gets them back later; 0: no limit",
	  .preset = "1" },
	{ "watch_writes", .type = YAML_BOOL, .offset = F(probes.watch_writes),
	  .doc = "watch whether a program logs the panics that it recovers from, or swallows them; "
		 "costs 40 ns on every syscall of the host, for at most 10 s per minute",
	  .preset = "true" },
	{ "panic_messages", .type = YAML_BOOL, .offset = F(probes.panic_messages),
	  .doc = "show the messages of panics; false: only their types, and the texts of "
		 "the "
		 "Go runtime's own fatal errors",
	  .preset = "true" },
	{ "services", .type = YAML_CUSTOM, .parse = parse_services,
	  .doc = "services with other probes, for example { service: \"checkout-*\", set: burst, "
		 "budget_percent: 2 }; the first entry whose glob matches applies",
	  .preset = "[]" },
};

#define B(field) offsetof(struct config_baseline, field)
static const struct yaml_key baseline_keys[] = {
	{ "service", YAML_STRING, B(glob), CONFIG_FUNCTION_MAX, .required = true,
	  .doc = "glob on its name" },
	{ "p95", .type = YAML_DURATION, .offset = B(p95_ns), .min = 1e3, .max = 3600 * SECOND,
	  .required = true, .doc = "what it usually is" },
};

static void parse_baselines(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct config *c = base;
	yaml_node_t *item;

	if (!yaml_is_list(f, node, "requests.baselines"))
		return;
	YAML_FOR_EACH (f, node, item) {

		if (c->requests.n_baselines == CONFIG_SERVICES_MAX) {
			yaml_error(f, item, "requests.baselines: more than %d",
				   CONFIG_SERVICES_MAX);
			return;
		}
		yaml_bind(f, item, "requests.baselines", baseline_keys, ARRAY_SIZE(baseline_keys),
			  &c->requests.baselines[c->requests.n_baselines++]);
	}
}

static const struct yaml_key requests_keys[] = {
	{ "timed", .type = YAML_BOOL, .offset = F(requests.timed),
	  .doc = "time the requests of net/http, HTTP/2 and gRPC servers: two probe hits per "
		 "request, only part of the time where this would cost more than half of "
		 "probes.budget_percent",
	  .preset = "true" },
	{ "baselines", .type = YAML_CUSTOM, .parse = parse_baselines,
	  .doc = "the usual 95th percentile of a service, for example { service: \"checkout-*\", "
		 "p95: 80ms }; default: the median of the last hour",
	  .preset = "[]" },
};

static const struct yaml_key descriptors_keys[] = {
	{ "hooks", .type = YAML_ENUM, .offset = F(descriptors.hooks), .names = hook_names,
	  .doc = "how opens and closes are observed; auto: by fentry or kprobe where the kernel "
		 "has them, otherwise by tracepoints, while the descriptors of a process grow",
	  .preset = "auto" },
	{ "source", .type = YAML_ENUM, .offset = F(descriptors.source), .names = fd_source_names,
	  .doc = "how descriptors are read; auto: in one pass in the kernel, where possible; proc: "
		 "from /proc, which costs ten times as much and shows no ports",
	  .preset = "auto" },
	{ "window", .type = YAML_DURATION, .offset = F(descriptors.window_ns), .min = 10 * SECOND,
	  .max = 86400 * SECOND, .doc = "time window for the growth of descriptors",
	  .preset = "60s", .restart = true },
};

static const struct yaml_key census_keys[] = {
	{ "enabled", .type = YAML_BOOL, .offset = F(census.enabled),
	  .doc = "read all goroutines of Go programs from their memory, without stopping the "
		 "programs",
	  .preset = "true", .restart = true },
	{ "interval", .type = YAML_DURATION, .offset = F(census.interval_ns), .min = SECOND,
	  .max = 3600 * SECOND,
	  .doc = "shortest time between two censuses of a process; a goroutine that has not run "
		 "for "
		 "six of them may be leaked",
	  .preset = "10s", .restart = true },
	{ "budget_percent", .type = YAML_NUMBER, .offset = F(census.budget_percent), .min = 0.01,
	  .max = 50,
	  .doc = "CPU time of all censuses together, in percent of one core; intervals become "
		 "longer to stay below it",
	  .preset = "0.5" },
};

static const struct yaml_key daemon_keys[] = {
	{ "budget_percent", .type = YAML_NUMBER, .offset = F(daemon.budget_percent), .min = 0,
	  .max = 100,
	  .doc = "CPU time of deferd itself over ten seconds, in percent of one core; above it, "
		 "deferd reads "
		 "maps, "
		 "descriptors and goroutines up to 8 times less often; 0: no limit",
	  .preset = "2" },
};

static const struct yaml_key state_keys[] = {
	{ "directory", STR(state.directory),
	  .doc = "where deferd keeps, across its own restarts, alerts that fire, the usual "
		 "durations of requests, counts of panics and the growth of leaks; empty: where "
		 "systemd says ($STATE_DIRECTORY, /var/lib/deferd in the unit), without systemd "
		 "nowhere",
	  .preset = "\"\"", .restart = true },
};

static const struct yaml_key limits_keys[] = {
	{ "targets", .type = YAML_U32, .offset = F(limits.targets), .min = 1, .max = 4095,
	  .doc = "most processes observed at the same time", .preset = "512", .restart = true },
	{ "goroutines", .type = YAML_U32, .offset = F(limits.goroutines), .min = 64,
	  .max = 16777216,
	  .doc = "most goroutines and threads with pending defers, all processes together; 240 "
		 "bytes of kernel memory each",
	  .preset = "16384", .restart = true },
	{ "sites", .type = YAML_U32, .offset = F(limits.sites), .min = 64, .max = 1048576,
	  .doc = "most lines that register defers, all processes together", .preset = "4096",
	  .restart = true },
	{ "ring", .type = YAML_BYTES, .offset = F(limits.ring_bytes), .min = 65536,
	  .max = 268435456, .doc = "size of the ring buffer; a power of two", .preset = "1024KiB",
	  .restart = true },
};

static void add_pattern(struct yaml_file *f, const yaml_node_t *node, struct config_patterns *p)
{
	const char *text = yaml_scalar(f, node, "pattern");

	if (!text)
		return;
	if (p->n == CONFIG_PATTERNS_MAX)
		yaml_error(f, node, "more than %d patterns", CONFIG_PATTERNS_MAX);
	else if (!*text || strlen(text) >= sizeof(p->glob[0]))
		yaml_error(f, node, "a pattern has 1 to %zu bytes", sizeof(p->glob[0]) - 1);
	else
		strcpy(p->glob[p->n++], text);
}

/* Replaces the default list. */
static void parse_patterns(struct yaml_file *f, yaml_node_t *node, struct config_patterns *p)
{
	yaml_node_t *item;

	p->n = 0;
	if (node->type != YAML_SEQUENCE_NODE) {
		yaml_error(f, node, "expected a list, e.g. [\"*\"]");
		return;
	}
	YAML_FOR_EACH (f, node, item)
		add_pattern(f, item, p);
}

static void parse_include(struct yaml_file *f, yaml_node_t *node, void *base)
{
	parse_patterns(f, node, &((struct config *)base)->targets.include);
}

static void parse_exclude(struct yaml_file *f, yaml_node_t *node, void *base)
{
	parse_patterns(f, node, &((struct config *)base)->targets.exclude);
}

static void parse_rule_files(struct yaml_file *f, yaml_node_t *node, void *base)
{
	parse_patterns(f, node, &((struct config *)base)->rule_files);
}

static const struct yaml_key targets_keys[] = {
	{ "include", .type = YAML_CUSTOM, .parse = parse_include,
	  .doc = "services to observe, as globs", .preset = "[\"*\"]" },
	{ "exclude", .type = YAML_CUSTOM, .parse = parse_exclude,
	  .doc = "services not to observe; overrides include", .preset = "[]" },
};

#define R(field) offsetof(struct config_runtime, field), CONFIG_FUNCTION_MAX
static const struct yaml_key runtime_keys[] = {
	{ "name", YAML_STRING, R(name), .required = true, .doc = "name of the runtime",
	  .sample = "my_name" },
	{ "push", YAML_STRING, R(push), .required = true,
	  .doc = "called once for each deferred call that is registered", .sample = "my_push" },
	{ "run", YAML_STRING, R(run), .required = true,
	  .doc = "called once for each deferred call that runs", .sample = "my_run" },
	{ "panic", YAML_STRING, R(panic), .doc = "starts a panic", .sample = "my_panic" },
	{ "recover", YAML_STRING, R(recover), .doc = "called when a panic was recovered",
	  .sample = "my_recover" },
};

static void parse_runtimes(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct config *c = base;
	yaml_node_t *item;

	if (!yaml_is_list(f, node, "c_runtimes"))
		return;
	YAML_FOR_EACH (f, node, item) {

		if (c->n_runtimes == CONFIG_RUNTIMES_MAX) {
			yaml_error(f, item, "c_runtimes: more than %d", CONFIG_RUNTIMES_MAX);
			return;
		}
		yaml_bind(f, item, "c_runtimes", runtime_keys, ARRAY_SIZE(runtime_keys),
			  &c->runtimes[c->n_runtimes++]);
	}
}

static void parse_rules(struct yaml_file *f, yaml_node_t *node, void *base)
{
	rules_parse(f, node, &((struct config *)base)->rules);
}

static void parse_receivers(struct yaml_file *f, yaml_node_t *node, void *base)
{
	receivers_parse(f, node, &((struct config *)base)->receivers);
}

/*
 * `default_rules: false` may stand after `rules:`, so the default ones are added when the file has
 * been read.
 */
static void add_default_rules(struct config *c, struct buf *errors)
{
	struct rule_set all = {};

	if (!c->default_rules || rule_set_default(&all, c->probes.threshold))
		return;
	for (unsigned i = 0; i < c->rules.n; i++) {
		if (rule_set_add(&all, &c->rules.rules[i]) == -EEXIST)
			buf_printf(errors,
				   "rule '%s' is the name of a built-in rule; choose another name, "
				   "or set "
				   "default_rules: false\n",
				   c->rules.rules[i].name);
	}
	rule_set_done(&c->rules);
	c->rules = all;
}

#define SECTION(name) \
#name, .type = YAML_SECTION, .sub = name##_keys, .n_sub = ARRAY_SIZE(name##_keys)
static const struct yaml_key top_keys[] = {
	{ SECTION(web), .doc = "the Prometheus endpoint" },
	{ SECTION(control), .doc = "the local socket" },
	{ SECTION(log), .doc = "the log on stderr" },
	{ SECTION(probes), .doc = "probes in observed programs" },
	{ SECTION(requests), .doc = "durations of requests" },
	{ SECTION(descriptors), .doc = "file descriptors" },
	{ SECTION(census), .doc = "all goroutines, counted, grouped and watched for leaks" },
	{ SECTION(daemon), .doc = "deferd itself" },
	{ SECTION(state), .doc = "what outlives a restart of deferd" },
	{ SECTION(limits), .doc = "sizes of the kernel's maps" },
	{ SECTION(targets), .doc = "which services are observed" },
	{ "receivers", .type = YAML_CUSTOM, .parse = parse_receivers,
	  .doc = "where alerts are sent" },
	{ "c_runtimes", .type = YAML_CUSTOM, .parse = parse_runtimes,
	  .doc = "defer runtimes of C programs other than <deferd/defer.h>" },
	{ "rule_files", .type = YAML_CUSTOM, .parse = parse_rule_files,
	  .doc = "globs of files that hold a list of rules",
	  .preset = "[\"/etc/deferd/rules.d/*.yml\"]" },
	{ "default_rules", .type = YAML_BOOL, .offset = F(default_rules),
	  .doc = "the built-in rules", .preset = "true" },
	{ "rules", .type = YAML_CUSTOM, .parse = parse_rules, .doc = "rules of your own" },
};

static int index_of(const char *const *names, const char *name)
{
	for (int i = 0; names[i]; i++) {
		if (!strcmp(names[i], name))
			return i;
	}
	return -EINVAL;
}

int config_probe_set_of(const char *name)
{
	return index_of(config_probe_set_names, name);
}

int config_fd_hooks_of(const char *name)
{
	return index_of(hook_names, name);
}

const char *config_state_directory(const struct config *c)
{
	return c->state.directory[0] ? c->state.directory : getenv("STATE_DIRECTORY") ?: "";
}

int config_default(struct config **ret_c)
{
	struct config *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	err = yaml_presets(top_keys, ARRAY_SIZE(top_keys), c) ?: receivers_presets(&c->receivers);
	if (err) {
		config_free(c);
		return err;
	}
	*ret_c = c;
	return 0;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	rule_set_done(&c->rules);
	free(c);
}

DEFINE_CLEANUP(struct config *, config_free)

static void check_whole(const struct config *c, const char *path, struct buf *errors)
{
	uint32_t ring = c->limits.ring_bytes;
	const char *colon = strrchr(c->web.listen_address, ':');

	if (ring & (ring - 1))
		buf_printf(errors, "%s: limits.ring: %u is not a power of two\n", path, ring);
	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    atol(colon + 1) > 65535)
		buf_printf(errors,
			   "%s: web.listen_address: '%s' is not host:port, e.g. 127.0.0.1:10035\n",
			   path, c->web.listen_address);
	if (c->web.telemetry_path[0] != '/')
		buf_printf(errors, "%s: web.telemetry_path: '%s' must begin with /\n", path,
			   c->web.telemetry_path);
}

static void load_rule_file(const char *path, struct rule_set *set, struct buf *errors)
{
	struct yaml_file f;
	yaml_node_t *root = yaml_file_load(&f, path, errors);

	if (root)
		rules_parse_file(&f, root, set);
	yaml_file_done(&f);
}

static void load_rule_files(struct config *c, struct buf *errors)
{
	for (unsigned i = 0; i < c->rule_files.n; i++) {
		glob_t g;

		/*
		 * A pattern without a match is no fault: the folder may be empty. A plain name that
		 * is missing is.
		 */
		if (glob(c->rule_files.glob[i], 0, NULL, &g)) {
			if (!strpbrk(c->rule_files.glob[i], "*?["))
				buf_printf(errors, "rule_files: %s: %s\n", c->rule_files.glob[i],
					   strerror(ENOENT));
			continue;
		}
		for (size_t k = 0; k < g.gl_pathc; k++)
			load_rule_file(g.gl_pathv[k], &c->rules, errors);
		globfree(&g);
	}
}

/*
 * What `f` holds, over what is in `c`; takes `f`. `root` NULL: nothing, or faults that are told
 * already.
 */
static void bind_file(struct config *c, struct yaml_file *f, yaml_node_t *root)
{
	if (root)
		yaml_bind(f, root, "", top_keys, ARRAY_SIZE(top_keys), c);
	check_whole(c, f->name, f->errors);
	yaml_file_done(f);
}

static int verdict(const struct buf *errors, size_t before)
{
	if (errors->failed)
		return -ENOMEM;
	return errors->len == before ? 0 : -EINVAL;
}

int config_load(const char *path, struct config **ret_c, struct buf *errors)
{
	_cleanup_(config_freep) struct config *c = NULL;
	size_t before = errors->len;
	struct yaml_file f;
	int err = config_default(&c);

	if (err)
		return err;
	if (path) {
		yaml_node_t *root = yaml_file_load(&f, path, errors);

		bind_file(c, &f, root);
	}
	load_rule_files(c, errors);
	add_default_rules(c, errors);
	err = verdict(errors, before);
	if (!err)
		*ret_c = TAKE_PTR(c);
	return err;
}

int config_parse(const char *name, const char *text, size_t len, struct config **ret_c,
		 struct buf *errors)
{
	_cleanup_(config_freep) struct config *c = NULL;
	size_t before = errors->len;
	struct yaml_file f;
	yaml_node_t *root;
	int err = config_default(&c);

	if (err)
		return err;
	root = yaml_file_parse(&f, name, text, len, errors);
	bind_file(c, &f, root);
	add_default_rules(c, errors);
	err = verdict(errors, before);
	if (!err)
		*ret_c = TAKE_PTR(c);
	return err;
}

static bool matches(const struct config_patterns *p, const char *name)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (!fnmatch(p->glob[i], name, 0))
			return true;
	}
	return false;
}

struct config_probes config_probes_of(const struct config *c, const char *service)
{
	struct config_probes p = c->probes.all;

	for (unsigned i = 0; i < c->probes.n_services; i++) {
		const struct config_service_probes *s = &c->probes.services[i];

		if (fnmatch(s->glob, service, 0))
			continue;
		if (s->probes.set >= 0)
			p.set = s->probes.set;
		if (s->probes.budget_percent >= 0)
			p.budget_percent = s->probes.budget_percent;
		break;
	}
	return p;
}

uint64_t config_p95_of(const struct config *c, const char *service)
{
	for (unsigned i = 0; i < c->requests.n_baselines; i++) {
		if (!fnmatch(c->requests.baselines[i].glob, service, 0))
			return c->requests.baselines[i].p95_ns;
	}
	return 0;
}

bool config_wants_service(const struct config *c, const char *name)
{
	return matches(&c->targets.include, name) && !matches(&c->targets.exclude, name);
}

/* The value of a key; false: it is the same, or may change. */
static bool keep(const struct yaml_key *k, const struct config *old, struct config *fresh)
{
	const void *kept = (const char *)old + k->offset;
	void *value = (char *)fresh + k->offset;
	bool same = k->type == YAML_STRING ? !strcmp(kept, value)
					   : !memcmp(kept, value, yaml_value_size(k));

	if (!k->restart || same)
		return false;
	memcpy(value, kept, yaml_value_size(k));
	if (k->offset == F(probes.threshold) && fresh->default_rules)
		rule_set_threshold(&fresh->rules, old->probes.threshold);
	return true;
}

void config_keep_restart_keys(const struct config *old, struct config *fresh, struct buf *ret_keys)
{
	for (size_t i = 0; i < ARRAY_SIZE(top_keys); i++) {
		for (size_t k = 0; k < top_keys[i].n_sub; k++) {
			if (keep(&top_keys[i].sub[k], old, fresh))
				buf_printf(ret_keys, "%s%s.%s", ret_keys->len ? ", " : "",
					   top_keys[i].name, top_keys[i].sub[k].name);
		}
	}
}

/* The example file */

static void print_section(struct buf *b, const struct yaml_key *s)
{
	buf_printf(b, "\n# %s\n%s:\n", s->doc, s->name);
	for (size_t i = 0; i < s->n_sub; i++)
		yaml_print_key(b, &s->sub[i]);
}

/* Without a file, these are all there are. */
static void print_default_rules(struct buf *b, const struct config *c)
{
	struct rule_set rules = {};

	if (rule_set_default(&rules, c->probes.threshold)) {
		b->failed = true;
		return;
	}
	buf_puts(b, "\n# the built-in rules:\n");
	for (unsigned i = 0; i < rules.n; i++)
		buf_printf(b, "#   %s\n", rules.rules[i].name);
	buf_puts(b, "#default_rules: true\n");
	rule_set_done(&rules);
}

void config_print_example(struct buf *b)
{
	_cleanup_(config_freep) struct config *c = NULL;

	if (config_default(&c)) {
		b->failed = true;
		return;
	}
	buf_puts(b, "# deferd.yml: every key, with its default. Remove a '#' to change one; "
		    "`deferd check-config FILE` checks\n"
		    "# the result, and SIGHUP (systemctl reload deferd) brings it into force. If "
		    "the file has a fault, the old configuration stays.\n");
	for (size_t i = 0; i < ARRAY_SIZE(top_keys); i++) {
		if (top_keys[i].type == YAML_SECTION)
			print_section(b, &top_keys[i]);
	}
	receivers_print_example(b);
	buf_puts(b,
		 "\n# defer runtimes of C programs other than <deferd/defer.h>: the names of their "
		 "functions\n"
		 "#c_runtimes:\n");
	for (size_t i = 0; i < ARRAY_SIZE(runtime_keys); i++)
		buf_printf(b, "#  %s %s: %s # %s%s\n", i ? " " : "-", runtime_keys[i].name,
			   runtime_keys[i].sample, runtime_keys[i].doc,
			   runtime_keys[i].required ? "" : " (optional)");
	buf_printf(b, "\n# globs of files that hold a list of rules\n#rule_files: [\"%s\"]\n",
		   c->rule_files.glob[0]);
	print_default_rules(b, c);
	rules_print_example(b);
}
