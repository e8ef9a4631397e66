// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A configuration file: either the whole of it is good, or there is a line for each fault. */
#include "config/config.h"

static const char *const fuzz_tokens[] = {
	"\n",
	"\n  ",
	": ",
	"- ",
	"[",
	"]",
	"{",
	"}",
	"\"",
	"'",
	"#",
	"&a ",
	"*a",
	"!!str ",
	"? ",
	"| ",
	"> ",
	"---\n",
	"...\n",
	"%YAML 1.1\n",
	"35",
	"-1",
	"1e999",
	"nan",
	"0x10",
	"~",
	"true",
	"yes",
	"30s",
	"1h",
	"1MiB",
	">=",
	"<",
	"web:",
	"limits:",
	"rules:",
	"alert: x",
	"all:",
	"metric: open_fds",
	"expr: open_fds > 5",
	"clear: open_fds < 3",
	"rate(goroutines, 5m) > 1",
	"annotations: { a: b }",
	"{{ .service }}",
	"threshold:",
	"for:",
	"labels:",
	"<<: *a",
	"\t",
	"\xff",
	"\xef\xbb\xbf",
	", ",
};
#define FUZZ_TOKENS
#define FUZZ_COST 4
#include "driver.h"

static void check_rules(const struct rule_set *rules)
{
	for (unsigned i = 0; i < rules->n; i++) {
		const struct rule *r = &rules->rules[i];

		if (!r->name[0] || !r->n_conditions || r->n_conditions > RULE_CONDITIONS_MAX ||
		    r->n_labels > RULE_LABELS_MAX || (unsigned)r->severity >= SEVERITY_MAX)
			abort();
		for (unsigned k = 0; k < r->n_conditions; k++)
			if (!r->conditions[k].metric ||
			    (!r->expr && r->conditions[k].threshold != r->conditions[k].threshold))
				abort();
	}
}

static void check_config(const struct config *c)
{
	uint32_t ring = c->limits.ring_bytes;

	if (c->probes.threshold < 2 || c->probes.threshold > 1000000 || ring < 65536 ||
	    (ring & (ring - 1)) || !c->limits.targets || c->limits.targets > 4095 ||
	    c->descriptors.window_ns < 10000000000u || c->n_runtimes > CONFIG_RUNTIMES_MAX ||
	    c->targets.include.n > CONFIG_PATTERNS_MAX || c->web.telemetry_path[0] != '/')
		abort();
	for (unsigned i = 0; i < c->n_runtimes; i++)
		if (!memchr(c->runtimes[i].push, 0, sizeof(c->runtimes[i].push)))
			abort();
	check_rules(&c->rules);
	(void)config_wants_service(c, "shop");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf errors = {};
	struct config *c = NULL;
	int err = config_parse("fuzz", (const char *)data, len, &c, &errors);

	if (!err)
		check_config(c);
	if ((err != 0) != (errors.len != 0) || (err != 0) != (c == NULL) ||
	    (errors.len && errors.data[errors.len - 1] != '\n'))
		abort();
	config_free(c);
	buf_done(&errors);
	return 0;
}

static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size)
{
	return 0; /* the corpus has them */
}
