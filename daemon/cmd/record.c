// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Observe this host, or one process, and keep all that the model was given in a file: `deferd replay` plays it back
 * through any rules, anywhere. Stands alone: the daemon, if one runs, goes on undisturbed.
 */
#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "cmd/transitions.h"

static const char *config_path, *output;
static uint32_t limit_seconds;
static bool as_json;

static const struct cmd_option options[] = {
	{ "config.file", 'c', OPTION_STRING, &config_path, .arg = "FILE",
	  .help = "configuration; default: built-in values" },
	{ "json", 'j', OPTION_FLAG, &as_json, .help = "alerts as JSON, one object per line" },
	{ "output", 'o', OPTION_STRING, &output, .arg = "FILE",
	  .help = "where to write the recording; default: deferd.recording.gz" },
	{ "seconds", 's', OPTION_U32, &limit_seconds, .min = 1, .max = 86400, .arg = "N",
	  .help = "stop after N seconds; default: at SIGINT or SIGTERM" },
	{},
};

struct record {
	struct session session;
	struct transitions transitions;
	pid_t pid;   /* 0: the host */
	bool seen;   /* a process was observed */
	bool absent; /* the one that was asked for is not there */
	uint64_t end_ns;
};

static void on_signal(void *arg, int signo)
{
	loop_stop(((struct record *)arg)->session.loop);
}

static void on_timer(void *arg, uint64_t now_ns)
{
	struct record *r = arg;

	r->absent = r->pid && !r->seen && engine_settled(r->session.engine);
	if (r->absent || (r->end_ns && now_ns >= r->end_ns))
		loop_stop(r->session.loop);
}

/* Of one process: the recording ends with it. */
static void on_event(void *arg, const struct event *ev)
{
	struct record *r = arg;

	transitions_event(&r->transitions, ev);
	r->seen |= ev->type == EVENT_TARGET;
	if (r->pid && ev->type == EVENT_TARGET_GONE && r->session.loop)
		loop_stop(r->session.loop);
}

static void on_alert(void *arg, const struct alert *a)
{
	transitions_alert(&((struct record *)arg)->transitions, a);
}

static int follow(struct record *r)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	r->transitions.engine = r->session.engine;
	if (limit_seconds)
		r->end_ns = loop_now_ns() + limit_seconds * 1000000000ull;
	if (!loop_add_signals(r->session.loop, &set, on_signal, r) ||
	    !loop_add_timer(r->session.loop, 100000000, on_timer, r))
		return EXIT_FAILED;
	if (loop_run(r->session.loop))
		return EXIT_FAILED;
	if (!r->absent)
		return EXIT_GOOD;
	return cmd_unknown_pid(&cmd_record, r->pid);
}

static int record(struct record *r, struct config *config, struct recorder *recorder)
{
	struct engine_opts opts = { .only_pid = r->pid,
				    .on_event = on_event,
				    .on_alert = on_alert,
				    .recorder = recorder,
				    .arg = r };
	int code = session_open(&r->session, config, &opts);

	if (!code)
		code = follow(r);
	session_close(&r->session);
	return code;
}

static int run(int argc, char **argv)
{
	struct record r = { .transitions.as_json = as_json };
	const char *path = output ? output : "deferd.recording.gz";
	struct recorder *recorder;
	struct reason reason = {};
	struct config *config;
	int code = argc ? cmd_parse_pid(&cmd_record, argv[0], &r.pid) : EXIT_GOOD;

	if (!code)
		code = session_load_config(config_path, &config);
	if (code)
		return code;
	if (recorder_open(path, &recorder, &reason)) {
		fprintf(stderr, "deferd record: %s\n", reason.text);
		config_free(config);
		return EXIT_FAILED;
	}
	log_set_level(LOG_WARN);
	code = record(&r, config, recorder);
	if (recorder_close(recorder, &reason)) {
		fprintf(stderr, "deferd record: %s: %s\n", path, reason.text);
		return EXIT_FAILED;
	}
	if (!code)
		fprintf(stderr, "deferd record: wrote %s; to see it: deferd replay %s\n", path,
			path);
	return code;
}

const struct command cmd_record = {
	.name = "record",
	.summary = "record observations in a file, for deferd replay",
	.usage = "[OPTIONS] [PID]",
	.details = "Observes the host, or one process until it ends, as the daemon does, and "
		   "prints alerts "
		   "that fire or resolve.\n"
		   "The file contains the panic messages of the programs unchanged.\n",
	.options = options,
	.args_min = 0,
	.args_max = 1,
	.run = run,
};
