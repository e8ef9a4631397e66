// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "config/config.h"
#include "tempdir.h"

#define SECOND  1000000000ull
#define NO_RULE "rule_files: []\n" /* what this host has in /etc is no business of a test */

DEFINE_CLEANUP(struct config *, config_free)
#define _config_ _cleanup_(config_freep) struct config *

/* `want` with "%" for the path of the file. */
static void expand(struct buf *b, const char *want, const char *path)
{
	buf_reset(b);
	buf_puts(b, "");
	for (; *want; want++) {
		if (*want == '%')
			buf_puts(b, path);
		else
			buf_putc(b, *want);
	}
}

static void expect_faults(const char *path, const char *text, const char *want)
{
	struct config *c = (struct config *)&c;
	struct buf errors = {}, expected = {};

	expand(&expected, want, path);
	assert_int_equal(config_load(path, &c, &errors), -EINVAL);
	assert_ptr_equal(c, &c); /* untouched */
	if (strcmp(errors.data, expected.data))
		fail_msg("%s\ngives      %sexpected   %s", text, errors.data, expected.data);
	buf_done(&errors);
	buf_done(&expected);
}

static struct config *load(const char *path)
{
	struct config *c = NULL;
	struct buf errors = {};

	if (config_load(path, &c, &errors))
		fail_msg("%s", errors.data);
	assert_int_equal(errors.len, 0);
	buf_done(&errors);
	return c;
}

static void defaults(void **state)
{
	_config_ c = NULL;

	assert_int_equal(config_default(&c), 0);
	assert_string_equal(c->web.listen_address, "127.0.0.1:10035");
	assert_string_equal(c->web.telemetry_path, "/metrics");
	assert_string_equal(c->web.config_file, "");
	assert_false(c->web.enable_lifecycle);
	assert_int_equal(c->web.series_max, 10000);
	assert_string_equal(c->control.socket, "/run/deferd/deferd.sock");
	assert_string_equal(c->control.group, "deferd");
	assert_int_equal(c->log.level, LOG_INFO);
	assert_int_equal(c->probes.all.set, CONFIG_PROBES_LEAN);
	assert_int_equal(c->probes.threshold, 35);
	assert_true(c->probes.watch_writes && c->probes.all.budget_percent == 1);
	assert_true(c->probes.panic_messages);
	assert_int_equal(c->descriptors.hooks, CONFIG_FD_HOOKS_AUTO);
	assert_int_equal(c->descriptors.source, CONFIG_FD_SOURCE_AUTO);
	assert_int_equal(c->descriptors.window_ns, 60 * SECOND);
	assert_true(c->census.enabled && c->census.budget_percent == 0.5);
	assert_true(c->daemon.budget_percent == 2);
	assert_int_equal(c->census.interval_ns, 10 * SECOND);
	assert_int_equal(c->limits.targets, 512);
	assert_int_equal(c->limits.ring_bytes, 1 << 20);
	assert_int_equal(c->n_runtimes, 0);
	assert_true(c->default_rules);
	assert_true(config_wants_service(c, "anything"));
	config_free(NULL);
}

