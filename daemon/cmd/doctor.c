// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What works on this host, what not, why, and what to do about it; and the plan for each process.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <deferd/control.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "engine/state.h"
#include "export/words.h"
#include "proc/procfs.h"

#define LOOK_MAX_NS 15000000000ull

static bool as_json, no_targets;
static const char *config_path;

static const struct cmd_option options[] = {
	{ "config.file", 'c', OPTION_STRING, &config_path, .arg = "FILE",
	  .help = "configuration; default: built-in values" },
	{ "json", 'j', OPTION_FLAG, &as_json, .help = "print JSON" },
	{ "no-targets", 0, OPTION_FLAG, &no_targets,
	  .help = "test the kernel only; do not attach to any process" },
	{},
};

static const char *const role_names[DFD_ROLE_MAX] = {
	[DFD_ROLE_PUSH_HEAP] = "push",     [DFD_ROLE_PUSH_STACK] = "push",
	[DFD_ROLE_PUSH_RANGE] = "push",    [DFD_ROLE_RUN] = "run",
	[DFD_ROLE_PANIC] = "panic",        [DFD_ROLE_RECOVER] = "recover",
	[DFD_ROLE_FATAL] = "fatal",        [DFD_ROLE_GOEXIT] = "goexit",
	[DFD_ROLE_RECOVER_CALL] = "asked", [DFD_ROLE_THROW] = "throw",
	[DFD_ROLE_DYING] = "dying",        [DFD_ROLE_C_PUSH] = "push",
	[DFD_ROLE_C_RUN] = "run",          [DFD_ROLE_C_PANIC] = "panic",
	[DFD_ROLE_C_RECOVER] = "recover",  [DFD_ROLE_HTTP_BEGIN] = "request",
	[DFD_ROLE_HTTP_END] = "request",   [DFD_ROLE_HTTP2_BEGIN] = "request",
	[DFD_ROLE_HTTP2_END] = "request",  [DFD_ROLE_GRPC_BEGIN] = "request",
	[DFD_ROLE_GRPC_END] = "request",   [DFD_ROLE_FLUSH] = "stream",
	[DFD_ROLE_STREAM] = "stream",      [DFD_ROLE_HIJACK] = "hijack",
};

/* The kernel */

static json_t *features_json(const struct kernel_features *f)
{
	json_t *list = json_array();

	for (int i = 0; i < KERNEL_FEATURE_MAX; i++) {
		const struct kernel_feature_doc *d = &kernel_feature_docs[i];

		json_array_append_new(list,
				      json_pack("{s:s,s:b,s:b,s:s,s:s,s:s,s:s}", "feature", d->name,
						"have", f->have[i], "required", d->required,
						"purpose", d->purpose, "why", f->why[i].text,
						"without", d->without, "remedy", d->remedy));
	}
	return list;
}

static void print_features(const struct kernel_features *f)
{
	printf("Linux %s", f->release);
	if (f->hit_ns[0] && f->hit_ns[1])
		printf(", a probe hit costs the program %.1f us here (%.1f us where an instruction "
		       "has to be single-stepped)",
		       (double)f->hit_ns[0] / 1e3, (double)f->hit_ns[1] / 1e3);
	printf("\n\n");
	for (int i = 0; i < KERNEL_FEATURE_MAX; i++) {
		const struct kernel_feature_doc *d = &kernel_feature_docs[i];

		printf("%-4s %-14s %s\n",
		       f->have[i]    ? "ok"
		       : d->required ? "NO"
				     : "no",
		       d->name, d->purpose);
		if (f->have[i])
			continue;
		printf("     %-14s why:     %s\n", "", f->why[i].text);
		printf("     %-14s instead: %s\n", "", d->without);
		printf("     %-14s remedy:  %s\n", "", d->remedy);
	}
}

/* What outlives a restart */

/* The folder of the unit, where neither configuration nor systemd names one. */
#define UNIT_STATE "/var/lib/deferd"

/* "": there is none. *ret_why is "" where all is well. */
static const char *look_at_state(const struct config *c, struct reason *ret_why)
{
	const char *dir = config_state_directory(c);

	*ret_why = (struct reason){};
	if (!*dir && !access(UNIT_STATE, F_OK))
		dir = UNIT_STATE;
	if (*dir && state_check(dir, ret_why) && !ret_why->text[0])
		reason_set(ret_why, 0, "it cannot be written");
	return dir;
}

static json_t *state_json(const struct config *c)
{
	struct reason why;
	const char *dir = look_at_state(c, &why);

	return json_pack("{s:s, s:b, s:s}", "directory", dir, "writable", *dir && !why.text[0],
			 "why", why.text);
}

