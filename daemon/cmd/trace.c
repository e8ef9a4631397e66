// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Every event of one process, as it happens. Stands alone: the daemon, if one runs, goes on
 * undisturbed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <deferd/record.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "export/trace_view.h"
#include "export/words.h"
#include "model/panics.h"

#define EVENTS_HELD_MAX 65536 /* events that wait for the names of their sites */
#define HOLD_NS         300000000ull
#define HOLD_MAX_NS \
	5000000000ull /* for names that are on their way: a worker may wait for a processor */

static bool as_json, lean, no_fds;
static uint32_t limit_events, limit_seconds;
static const char *config_path, *fd_hooks;

static const struct cmd_option options[] = {
	{ "config.file", 'c', OPTION_STRING, &config_path, .arg = "FILE",
	  .help = "configuration; default: built-in values" },
	{ "json", 'j', OPTION_FLAG, &as_json, .help = "one JSON object per line" },
	{ "lean", 0, OPTION_FLAG, &lean,
	  .help = "trace only panics and defers in loops: cheap for the process" },
	{ "fd-hooks", 0, OPTION_STRING, &fd_hooks, .arg = "KIND",
	  .help = "hooks on opens and closes: auto, fentry, kprobe, tracepoint or off" },
	{ "no-fds", 0, OPTION_FLAG, &no_fds, .help = "do not trace descriptors" },
	{ "events", 'n', OPTION_U32, &limit_events, .min = 1, .max = UINT32_MAX, .arg = "N",
	  .help = "stop after N events" },
	{ "seconds", 's', OPTION_U32, &limit_seconds, .min = 1, .max = 86400, .arg = "N",
	  .help = "stop after N seconds" },
	{},
};

/* An event waits a moment, so that the worker can name the lines it speaks of. */
struct held {
	struct held *next;
	struct event ev;
	/* Of its target, which may be gone when it is printed. */
	uint32_t image_id;
	enum runtime_kind runtime;
};

struct trace {
	struct session session;
	uint64_t begin_ns;
	uint64_t printed, skipped;
	struct held *first, **tail;
	unsigned n_held;
	bool gone;
	bool stop; /* by the limit, the time or a signal; may come before the loop runs */
};

static void print_place(const struct code_line *c)
{
	char place[CODE_LINE_MAX] = "?";

	if (c)
		code_line_print(c, CODE_LINE_PLAIN, place, sizeof(place));
	printf("  %s", place);
}

static void print_who(const struct event *ev, bool thread, uint64_t goid)
{
	if (thread)
		printf(" thread %-8u", ev->tid);
	else
		printf(" g %-8llu", (unsigned long long)goid);
}

static void print_call(struct trace *t, const struct held *h)
{
	struct model *m = engine_model(t->session.engine);
	const struct event *ev = &h->ev;
	const struct event_call *c = &ev->call;
	const struct name *fn;

	printf("%-8s", ev->type == EVENT_DEPTH ? "crossing" : view_call_names[c->kind]);
	print_who(ev, c->lowering == LOWERING_C, c->goid);
	printf(" depth %u%s", c->depth, c->inferred ? "?" : "");
	if (c->kind == CALL_PUSH)
		printf(" %s", view_lowering_names[c->lowering]);
	if (c->kind == CALL_RUN && c->lowering != LOWERING_C)
		printf(" ran %llu", (unsigned long long)c->ran);
	if (h->image_id && c->fn) {
		fn = model_name(m, h->image_id, NAME_OF_FUNCTION, c->fn);
		printf(" defers %s", fn ? fn->at.function : "?");
	}
	if (h->image_id && c->nstack)
		print_place(model_user_frame(m, h->image_id, h->runtime, c->stack, c->nstack));
	putchar('\n');
}

static void print_panic(struct trace *t, const struct held *h)
{
	struct model *m = engine_model(t->session.engine);
	const struct event *ev = &h->ev;
	const struct event_panic *p = &ev->panic;
	char text[MODEL_FUNC_MAX];

	printf("%-8s", view_step_names[p->step]);
	print_who(ev, p->c, p->goid);
	if (p->step == PANIC_STARTED)
		printf(" #%llu", (unsigned long long)p->id);
	for (unsigned i = 0; i < p->nclosed; i++)
		printf(" #%llu %s", (unsigned long long)p->closed[i].id,
		       view_outcome_names[p->closed[i].outcome]);
	if (!h->image_id) {
		putchar('\n');
		return;
	}
	(void)model_panic_type(m, h->image_id, p, text, sizeof(text));
	if (text[0])
		printf(" %s", text);
	(void)model_panic_message(m, h->image_id, p, text, sizeof(text));
	if (text[0])
		printf(" \"%s\"", text);
	if (p->frame) {
		const struct name *n = model_site_name(m, h->image_id, p->frame);

		printf("  in");
		print_place(n ? &n->at : NULL);
	} else if (p->nstack) {
		print_place(model_user_frame(m, h->image_id, h->runtime, p->stack, p->nstack));
	}
	putchar('\n');
}

