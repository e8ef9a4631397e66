// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* All goroutines of a process, read from outside, grouped as a profile has them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "cmd/census.h"
#include "cmd/session.h"
#include "export/goroutines.h"
#include "export/pprof.h"
#include "ui/tables.h"
#include "ui/value.h"

static struct source_opts source = { .command = "goroutines", .daemon_first = true };
static const char *pprof_path;
static bool as_json, folded, all;

static const struct cmd_option options[] = {
	{ "all", 'a', OPTION_FLAG, &all, .help = "also show the goroutines of the Go runtime" },
	{ "alone", 0, OPTION_FLAG, &source.alone,
	  .help = "read the process now; do not ask a daemon" },
	{ "config.file", 'c', OPTION_STRING, &source.config_path, .arg = "FILE",
	  .help = "configuration; default: built-in values" },
	{ "control.socket", 0, OPTION_STRING, &source.socket, .arg = "PATH",
	  .help = "socket of the daemon; default: as configured" },
	{ "folded", 0, OPTION_FLAG, &folded, .help = "one line per stack, for flame graphs" },
	{ "json", 'j', OPTION_FLAG, &as_json, .help = "one JSON object, all groups" },
	{ "pprof", 0, OPTION_STRING, &pprof_path, .arg = "FILE",
	  .help = "write a profile that `go tool pprof` opens, and print nothing" },
	{},
};

/* Printing */

static bool wanted(const json_t *group)
{
	return all || !json_is_true(json_object_get(group, "system"));
}

static bool grows(const json_t *group)
{
	return !strcmp(value_string(json_object_get(group, "leak"), "verdict"), "leaking");
}

/* "; it grows like a leak: 600 an hour (590 to 610), seen over 4m" */
static void print_leak(const json_t *group)
{
	const json_t *leak = json_object_get(group, "leak");
	double rate = 0, low = 0, high = 0, seconds = 0;
	char over[VALUE_MAX];

	if (!grows(group))
		return;
	(void)value_number(leak, "per_hour", &rate);
	(void)value_number(leak, "low_per_hour", &low);
	(void)value_number(leak, "high_per_hour", &high);
	(void)value_number(leak, "seconds", &seconds);
	value_duration(over, sizeof(over), seconds);
	printf("\n    grows like a leak: %.0f more an hour (%.0f to %.0f), seen over %s", rate, low,
	       high, over);
	if (strcmp(value_string(leak, "of"), "stack") != 0)
		printf(", in all %lld of this %s", value_integer(leak, "count"),
		       value_string(leak, "of"));
}

static void print_head(const json_t *g)
{
	const char *reason = value_string(g, "reason");
	double since;
	char age[VALUE_MAX];

	printf("\n%lld %s%s%s", value_integer(g, "count"), value_string(g, "state"),
	       reason[0] ? ": " : "", reason);
	if (json_is_true(json_object_get(g, "system")))
		printf(", of the runtime");
	if (value_number(g, "since_seconds", &since)) {
		value_duration(age, sizeof(age), since);
		printf(", oldest for about %s", age);
	}
	if (value_integer(g, "depth_max"))
		printf(", up to %lld pending defers%s", value_integer(g, "depth_max"),
		       value_integer(g, "depth_inexact") ? " or more" : "");
	if (value_integer(g, "panics_max") > 1)
		printf(", in %lld panics", value_integer(g, "panics_max"));
	else if (value_integer(g, "panics_max"))
		printf(", in a panic");
	if (value_integer(g, "goexit"))
		printf(", ended by runtime.Goexit");
	if (value_integer(g, "inexact") && strcmp(value_string(g, "state"), "running"))
		printf(", %lld moved while they were read", value_integer(g, "inexact"));
	print_leak(g);
	putchar('\n');
}

static void print_place(const char *before, const json_t *line)
{
	char text[VALUE_MAX];

	tables_place(line, text, sizeof(text));
	printf("    %s%s\n", before, text);
}

static void print_group(const json_t *g)
{
	const json_t *stack = json_object_get(g, "stack"), *line;
	size_t i;

	print_head(g);
	json_array_foreach (stack, i, line)
		print_place("", line);
	if (!json_is_true(json_object_get(g, "whole"))) {
		printf("    ...\n");
		print_place("", json_object_get(g, "start"));
	}
	if (json_is_object(json_object_get(g, "created_by")))
		print_place("created by ", json_object_get(g, "created_by"));
}