static void faults(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "probes:\n  treshold: 35\n",
		  "%:2:3: unknown key 'treshold' in probes; valid "
		  "keys: set, threshold, budget_percent, watch_writes, "
		  "panic_messages, services\n" },
		{ "prob: {}\n",
		  "%:1:1: unknown key 'prob'; valid keys: web, control, log, probes, "
		  "requests, descriptors, census, daemon, state, limits, targets, receivers, "
		  "c_runtimes, rule_files, default_rules, rules\n" },
		{ "probes: { threshold: 1 }\n",
		  "%:1:22: probes.threshold: 1 is out of range, must be 2 to 1000000\n" },
		{ "probes:\n  set: most\n",
		  "%:2:8: probes.set: 'most' is not one of: off, lean, full, burst\n" },
		{ "receivers: { alertmanagers: [{ url: \"am:9093\" }] }\n",
		  "%:1:30: receivers.alertmanagers.url: 'am:9093' does not begin with http:// or "
		  "https://\n" },
		{ "receivers: { webhooks: [{ timeout: 1s }] }\n",
		  "%:1:25: receivers.webhooks: key 'url' is missing\n" },
		{ "receivers:\n  alertmanagers: [{ url: \"http://am\" }]\n"
		  "  webhooks: [{ url: \"http://am\" }]\n",
		  "%:3:14: receivers.webhooks.url: 'http://am' is given twice\n" },
		{ "receivers: { webhooks: {} }\n",
		  "%:1:24: receivers.webhooks: expected a list\n" },
		{ "receivers: { labels: { site: a } }\n",
		  "%:1:24: labels: 'site' is set by deferd itself\n" },
		{ "receivers: { resend: 1ms }\n",
		  "%:1:22: receivers.resend: 1ms is out of range, must be 1s to 3600s\n" },
		{ "requests: { timed: often }\n",
		  "%:1:20: requests.timed: 'often' is not true or false\n" },
		{ "requests: { baselines: 80ms }\n",
		  "%:1:24: requests.baselines: expected a list\n" },
		{ "requests:\n  baselines:\n    - { service: a }\n",
		  "%:3:7: requests.baselines: key 'p95' is missing\n" },
		{ "requests:\n  baselines:\n    - { service: a, p95: 80 }\n",
		  "%:3:26: requests.baselines.p95: '80' is not a duration such as 250ms, 30s, 5m, "
		  "2h or 1d\n" },
		{ "probes: { services: {} }\n", "%:1:21: probes.services: expected a list\n" },
		{ "probes:\n  services:\n    - { set: full }\n",
		  "%:3:7: probes.services: key 'service' is missing\n" },
		{ "probes:\n  services:\n    - { service: a, budget_percent: 101 }\n",
		  "%:3:37: probes.services.budget_percent: 101 is out of range, must be 0 to "
		  "100\n" },
		{ "log: { level: info, level: warn }\n", "%:1:21: key 'level' is given twice\n" },
		{ "descriptors:\n  window: 60\n", "%:2:11: descriptors.window: '60' is not a "
						  "duration such as 250ms, 30s, 5m, 2h or 1d\n" },
		{ "descriptors:\n  window: 5s\n",
		  "%:2:11: descriptors.window: 5s is out of range, must be 10s to 86400s\n" },
		{ "limits: { ring: 32KiB }\n", "%:1:17: limits.ring: 32KiB is out of range, must "
					       "be 65536 to 268435456 bytes\n" },
		{ "limits: { ring: 65537 }\n", "%: limits.ring: 65537 is not a power of two\n" },
		{ "limits: { targets: 4096 }\n",
		  "%:1:20: limits.targets: 4096 is out of range, must be 1 to 4095\n" },
		{ "web: { telemetry_path: metrics }\n",
		  "%: web.telemetry_path: 'metrics' must begin with /\n" },
		{ "web: { listen_address: localhost }\n",
		  "%: web.listen_address: 'localhost' is not host:port, e.g. 127.0.0.1:10035\n" },
		{ "web: { listen_address: \"a:\" }\n",
		  "%: web.listen_address: 'a:' is not host:port, e.g. 127.0.0.1:10035\n" },
		{ "web: { listen_address: \"a:65536\" }\n",
		  "%: web.listen_address: 'a:65536' is not host:port, e.g. 127.0.0.1:10035\n" },
		{ "web: { listen_address: \"a:http\" }\n",
		  "%: web.listen_address: 'a:http' is not host:port, e.g. 127.0.0.1:10035\n" },
		{ "targets: { include: shop }\n", "%:1:21: expected a list, e.g. [\"*\"]\n" },
		{ "targets: { exclude: [\"\"] }\n", "%:1:22: a pattern has 1 to 127 bytes\n" },
		{ "targets: { exclude: [[a]] }\n",
		  "%:1:22: pattern: expected a single value, found a list\n" },
		{ "targets: { include: "
		  "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1] }\n",
		  "%:1:86: more than 32 patterns\n" },
		{ "c_runtimes: {}\n", "%:1:13: c_runtimes: expected a list\n" },
		{ "c_runtimes:\n  - { name: a, push: p }\n",
		  "%:2:5: c_runtimes: key 'run' is missing\n" },
		{ "c_runtimes:\n  -\n", "%:2:4: c_runtimes: key 'name' is missing\n"
					"%:2:4: c_runtimes: key 'push' is missing\n"
					"%:2:4: c_runtimes: key 'run' is missing\n" },
		{ "c_runtimes: [{name: a, push: p, run: r}, {name: a, push: p, run: r}, {name: a, "
		  "push: p, run: r}, "
		  "{name: a, push: p, run: r}]\n",
		  "%:1:98: c_runtimes: more than 3\n" },
		{ "default_rules: no\n", "%:1:16: default_rules: 'no' is not true or false\n" },
		{ "rules:\n  - { alert: DeferPileUp, metric: open_fds, threshold: 1 }\n",
		  "rule 'DeferPileUp' is the name of a built-in rule; choose another name, or set "
		  "default_rules: false\n" },
		/* All of them at once. */
		{ "log: { level: loud }\nweb: { telemetry_path: x, config: y }\n",
		  "%:1:15: log.level: 'loud' is not one of: debug, info, warn, error\n"
		  "%:2:27: unknown key 'config' in web; valid keys: listen_address, "
		  "telemetry_path, config_file, "
		  "enable_lifecycle, series_max\n"
		  "%: web.telemetry_path: 'x' must begin with /\n" },
	};
	_tempdir_ dir = {};

	tempdir_make(&dir);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[2048];

		snprintf(text, sizeof(text), "%s" NO_RULE, cases[i].text);
		expect_faults(tempdir_puts(&dir, "c.yml", text), text, cases[i].want);
	}
	expect_faults(tempdir_puts(&dir, "c.yml", "web: [\n" NO_RULE "}\n"), "no YAML",
		      "%:3:1: not valid YAML: did not find expected ',' or ']', while parsing a "
		      "flow sequence\n");
}

