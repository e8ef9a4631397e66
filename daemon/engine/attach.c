// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/attach.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "engine/golibs.h"
#include "engine/points.h"
#include "engine/sets.h"
#include "golang/godebug.h"
#include "probe/links.h"
#include "probe/scan.h"

DEFINE_CLEANUP(struct watch *, watch_free)

void attach_find_self(const struct turn *turn, struct attach_self *ret)
{
	char text[PROC_CGROUP_MAX];

	*ret = (struct attach_self){};
	if (!proc_cgroup(turn->procfd, getpid(), text, sizeof(text)))
		cgroup_service(text, ret->service, sizeof(ret->service));
	(void)proc_stat_exe(turn->procfd, getpid(), &ret->image);
}

static void find_service(const struct turn *turn, const struct attach_self *self, struct watch *w)
{
	char text[PROC_CGROUP_MAX];

	/* A login session, or one container for all, names no service of its own. */
	if (proc_cgroup(turn->procfd, w->pid, text, sizeof(text)) ||
	    cgroup_service(text, w->service, sizeof(w->service)) == CGROUP_NONE ||
	    !strcmp(w->service, self->service))
		snprintf(w->service, sizeof(w->service), "%s", w->name);
}

/* Its file, unless it has executed something else: then an event about that is on its way. */
static int open_file(const struct turn *turn, struct watch *w)
{
	struct proc_image file;
	int fd = proc_open_exe(turn->procfd, w->pid, &file);

	if (fd < 0)
		return fd;
	if (!proc_image_equal(&file, &w->image->file)) {
		close(fd);
		return -ESTALE;
	}
	snprintf(w->name, sizeof(w->name), "%s", file.name);
	if (w->image->exe_fd < 0)
		w->image->exe_fd = fd;
	else
		close(fd);
	return proc_start_ticks(turn->procfd, w->pid, &w->start_ticks);
}

static int find_bias(const struct turn *turn, struct watch *w)
{
	uint64_t entry;
	int err;

	if (!w->image->report->pie)
		return 0;
	err = proc_auxv(turn->procfd, w->pid, AT_ENTRY, &entry);
	if (err)
		return err;
	w->bias = entry - w->image->report->entry;
	return w->bias & 0xfff ? -EBADMSG : 0;
}

#define GODEBUG_TEXT_MAX 4096

/* The environment comes after the file. */
static void find_debug(const struct turn *turn, struct watch *w)
{
	char list[GODEBUG_TEXT_MAX];

	w->nil_stays = w->image->report->nil_stays;
	if (w->image->report->kind == IMAGE_GO &&
	    !proc_environment(turn->procfd, w->pid, "GODEBUG", list, sizeof(list)))
		(void)godebug_is_one(list, strlen(list), "panicnil", &w->nil_stays);
}

static int open_memory(struct turn *turn, struct watch *w)
{
	int err;

	w->memory = (struct memread_process){ .fd = proc_open_mem(turn->procfd, w->pid),
					      .pid = w->pid };
	if (w->memory.fd < 0)
		return w->memory.fd;
	err = find_bias(turn, w) ?: proc_clock_offset(turn->procfd, w->pid, &w->clock_ns);
	w->clock_ns -= turn->clock_ns;
	return err;
}

/* Nothing is attached to it, but its descriptors are counted. */
static void fail_watch(struct turn *turn, struct watch *w, enum attach_failure why,
		       const char *reason)
{
	turn->stats.failures[why]++;
	watch_limit(w, TARGET_FAILED, reason);
}

/* What is left out where each point is a perf event. */
static void limit_by_kernel(const struct turn *turn, struct watch *w)
{
	enum wish_point decided[PLAN_POINTS_MAX];
	struct wish_image im = watch_image(w);
	char text[REASON_MAX];

	wish_points(&w->wish, &im, turn_multi(turn), decided);
	for (unsigned i = 0; i < im.plan->n; i++) {
		if (decided[i] == WISH_PERF_FULL)
			watch_limit(w, TARGET_LIMITED,
				    "the full set needs uprobe_multi (Linux 6.6): the lean set is "
				    "attached");
		if (decided[i] != WISH_PERF_ROOM)
			continue;
		snprintf(text, sizeof(text),
			 "more than %d points need uprobe_multi (Linux 6.6): %s and the points "
			 "after it are not probed",
			 WISH_PERF_POINTS, im.plan->points[i].function);
		watch_limit(w, TARGET_LIMITED, text);
		return;
	}
}

