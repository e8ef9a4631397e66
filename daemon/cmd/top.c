// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The services of this host, over and over: on a terminal, or as text or JSON for a pipe. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/source.h"
#include "ui/screen.h"
#include "ui/term.h"

#define SECOND   1000000000ull
#define EARLY_NS (SECOND / 2)
#define PANICS   200 /* shown at once: each comes with its stack */

static struct source_opts source = { .command = "top" };
static bool batch, as_json;
static uint32_t updates, delay_s = 2;

static const struct cmd_option options[] = {
	{ "config.file", 'c', OPTION_STRING, &source.config_path, .arg = "FILE",
	  .help = "configuration; default: built-in values" },
	{ "control.socket", 0, OPTION_STRING, &source.socket, .arg = "PATH",
	  .help = "socket of the daemon; default: as configured" },
	{ "alone", 0, OPTION_FLAG, &source.alone,
	  .help = "do not ask a daemon: attach own probes" },
	{ "batch", 'b', OPTION_FLAG, &batch, .help = "print text, without a terminal" },
	{ "json", 'j', OPTION_FLAG, &as_json,
	  .help = "one JSON snapshot per line, without a terminal" },
	{ "updates", 'n', OPTION_U32, &updates, .min = 1, .max = UINT32_MAX, .arg = "N",
	  .help = "stop after N updates (in a batch: 1)" },
	{ "delay", 'd', OPTION_U32, &delay_s, .min = 1, .max = 3600, .arg = "SECONDS",
	  .help = "time between updates (2)" },
	{},
};

struct top {
	struct source *source;
	struct screen screen;
	struct term *term; /* NULL: batch */
	struct loop_source *signals, *input, *timer;
	struct loop_source *early; /* updates in the first seconds of a page; NULL: they are over */
	uint64_t early_until_ns;
	uint32_t updates_done;
	bool stop;
	int err; /* negative errno that stopped it */
};

/* Batch */

static int print_update(struct top *t, bool first, struct reason *reason)
{
	json_t *snapshot;
	struct buf b;
	int err = source_snapshot(t->source, &snapshot, reason);

	if (err)
		return err;
	if (as_json) {
		err = json_dumpf(snapshot, stdout, JSON_COMPACT) ? -EIO : 0;
		putchar('\n');
		json_decref(snapshot);
	} else {
		buf_init(&b, 0);
		err = screen_set_snapshot(&t->screen, snapshot);
		if (!err)
			err = screen_print(&t->screen, term_columns(), &b);
		if (!err)
			printf("%s%s", first ? "" : "\n", b.data);
		buf_done(&b);
	}
	if (!err && (fflush(stdout) || ferror(stdout)))
		err = -errno;
	return err ? reason_set(reason, err, "%s", strerror(-err)) : 0;
}

static int run_batch(struct top *t)
{
	struct reason reason = {};
	int err = source_settle(t->source);

	for (uint32_t i = 0; !err && i < (updates ? updates : 1); i++) {
		if (i)
			err = source_pause(t->source, delay_s * 1000);
		if (!err)
			err = print_update(t, !i, &reason);
	}
	if (err)
		fprintf(stderr, "deferd top: %s\n", reason.text[0] ? reason.text : strerror(-err));
	return err ? EXIT_FAILED : EXIT_GOOD;
}

/* Terminal */

static void draw(struct top *t)
{
	int err = term_draw(t->term, &t->screen);

	if (err)
		t->err = err;
}

/*
 * A daemon that does not answer now may be starting again: what was known stays on the screen, with
 * the trouble below.
 */
static void set_trouble(struct top *t, const struct reason *reason)
{
	struct reason text;

	reason_set(&text, 0, "no new numbers: %.*s", REASON_MAX - 32, reason->text);
	screen_set_trouble(&t->screen, text.text);
}

static void fetch_target(struct top *t, struct reason *reason)
{
	uint32_t pid = screen_pid(&t->screen);
	json_t *target;
	int err = pid ? source_target(t->source, pid, &target, reason) : -ESRCH;

	if (!err)
		(void)screen_set_target(&t->screen, target);
	else if (err == -ESRCH)
		(void)screen_set_target(&t->screen, NULL);
	else
		set_trouble(t, reason);
}

/* The name as a pattern that nothing else matches. */
static void set_pattern(char *pattern, const char *service)
{
	for (; *service; *pattern++ = *service++) {
		if (strchr("*?[\\", *service))
			*pattern++ = '\\';
	}
	*pattern = 0;
}

static void fetch_panics(struct top *t, struct reason *reason)
{
	char pattern[2 * TABLE_KEY_MAX];
	struct view_filter filter = { .limit = PANICS };
	const char *service = screen_panics(&t->screen);
	json_t *panics;
	int err;

	set_pattern(pattern, service);
	if (pattern[0])
		filter.service = pattern;
	err = source_panics_now(t->source, &filter, &panics, reason);
	if (!err)
		(void)screen_set_panics(&t->screen, panics);
	else
		screen_set_panics_trouble(
			&t->screen,
			err == -ESRCH
				? "the daemon has no panic ledger: it is older than this command"
			: reason->text[0] ? reason->text
					  : strerror(-err));
}