static void print_folded(const json_t *g)
{
	const json_t *stack = json_object_get(g, "stack");

	if (!json_is_true(json_object_get(g, "whole")))
		printf("%s;", value_string(json_object_get(g, "start"), "function"));
	for (size_t i = json_array_size(stack); i > 0; i--)
		printf("%s%s", value_string(json_array_get(stack, i - 1), "function"),
		       i > 1 ? ";" : "");
	printf(" %lld\n", value_integer(g, "count"));
}

static void print_summary(const json_t *doc, pid_t pid)
{
	double seconds = 0, age;

	(void)value_number(doc, "seconds", &seconds);
	printf("process %d: %lld goroutines, %lld of them of the runtime; read in %.1f ms", pid,
	       value_integer(doc, "goroutines"), value_integer(doc, "system"), seconds * 1e3);
	if (value_number(doc, "age_seconds", &age))
		printf(", by the daemon, %.1f s ago", age);
	putchar('\n');
	if (value_integer(doc, "unreadable"))
		printf("%lld entries of the runtime's list could not be read\n",
		       value_integer(doc, "unreadable"));
	if (value_integer(doc, "left_out"))
		printf("%lld goroutines are in groups beyond the first %d\n",
		       value_integer(doc, "left_out"), GROUPS_MAX);
}

/* What may leak comes first. */
static void print_text(const json_t *doc, pid_t pid)
{
	const json_t *g;
	size_t i;

	print_summary(doc, pid);
	for (int leaks = 1; leaks >= 0; leaks--) {
		json_array_foreach (json_object_get(doc, "groups"), i, g) {
			if (wanted(g) && grows(g) == leaks)
				print_group(g);
		}
	}
}

static int write_gzip(const char *path, const struct buf *b)
{
	gzFile f = gzopen(path, "wbe");
	bool written;

	if (!f)
		return -errno;
	written = !b->len || gzwrite(f, b->data, (unsigned)b->len) == (int)b->len;
	if (gzclose(f) != Z_OK || !written)
		return errno ? -errno : -EIO;
	return 0;
}

static int write_profile(const json_t *doc)
{
	struct buf b;
	int err;

	buf_init(&b, 0);
	pprof_write(doc, all, session_unix_ms() * 1000000, &b);
	errno = 0;
	err = b.failed ? -ENOMEM : write_gzip(pprof_path, &b);
	buf_done(&b);
	if (err)
		fprintf(stderr, "deferd goroutines: %s: %s\n", pprof_path, strerror(-err));
	return err ? EXIT_FAILED : EXIT_GOOD;
}

static void print(const json_t *doc, pid_t pid)
{
	const json_t *g;
	size_t i;

	if (as_json) {
		(void)json_dumpf(doc, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (folded) {
		json_array_foreach (json_object_get(doc, "groups"), i, g) {
			if (wanted(g))
				print_folded(g);
		}
	} else {
		print_text(doc, pid);
	}
}

static int show(const json_t *doc, pid_t pid)
{
	if (pprof_path)
		return write_profile(doc);
	print(doc, pid);
	return EXIT_GOOD;
}

static int run(int argc, char **argv)
{
	const struct census_command c = { .command = &cmd_goroutines,
					  .source = &source,
					  .page = "goroutines",
					  .view = view_goroutines,
					  .show = show };

	return cmd_census(&c, argv[0]);
}

const struct command cmd_goroutines = {
	.name = "goroutines",
	.summary = "what all goroutines of a process do, grouped as in a profile",
	.usage = "[OPTIONS] PID",
	.details =
		"Reads the memory of the process; nothing is attached to it, and it does not "
		"stop.\n"
		"A group has the same stack, state, wait reason and go statement. The stack of a "
		"running goroutine is not shown.\n"
		"When a daemon observes the process, it is asked for its newest census: it knows "
		"which groups grow like a leak, and\n"
		"how long a wait has lasted. Without a daemon this time comes from the runtime, "
		"and is only as exact as the time\n"
		"between two garbage collections.\n",
	.options = options,
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
