// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "cmd/census.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cmd/session.h"

#define LOOK_MS  10000 /* for the process to be recognised */
#define NAMES_MS 10000 /* for its addresses to be named */

struct look {
	const struct census_command *command;
	pid_t pid;
	struct session session;
	struct show_census census;
};

int cmd_census_fail(const struct command *c, pid_t pid, const char *why)
{
	fprintf(stderr, "deferd %s: process %d: %s\n", c->name, pid, why);
	return EXIT_FAILED;
}

static int fail(const struct look *l, const char *why)
{
	return cmd_census_fail(l->command->command, l->pid, why);
}

/* The process is found, its file read, and the layout compared with its memory. */
static int take_census(struct look *l)
{
	uint64_t deadline = loop_now_ns() + LOOK_MS * 1000000ull;
	const struct target *t;
	struct reason reason;
	int err;

	do {
		reason = (struct reason){};
		err = engine_census(l->session.engine, l->pid, &l->census, &reason);
		if (!err)
			return EXIT_GOOD;
		if (err != -EBADMSG && engine_settled(l->session.engine))
			break;
		if (loop_turn(l->session.loop, 50))
			return fail(l, "the event loop failed");
	} while (loop_now_ns() < deadline);
	t = model_target_by_pid(engine_model(l->session.engine), (uint32_t)l->pid);
	if (t && t->reason[0])
		return fail(l, t->reason);
	return fail(l, err == -ESRCH ? "the process has ended, or is neither a Go program nor a C "
				       "program that deferd knows"
				     : reason.text);
}

/* NULL: out of memory. */
static json_t *view(struct look *l)
{
	uint64_t deadline = loop_now_ns() + NAMES_MS * 1000000ull;
	bool complete;
	json_t *doc;

	for (;;) {
		doc = l->command->view(engine_model(l->session.engine), NULL, &l->census,
				       &complete);
		if (!doc || complete || loop_now_ns() > deadline || loop_turn(l->session.loop, 50))
			return doc;
		json_decref(doc);
	}
}

/* Some stand where the way to their callers was not known at the first census. */
static bool lacks_stacks(const struct look *l)
{
	for (const struct group *g = census_groups(l->census.census)->by_key; g; g = g->hh.next) {
		if (!g->whole && g->key.nstack && g->key.nstack < CENSUS_STACK_MAX)
			return true;
	}
	return false;
}

static int look(struct look *l)
{
	int code = take_census(l);
	json_t *doc;

	if (code)
		return code;
	doc = view(l);
	if (doc && lacks_stacks(l)) {
		json_decref(doc);
		code = take_census(l);
		if (code)
			return code;
		doc = view(l);
	}
	if (!doc)
		return fail(l, "out of memory");
	code = l->command->show(doc, l->pid);
	json_decref(doc);
	return code;
}

static int look_alone(const struct census_command *c, pid_t pid)
{
	struct look l = { .command = c, .pid = pid };
	struct engine_opts opts = { .only_pid = pid };
	struct config *config;
	int code = session_load_config(c->source->config_path, &config);

	if (code)
		return code;
	config->probes.all.set = CONFIG_PROBES_OFF;
	config->probes.n_services = 0;
	config->census.enabled = false; /* it is made when it is asked for */
	config->probes.watch_writes = false;
	config->descriptors.hooks = CONFIG_FD_HOOKS_OFF;
	code = session_open(&l.session, config, &opts);
	if (!code)
		code = look(&l);
	session_close(&l.session);
	return code;
}

int cmd_census(const struct census_command *c, const char *text)
{
	struct reason reason = {};
	struct source *s;
	json_t *doc = NULL;
	pid_t pid;
	int code = cmd_parse_pid(c->command, text, &pid);

	log_set_level(LOG_ERROR);
	setlocale(LC_CTYPE, "");
	if (!code)
		code = source_open(c->source, &s);
	if (code)
		return code;
	if (kill(pid, 0) && errno == ESRCH) {
		source_close(s);
		return cmd_unknown_pid(c->command, pid);
	}
	if (s && !source_census(s, c->page, (uint32_t)pid, &doc, &reason))
		code = c->show(doc, pid);
	source_close(s);
	if (!doc)
		code = look_alone(c, pid);
	json_decref(doc);
	return cmd_flush(c->command) ?: code;
}
