// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The file that outlives the daemon: whatever is in it, it is refused or believed, and model and alerts go on. Its checksum would
 * stop nearly every mutation, so what is behind it gets the bytes as well.
 */
#include "base/sealed.h"
#include "engine/kept.h"

static const char *const fuzz_tokens[] = {
	"\"rule\":\"DeferPileUp\"",
	"\"metric\":\"defer_depth_max\"",
	"\"of_service\":true",
	"\"kind\":3",
	"\"n\":24",
	"\"nstack\":25",
	"\"leak\":{\"verdict\":3,\"per_hour\":1e308}",
	"\"series\":[{\"n\":2,\"time_ns\":[2,1]}]",
	"18446744073709551615",
	"9223372036854775807",
	"-1",
	"99999",
	"null",
	"[]",
	"{}",
	"1e308",
	",",
};

#define FUZZ_TOKENS
#define FUZZ_COST 2
#include "driver.h"

static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size)
{
	static const char doc[] =
		"{\"boot\":\"b\",\"now_ns\":9000000000000,\"unix_ms\":1000,\"kept\":{\"model\":{"
		"\"services\":[{\"name\":\"shop\",\"counts\":{\"panics\":9,\"outcomes\":[0,9]},"
		"\"p95_seconds\":[0.01,0.02,0.01,0.01,0.01,0.01]}],\"processes\":[{\"pid\":7,"
		"\"start\":5,\"image\":\"shop\",\"version\":\"\",\"service\":\"shop\",\"counts\":{"
		"\"panics\":2},\"sites\":[{\"key.type\":5,\"key.frames\":[1,2],\"nstack\":2,"
		"\"stack\":[1,2],\"design\":1,\"started\":2}],\"descriptors\":[{\"what.key.kind\":"
		"1,"
		"\"least\":[1,1],\"leak\":{\"verdict\":3,\"per_hour\":7.5,\"seconds\":9.0},"
		"\"series\":[{\"n\":2,\"time_ns\":[1,2],\"quiet\":[1,2],\"woken\":[0,0]}]}],"
		"\"goroutines\":[{\"what.created_at\":3,\"what.state\":3,\"what.nstack\":1,"
		"\"what.stack\":[9],\"reason\":\"chan send\",\"leak\":{\"verdict\":3},"
		"\"series\":[{\"n\":1,\"time_ns\":[1],\"quiet\":[5]}]}]}]},"
		"\"alerts\":[{\"rule\":\"DeferPileUp\",\"service\":\"shop\",\"of_service\":false,"
		"\"pid\":7,\"start\":5,\"metric\":\"defer_depth_max\",\"severity\":1,\"runtime\":1,"
		"\"announced\":true,\"heard\":true,\"active_ns\":5,\"fired_ns\":6,\"value\":50.0,"
		"\"threshold\":35.0,\"also\":[{\"metric\":\"open_fds\",\"value\":1.0}],"
		"\"says\":\"shop (pid 7): deep\",\"site\":\"main.f f.go:1\"}]}}";

	return i ? 0 : (size_t)snprintf((char *)buf, size, "%s", doc);
}

static struct model *model;
static struct alerts *alerts;

static void apply(struct event ev)
{
	ev.target = 1;
	ev.pid = 7;
	model_apply(model, &ev);
}

/* The process is back, and is looked at. */
static void go_on(uint64_t now)
{
	apply((struct event){ .type = EVENT_TARGET,
			      .time_ns = now,
			      .info = { .service = "shop",
					.image = "shop",
					.version = "",
					.reason = "",
					.runtime = RUNTIME_GO,
					.start_ticks = 5,
					.image_id = 1 } });
	for (unsigned i = 0; i < 3; i++, now += 10000000000ull) {
		apply((struct event){ .type = EVENT_FD_GROUP,
				      .fd_group = { .key = { .kind = 1 }, .open = 9 } });
		apply((struct event){ .type = EVENT_FD_CENSUS,
				      .time_ns = now,
				      .fd_census = { .interval_ns = 10000000000ull,
						     .followed = { true, true } } });
		apply((struct event){ .type = EVENT_GROUP,
				      .group = { .serial = 1,
						 .created_at = 3,
						 .state = GOROUTINE_WAITING,
						 .reason = "chan send",
						 .quiet = 5,
						 .nstack = 1,
						 .stack = { 9 } } });
		apply((struct event){ .type = EVENT_CENSUS,
				      .time_ns = now,
				      .census = { .interval_ns = 10000000000ull } });
		model_tick(model, now);
	}
}

static void no_alert(void *arg, const struct alert *a)
{
	char text[1024];

	alert_describe(a, text, sizeof(text));
}

static bool lives(void *world, uint32_t pid, uint64_t start_ticks)
{
	return pid % 2;
}

static void adopt(const char *text, size_t len)
{
	static const struct kept_moment now = { "b", 9000000000000, 1000 };
	static struct rule_set rules;
	struct model_opts opts = MODEL_OPTS_DEFAULT;
	json_t *doc = json_loadb(text, len, 0, NULL);
	struct kept_found found;

	if (!doc)
		return;
	if (!rules.n && rule_set_default(&rules, 35))
		abort();
	model = model_new(&opts);
	alerts = alerts_new();
	if (!model || !alerts)
		abort();
	if (kept_adopt(doc, &now, &rules, model, alerts, &found)) {
		go_on(now.now_ns);
		alerts_eval(alerts, &rules, model, now.now_ns + 1, no_alert, NULL);
		alerts_end_waiting(alerts, now.now_ns + 2, lives, NULL, no_alert, NULL);
		json_decref(kept_document(model, alerts, &now, NULL, NULL));
	}
	json_decref(doc);
	alerts_free(alerts);
	model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reason reason;
	const char *text;
	size_t n;

	if (!sealed_open((const char *)data, len, 1, &text, &n, &reason))
		adopt(text, n);
	adopt((const char *)data, len);
	return 0;
}