static void every_key(void **state)
{
	static const char text[] =
		"web:\n"
		"  listen_address: \"[::1]:0\"\n"
		"  telemetry_path: /m\n"
		"  config_file: web.yml\n"
		"  enable_lifecycle: true\n"
		"  series_max: 10\n"
		"control: { socket: \"\", group: wheel }\n"
		"log: { level: error }\n"
		"probes: { set: full, threshold: 2, budget_percent: 2.5, watch_writes: false, "
		"panic_messages: false }\n"
		"descriptors: { hooks: tracepoint, source: proc, window: 1d }\n"
		"limits: { targets: 1, goroutines: 64, sites: 64, ring: 64KiB }\n"
		"targets: { include: [a, 'b*'], exclude: [c] }\n"
		"c_runtimes:\n"
		"  - { name: mine, push: p, run: r, panic: x, recover: y }\n"
		"default_rules: false\n"
		"rules:\n"
		"  - { alert: DeferPileUp, metric: open_fds, threshold: 1 }\n" NO_RULE;
	_tempdir_ dir = {};
	_config_ c = NULL;

	tempdir_make(&dir);
	c = load(tempdir_puts(&dir, "c.yml", text));
	assert_string_equal(c->web.listen_address, "[::1]:0");
	assert_string_equal(c->web.telemetry_path, "/m");
	assert_string_equal(c->web.config_file, "web.yml");
	assert_true(c->web.enable_lifecycle);
	assert_int_equal(c->web.series_max, 10);
	assert_string_equal(c->control.socket, "");
	assert_string_equal(c->control.group, "wheel");
	assert_int_equal(c->log.level, LOG_ERROR);
	assert_int_equal(c->probes.all.set, CONFIG_PROBES_FULL);
	assert_int_equal(c->probes.threshold, 2);
	assert_false(c->probes.watch_writes);
	assert_false(c->probes.panic_messages);
	assert_true(c->probes.all.budget_percent == 2.5);
	assert_int_equal(c->descriptors.hooks, CONFIG_FD_HOOKS_TRACEPOINT);
	assert_int_equal(c->descriptors.source, CONFIG_FD_SOURCE_PROC);
	assert_int_equal(c->descriptors.window_ns, 86400 * SECOND);
	assert_int_equal(c->limits.targets, 1);
	assert_int_equal(c->limits.goroutines, 64);
	assert_int_equal(c->limits.sites, 64);
	assert_int_equal(c->limits.ring_bytes, 65536);
	assert_int_equal(c->targets.include.n, 2);
	assert_string_equal(c->targets.include.glob[1], "b*");
	assert_int_equal(c->targets.exclude.n, 1);
	assert_int_equal(c->n_runtimes, 1);
	assert_string_equal(c->runtimes[0].recover, "y");
	assert_int_equal(c->rule_files.n, 0);
	/* Without the default ones their names are free. */
	assert_int_equal(c->rules.n, 1);
	assert_string_equal(c->rules.rules[0].name, "DeferPileUp");
}

