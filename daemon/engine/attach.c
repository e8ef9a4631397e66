// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <deferd/control.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/engine_priv.h"

/*
 * A breakpoint of somebody else (a debugger, another tracer) at the same place: the kernel copes
 * with several.
 */
#define INT3 0xcc

/* Of a process that has one in a library, whatever its own file has. */
static void golib_reason(char *ret, size_t size, const char *library)
{
	snprintf(ret, size,
		 "the Go runtime in its library %s is not observed: goroutines, defers and panics "
		 "there are "
		 "not seen",
		 library);
}

struct draft {
	struct image *image;
	struct proc_image file;
	int exe_fd;
	int memfd;
	uint64_t start_ticks;
	uint64_t bias;
	int64_t clock_ns;
	unsigned n;
	struct probe_point *points; /* room for PROBE_POINTS_MAX */
	char service[CGROUP_SERVICE_MAX];
	enum target_state state;
	char reason[REASON_MAX];
	char golib[PROC_NAME_MAX];
	struct watch_probes probes;
	enum budget_level level;
	unsigned n_pruned; /* see struct watch */
	const uint32_t *pruned;
};

static void draft_done(struct draft *d)
{
	if (d->exe_fd >= 0)
		close(d->exe_fd);
	if (d->memfd >= 0)
		close(d->memfd);
	free(d->points);
}

static enum runtime_kind runtime_of(const struct image_report *r)
{
	if (r->kind == IMAGE_NONE)
		return RUNTIME_NONE;
	return r->kind == IMAGE_GO ? RUNTIME_GO : RUNTIME_C;
}

/* What a person calls the runtime. */
static const char *version_of(const struct image_report *r)
{
	static const char *const names[] = { "-", NULL, "c" };
	enum runtime_kind kind = runtime_of(r);

	return kind == RUNTIME_GO ? r->go.text : names[kind];
}

static int limit(struct engine *e, struct draft *d, enum attach_failure why,
		 enum target_state state, const char *text)
{
	e->stats.failures[why]++;
	d->state = state;
	d->n = 0;
	snprintf(d->reason, sizeof(d->reason), "%s", text);
	return 0;
}

static int identify(struct engine *e, pid_t pid, struct draft *d)
{
	char text[PROC_CGROUP_MAX];
	int err;

	d->exe_fd = proc_open_exe(e->procfd, pid, &d->file);
	if (d->exe_fd < 0)
		return d->exe_fd;
	if (!proc_image_equal(&d->file, &d->image->file))
		return -ESTALE; /* it has executed something else; an event about that is on its way */
	err = proc_start_ticks(e->procfd, pid, &d->start_ticks);
	if (err)
		return err;
	/*
	 * A cgroup that we sit in ourselves (a login session, one container for all) names no
	 * service of its own.
	 */
	if (proc_cgroup(e->procfd, pid, text, sizeof(text)) ||
	    cgroup_service(text, d->service, sizeof(d->service)) == CGROUP_NONE ||
	    !strcmp(d->service, e->own_service))
		snprintf(d->service, sizeof(d->service), "%s", d->file.name);
	return 0;
}

static int load_bias(struct engine *e, pid_t pid, struct draft *d)
{
	uint64_t entry;
	int err;

	if (!d->image->report->pie)
		return 0;
	err = proc_auxv(e->procfd, pid, AT_ENTRY, &entry);
	if (err)
		return err;
	d->bias = entry - d->image->report->entry;
	return d->bias & 0xfff ? -EBADMSG : 0;
}

/*
 * The planned bytes must stand in the file and in the process: somebody may have replaced either.
 */
static int verify_point(const struct draft *d, const struct probe_point *pt, struct reason *reason)
{
	uint8_t file[16], mem[16];
	size_t n = pt->insn_len;

	if (pread(d->exe_fd, file, n, pt->file_off) != (ssize_t)n || memcmp(file, pt->bytes, n))
		return reason_set(reason, -EBADMSG,
				  "the file changed at %s+0x%x since it was inspected",
				  pt->function, pt->offset);
	if (pread(d->memfd, mem, n, pt->va + d->bias) != (ssize_t)n)
		return reason_set(reason, -ESRCH, "memory at %s+0x%x cannot be read", pt->function,
				  pt->offset);
	if (mem[0] == INT3)
		mem[0] = file[0];
	if (memcmp(mem, file, n))
		return reason_set(
			reason, -EBADMSG,
			"memory differs from the file at %s+0x%x: is the program patched?",
			pt->function, pt->offset);
	return 0;
}

int attach_verify(const struct watch *w, const struct probe_point *points, unsigned n,
		  struct reason *reason)
{
	struct draft d = { .exe_fd = w->image->exe_fd, .memfd = w->memory.fd, .bias = w->bias };
	int err = 0;