static void limit_by_runtime(struct turn *turn, struct watch *w)
{
	const struct image_report *r = w->image->report;
	char text[REASON_MAX];

	if (r->kind == IMAGE_NONE)
		watch_limit(
			w, TARGET_LIMITED,
			"no Go program and no C program with a defer runtime: descriptors only");
	if (w->golib[0]) {
		watch_golib_reason(w->golib, text, sizeof(text));
		watch_limit(w, TARGET_LIMITED, text);
	}
	if (r->kind == IMAGE_GO && !r->error && !r->has_layout) {
		turn->stats.failures[ATTACH_VERSION]++;
		snprintf(text, sizeof(text),
			 "%s is older than Go 1.19: calls, sites and panics are counted; no depth, "
			 "goroutine or outcome",
			 r->go.text);
		watch_limit(w, TARGET_LIMITED, text);
	} else if (r->kind == IMAGE_GO && !r->error && r->layout.unverified) {
		snprintf(text, sizeof(text), "%s: trying the layout of Go 1.%u",
			 r->go.minor ? "newer than deferd knows" : "built by an unknown Go",
			 r->layout.minor);
		watch_limit(w, TARGET_LIMITED, text);
	}
	if (r->error)
		fail_watch(turn, w, ATTACH_IMAGE, r->reason);
}

static int choose(struct turn *turn, struct watch *w, struct points *p)
{
	struct reason reason = {};
	int err;

	limit_by_kernel(turn, w);
	limit_by_runtime(turn, w);
	err = points_choose(turn, w, &w->wish, p, &reason);
	if (!err || err == -ESRCH)
		return err;
	fail_watch(turn, w, ATTACH_BYTES, reason.text);
	return 0;
}

/* One whose points the kernel refuses is attached without: its descriptors can still be watched. */
static int attach_links(struct turn *turn, struct watch *w, struct points *p)
{
	struct probe_target t = points_target(turn, w, &w->wish, p);
	struct reason reason = {};
	int err = probe_attach(turn->probe, &t, &w->id, &reason);

	if (err && err != -ENOSPC && err != -ESRCH && p->n) {
		fail_watch(turn, w, ATTACH_KERNEL, reason.text);
		points_done(p);
		t = points_target(turn, w, &w->wish, p);
		err = probe_attach(turn->probe, &t, &w->id, &reason);
	}
	if (err == -ENOSPC)
		turn->stats.failures[ATTACH_SLOTS]++;
	w->attached = p->attached;
	w->n_calls = p->n_calls;
	return err;
}

static void log_attached(const struct watch *w, unsigned points)
{
	bool failed = w->state == TARGET_FAILED;
	struct log_line l;

	watch_log_begin(&l, failed ? LOG_WARN : LOG_INFO,
			failed ? "target cannot be probed" : "target attached", w);
	log_str(&l, "image", w->name);
	log_str(&l, "runtime", watch_version(w));
	log_u64(&l, "points", points);
	if (w->reason[0])
		log_str(&l, "reason", w->reason);
	log_emit(&l);
}

/* As probe_attach() has begun it. */
static void begin_wish(struct watch *w)
{
	const struct image_report *r = w->image->report;
	bool go = r->kind == IMAGE_GO && r->has_layout;

	w->layout = go ? LAYOUT_PENDING : LAYOUT_NONE;
	w->wish.layout = go && !r->layout.unverified;
	w->wish.panics = true;
	w->have = w->wish;
}

static void add_watch(struct turn *turn, struct watch *w, unsigned points)
{
	begin_wish(w);
	w->image->users++;
	turn->attached_ns = w->attached_ns;
	watch_add(&turn->watches, w);
	turn_announce(turn, w);
	log_attached(w, points);
}

int attach_process(struct turn *turn, const struct attach_self *self, pid_t pid, struct image *im)
{
	_cleanup_(watch_freep) struct watch *w = calloc(1, sizeof(*w));
	_cleanup_(points_done) struct points p = {};
	int err;

	if (!w)
		return -ENOMEM;
	*w = (struct watch){ .pid = pid,
			     .image = im,
			     .memory = { .fd = -1 },
			     .state = TARGET_OBSERVED,
			     .attached_ns = loop_now_ns() };
	err = open_file(turn, w);
	if (err)
		return err;
	find_service(turn, self, w);
	if (!config_wants_service(turn->config, w->service) && !turn->opts->only_pid)
		return 0;
	sets_configure(turn, w);
	find_debug(turn, w);
	err = open_memory(turn, w);
	if (err)
		return err;
	turn->stats.failures[ATTACH_LIBRARY] += golibs_find(turn->procfd, pid, w->golib);
	err = choose(turn, w, &p) ?: attach_links(turn, w, &p);
	if (err)
		return err;
	add_watch(turn, TAKE_PTR(w), p.n);
	return 0;
}

void attach_end(struct turn *turn, struct watch *w)
{
	struct event gone = turn_event(turn, w, EVENT_TARGET_GONE);
	const struct target *t;

	watch_remove(&turn->watches, w);
	probe_read_counts(turn->probe, w->id, turn->now_ns, turn_take, turn);
	t = model_target(turn->model, w->id);
	if (t && t->counts.panics)
		probe_read_recovers(turn->probe, turn->now_ns, turn_take, turn);
	probe_detach(turn->probe, w->id);
	turn_emit(turn, &gone);
	w->image->users--;
	watch_free(w);
}