static void services(void **state)
{
	static const struct {
		const char *text;
		const char *wanted, *unwanted;
	} cases[] = {
		{ "", "shop", NULL },
		{ "targets: { include: [] }\n", NULL, "shop" },
		{ "targets: { include: [shop] }\n", "shop", "shop2" },
		{ "targets: { include: ['shop-*'] }\n", "shop-7", "shop" },
		{ "targets: { include: ['sho[pq]', 'b?r'] }\n", "bar", "shor" },
		{ "targets: { exclude: ['*'] }\n", NULL, "shop" },
		{ "targets: { include: [shop], exclude: [shop] }\n", NULL, "shop" },
		{ "targets: { exclude: ['test-*'] }\n", "shop", "test-shop" },
	};
	_tempdir_ dir = {};

	tempdir_make(&dir);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[256];
		_config_ c = NULL;

		snprintf(text, sizeof(text), "%s" NO_RULE, cases[i].text);
		c = load(tempdir_puts(&dir, "c.yml", text));
		assert_true(!cases[i].wanted || config_wants_service(c, cases[i].wanted));
		assert_false(cases[i].unwanted && config_wants_service(c, cases[i].unwanted));
	}
}

static void baselines(void **state)
{
	_config_ c = NULL;
	_tempdir_ dir = {};

	tempdir_make(&dir);
	c = load(tempdir_puts(&dir, "c.yml",
			      "requests:\n"
			      "  timed: false\n"
			      "  baselines:\n"
			      "    - { service: \"checkout-*\", p95: 80ms }\n"
			      "    - { service: \"*\", p95: 2s }\n"));
	assert_false(c->requests.timed);
	assert_int_equal(config_p95_of(c, "checkout-7"), 80000000);
	assert_int_equal(config_p95_of(c, "shop"), 2 * SECOND);
	c->requests.n_baselines = 1;
	assert_int_equal(config_p95_of(c, "shop"), 0);
}

static void receivers(void **state)
{
	_config_ c = NULL;
	_tempdir_ dir = {};
	const struct receivers_opts *r;

	tempdir_make(&dir);
	c = load(tempdir_puts(&dir, "c.yml",
			      "receivers:\n"
			      "  resend: 30s\n"
			      "  labels: { host: a }\n"
			      "  webhooks: [{ url: \"http://h/x/\", bearer_token_file: /t }]\n"
			      "  alertmanagers:\n"
			      "    - { url: \"https://am-1:9093/\", ca_file: /ca, timeout: 2s }\n"
			      "    - { url: \"http://am-2\" }\n"));
	r = &c->receivers;
	assert_int_equal(r->n, 3);
	assert_int_equal(r->resend_ns, 30 * SECOND);
	assert_int_equal(r->n_labels, 1);
	assert_string_equal(r->labels[0].value, "a");
	assert_int_equal(r->list[0].kind, RECEIVER_WEBHOOK);
	assert_string_equal(r->list[0].url, "http://h/x/");
	assert_string_equal(r->list[0].bearer_token_file, "/t");
	assert_int_equal(r->list[1].kind, RECEIVER_ALERTMANAGER);
	assert_string_equal(r->list[1].url, "https://am-1:9093");
	assert_string_equal(r->list[1].ca_file, "/ca");
	assert_int_equal(r->list[1].timeout_ns, 2 * SECOND);
	assert_int_equal(r->list[2].timeout_ns, 10 * SECOND);
}