	for (unsigned i = 0; i < n && !err; i++)
		err = verify_point(&d, &points[i], reason);
	return err;
}

static void decide_probes(struct engine *e, struct draft *d)
{
	struct config_probes p = config_probes_of(e->config, d->service);

	d->probes = (struct watch_probes){ .set = p.set, .budget_percent = p.budget_percent };
}

/*
 * Perf events take 0.1 s each to detach, one after the other, so without uprobe_multi there are few
 * of them: the lean set without what the ledger can do without.
 */
static bool is_extra(const struct probe_point *pt)
{
	return pt->role == DFD_ROLE_GOEXIT || pt->role == DFD_ROLE_RECOVER_CALL ||
	       pt->role == DFD_ROLE_THROW || pt->role == DFD_ROLE_DYING;
}

static bool perf_leaves_out(const struct engine *e, const struct probe_point *pt)
{
	return !e->features->have[KERNEL_UPROBE_MULTI] &&
	       (!(pt->sets & PLAN_SET_LEAN) || is_extra(pt));
}

static bool wanted(const struct engine *e, const struct draft *d, const struct probe_point *pt)
{
	/* Bursts that cannot be are told as the full set is. */
	bool burst = d->probes.burst || !e->features->have[KERNEL_UPROBE_MULTI];

	return sets_want(d->probes.set, burst, pt) && governor_allows(d->level, pt);
}

/* Cheaper, since the site is known without a read, and one can be left out. */
bool engine_by_calls(const struct engine *e, const struct image *im, const struct probe_point *pt)
{
	return im->calls_complete && e->features->have[KERNEL_UPROBE_MULTI] && governor_is_push(pt);
}

static int add_point(struct engine *e, struct draft *d, const struct probe_point *pt,
		     struct reason *reason)
{
	int err = verify_point(d, pt, reason);

