// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The panic ledger: what began, what became of it, which line. Only the daemon keeps one. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/source.h"
#include "ui/tables.h"
#include "ui/value.h"

static struct source_opts source = {
	.command = "panics",
	.daemon_only = "knows what has happened: start 'deferd run', or watch one process "
		       "from now on with 'deferd trace PID'"
};
static bool as_json, with_stacks;
static uint32_t last = 20;

static const struct cmd_option options[] = {
	{ "config.file", 'c', OPTION_STRING, &source.config_path, .arg = "FILE",
	  .help = "configuration; default: built-in values" },
	{ "control.socket", 0, OPTION_STRING, &source.socket, .arg = "PATH",
	  .help = "socket of the daemon; default: as configured" },
	{ "json", 'j', OPTION_FLAG, &as_json, .help = "the ledger as the API gives it" },
	{ "last", 'n', OPTION_U32, &last, .min = 1, .max = VIEW_PANICS_MAX, .arg = "N",
	  .help = "show the newest N panics; default: 20" },
	{ "stacks", 's', OPTION_FLAG, &with_stacks, .help = "also show the stack of each panic" },
	{},
};

/* "3 recovered, 1 overridden": the outcomes that there are. */
static void print_outcomes(const json_t *outcomes)
{
	const char *key, *comma = "";
	json_t *v;

	json_object_foreach ((json_t *)outcomes, key, v) {
		if (!json_integer_value(v))
			continue;
		printf("%s%lld %s", comma, (long long)json_integer_value(v), key);
		comma = ", ";
	}
	if (!*comma)
		printf("none ended");
}

static void print_total(const json_t *t)
{
	printf("%s: %lld panics started; ", value_string(t, "service"),
	       value_integer(t, "started"));
	print_outcomes(json_object_get(t, "outcomes"));
	if (value_integer(t, "running"))
		printf("; %lld running", value_integer(t, "running"));
	if (value_integer(t, "untold"))
		printf("; %lld counted without details", value_integer(t, "untold"));
	if (value_integer(t, "misplaced"))
		printf("; recover() in a wrong frame: %lld", value_integer(t, "misplaced"));
	putchar('\n');
}

static void print_place(const char *label, const json_t *line)
{
	char text[VALUE_MAX];

	if (!json_is_object(line))
		return;
	tables_place(line, text, sizeof(text));
	printf("%s%s", label, text);
}

static const struct {
	const char *key, *words;
} writes[] = {
	{ "stderr", "stderr" },
	{ "stdout", "stdout" },
	{ "file", "a file" },
	{ "pipe", "a pipe" },
	{ "unix_socket", "a Unix socket" },
	{ "network", "the network" },
};

/* ", 3 wrote to stderr": what there was beside silence. */
static void print_evidence(const json_t *swallowed)
{
	const json_t *wrote = json_object_get(swallowed, "wrote");

	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		if (value_integer(wrote, writes[i].key))
			printf(", %lld wrote to %s", value_integer(wrote, writes[i].key),
			       writes[i].words);
	}
	if (value_integer(swallowed, "panicked_again"))
		printf(", %lld panicked again", value_integer(swallowed, "panicked_again"));
}

static void print_swallowed(const json_t *site)
{
	const json_t *o = json_object_get(site, "swallowed");

	if (!value_integer(o, "watched") || json_is_string(json_object_get(site, "by_design")))
		return;
	printf("%11sswallowed: %s (%lld recoveries watched: %lld silent, %lld went on", "",
	       value_string(o, "verdict"), value_integer(o, "watched"), value_integer(o, "silent"),
	       value_integer(o, "went_on"));
	print_evidence(o);
	putchar(')');
	print_place("; recovered in ", json_object_get(site, "recovered_in"));
	putchar('\n');
}

static void print_design(const json_t *site)
{
	const char *design = value_string(site, "by_design");

	if (!strcmp(design, "abort_handler"))
		printf("%11sby design: http.ErrAbortHandler ends a connection\n", "");
	else if (*design)
		printf("%11sby design: raised and recovered in one package\n", "");
	if (value_integer(site, "raised_again"))
		printf("%11sraised again by another goroutine: %lld\n", "",
		       value_integer(site, "raised_again"));
}

static void print_site(const json_t *s)
{
	printf("  %-8lld %-28s", value_integer(s, "told"),
	       *value_string(s, "type") ? value_string(s, "type") : value_string(s, "kind"));
	print_place(" ", json_object_get(s, "site"));
	print_place(", called by ", json_object_get(s, "called_by"));
	printf(": ");
	print_outcomes(json_object_get(s, "outcomes"));
	putchar('\n');
	print_design(s);
	print_swallowed(s);
}

static void print_misplaced(const json_t *s)
{
	printf("  %-8lld", value_integer(s, "count"));
	print_place(" ", json_object_get(s, "site"));
	print_place(", called by ", json_object_get(s, "caller"));
	putchar('\n');
}

static void print_stack(const json_t *stack)
{
	const json_t *line;
	size_t i;

	json_array_foreach (stack, i, line) {
		print_place("      ", line);
		putchar('\n');
	}
}

