// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Which probes the daemon has in a process, and others. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/source.h"
#include "ui/value.h"

static struct source_opts source = { .command = "probes",
				     .daemon_only = "has probes to change: start 'deferd run'" };
static bool as_json;

static const struct cmd_option options[] = {
	{ "config.file", 'c', OPTION_STRING, &source.config_path, .arg = "FILE",
	  .help = "configuration; default: built-in values" },
	{ "control.socket", 0, OPTION_STRING, &source.socket, .arg = "PATH",
	  .help = "socket of the daemon; default: as configured" },
	{ "json", 'j', OPTION_FLAG, &as_json, .help = "one JSON object" },
	{},
};

static void print_json(const json_t *target)
{
	static const char *const keys[] = { "pid",
					    "service",
					    "state",
					    "reason",
					    "probes",
					    "probes_by",
					    "probes_full_now",
					    "budget_percent",
					    "budget_level",
					    "probe_hits",
					    "probe_hits_unread",
					    "probe_cost_seconds" };
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		(void)json_object_set(o, keys[i], json_object_get(target, keys[i]));
	(void)json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

static void print_text(const json_t *target)
{
	double percent = 0, cost = 0;

	(void)value_number(target, "budget_percent", &percent);
	(void)value_number(target, "probe_cost_seconds", &cost);
	printf("%s, pid %lld: %s, by %s%s\n", value_string(target, "service"),
	       value_integer(target, "pid"), value_string(target, "probes"),
	       value_string(target, "probes_by"),
	       json_is_true(json_object_get(target, "probes_full_now"))
		       ? "; the full set is attached"
		       : "");
	if (*value_string(target, "reason"))
		printf("  %s: %s\n", value_string(target, "state"), value_string(target, "reason"));
	printf("  %lld hits have cost it %.3f s of CPU time; its budget is ",
	       value_integer(target, "probe_hits"), cost);
	if (percent > 0)
		printf("%g%% of a core\n", percent);
	else
		printf("unlimited\n");
}

static int fail(const struct reason *reason)
{
	fprintf(stderr, "deferd probes: %s\n", reason->text);
	return EXIT_FAILED;
}

static int ask(struct source *s, pid_t pid, const char *set)
{
	struct reason reason = {};
	json_t *target;

	if (set && source_set_probes(s, (uint32_t)pid, set, &reason))
		return fail(&reason);
	if (source_target(s, (uint32_t)pid, &target, &reason))
		return fail(&reason);
	if (as_json)
		print_json(target);
	else
		print_text(target);
	json_decref(target);
	return EXIT_GOOD;
}

static int run(int argc, char **argv)
{
	struct source *s = NULL;
	pid_t pid;
	int code = cmd_parse_pid(&cmd_probes, argv[0], &pid);

	if (!code)
		code = source_open(&source, &s);
	if (!code)
		code = ask(s, pid, argc > 1 ? argv[1] : NULL);
	source_close(s);
	return cmd_flush(&cmd_probes) ?: code;
}

const struct command cmd_probes = {
	.name = "probes",
	.summary = "show the probes of a running process, or switch it to another set",
	.usage = "[OPTIONS] PID [SET]",
	.details = "SET: lean (defers in loops, panics), full (every defer, and every run), burst "
		   "(full for one second of each\n"
		   "minute), off (the census only), default (as configured). The process keeps the "
		   "set until it ends. It is not\n"
		   "restarted, and hits of probes in both sets are neither missed nor counted "
		   "twice.\n",
	.options = options,
	.args_min = 1,
	.args_max = 2,
	.run = run,
};