	if (!err)
		d->points[d->n++] = *pt;
	return err;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int choose_calls(struct engine *e, struct draft *d, struct reason *reason)
{
	int err = 0;

	for (uint32_t i = 0; i < d->image->n_calls && !err; i++) {
		const struct callsite *c = &d->image->calls[i];
		struct probe_point pt;

		callsite_point(c, &pt);
		if (!wanted(e, d, &pt) || !engine_by_calls(e, d->image, &pt))
			continue;
		if (d->level == BUDGET_PRUNED && d->n_pruned &&
		    bsearch(&c->func, d->pruned, d->n_pruned, sizeof(c->func), by_value))
			continue;
		err = add_point(e, d, &pt, reason);
	}
	return err;
}

static int choose_points(struct engine *e, struct draft *d, struct reason *reason)
{
	const struct plan *plan = &d->image->report->plan;

	d->points = malloc(PROBE_POINTS_MAX * sizeof(*d->points));
	if (!d->points)
		return reason_set(reason, -ENOMEM, "out of memory");
	for (unsigned i = 0; i < plan->n; i++) {
		const struct probe_point *pt = &plan->points[i];
		int err;

		if (!wanted(e, d, pt) || engine_by_calls(e, d->image, pt))
			continue;
		if (perf_leaves_out(e, pt)) {
			if (!is_extra(pt)) {
				d->state = TARGET_LIMITED;
				snprintf(d->reason, sizeof(d->reason),
					 "the full set needs uprobe_multi (Linux 6.6): the lean "
					 "one is attached");
			}
			continue;
		}
		if (d->n == PROBE_PERF_POINTS_MAX && !e->features->have[KERNEL_UPROBE_MULTI]) {
			d->state = TARGET_LIMITED;
			snprintf(d->reason, sizeof(d->reason),
				 "more than %d points need uprobe_multi (Linux 6.6): %s and what "
				 "follows is not probed",
				 PROBE_PERF_POINTS_MAX, pt->function);
			break;
		}
		err = add_point(e, d, pt, reason);
		if (err)
			return err;
	}
	return choose_calls(e, d, reason);
}

static int plan_points(struct engine *e, struct draft *d)
{
	const struct image_report *r = d->image->report;
	struct reason reason = {};
	int err;

	if (r->kind == IMAGE_NONE || d->golib[0]) {
		d->state = TARGET_LIMITED;
		snprintf(d->reason, sizeof(d->reason),
			 "no Go program and no C program with a defer runtime: descriptors only");
	}
	if (d->golib[0])
		golib_reason(d->reason, sizeof(d->reason), d->golib);
	if (r->kind == IMAGE_NONE)
		return 0;
	if (r->error)
		return limit(e, d, ATTACH_IMAGE, TARGET_FAILED, r->reason);
	err = choose_points(e, d, &reason);
	if (err == -ESRCH)
		return err;
	if (err)
		return limit(e, d, ATTACH_BYTES, TARGET_FAILED, reason.text);
	if (r->kind == IMAGE_GO && !r->has_layout) {
		e->stats.failures[ATTACH_VERSION]++;
		d->state = TARGET_LIMITED;
		snprintf(d->reason, sizeof(d->reason),
			 "%s is older than Go 1.19: calls, sites and panics are counted; no depth, "
			 "goroutine or outcome",
			 r->go.text);
	} else if (r->kind == IMAGE_GO && r->layout.unverified) {
		d->state = TARGET_LIMITED;
		snprintf(d->reason, sizeof(d->reason), "%s: trying the layout of Go 1.%u",
			 r->go.minor ? "newer than deferd knows" : "built by an unknown Go",
			 r->layout.minor);
	}
	return 0;
}

static bool sees_all(const struct engine *e, const struct watch *w)
{
	return e->features->have[KERNEL_UPROBE_MULTI] && w->budget.level == BUDGET_WHOLE &&
	       w->state != TARGET_FAILED &&
	       (w->probes.set == CONFIG_PROBES_FULL || w->probes.burst);
}

static void announce(struct engine *e, struct watch *w, const struct draft *d)
{
	const struct image_report *r = d->image->report;
	struct event ev = {
		.type = EVENT_TARGET, .target = w->id, .pid = w->pid, .time_ns = e->now_ns
	};

	w->state = d->state;
	snprintf(w->reason, sizeof(w->reason), "%s", d->reason);
	ev.info = (struct event_target){
		.service = d->service,
		.image = d->file.name,
		.version = version_of(r),
		.reason = d->reason,
		.runtime = runtime_of(r),
		.state = d->state,
		.start_ticks = d->start_ticks,
		.image_id = d->image->id,
		.probes = config_probe_set_names[d->probes.set],
		.budget_percent = d->probes.budget_percent,
		.full = sees_all(e, w),
		.p95_ns = config_p95_of(e->config, d->service),
	};
	engine_emit(e, &ev);
}

/* Copies, since the model's own are replaced. */
void watch_announce(struct engine *e, struct watch *w)
{
	const struct target *t = model_target(e->model, w->id);
	char service[MODEL_NAME_MAX], image[MODEL_NAME_MAX], version[MODEL_NAME_MAX];
	char reason[sizeof(w->reason)];
	struct event ev = {
		.type = EVENT_TARGET, .target = w->id, .pid = w->pid, .time_ns = e->now_ns
	};
	bool cut = w->budget.level != BUDGET_WHOLE;
	enum target_state state = w->state;

	if (!t)
		return;
	memcpy(service, t->service->name, sizeof(service));
	memcpy(image, t->image, sizeof(image));
	memcpy(version, t->version, sizeof(version));
	snprintf(reason, sizeof(reason), "%s", w->reason);
	if (state == TARGET_OBSERVED && (cut || w->golib[0]))
		state = TARGET_LIMITED;
	if (w->golib[0] && w->state == TARGET_OBSERVED)
		golib_reason(reason, sizeof(reason), w->golib);
	if (cut)
		snprintf(reason, sizeof(reason), "probes cost more than %g%% of a core: %s",
			 w->probes.budget_percent, budget_level_text(w->budget.level));
	ev.info = (struct event_target){
		.service = service,
		.image = image,
		.version = version,
		.reason = reason,
		.runtime = t->runtime,
		.state = state,
		.start_ticks = t->start_ticks,
		.image_id = t->image_id,
		.probes = config_probe_set_names[w->probes.set],
		.chosen = w->probes.chosen,
		.budget_percent = w->probes.budget_percent,
		.full = sees_all(e, w),
		.level = w->budget.level,
		.timed_every = w->timing.every,
		.p95_ns = config_p95_of(e->config, service),
	};
	engine_emit(e, &ev);
}

static void log_attached(const struct engine *e, const struct watch *w, const struct draft *d)
{
	const struct image_report *r = d->image->report;
	struct log_line l;

	log_begin(&l, d->state == TARGET_FAILED ? LOG_WARN : LOG_INFO,
		  d->state == TARGET_FAILED ? "target cannot be probed" : "target attached");
	log_str(&l, "service", d->service);
	log_u64(&l, "pid", w->pid);
	log_str(&l, "image", d->file.name);
	log_str(&l, "runtime", version_of(r));
	log_u64(&l, "points", d->n);
	if (d->reason[0])
		log_str(&l, "reason", d->reason);
	log_emit(&l);
}

static struct probe_target target_of(struct engine *e, pid_t pid, const struct draft *d,
				     bool suspect)
{
	const struct image_report *r = d->image->report;

	return (struct probe_target){
		.pid = pid,
		.runtime = runtime_of(r),
		.exe_fd = d->exe_fd,
		.bias = d->bias,
		.injected = r->injected,
		.layout = r->has_layout && !r->layout.unverified ? &r->layout : NULL,
		.points = d->points,
		.n = d->n,
		.hits_max = governor_hits_max(e, &d->probes, suspect),
		.stepped_hits = governor_stepped_hits(e),
		.trace = e->opts.trace,
	};
}

static int attach_links(struct engine *e, pid_t pid, struct draft *d, uint32_t *ret_id,
			struct reason *reason)
{
	struct probe_target t = target_of(e, pid, d, false);
	int err = probe_attach(e->probe, &t, ret_id, reason);