static void probes_of_services(void **state)
{
	static const char text[] = "probes:\n"
				   "  budget_percent: 2\n"
				   "  services:\n"
				   "    - { service: 'shop-*', set: full }\n"
				   "    - { service: shop-7, set: burst }\n"
				   "    - { service: bank, set: \"off\", budget_percent: 0 }\n"
				   "    - { service: 'b*', budget_percent: 9 }\n" NO_RULE;
	static const struct {
		const char *service;
		struct config_probes want;
	} cases[] = {
		{ "shop", { CONFIG_PROBES_LEAN, 2 } },    { "shop-7", { CONFIG_PROBES_FULL, 2 } },
		{ "bank", { CONFIG_PROBES_OFF, 0 } },     { "bakery", { CONFIG_PROBES_LEAN, 9 } },
		{ "abakery", { CONFIG_PROBES_LEAN, 2 } },
	};
	_tempdir_ dir = {};
	_config_ c = NULL;

	tempdir_make(&dir);
	c = load(tempdir_puts(&dir, "c.yml", text));
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config_probes p = config_probes_of(c, cases[i].service);

		assert_int_equal(p.set, cases[i].want.set);
		assert_true(p.budget_percent == cases[i].want.budget_percent);
	}
}

static void rule_files(void **state)
{
	_tempdir_ dir = {};
	_config_ c = NULL;
	char text[512];

	tempdir_make(&dir);
	tempdir_puts(&dir, "2.yml", "rules:\n  - { alert: Two, metric: open_fds, threshold: 2 }\n");
	tempdir_puts(&dir, "1.yml", "rules:\n  - { alert: One, metric: open_fds, threshold: 1 }\n");
	tempdir_puts(&dir, "0.yml", "# nothing yet\n");
	tempdir_puts(&dir, "3.txt", "not a rule file");
	snprintf(text, sizeof(text),
		 "rule_files: [\"%s/[0-9].yml\", \"%s/none/*.yml\"]\nprobes: { threshold: 50 }\n"
		 "rules:\n  - { alert: Own, metric: open_fds, threshold: 0 }\n",
		 dir.path, dir.path);
	c = load(tempdir_puts(&dir, "c.yml", text));
	/* The default ones, those of the main file, and the files by name. */
	assert_int_equal(c->rules.n, 19);
	assert_string_equal(c->rules.rules[0].name, "DeferPileUp");
	assert_true(c->rules.rules[0].conditions[0].threshold == 50);
	assert_true(c->rules.rules[1].conditions[0].threshold == 50);
	assert_string_equal(c->rules.rules[2].name, "DescriptorsGrowing");
	assert_string_equal(c->rules.rules[16].name, "Own");
	assert_string_equal(c->rules.rules[17].name, "One");
	assert_string_equal(c->rules.rules[18].name, "Two");
}

