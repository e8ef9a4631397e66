// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Which locks and channels the goroutines of a process wait for, read from outside. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd/census.h"
#include "export/locks.h"
#include "ui/tables.h"
#include "ui/value.h"

#define SHOWN_BEFORE 6u  /* of a lock's history */
#define LEAST        2   /* that wait */
#define LONG_SECONDS 5.0 /* for a lock: one that waits for so long is shown, too */

static struct source_opts source = { .command = "locks", .daemon_first = true };
static bool as_json;
static uint32_t least; /* 0: not given */

static const struct cmd_option options[] = {
	{ "alone", 0, OPTION_FLAG, &source.alone,
	  .help = "read the process now; do not ask a daemon" },
	{ "config.file", 'c', OPTION_STRING, &source.config_path, .arg = "FILE",
	  .help = "configuration; default: built-in values" },
	{ "control.socket", 0, OPTION_STRING, &source.socket, .arg = "PATH",
	  .help = "socket of the daemon; default: as configured" },
	{ "json", 'j', OPTION_FLAG, &as_json, .help = "one JSON object, all locks and channels" },
	{ "least", 'l', OPTION_U32, &least, .min = 1, .max = 1000000, .arg = "N",
	  .help = "in text, only those with at least N waiting goroutines; default: 2, and locks "
		  "for "
		  "which one has waited for 5 s" },
	{},
};

static const char *yes(const json_t *o, const char *key, const char *text)
{
	return json_is_true(json_object_get(o, key)) ? text : "";
}

/* What the lock itself says: ": locked, starving, 20 waiters". */
static void print_state(const json_t *pile)
{
	const json_t *st = json_object_get(pile, "state");
	const char *kind = value_string(pile, "kind");

	if (!json_is_object(st))
		return;
	if (!strcmp(kind, "mutex"))
		printf("; its state: %s%s%s, %lld waiters",
		       json_is_true(json_object_get(st, "locked")) ? "locked" : "not locked",
		       yes(st, "woken", ", woken"), yes(st, "starving", ", starving"),
		       value_integer(st, "waiters"));
	else if (!strcmp(kind, "rwmutex"))
		printf("; its state: %s, %lld readers hold it or wait%s",
		       json_is_true(json_object_get(st, "writer")) ? "a writer holds it or is next"
								   : "no writer",
		       value_integer(st, "readers"),
		       value_integer(st, "readers_to_leave") ? ", some must leave first" : "");
	else if (!strcmp(kind, "waitgroup"))
		printf("; its state: %lld calls of Done are missing", value_integer(st, "counter"));
	else
		printf("; %lld of %lld elements%s", value_integer(st, "length"),
		       value_integer(st, "capacity"), yes(st, "closed", ", closed"));
}

static void print_sites(const json_t *pile)
{
	const json_t *sites = json_object_get(pile, "sites"), *s;
	char text[VALUE_MAX];
	size_t i;

	json_array_foreach (sites, i, s) {
		tables_place(json_object_get(s, "site"), text, sizeof(text));
		printf("    %lld in %s (%s)\n", value_integer(s, "count"), text,
		       value_string(s, "reason"));
		if (!json_is_object(json_object_get(s, "created_by")))
			continue;
		tables_place(json_object_get(s, "created_by"), text, sizeof(text));
		printf("        created by %s\n", text);
	}
}

static void print_holders(const json_t *pile)
{
	static const struct {
		const char *hint, *words;
	} hints[] = {
		{ "deferred", "one of its pending deferred calls has the lock's address" },
		{ "unlock", "a call of Unlock in one of its frames has the lock's address" },
		{ "frame", "the lock's address is in one of its frames, perhaps as a leftover" },
	};
	const json_t *h;
	char text[VALUE_MAX];
	size_t i;

	json_array_foreach (json_object_get(pile, "holders"), i, h) {
		const char *hint = value_string(h, "hint"), *words = hint;

		for (unsigned k = 0; k < ARRAY_SIZE(hints); k++) {
			if (!strcmp(hint, hints[k].hint))
				words = hints[k].words;
		}
		tables_place(json_object_get(h, "site"), text, sizeof(text));
		if (!strcmp(hint, "pending"))
			printf("    goroutine %lld holds it: a deferred Unlock of it is pending; "
			       "it "
			       "waits in %s\n",
			       value_integer(h, "goroutine"), text);
		else
			printf("    goroutine %lld may hold it: %s; it is in %s\n",
			       value_integer(h, "goroutine"), words, text);
	}
}