static void print_state(const struct config *c)
{
	struct reason why;
	const char *dir = look_at_state(c, &why);

	printf("%-4s %-14s keeps alerts and what is usual when deferd restarts\n",
	       *dir && !why.text[0] ? "ok" : "no", "state");
	if (*dir && !why.text[0])
		return;
	if (*dir)
		printf("     %-14s why:     %s: %s\n", "", dir, why.text);
	else
		printf("     %-14s why:     no state.directory is set, and $STATE_DIRECTORY is not "
		       "either\n",
		       "");
	printf("     %-14s instead: each start of deferd learns anew and sends firing alerts "
	       "again\n"
	       "     %-14s remedy:  a folder that deferd may write, as state.directory\n",
	       "", "");
}

/* The processes */

static const char *point_why(const struct probe_point *pt)
{
	static char text[160];

	snprintf(
		text, sizeof(text), "%s%s", arch_rule_text(pt->rule),
		pt->skip_taken
			? "; hits that lead to stack growth are recognised by the flags and dropped"
			: "");
	return text;
}

/* What is attached in its place, or why nothing is. */
static const char *point_where(const struct watch *w, unsigned i, enum wish_point decided)
{
	const struct image *im = w->image;
	const struct probe_point *pt = &im->report->plan.points[i];
	static char text[160];
	unsigned n = 0;

	if (w->state == TARGET_FAILED)
		return "nothing is attached to this process";
	if (decided == WISH_ATTACHED)
		return point_why(pt);
	if (decided != WISH_BY_CALLS)
		return wish_point_text(decided);
	for (uint32_t c = 0; c < im->n_calls; c++)
		n += im->calls[c].role == pt->role;
	snprintf(text, sizeof(text), "at its %u calls, one by one", n);
	return text;
}

/* What is attached, by what the process has now. */
static void decide_points(const struct engine *e, const struct watch *w,
			  enum wish_point ret[static PLAN_POINTS_MAX])
{
	struct wish_image im = watch_image(w);

	wish_points(&w->have, &im, engine_multi(e), ret);
}

static bool is_attached(const struct watch *w, unsigned i)
{
	return w->image->report->plan.points[i].sets & (PLAN_SET_LEAN | PLAN_SET_FULL)
		       ? w->attached >> i & 1
		       : w->have.timed;
}

/* Why its goroutines cannot be read; "": they can. */
static const char *census_why(struct engine *e, const struct target *t)
{
	static struct reason reason;
	struct show_census census;
	int err;

	reason = (struct reason){};
	err = engine_last_census(e, (pid_t)t->pid, &census, &reason);
	return err && err != -EAGAIN ? reason.text : ""; /* EAGAIN: the first one is to come */
}

static json_t *point_json(const struct watch *w, unsigned i, enum wish_point decided)
{
	const struct probe_point *pt = &w->image->report->plan.points[i];

	return json_pack("{s:s,s:s,s:I,s:i,s:s,s:b,s:b,s:s}", "role", role_names[pt->role],
			 "function", pt->function, "file_offset",
			 (json_int_t)(pt->file_off - pt->offset), "offset", pt->offset,
			 "instruction", pt->insn, "emulated", pt->emulated, "attached",
			 is_attached(w, i), "why", point_where(w, i, decided));
}

static json_t *absent_json(const struct plan_absent *a)
{
	return json_pack("{s:s,s:s,s:b,s:s}", "role", role_names[a->role], "function", a->function,
			 "normal", a->normal, "why", a->why);
}

static json_t *target_json(struct engine *e, const struct target *t)
{
	const struct watch *w = engine_watch(e, t->id);
	json_t *points = json_array(), *absent = json_array();
	enum wish_point decided[PLAN_POINTS_MAX];

	if (w)
		decide_points(e, w, decided);
	for (unsigned i = 0; w && i < w->image->report->plan.n; i++)
		json_array_append_new(points, point_json(w, i, decided[i]));
	for (unsigned i = 0; w && i < w->image->report->plan.nabsent; i++)
		json_array_append_new(absent, absent_json(&w->image->report->plan.absent[i]));
	return json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:o}", "pid", t->pid, "service",
			 t->service->name, "image", t->image, "runtime",
			 view_runtime_names[t->runtime], "version", t->version, "state",
			 view_state_names[t->state], "reason", t->reason, "no_census",
			 census_why(e, t), "points", points, "absent", absent);
}

static void print_points(const struct engine *e, const struct watch *w)
{
	const struct plan *plan = &w->image->report->plan;
	enum wish_point decided[PLAN_POINTS_MAX];

	decide_points(e, w, decided);
	for (unsigned i = 0; i < plan->n; i++) {
		const struct probe_point *pt = &plan->points[i];

		printf("  %-7s %-24s +0x%-3x %-26s %-13s %s\n", role_names[pt->role], pt->function,
		       pt->offset, pt->insn, pt->emulated ? "emulated" : "single-step",
		       point_where(w, i, decided[i]));
	}
	for (unsigned i = 0; i < plan->nabsent; i++) {
		const struct plan_absent *a = &plan->absent[i];

		printf("  %-7s %-24s %s%s\n", role_names[a->role], a->function, a->why,
		       a->normal ? " (normal: the program does not use it)" : "");
	}
}