static void rule_file_faults(void **state)
{
	static const struct {
		const char *rules, *want; /* % is the rule file */
	} cases[] = {
		{ "rules:\n  - { alert: Own, metric: open_fds, threshold: 2 }\n",
		  "%:2:5: rule 'Own': there is another rule of this name\n" },
		{ "rules:\n  - { alert: DescriptorsGrowing, metric: open_fds, threshold: 2 }\n",
		  "rule 'DescriptorsGrowing' is the name of a built-in rule; choose another name, "
		  "or set "
		  "default_rules: false\n" },
		{ "groups: []\n",
		  "%:1:1: unknown key 'groups'; valid keys: rules, apiVersion, kind, "
		  "metadata, spec\n" },
		{ "kind: DeferRule\n", "%:1:1: expected `rules`, or the `spec` of a DeferRule\n" },
		{ "apiVersion: deferd.io/v2\nkind: DeferRule\nspec: { rules: [] }\n",
		  "%:1:1: expected apiVersion deferd.io/v1 and kind DeferRule\n" },
		{ "- alert: x\n", "%:1:1: file: expected a mapping of keys to values\n" },
	};
	_tempdir_ dir = {};

	tempdir_make(&dir);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *path = tempdir_puts(&dir, "r.yml", cases[i].rules), *main_path;
		struct buf errors = {}, want = {};
		struct config *c = NULL;
		char text[256];

		snprintf(text, sizeof(text),
			 "rule_files: [%s]\nrules: [{ alert: Own, metric: open_fds, threshold: 0 "
			 "}]\n",
			 path);
		main_path = tempdir_puts(&dir, "c.yml", text);
		assert_int_equal(config_load(main_path, &c, &errors), -EINVAL);
		expand(&want, cases[i].want, path);
		assert_string_equal(errors.data, want.data);
		assert_null(c);
		buf_done(&errors);
		buf_done(&want);
	}
	/* A plain name is meant to be there. */
	expect_faults(tempdir_puts(&dir, "c.yml", "rule_files: [/nonexistent/rules.yml]\n"),
		      "missing file",
		      "rule_files: /nonexistent/rules.yml: No such file or directory\n");
}

static void restart(void **state)
{
	static const struct {
		const char *text, *keys;
	} cases[] = {
		{ "", "" },
		{ "web: { listen_address: \"127.0.0.1:10035\" }\nlimits: { targets: 512 }\n", "" },
		{ "web: { telemetry_path: /m, series_max: 77 }\ntargets: { exclude: [a] }\nlog: { "
		  "level: debug }\n",
		  "" },
		{ "web: { listen_address: \":1\" }\n", "web.listen_address" },
		{ "control: { socket: \"\" }\n", "control.socket" },
		{ "control: { group: wheel }\n", "control.group" },
		{ "probes: { set: full, budget_percent: 3 }\n", "" },
		{ "probes: { threshold: 36 }\n", "probes.threshold" },
		{ "descriptors: { window: 61s }\n", "descriptors.window" },
		{ "census: { enabled: false, interval: 1s, budget_percent: 5 }\n",
		  "census.enabled, census.interval" },
		{ "limits: { targets: 1, goroutines: 64, sites: 64, ring: 64KiB }\n",
		  "limits.targets, limits.goroutines, limits.sites, limits.ring" },
	};
	_tempdir_ dir = {};
	_config_ old = NULL;

	tempdir_make(&dir);
	old = load(tempdir_puts(&dir, "c.yml", NO_RULE));
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf keys = {};
		_config_ new = NULL;
		char text[256];

		snprintf(text, sizeof(text), "%s" NO_RULE, cases[i].text);
		new = load(tempdir_puts(&dir, "c.yml", text));
		config_keep_restart_keys(old, new, &keys);
		assert_string_equal(keys.data ? keys.data : "", cases[i].keys);
		buf_done(&keys);
		/* The old values are kept, so a second look finds nothing. */
		config_keep_restart_keys(old, new, &keys);
		assert_string_equal(keys.data ? keys.data : "", "");
		buf_done(&keys);
	}
}