static void print_text(struct trace *t, const struct held *h)
{
	const struct event *ev = &h->ev;

	printf("%12.6f ", ((double)ev->time_ns - (double)t->begin_ns) / 1e9);
	switch (ev->type) {
	case EVENT_FD:
		if (ev->fd.closing)
			printf("close    thread %-8u fd %d%s%s\n", ev->tid, ev->fd.fd,
			       ev->fd.ret < 0 ? ": " : "",
			       ev->fd.ret < 0 ? strerror(-ev->fd.ret) : "");
		else if (ev->fd.ret < 0)
			printf("open     thread %-8u failed: %s\n", ev->tid, strerror(-ev->fd.ret));
		else
			printf("open     thread %-8u fd %d (syscall %u)\n", ev->tid, ev->fd.fd,
			       ev->fd.syscall);
		break;
	case EVENT_LOST:
		printf("lost     %llu records: the process is faster than this trace\n",
		       (unsigned long long)ev->lost);
		break;
	case EVENT_TARGET:
		printf("target   %s (%s), %s %s\n", ev->info.service, ev->info.version,
		       view_state_names[ev->info.state], ev->info.reason);
		break;
	case EVENT_PANIC:
		print_panic(t, h);
		break;
	default:
		print_call(t, h);
	}
}

static void stop(struct trace *t)
{
	t->stop = true;
	loop_stop(t->session.loop);
}