/* What the page wants beside the snapshot. */
static void fetch_more(struct top *t, struct reason *reason)
{
	if (screen_panics(&t->screen))
		fetch_panics(t, reason);
	else
		fetch_target(t, reason);
}

static void update(struct top *t)
{
	struct reason reason = {};
	json_t *snapshot;

	if (source_snapshot(t->source, &snapshot, &reason)) {
		set_trouble(t, &reason);
	} else {
		screen_set_trouble(&t->screen, "");
		if (screen_set_snapshot(&t->screen, snapshot))
			t->err = -ENOMEM;
		fetch_more(t, &reason);
	}
	draw(t);
}

/*
 * The first numbers, and the names of what is asked for the first time, come within two seconds;
 * nobody should wait for a long delay besides.
 */
static void on_early(void *arg, uint64_t now_ns)
{
	struct top *t = arg;

	if (now_ns > t->early_until_ns) {
		loop_remove(source_loop(t->source), t->early);
		t->early = NULL;
	}
	update(t);
}

static void start_early(struct top *t)
{
	t->early_until_ns = loop_now_ns() + 4 * EARLY_NS;
	if (!t->early)
		t->early = loop_add_timer(source_loop(t->source), EARLY_NS, on_early, t);
}

static void on_timer(void *arg, uint64_t now_ns)
{
	struct top *t = arg;

	update(t);
	t->updates_done++;
	t->stop |= updates && t->updates_done >= updates;
}

static void on_input(void *arg, uint32_t events)
{
	struct reason reason = {};
	struct top *t = arg;
	bool fetch = false;
	uint32_t key;

	while (!t->stop && (key = term_key(t->term))) {
		enum screen_answer answer = screen_key(&t->screen, key);

		t->stop = answer == SCREEN_QUIT;
		fetch |= answer == SCREEN_FETCH;
	}
	if (fetch) {
		fetch_more(t, &reason);
		start_early(t);
	}
	draw(t);
	t->stop |= (events & (EPOLLHUP | EPOLLERR)) != 0;
}

static void on_signal(void *arg, int signo)
{
	struct top *t = arg;

	if (signo == SIGWINCH)
		draw(t); /* looks at the size by itself */
	else
		t->stop = true;
}

static int add_sources(struct top *t)
{
	struct loop *loop = source_loop(t->source);
	sigset_t set;

	start_early(t);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGWINCH);
	t->signals = loop_add_signals(loop, &set, on_signal, t);
	t->input = loop_add_fd(loop, STDIN_FILENO, EPOLLIN, on_input, t);
	t->timer = loop_add_timer(loop, delay_s * SECOND, on_timer, t);
	return t->signals && t->input && t->timer ? 0 : -errno;
}

static void remove_sources(struct top *t)
{
	struct loop *loop = source_loop(t->source);

	loop_remove(loop, t->signals);
	loop_remove(loop, t->input);
	loop_remove(loop, t->timer);
}

static int run_on_terminal(struct top *t)
{
	struct reason reason = {};
	int err = term_open(&t->term, &reason);

	if (err) {
		fprintf(stderr, "deferd top: %s; --batch needs none\n", reason.text);
		return EXIT_USAGE;
	}
	err = add_sources(t);
	if (!err)
		update(t);
	while (!err && !t->err && !t->stop)
		err = loop_turn(source_loop(t->source), -1);
	remove_sources(t);
	term_close(t->term);
	err = err ? err : t->err;
	if (err)
		fprintf(stderr, "deferd top: %s\n", strerror(-err));
	return err ? EXIT_FAILED : EXIT_GOOD;
}

static int run(int argc, char **argv)
{
	struct top t = {};
	int code;

	batch |= as_json;
	if (!batch && !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))) {
		fprintf(stderr, "deferd top: no terminal to draw on; use --batch for text, --json "
				"for JSON\n");
		return EXIT_USAGE;
	}
	setlocale(LC_CTYPE, "");
	code = source_open(&source, &t.source);
	if (code)
		return code;
	screen_init(&t.screen, source_name(t.source));
	code = batch ? run_batch(&t) : run_on_terminal(&t);
	screen_done(&t.screen);
	source_close(t.source);
	return code;
}

const struct command cmd_top = {
	.name = "top",
	.summary = "the services of this host, live: defers, panics, descriptors, alerts",
	.usage = "[OPTIONS]",
	.details = "Asks the daemon of this host; without one, it attaches its own probes while it "
		   "runs. ? shows the keys.\n"
		   "NO_COLOR in the environment switches colours off.\n",
	.options = options,
	.run = run,
};