static void print_target(struct engine *e, const struct target *t)
{
	const struct watch *w = engine_watch(e, t->id);

	printf("\n%s, pid %u (%s, %s%s): %s%s%s\n", t->service->name, t->pid, t->image,
	       t->runtime == RUNTIME_C ? "C" : t->version,
	       w && w->image->report->pie ? ", PIE" : "", view_state_names[t->state],
	       t->reason[0] ? ": " : "", t->reason);
	if (t->runtime == RUNTIME_GO)
		printf("  %-7s %s%s\n", "census", census_why(e, t)[0] ? "none: " : "all goroutines",
		       census_why(e, t));
	if (w)
		print_points(e, w);
}

static json_t *targets_json(struct engine *e)
{
	json_t *list = json_array();

	for (const struct target *t = model_targets(engine_model(e)); t; t = t->hh.next)
		json_array_append_new(list, target_json(e, t));
	return list;
}

static void print_targets(struct engine *e)
{
	const struct target *t = model_targets(engine_model(e));
	struct engine_stats st;

	if (!t)
		printf("\nNo Go program and no C program with a defer runtime is running.\n");
	for (; t; t = t->hh.next)
		print_target(e, t);
	engine_get_stats(e, &st);
	for (int i = 0; i < ATTACH_FAILURE_MAX; i++) {
		if (st.failures[i])
			printf("\n%llu attach failures: %s\n", (unsigned long long)st.failures[i],
			       attach_failure_names[i]);
	}
}

static int print_verdict(const struct kernel_features *f)
{
	struct reason reason = {};

	switch (kernel_verdict(f, &reason)) {
	case KERNEL_UNPRIVILEGED:
		fprintf(stderr, "deferd doctor: privilege is missing: %s\n", reason.text);
		return EXIT_PRIVILEGE;
	case KERNEL_CANNOT:
		fprintf(stderr, "deferd doctor: this kernel lacks a required feature: %s\n",
			reason.text);
		return EXIT_KERNEL;
	default:
		return EXIT_GOOD;
	}
}

static int kernel_only(const struct kernel_features *f, const struct config *c)
{
	if (as_json) {
		json_t *o = json_pack("{s:s,s:o,s:o}", "kernel", f->release, "features",
				      features_json(f), "state", state_json(c));

		json_dumpf(o, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(o);
	} else {
		print_features(f);
		print_state(c);
	}
	return print_verdict(f);
}

/* Where programs start all the time there is always one more to look at. */
static int look_around(struct session *s)
{
	uint64_t end_ns = loop_now_ns() + LOOK_MAX_NS;
	int err = 0;

	while (!err && !engine_steady(s->engine) && loop_now_ns() < end_ns)
		err = loop_turn(s->loop, 1000);
	return err;
}

static int with_targets(struct session *s)
{
	bool complete;

	if (look_around(s))
		return EXIT_FAILED;
	complete = engine_steady(s->engine);
	if (as_json) {
		json_t *o = json_pack("{s:s,s:o,s:o,s:o,s:b}", "kernel", s->features.release,
				      "features", features_json(&s->features), "state",
				      state_json(s->config), "targets", targets_json(s->engine),
				      "complete", complete);

		json_dumpf(o, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(o);
	} else {
		print_features(&s->features);
		print_state(s->config);
		print_targets(s->engine);
		if (!complete)
			printf("\nNot all processes were looked at in %llu s: programs start all "
			       "the "
			       "time on this host.\n",
			       LOOK_MAX_NS / 1000000000ull);
	}
	return EXIT_GOOD;
}

static int run(int argc, char **argv)
{
	struct engine_opts opts = {};
	struct kernel_features f;
	struct session s;
	struct config *config;
	struct reason reason;
	_cleanup_close_ int procfd = proc_open("/proc");
	int code = session_load_config(config_path, &config);

	if (code)
		return code;
	log_set_level(LOG_ERROR);
	kernel_probe_features(procfd, &f);
	if (no_targets || kernel_verdict(&f, &reason) != KERNEL_GOOD) {
		code = kernel_only(&f, config);
		config_free(config);
		return code;
	}
	code = session_open(&s, config, &opts);
	if (!code)
		code = with_targets(&s);
	session_close(&s);
	return code;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.summary = "what works on this host, what is missing, the remedy, and the probe plan of "
		   "each process",
	.usage = "[OPTIONS]",
	.details = "Attaches to the processes that it finds for a moment, in the same way as the "
		   "daemon.\n",
	.options = options,
	.run = run,
};