/* Bytes past the end of a string are nobody's. */
static void expect_equal(const struct config *a, const struct config *b)
{
	assert_string_equal(a->web.listen_address, b->web.listen_address);
	assert_string_equal(a->web.telemetry_path, b->web.telemetry_path);
	assert_string_equal(a->web.config_file, b->web.config_file);
	assert_int_equal(a->web.enable_lifecycle, b->web.enable_lifecycle);
	assert_int_equal(a->web.series_max, b->web.series_max);
	assert_string_equal(a->control.socket, b->control.socket);
	assert_string_equal(a->control.group, b->control.group);
	assert_int_equal(a->log.level, b->log.level);
	assert_memory_equal(&a->probes, &b->probes, sizeof(a->probes));
	assert_int_equal(a->descriptors.hooks, b->descriptors.hooks);
	assert_int_equal(a->descriptors.source, b->descriptors.source);
	assert_int_equal(a->descriptors.window_ns, b->descriptors.window_ns);
	assert_int_equal(a->census.enabled, b->census.enabled);
	assert_int_equal(a->census.interval_ns, b->census.interval_ns);
	assert_true(a->census.budget_percent == b->census.budget_percent);
	assert_true(a->daemon.budget_percent == b->daemon.budget_percent);
	assert_memory_equal(&a->limits, &b->limits, sizeof(a->limits));
	assert_int_equal(a->targets.include.n, b->targets.include.n);
	assert_string_equal(a->targets.include.glob[0], b->targets.include.glob[0]);
	assert_int_equal(a->targets.exclude.n, b->targets.exclude.n);
	assert_int_equal(a->rule_files.n, b->rule_files.n);
	assert_string_equal(a->rule_files.glob[0], b->rule_files.glob[0]);
	assert_int_equal(a->default_rules, b->default_rules);
}

/* "#key: value" and the lines of its value; "# text" stays a comment. */
static void uncomment(const char *text, struct buf *ret)
{
	while (*text) {
		size_t n = strcspn(text, "\n"), indent = strspn(text, " ");
		const char *line = text + indent;
		bool nested =
			indent == 0 && (!strncmp(line, "#  - ", 5) || !strncmp(line, "#    ", 5));
		bool prose = line[0] == '#' && line[1] == ' ' && !nested;

		/* The table of numbers is indented by three. */
		buf_add(ret, text, indent);
		buf_add(ret, line + (line[0] == '#' && !prose),
			n - indent - (line[0] == '#' && !prose));
		buf_putc(ret, '\n');
		text += n + (text[n] == '\n');
	}
}

static void example(void **state)
{
	_config_ c = NULL;
	_config_ plain = NULL;
	_config_ all = NULL;
	struct buf text = {}, bare = {};
	_tempdir_ dir = {};

	tempdir_make(&dir);
	assert_int_equal(config_default(&c), 0);
	config_print_example(&text);
	assert_false(text.failed);
	plain = load(tempdir_puts(&dir, "c.yml", text.data));
	expect_equal(plain, c);
	assert_int_equal(plain->n_runtimes, 0);
	uncomment(text.data, &bare);
	assert_non_null(strstr(bare.data, "\nrules:\n  - alert: DeferStorm"));
	assert_non_null(strstr(bare.data, "\n  set: lean\n"));
	assert_non_null(strstr(bare.data, "\nrule_files: [\""));
	all = load(tempdir_puts(&dir, "c.yml", bare.data));
	expect_equal(all, c);
	assert_int_equal(all->n_runtimes, 1);
	assert_string_equal(all->runtimes[0].name, "my_name");
	assert_string_equal(all->runtimes[0].recover, "my_recover");
	/* The two examples come after the defaults; the files of the host would follow them. */
	assert_true(all->rules.n >= 18);
	assert_string_equal(all->rules.rules[0].name, "DeferPileUp");
	assert_string_equal(all->rules.rules[16].name, "DeferStorm");
	assert_int_equal(all->rules.rules[16].for_ns, 30 * SECOND);
	assert_int_equal(all->rules.rules[16].keep_ns, 300 * SECOND);
	assert_int_equal(all->rules.rules[16].severity, SEVERITY_PAGE);
	assert_string_equal(all->rules.rules[16].labels[0].value, "payments");
	assert_string_equal(all->rules.rules[17].name, "DescriptorsLow");
	assert_int_equal(all->rules.rules[17].n_conditions, 2);
	buf_done(&text);
	buf_done(&bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(faults),
		cmocka_unit_test(every_key),
		cmocka_unit_test(services),
		cmocka_unit_test(baselines),
		cmocka_unit_test(receivers),
		cmocka_unit_test(probes_of_services),
		cmocka_unit_test(rule_files),
		cmocka_unit_test(rule_file_faults),
		cmocka_unit_test(restart),
		cmocka_unit_test(example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
