// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A recording, played through the rules of a configuration: what would have fired, and when. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/session.h"
#include "cmd/transitions.h"

static const char *config_path;
static bool as_json;

static const struct cmd_option options[] = {
	{ "config.file", 'c', OPTION_STRING, &config_path, .arg = "FILE",
	  .help = "configuration; only its rules are used; default: built-in rules" },
	{ "json", 'j', OPTION_FLAG, &as_json, .help = "alerts as JSON, one object per line" },
	{},
};

static int play(struct engine *e, struct transitions *t, struct reason *reason)
{
	unsigned long lines = 0;
	int more;

	t->engine = e;
	while ((more = engine_play(e, reason)) > 0)
		lines++;
	if (more)
		return more;
	if (!as_json)
		printf("%lu lines, %.1f s, %u alert transition%s\n", lines,
		       engine_now_ns(e) > t->begin_ns
			       ? (double)(engine_now_ns(e) - t->begin_ns) / 1e9
			       : 0,
		       t->n, t->n == 1 ? "" : "s");
	return 0;
}

static int replay(struct config *config, struct recording *recording, struct reason *reason)
{
	struct transitions t = { .as_json = as_json };
	struct engine_source source = { .procfd = -1, .recording = recording };
	struct engine_opts opts = { .on_event = transitions_event,
				    .on_alert = transitions_alert,
				    .arg = &t };
	struct engine *e;
	int err = engine_new(NULL, &source, config, &opts, &e, reason);

	if (err)
		return err;
	err = play(e, &t, reason);
	engine_free(e);
	return err;
}

static int run(int argc, char **argv)
{
	struct recording *recording = NULL;
	struct reason reason = {};
	struct config *config;
	int code = session_load_config(config_path, &config), err;

	if (code)
		return code;
	err = recording_open(argv[0], &recording, &reason);
	if (!err)
		err = replay(config, recording, &reason);
	recording_close(recording);
	config_free(config);
	if (!err)
		return EXIT_GOOD;
	fprintf(stderr, "deferd replay: %s\n", reason.text);
	return EXIT_FAILED;
}

const struct command cmd_replay = {
	.name = "replay",
	.summary = "play a recording through rules: what would have fired, and when",
	.usage = "[OPTIONS] FILE",
	.details =
		"Needs no privilege and no kernel support. Times are seconds since the recording "
		"began.\n",
	.options = options,
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
