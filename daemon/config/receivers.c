// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "config/receivers.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/rules.h"

#define SECOND 1e9

#define R(field) offsetof(struct receiver_opts, field)
static const struct yaml_key receiver_keys[] = {
	{ "url", YAML_STRING, R(url), RECEIVER_TEXT_MAX, .required = true,
	  .doc = "http:// or https://" },
	{ "timeout", .type = YAML_DURATION, .offset = R(timeout_ns), .min = 0.1 * SECOND,
	  .max = 60 * SECOND, .doc = "time limit for a message and its answer", .preset = "10s" },
	{ "ca_file", YAML_STRING, R(ca_file), RECEIVER_TEXT_MAX,
	  .doc = "PEM file with the authorities to trust, instead of the system's" },
	{ "bearer_token_file", YAML_STRING, R(bearer_token_file), RECEIVER_TEXT_MAX,
	  .doc = "the first line of this file is sent as a token; read for each message" },
};

/* Of the next one of opts. */
static void check_url(struct yaml_file *f, yaml_node_t *node, const char *what,
		      struct receivers_opts *opts)
{
	struct receiver_opts *r = &opts->list[opts->n];
	size_t n = strlen(r->url);

	if (n && strncmp(r->url, "http://", 7) && strncmp(r->url, "https://", 8))
		yaml_error(f, node, "%s.url: '%s' does not begin with http:// or https://", what,
			   r->url);
	/* "http://host:9093/" means the same. */
	while (r->kind == RECEIVER_ALERTMANAGER && n && r->url[n - 1] == '/')
		r->url[--n] = '\0';
	/* One would hear it twice, and what became of it has one name. */
	for (unsigned i = 0; i < opts->n && n; i++) {
		if (!strcmp(opts->list[i].url, r->url))
			yaml_error(f, node, "%s.url: '%s' is given twice", what, r->url);
	}
}

static void parse_list(struct yaml_file *f, yaml_node_t *node, struct receivers_opts *opts,
		       enum receiver_kind kind, const char *what)
{
	yaml_node_t *item;

	if (!yaml_is_list(f, node, what))
		return;
	YAML_FOR_EACH (f, node, item) {
		struct receiver_opts *r = &opts->list[opts->n];

		if (opts->n == RECEIVERS_MAX) {
			yaml_error(f, item, "%s: more than %d receivers", what, RECEIVERS_MAX);
			return;
		}
		*r = (struct receiver_opts){ .kind = kind };
		if (yaml_presets(receiver_keys, ARRAY_SIZE(receiver_keys), r))
			yaml_error(f, item, "out of memory");
		yaml_bind(f, item, what, receiver_keys, ARRAY_SIZE(receiver_keys), r);
		check_url(f, item, what, opts);
		opts->n++;
	}
}

static void parse_alertmanagers(struct yaml_file *f, yaml_node_t *node, void *base)
{
	parse_list(f, node, base, RECEIVER_ALERTMANAGER, "receivers.alertmanagers");
}

static void parse_webhooks(struct yaml_file *f, yaml_node_t *node, void *base)
{
	parse_list(f, node, base, RECEIVER_WEBHOOK, "receivers.webhooks");
}

static void parse_labels(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct receivers_opts *opts = base;

	rules_parse_labels(f, node, opts->labels, &opts->n_labels);
}

#define O(field) offsetof(struct receivers_opts, field)
static const struct yaml_key keys[] = {
	{ "alertmanagers", YAML_CUSTOM, .parse = parse_alertmanagers,
	  .doc = "each receives all alerts, repeated every `resend` while they fire (API v2)",
	  .preset = "[]" },
	{ "webhooks", YAML_CUSTOM, .parse = parse_webhooks,
	  .doc = "each receives every change once, as {\"version\":\"1\",\"alerts\":[...]}",
	  .preset = "[]" },
	{ "resend", .type = YAML_DURATION, .offset = O(resend_ns), .min = SECOND,
	  .max = 3600 * SECOND,
	  .doc = "time between two messages about a firing alert; Alertmanager resolves an alert "
		 "after four of these intervals without a message",
	  .preset = "1m" },
	{ "link", YAML_STRING, O(link), RECEIVER_TEXT_MAX,
	  .doc = "generatorURL of all alerts, where a person sees more; default: /api/v1/alerts of "
		 "this host at the port of web.listen_address",
	  .preset = "\"\"" },
	{ "labels", YAML_CUSTOM, .parse = parse_labels,
	  .doc = "added to all alerts; instance is the host's name unless it is set here",
	  .preset = "{}" },
};

void receivers_parse(struct yaml_file *f, yaml_node_t *node, struct receivers_opts *opts)
{
	yaml_bind(f, node, "receivers", keys, ARRAY_SIZE(keys), opts);
}

int receivers_presets(struct receivers_opts *opts)
{
	return yaml_presets(keys, ARRAY_SIZE(keys), opts);
}

void receivers_print_example(struct buf *b)
{
	buf_puts(b, "\n# where alerts are sent, as { url: "
		    "\"http://alertmanager:9093\" }\n"
		    "receivers:\n");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		yaml_print_key(b, &keys[i]);
	buf_puts(b, "  # keys of a receiver:\n");
	for (size_t i = 0; i < ARRAY_SIZE(receiver_keys); i++)
		buf_printf(b, "  #   %-17s %s\n", receiver_keys[i].name, receiver_keys[i].doc);
}