	if (err && err != -ENOSPC && err != -ESRCH && d->n) {
		/*
		 * Its descriptors can still be watched, and what went wrong is shown with the
		 * target.
		 */
		limit(e, d, ATTACH_KERNEL, TARGET_FAILED, reason->text);
		t.n = 0;
		err = probe_attach(e->probe, &t, ret_id, reason);
	}
	return err;
}

int attach_change(struct engine *e, struct watch *w, uint64_t *ret_ns, struct reason *reason)
{
	struct draft d = {
		.image = w->image,
		.exe_fd = w->image->exe_fd,
		.memfd = w->memory.fd,
		.bias = w->bias,
		.probes = w->probes,
		.level = w->budget.level,
		.n_pruned = w->n_pruned,
		.pruned = w->pruned,
	};
	int err = 0;

	if (w->state != TARGET_FAILED && !w->image->report->error)
		err = choose_points(e, &d, reason);
	if (!err) {
		struct probe_target t = target_of(e, w->pid, &d, budget_is_suspect(&w->budget));

		err = probe_set_points(e->probe, w->id, &t, ret_ns, reason);
	}
	free(d.points);
	return err;
}

void watch_missed(struct engine *e, struct watch *w)
{
	struct event lost = {
		.type = EVENT_LOST, .target = w->id, .pid = w->pid, .time_ns = e->now_ns
	};

	probe_forget_all(e->probe, w->id);
	engine_emit(e, &lost);
	goroutines_ask(w);
}

int attach_process(struct engine *e, pid_t pid, struct image *im)
{
	_cleanup_(draft_done) struct draft d = {
		.image = im, .exe_fd = -1, .memfd = -1, .state = TARGET_OBSERVED
	};
	struct reason reason = {};
	uint64_t begin_ns = loop_now_ns();
	struct watch *w;
	uint32_t id;
	int err = identify(e, pid, &d);

	if (err)
		return err;
	if (!config_wants_service(e->config, d.service) && !e->opts.only_pid)
		return 0;
	decide_probes(e, &d);
	d.memfd = proc_open_mem(e->procfd, pid);
	if (d.memfd < 0)
		return d.memfd;
	err = load_bias(e, pid, &d);
	if (!err)
		err = proc_clock_offset(e->procfd, pid, &d.clock_ns);
	e->stats.failures[ATTACH_LIBRARY] += golibs_find(e, pid, d.golib);
	if (!err)
		err = plan_points(e, &d);
	if (!err)
		err = attach_links(e, pid, &d, &id, &reason);
	if (err == -ENOSPC)
		e->stats.failures[ATTACH_SLOTS]++;
	if (err)
		return err;
	w = calloc(1, sizeof(*w));
	if (!w) {
		probe_detach(e->probe, id);
		return -ENOMEM;
	}
	w->engine = e;
	w->pid = pid;
	w->id = id;
	w->start_ticks = d.start_ticks;
	w->image = im;
	w->bias = d.bias;
	w->clock_ns = d.clock_ns - e->clock_ns;
	w->layout = im->report->kind == IMAGE_GO && im->report->has_layout ? LAYOUT_PENDING
									   : LAYOUT_NONE;
	w->memory = (struct memread_process){ .fd = TAKE_FD(d.memfd), .pid = pid };
	memcpy(w->golib, d.golib, sizeof(w->golib));
	w->attached_ns = begin_ns;
	im->users++;
	if (im->exe_fd < 0)
		im->exe_fd = TAKE_FD(d.exe_fd);
	e->pace.attached_ns = begin_ns;
	HASH_ADD(hh, e->by_pid, pid, sizeof(w->pid), w);
	HASH_ADD(hh_id, e->by_id, id, sizeof(w->id), w);
	w->probes = d.probes;
	governor_begin(e, w);
	announce(e, w, &d);
	log_attached(e, w, &d);
	return 0;
}