static void print_panic(const json_t *p)
{
	const json_t *goroutine = json_object_get(p, "goroutine");
	const char *time = value_string(p, "time"), *type = value_string(p, "type");

	printf("\n%s  %s (pid %lld), %s %lld: %s", time, value_string(p, "service"),
	       value_integer(p, "pid"), goroutine ? "goroutine" : "thread",
	       value_integer(p, goroutine ? "goroutine" : "thread"), value_string(p, "outcome"));
	if (strcmp(value_string(p, "kind"), "panic"))
		printf(" %s", value_string(p, "kind"));
	printf(" #%lld\n", value_integer(p, "id"));
	if (*type || *value_string(p, "message"))
		printf("    %s%s%s\n", type, *type && *value_string(p, "message") ? ": " : "",
		       value_string(p, "message"));
	print_place("    at ", json_object_get(p, "site"));
	print_place(", called by ", json_object_get(p, "called_by"));
	putchar('\n');
	if (json_is_object(json_object_get(p, "recovered_in"))) {
		print_place("    recovered, so that this returned: ",
			    json_object_get(p, "recovered_in"));
		print_place("; by recover() in ", json_object_get(p, "recover_site"));
		putchar('\n');
	}
	if (json_is_real(json_object_get(p, "age_seconds")))
		printf("    the process was %.1f s old\n",
		       json_real_value(json_object_get(p, "age_seconds")));
	if (json_is_integer(json_object_get(p, "last_panic")))
		printf("    its last panic: #%lld\n", value_integer(p, "last_panic"));
	if (json_is_integer(json_object_get(p, "raises"))) {
		printf("    raised again: the value of #%lld", value_integer(p, "raises"));
		print_place(", at ", json_object_get(p, "raised_again_at"));
		putchar('\n');
	}
	if (json_is_integer(json_object_get(p, "raised_again_by")))
		printf("    raised again by #%lld\n", value_integer(p, "raised_again_by"));
	if (json_is_integer(json_object_get(p, "replaced_by")))
		printf("    replaced by #%lld\n", value_integer(p, "replaced_by"));
	if (with_stacks)
		print_stack(json_object_get(p, "stack"));
}

static void print_list(const json_t *list, const char *head, void (*print)(const json_t *))
{
	const json_t *o;
	size_t i;

	if (head && json_array_size(list))
		printf("\n%s\n", head);
	json_array_foreach (list, i, o)
		print(o);
}

static void print_limited(const json_t *t)
{
	printf("%s (pid %lld): %s\n", value_string(t, "service"), value_integer(t, "pid"),
	       value_string(t, "reason"));
}

static void print(const json_t *doc)
{
	if (as_json) {
		(void)json_dumpf(doc, stdout, JSON_COMPACT);
		putchar('\n');
		return;
	}
	if (!json_array_size(json_object_get(doc, "totals")))
		printf(json_array_size(json_object_get(doc, "limited"))
			       ? "no panics in what is observed\n"
			       : "no panics\n");
	print_list(json_object_get(doc, "totals"), NULL, print_total);
	print_list(json_object_get(doc, "limited"), "Not observed completely:", print_limited);
	print_list(json_object_get(doc, "sites"), "By site (panics with details):", print_site);
	print_list(json_object_get(doc, "misplaced"),
		   "recover() that returned nil while a panic ran: it works only in the deferred "
		   "function itself",
		   print_misplaced);
	print_list(json_object_get(doc, "panics"), NULL, print_panic);
}

/* A number is a process, anything else a pattern of service names. */
static void set_filter(struct view_filter *f, const char *what)
{
	char *end;
	unsigned long pid;

	f->limit = last;
	if (!what)
		return;
	pid = strtoul(what, &end, 10);
	if (*what && !*end && pid > 0 && pid <= INT32_MAX)
		f->pid = (uint32_t)pid;
	else
		f->service = what;
}

static int run(int argc, char **argv)
{
	struct view_filter filter = {};
	struct reason reason = {};
	struct source *s;
	json_t *doc;
	int err, code = source_open(&source, &s);

	if (code)
		return code;
	setlocale(LC_CTYPE, "");
	set_filter(&filter, argc ? argv[0] : NULL);
	err = source_panics(s, &filter, &doc, &reason);
	if (err) {
		fprintf(stderr, "deferd panics: %s\n",
			reason.text[0] ? reason.text : strerror(-err));
		code = EXIT_FAILED;
	} else if (json_is_false(json_object_get(doc, "known"))) {
		code = cmd_unknown(&cmd_panics, argv[0]);
		json_decref(doc);
	} else {
		print(doc);
		json_decref(doc);
	}
	code = cmd_flush(&cmd_panics) ?: code;
	source_close(s);
	return code;
}

const struct command cmd_panics = {
	.name = "panics",
	.summary = "what became of every panic: recovered, overridden, fatal, ...",
	.usage = "[OPTIONS] [SERVICE|PID]",
	.details =
		"Asks the daemon of this host, which keeps the newest panics of each service, "
		"including those of ended processes.\n"
		"SERVICE may be a pattern, as in 'api-*'. Outcomes:\n"
		"  recovered   recover() ended it: a function returned normally\n"
		"  overridden  a deferred call panicked anew; the newer panic took its place\n"
		"  repanicked  recover() returned its value, but the same deferred call panicked "
		"again\n"
		"  goexit      a deferred call ended the goroutine by runtime.Goexit\n"
		"  fatal       it ended the process\n"
		"  running     its deferred calls are running now\n"
		"  unknown     an event between its start and its end was missed\n"
		"Swallowed: suspected when 3 or more recoveries at a site were watched and all "
		"were "
		"silent, that is, nothing was\n"
		"written to stderr, stdout, a file, pipe or Unix socket from the panic until 0.1 s "
		"after the recovery, and the\n"
		"goroutine did not panic elsewhere at once. Not seen: a logger on its own "
		"goroutine, one that keeps lines in a\n"
		"buffer, and one that is called by cgo.\n",
	.options = options,
	.args_max = 1,
	.run = run,
};
