// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* All goroutines of a process, read from outside, grouped as a profile has them. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "cmd/source.h"
#include "export/goroutines.h"
#include "export/pprof.h"
#include "ui/tables.h"
#include "ui/value.h"

#define LOOK_MS  10000 /* for the process to be recognised */
#define NAMES_MS 10000 /* for its addresses to be named */

static struct source_opts source = { .command = "goroutines", .daemon_first = true };
static const char *pprof_path;
static bool as_json, folded, all;

static const struct cmd_option options[] = {
	{ "all", 'a', OPTION_FLAG, &all, .help = "those of the Go runtime, too" },
	{ "alone", 0, OPTION_FLAG, &source.alone,
	  .help = "count them now, even if a daemon has done so" },
	{ "config.file", 'c', OPTION_STRING, &source.config_path, .arg = "FILE",
	  .help = "configuration; defaults without" },
	{ "control.socket", 0, OPTION_STRING, &source.socket, .arg = "PATH",
	  .help = "socket of the daemon; default: as configured" },
	{ "folded", 0, OPTION_FLAG, &folded, .help = "a line a stack, for flame graphs" },
	{ "json", 'j', OPTION_FLAG, &as_json, .help = "one JSON object, all groups" },
	{ "pprof", 0, OPTION_STRING, &pprof_path, .arg = "FILE",
	  .help = "write a profile that `go tool pprof` opens, and print nothing" },
	{},
};

struct look {
	struct session session;
	struct show_census census;
};

static int fail(pid_t pid, const char *why)
{
	fprintf(stderr, "deferd goroutines: process %d: %s\n", pid, why);
	return EXIT_FAILED;
}

/* The process is found, its file read, and the layout compared with its memory. */
static int take_census(struct look *l, pid_t pid)
{
	uint64_t deadline = loop_now_ns() + LOOK_MS * 1000000ull;
	const struct target *t;
	struct reason reason;
	int err;

	do {
		reason = (struct reason){};
		err = engine_census(l->session.engine, pid, &l->census, &reason);
		if (!err)
			return EXIT_GOOD;
		if (err != -EBADMSG && engine_settled(l->session.engine))
			break;
		if (loop_turn(l->session.loop, 50))
			return fail(pid, "the event loop failed");
	} while (loop_now_ns() < deadline);
	t = model_target_by_pid(engine_model(l->session.engine), (uint32_t)pid);
	if (t && t->reason[0])
		return fail(pid, t->reason);
	return fail(pid, err == -ESRCH ? "it is gone, or neither a Go program nor one in C that "
					 "deferd knows"
				       : reason.text);
}

/* NULL: out of memory. */
static json_t *name_groups(struct look *l)
{
	uint64_t deadline = loop_now_ns() + NAMES_MS * 1000000ull;
	bool complete;
	json_t *doc;

	for (;;) {
		doc = view_goroutines(engine_model(l->session.engine), NULL, &l->census, &complete);
		if (!doc || complete || loop_now_ns() > deadline || loop_turn(l->session.loop, 50))
			return doc;
		json_decref(doc);
	}
}

/* Printing */

static bool wanted(const json_t *group)
{
	return all || !json_is_true(json_object_get(group, "system"));
}

static bool grows(const json_t *group)
{
	return !strcmp(value_string(json_object_get(group, "leak"), "verdict"), "growing");
}

/* "; it grows as a leak does: 600 an hour (590 to 610), seen over 4m" */
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
	printf("\n    grows as a leak does: %.0f more an hour (%.0f to %.0f), seen over %s", rate,
	       low, high, over);
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
		printf(", oldest for at least %s", age);
	}
	if (value_integer(g, "depth_max"))
		printf(", up to %lld pending defers", value_integer(g, "depth_max"));
	if (value_integer(g, "inexact") && strcmp(value_string(g, "state"), "running"))
		printf(", %lld moved meanwhile", value_integer(g, "inexact"));
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

/* Some stand where the way to their callers was not known at the first census. */
static bool lacks_stacks(const struct look *l)
{
	for (const struct group *g = census_groups(l->census.census)->by_key; g; g = g->hh.next) {
		if (!g->whole && g->key.nstack == 1)
			return true;
	}
	return false;
}

static int show(const json_t *doc, pid_t pid)
{
	int code = EXIT_GOOD;

	setlocale(LC_CTYPE, "");
	if (pprof_path)
		code = write_profile(doc);
	else
		print(doc, pid);
	if (!code && fflush(stdout))
		code = fail(pid, strerror(errno));
	return code;
}

static int look(struct look *l, pid_t pid)
{
	int code = take_census(l, pid);
	json_t *doc;

	if (code)
		return code;
	doc = name_groups(l);
	if (doc && lacks_stacks(l)) {
		json_decref(doc);
		code = take_census(l, pid);
		if (code)
			return code;
		doc = name_groups(l);
	}
	if (!doc)
		return fail(pid, "out of memory");
	code = show(doc, pid);
	json_decref(doc);
	return code;
}

static int look_alone(pid_t pid)
{
	struct engine_opts opts = { .only_pid = pid };
	struct config *config;
	struct look l = {};
	int code = session_load_config(source.config_path, &config);

	if (code)
		return code;
	config->probes.set = CONFIG_PROBES_OFF;
	config->census.enabled = false; /* it is made when it is asked for */
	config->probes.watch_writes = false;
	config->descriptors.hooks = CONFIG_FD_HOOKS_OFF;
	code = session_open(&l.session, config, &opts);
	if (!code)
		code = look(&l, pid);
	session_close(&l.session);
	return code;
}

/* The daemon knows which groups grow; what it does not observe is looked at without it. */
static int run(int argc, char **argv)
{
	struct reason reason = {};
	struct source *s;
	json_t *doc = NULL;
	pid_t pid;
	int code = cmd_parse_pid(&cmd_goroutines, argv[0], &pid);

	log_set_level(LOG_ERROR);
	if (!code)
		code = source_open(&source, &s);
	if (code)
		return code;
	if (s && !source_goroutines(s, (uint32_t)pid, &doc, &reason))
		code = show(doc, pid);
	source_close(s);
	if (!doc)
		return look_alone(pid);
	json_decref(doc);
	return code;
}

const struct command cmd_goroutines = {
	.name = "goroutines",
	.summary = "what all goroutines of a process do, as a profile has it",
	.usage = "[OPTIONS] PID",
	.details =
		"Reads the memory of the process; nothing is attached to it, and it does not "
		"stop.\n"
		"A group is one stack, state, wait reason and go statement. Of a goroutine that "
		"runs there is no stack.\n"
		"A daemon that observes the process is asked for its newest census: it knows "
		"which groups grow as a leak does, and\n"
		"how old a wait is. Without one a wait is as old as the collection that saw it.\n",
	.options = options,
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
