// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The services of this host, over and over. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/source.h"
#include "ui/screen.h"

#define SECOND 1000000000ull

static struct source_opts source = { .command = "top" };
static bool batch, as_json;
static uint32_t updates = 1, delay_s = 2;

static const struct cmd_option options[] = {
	{ "config.file", 'c', OPTION_STRING, &source.config_path, .arg = "FILE", .help = "configuration; defaults without" },
	{ "control.socket", 0, OPTION_STRING, &source.socket, .arg = "PATH", .help = "socket of the daemon; default: as configured" },
	{ "alone", 0, OPTION_FLAG, &source.alone, .help = "do not ask a daemon: probes of its own" },
	{ "batch", 'b', OPTION_FLAG, &batch, .help = "text without a terminal" },
	{ "json", 'j', OPTION_FLAG, &as_json, .help = "one JSON snapshot a line; a batch, too" },
	{ "updates", 'n', OPTION_U32, &updates, .min = 1, .max = UINT32_MAX, .arg = "N", .help = "of a batch (1)" },
	{ "delay", 'd', OPTION_U32, &delay_s, .min = 1, .max = 3600, .arg = "SECONDS", .help = "between updates (2)" },
	{},
};

struct top {
	struct source *source;
	struct screen screen;
	bool stop;
};

static void on_signal(void *arg, int signo)
{
	((struct top *)arg)->stop = true;
}

static int add_signals(struct top *t)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	return loop_add_signals(source_loop(t->source), &set, on_signal, t) ? 0 : -errno;
}

/* Batch */

static unsigned width_of_output(void)
{
	struct winsize ws;

	return isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) ? ws.ws_col : 0;
}

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
			err = screen_print(&t->screen, width_of_output(), &b);
		if (!err)
			printf("%s%s", first ? "" : "\n", b.data);
		buf_done(&b);
	}
	if (!err && (fflush(stdout) || ferror(stdout)))
		err = -errno;
	return err ? reason_set(reason, err, "%s", strerror(-err)) : 0;
}

static int wait_for_next(struct top *t)
{
	uint64_t until_ns = loop_now_ns() + delay_s * SECOND, now_ns;
	int err = 0;

	while (!err && !t->stop && (now_ns = loop_now_ns()) < until_ns)
		err = loop_turn(source_loop(t->source), (int)((until_ns - now_ns) / 1000000) + 1);
	return err;
}

static int run_batch(struct top *t)
{
	struct reason reason = {};
	int err = source_settle(t->source);

	for (uint32_t i = 0; !err && !t->stop && i < updates; i++) {
		if (i)
			err = wait_for_next(t);
		if (!err && !t->stop)
			err = print_update(t, !i, &reason);
	}
	if (err)
		fprintf(stderr, "deferd top: %s\n", reason.text[0] ? reason.text : strerror(-err));
	return err ? EXIT_FAILED : EXIT_GOOD;
}

static int run(int argc, char **argv)
{
	struct top t = {};
	int code;

	batch |= as_json;
	code = source_open(&source, &t.source);
	if (code)
		return code;
	setlocale(LC_CTYPE, "");
	screen_init(&t.screen, source_name(t.source));
	code = add_signals(&t) ? EXIT_FAILED : run_batch(&t);
	screen_done(&t.screen);
	source_close(t.source);
	return code;
}

const struct command cmd_top = {
	.name = "top",
	.summary = "the services of this host, live: defers, panics, descriptors, alerts",
	.usage = "[OPTIONS]",
	.details = "Asks the daemon of this host; without one, it attaches probes of its own until it ends. ? shows the keys.\n"
		   "NO_COLOR in the environment switches colours off.\n",
	.options = options,
	.run = run,
};
