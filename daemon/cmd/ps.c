// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* One table of the observed processes, once. */
#include <errno.h>
#include <fnmatch.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cmd/print.h"
#include "cmd/source.h"

static struct source_opts source = { .command = "ps" };
static bool as_json, no_headers;

static const struct cmd_option options[] = {
	{ "config.file", 'c', OPTION_STRING, &source.config_path, .arg = "FILE",
	  .help = "configuration; default: built-in values" },
	{ "control.socket", 0, OPTION_STRING, &source.socket, .arg = "PATH",
	  .help = "socket of the daemon; default: as configured" },
	{ "alone", 0, OPTION_FLAG, &source.alone,
	  .help = "do not ask a daemon: attach own probes for a moment" },
	{ "json", 'j', OPTION_FLAG, &as_json,
	  .help = "one JSON array of targets, as the API gives them" },
	{ "no-headers", 0, OPTION_FLAG, &no_headers, .help = "rows only" },
	{},
};

/* A number is a process, anything else a pattern of service names. */
static bool matches(const json_t *target, const char *what)
{
	char pid[24];

	snprintf(pid, sizeof(pid), "%lld", value_integer(target, "pid"));
	return !strcmp(pid, what) || !fnmatch(what, value_string(target, "service"), 0);
}

static json_t *pick(const json_t *targets, const char *what)
{
	json_t *picked = json_array(), *t;
	size_t i;

	json_array_foreach (targets, i, t) {
		if (!what || matches(t, what))
			(void)json_array_append(picked, t);
	}
	return picked;
}

static int print(const json_t *snapshot, const char *what)
{
	json_t *targets = pick(json_object_get(snapshot, "targets"), what);
	int code = EXIT_GOOD;

	if (json_is_false(json_object_get(json_object_get(snapshot, "deferd"), "settled")))
		fprintf(stderr,
			"deferd ps: not complete yet: processes are still being inspected\n");
	if (what && !json_array_size(targets)) {
		code = cmd_unknown(&cmd_ps, what);
	} else if (!as_json) {
		code = print_table(&cmd_ps, &table_targets, targets, no_headers);
	} else {
		(void)json_dumpf(targets, stdout, JSON_COMPACT);
		putchar('\n');
	}
	json_decref(targets);
	return code;
}

static int run(int argc, char **argv)
{
	struct reason reason = {};
	struct source *s;
	json_t *snapshot;
	int err, code = source_open(&source, &s);

	if (code)
		return code;
	setlocale(LC_CTYPE, "");
	err = source_settle(s);
	if (err)
		reason_set(&reason, err, "%s", strerror(-err));
	else
		err = source_snapshot(s, &snapshot, &reason);
	if (err) {
		fprintf(stderr, "deferd ps: %s\n", reason.text);
		code = EXIT_FAILED;
	} else {
		code = print(snapshot, argc ? argv[0] : NULL);
		json_decref(snapshot);
	}
	code = cmd_flush(&cmd_ps) ?: code;
	source_close(s);
	return code;
}

const struct command cmd_ps = {
	.name = "ps",
	.summary = "the observed processes, once: depth, panics, descriptors, alerts",
	.usage = "[OPTIONS] [SERVICE|PID]",
	.details = "SERVICE may be a pattern, as in 'api-*'. Asks the daemon of this host; without "
		   "one, it attaches its own probes\n"
		   "for a moment, and shows the depths and rates of that moment.\n",
	.options = options,
	.args_max = 1,
	.run = run,
};
