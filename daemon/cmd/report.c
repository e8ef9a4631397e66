// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Each service in one line: how many defers a request registers, how long requests take, and whether that is alarming. */
#include <errno.h>
#include <fnmatch.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cmd/print.h"
#include "cmd/source.h"

static struct source_opts source = {
	.command = "report",
	.daemon_only = "knows how long requests usually take: start 'deferd run'",
};
static bool as_json, no_headers;

static const struct cmd_option options[] = {
	{ "config.file", 'c', OPTION_STRING, &source.config_path, .arg = "FILE",
	  .help = "configuration; default: built-in values" },
	{ "control.socket", 0, OPTION_STRING, &source.socket, .arg = "PATH",
	  .help = "socket of the daemon; default: as configured" },
	{ "json", 'j', OPTION_FLAG, &as_json, .help = "one JSON array of services" },
	{ "no-headers", 0, OPTION_FLAG, &no_headers, .help = "rows only" },
	{},
};

/* "DeferPileUp, ProcessDied (silenced)"; "no": none is firing. Each rule once, however many processes it is about. */
static json_t *firing(const json_t *alerts, const char *service)
{
	json_t *rules = json_object(), *silenced, *text;
	const json_t *a;
	const char *rule;
	struct buf names;
	size_t i;

	json_array_foreach (alerts, i, a) {
		const json_t *labels = json_object_get(a, "labels");

		if (!strcmp(value_string(a, "state"), "firing") &&
		    !strcmp(value_string(labels, "service"), service))
			(void)json_object_set_new(
				rules, value_string(labels, "alertname"),
				json_boolean(json_is_object(json_object_get(a, "silence"))));
	}
	buf_init(&names, 0);
	json_object_foreach (rules, rule, silenced)
		buf_printf(&names, "%s%s%s", names.len ? ", " : "", rule,
			   json_is_true(silenced) ? " (silenced)" : "");
	text = json_string(names.len ? names.data : "no");
	buf_done(&names);
	json_decref(rules);
	return text;
}

/* Services whose requests are or were timed, or that somebody asks for by name. */
static json_t *pick(const json_t *snapshot, const char *pattern)
{
	const json_t *services = json_object_get(snapshot, "services"), *s;
	json_t *list = json_array();
	size_t i;

	json_array_foreach (services, i, s) {
		const char *name = value_string(s, "service");
		json_t *row;

		if (pattern ? fnmatch(pattern, name, 0)
			    : !json_is_object(json_object_get(s, "requests")))
			continue;
		row = json_object();
		(void)json_object_set(row, "service", json_object_get(s, "service"));
		(void)json_object_set(row, "requests", json_object_get(s, "requests"));
		(void)json_object_set_new(row, "alert",
					  firing(json_object_get(snapshot, "alerts"), name));
		(void)json_array_append_new(list, row);
	}
	return list;
}

static int print(const json_t *snapshot, const char *pattern)
{
	json_t *list = pick(snapshot, pattern);
	int code = EXIT_GOOD;

	if (pattern && !json_array_size(list)) {
		code = cmd_unknown(&cmd_report, pattern);
	} else if (as_json) {
		(void)json_dumpf(list, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (!json_array_size(list)) {
		fprintf(stderr, "deferd report: no running service has requests that can be timed: "
				"see 'deferd doctor'\n");
	} else {
		code = print_table(&cmd_report, &table_requests, list, no_headers);
	}
	json_decref(list);
	return code;
}

static int run(int argc, char **argv)
{
	struct reason reason = {};
	struct source *s;
	json_t *snapshot;
	int code = source_open(&source, &s);

	if (code)
		return code;
	setlocale(LC_CTYPE, "");
	if (source_snapshot(s, &snapshot, &reason)) {
		fprintf(stderr, "deferd report: %s\n", reason.text);
		code = EXIT_FAILED;
	} else {
		code = print(snapshot, argc ? argv[0] : NULL);
		json_decref(snapshot);
	}
	code = cmd_flush(&cmd_report) ?: code;
	source_close(s);
	return code;
}

const struct command cmd_report = {
	.name = "report",
	.summary = "one line per service: defers per request, P95 and its rise, alerts",
	.usage = "[OPTIONS] [SERVICE]",
	.details =
		"SERVICE may be a pattern, as in 'api-*'. Shows Go servers of net/http, HTTP/2 and "
		"gRPC. Asks the daemon of this\n"
		"host, which knows the usual P95. Values cover the last 30 s; '-': fewer than 20 "
		"requests.\n",
	.options = options,
	.args_max = 1,
	.run = run,
};