static void print_event(struct trace *t, const struct held *h)
{
	json_t *o;

	if (!as_json) {
		print_text(t, h);
	} else if ((o = view_event(engine_model(t->session.engine), h->image_id, h->runtime,
				   &h->ev))) {
		json_dumpf(o, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(o);
	}
	if (h->ev.type != EVENT_TARGET && limit_events && ++t->printed >= limit_events)
		stop(t);
}

static void flush_held(struct trace *t, uint64_t before_ns)
{
	while (t->first && t->first->ev.time_ns <= before_ns &&
	       !(limit_events && t->printed >= limit_events)) {
		struct held *h = t->first;

		t->first = h->next;
		if (!t->first)
			t->tail = &t->first;
		t->n_held--;
		print_event(t, h);
		free(h);
	}
	fflush(stdout);
}

static void hold(struct trace *t, const struct event *ev)
{
	const struct target *target = model_target(engine_model(t->session.engine), ev->target);
	/* What was lost speaks for many; there is one a second at most. */
	bool room = t->n_held < EVENTS_HELD_MAX || ev->type == EVENT_LOST;
	struct held *h = room ? malloc(sizeof(*h)) : NULL;

	if (!h) {
		t->skipped++;
		return;
	}
	*h = (struct held){ .ev = *ev };
	if (target) {
		h->image_id = target->image_id;
		h->runtime = target->runtime;
	}
	*t->tail = h;
	t->tail = &h->next;
	t->n_held++;
}

/* It follows its panic. */
static void say(struct trace *t, const struct event_panic_text *in)
{
	struct held *h = t->first;

	while (h && (h->ev.type != EVENT_PANIC || h->ev.panic.id != in->panic))
		h = h->next;
	if (!h)
		return;
	h->ev.panic.said = PANIC_SAID;
	h->ev.panic.said_len = in->len;
	memcpy(h->ev.panic.said_text, in->text, in->len);
}

/* The worker looks the names up while the event is held. Those of panics the model asks for. */
static void want_names(struct model *m, const struct event *ev)
{
	const struct target *target = model_target(m, ev->target);

	if (!target || ev->type == EVENT_PANIC)
		return;
	(void)model_user_frame(m, target->image_id, target->runtime, ev->call.stack,
			       ev->call.nstack);
	if (ev->call.fn)
		(void)model_name(m, target->image_id, NAME_OF_FUNCTION, ev->call.fn);
}

static void on_event(void *arg, const struct event *ev)
{
	struct trace *t = arg;
	struct held now = { .ev = *ev };

	switch (ev->type) {
	case EVENT_TARGET:
		/* Its strings are borrowed for this call only. */
		print_event(t, &now);
		break;
	case EVENT_TARGET_GONE:
		t->gone = true;
		loop_stop(t->session.loop);
		break;
	case EVENT_DEPTH:
	case EVENT_PANIC:
	case EVENT_CALL:
		want_names(engine_model(t->session.engine), ev);
		hold(t, ev);
		break;
	case EVENT_PANIC_TEXT:
		say(t, &ev->panic_text);
		break;
	case EVENT_FD:
	case EVENT_LOST:
		if (ev->type != EVENT_FD || !no_fds)
			hold(t, ev);
		break;
	default:
		break;
	}
}

static void on_timer(void *arg, uint64_t now_ns)
{
	struct trace *t = arg;

	flush_held(t, now_ns - (model_awaits_names(engine_model(t->session.engine)) ? HOLD_MAX_NS
										    : HOLD_NS));
	if (limit_seconds && now_ns - t->begin_ns > limit_seconds * 1000000000ull)
		stop(t);
}

static void on_signal(void *arg, int signo)
{
	stop(arg);
}

/* The last words of a process that died are the ones that matter: give their lines time. */
static void name_the_rest(struct trace *t)
{
	uint64_t end = loop_now_ns() + HOLD_MAX_NS + HOLD_NS;

	while (t->gone && t->first && loop_now_ns() < end) {
		if (loop_turn(t->session.loop, 50))
			return;
	}
}

static int follow(struct trace *t, pid_t pid)
{
	const struct target *target;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (!loop_add_signals(t->session.loop, &set, on_signal, t) ||
	    !loop_add_timer(t->session.loop, 100000000, on_timer, t))
		return EXIT_FAILED;
	while (!engine_settled(t->session.engine) && !t->gone && !t->stop) {
		if (loop_turn(t->session.loop, 100))
			return EXIT_FAILED;
	}
	target = model_target_by_pid(engine_model(t->session.engine), pid);
	if (!target && !t->gone && !t->stop && kill(pid, 0) && errno == ESRCH)
		return cmd_unknown_pid(&cmd_trace, pid);
	if (!target && !t->gone && !t->stop) {
		fprintf(stderr,
			"deferd trace: process %d is neither a Go program nor a C program with a "
			"defer runtime\n",
			pid);
		return EXIT_FAILED;
	}
	if (target && target->state == TARGET_FAILED) {
		fprintf(stderr, "deferd trace: process %d cannot be probed: %s\n", pid,
			target->reason);
		return EXIT_FAILED;
	}
	if (!t->gone && !t->stop && loop_run(t->session.loop))
		return EXIT_FAILED;
	name_the_rest(t);
	flush_held(t, UINT64_MAX);
	if (t->gone && !t->stop)
		fprintf(stderr, "deferd trace: process %d ended\n", pid);
	if (t->skipped)
		fprintf(stderr,
			"deferd trace: %llu events were not shown: too many at the same time\n",
			(unsigned long long)t->skipped);
	return EXIT_GOOD;
}

static int run(int argc, char **argv)
{
	struct trace t = { .tail = &t.first };
	struct engine_opts opts = {
		.trace = true, .fd_hooks = true, .on_event = on_event, .arg = &t
	};
	struct config *config;
	pid_t pid;
	int code = cmd_parse_pid(&cmd_trace, argv[0], &pid);

	if (!code)
		code = session_load_config(config_path, &config);
	if (code)
		return code;
	if (fd_hooks && (config->descriptors.hooks = config_fd_hooks_of(fd_hooks)) < 0) {
		fprintf(stderr,
			"deferd trace: --fd-hooks: '%s' is not auto, fentry, kprobe, tracepoint or "
			"off\n",
			fd_hooks);
		return EXIT_USAGE;
	}
	log_set_level(LOG_WARN);
	config->probes.all.set = lean ? CONFIG_PROBES_LEAN : CONFIG_PROBES_FULL;
	config->probes.n_services = 0;
	if (config->limits.ring_bytes < 16u << 20)
		config->limits.ring_bytes = 16u << 20; /* every hit is a record here */
	if (no_fds)
		config->descriptors.hooks = CONFIG_FD_HOOKS_OFF;
	opts.only_pid = pid;
	t.begin_ns = loop_now_ns();
	code = session_open(&t.session, config, &opts);
	if (!code)
		code = follow(&t, pid);
	session_close(&t.session);
	return code;
}

const struct command cmd_trace = {
	.name = "trace",
	.summary = "every event of one process: pushes, runs, panics, descriptors",
	.usage = "[OPTIONS] PID",
	.details = "Uses the full probe set, which costs the process a trap for each defer; --lean "
		   "costs next to nothing.\n"
		   "Times are seconds since the trace began. '?' after a depth means inferred.\n",
	.options = options,
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