/* "    before: 3 (5m ago), 17 (2m ago), 40 (20s ago)": some of them, evenly. */
static void print_history(const json_t *pile)
{
	const json_t *history = json_object_get(pile, "history");
	size_t before = json_array_size(history) ? json_array_size(history) - 1 : 0;
	size_t n = before < SHOWN_BEFORE ? before : SHOWN_BEFORE;
	char age[VALUE_MAX];

	for (size_t i = 0; i < n; i++) {
		const json_t *s = json_array_get(history, i * before / n);
		double seconds = 0;

		(void)value_number(s, "age_seconds", &seconds);
		value_duration(age, sizeof(age), seconds);
		printf("%s%lld (%s ago)", i ? ", " : "    before: ", value_integer(s, "waiting"),
		       age);
	}
	if (n)
		putchar('\n');
}

/* "deadlock: 2 goroutines will never run again", and each edge of the ring. */
static void print_deadlock(const json_t *d)
{
	const json_t *e;
	char text[VALUE_MAX];
	size_t i;

	if (!json_is_object(d))
		return;
	printf("\ndeadlock: %lld goroutines will never run again; %lld of them wait for each "
	       "other\n",
	       value_integer(d, "goroutines"), value_integer(d, "length"));
	json_array_foreach (json_object_get(d, "edges"), i, e) {
		tables_place(json_object_get(e, "site"), text, sizeof(text));
		printf("    goroutine %lld waits for %s %s of goroutine %lld in %s\n",
		       value_integer(e, "goroutine"), value_string(e, "kind"),
		       value_string(e, "lock"), value_integer(e, "holder"), text);
	}
}

static bool is_shown(const json_t *pile, bool is_lock)
{
	double oldest = 0;

	if (value_integer(pile, "waiting") >= (long long)(least ? least : LEAST))
		return true;
	(void)value_number(pile, "oldest_seconds", &oldest);
	return !least && is_lock && oldest >= LONG_SECONDS;
}

static void print_piles(const json_t *list, const char *noun)
{
	const json_t *p;
	char age[VALUE_MAX];
	double oldest;
	size_t i;

	json_array_foreach (list, i, p) {
		if (!is_shown(p, !noun[0]))
			continue;
		printf("\n%s %s: %lld wait", noun[0] ? noun : value_string(p, "kind"),
		       value_string(p, "address"), value_integer(p, "waiting"));
		if (value_integer(p, "selecting"))
			printf(" (%lld in a select)", value_integer(p, "selecting"));
		if (value_number(p, "oldest_seconds", &oldest) && oldest >= 1) {
			value_duration(age, sizeof(age), oldest);
			printf(", the oldest for about %s", age);
		}
		print_state(p);
		putchar('\n');
		print_history(p);
		print_holders(p);
		print_sites(p);
	}
}

static int show(const json_t *doc, pid_t pid)
{
	const json_t *locks = json_object_get(doc, "locks"),
		     *channels = json_object_get(doc, "channels");
	double age;

	if (as_json) {
		(void)json_dumpf(doc, stdout, JSON_COMPACT);
		putchar('\n');
		return EXIT_GOOD;
	}
	printf("process %d: locks that goroutines wait for: %zu; channels that two or more wait "
	       "for: "
	       "%zu",
	       pid, json_array_size(locks), json_array_size(channels));
	if (value_number(doc, "age_seconds", &age))
		printf("; seen by the daemon %.1f s ago", age);
	putchar('\n');
	if (value_integer(doc, "not_located"))
		printf("%lld more goroutines wait for locks that could not be identified\n",
		       value_integer(doc, "not_located"));
	if (value_integer(doc, "left_out"))
		printf("%lld more goroutines are not counted here: too many, or they have gone "
		       "on\n",
		       value_integer(doc, "left_out"));
	print_deadlock(json_object_get(doc, "deadlock"));
	print_piles(locks, "");
	print_piles(channels, "channel");
	return EXIT_GOOD;
}

static int run(int argc, char **argv)
{
	const struct census_command c = { .command = &cmd_locks,
					  .source = &source,
					  .page = "locks",
					  .view = view_locks,
					  .show = show };

	return cmd_census(&c, argv[0]);
}

const struct command cmd_locks = {
	.name = "locks",
	.summary = "which locks and channels the goroutines of a process wait for",
	.usage = "[OPTIONS] PID",
	.details =
		"Reads the memory of the process; nothing is attached to it, and it does not "
		"stop.\n"
		"A mutex does not record its owner. The state of a lock is read a moment after the "
		"goroutines that wait for it.\n"
		"Before Go 1.26 it is not known which sync.Cond a goroutine waits for.\n",
	.options = options,
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
