// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "probe/inspect.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include <deferd/control.h>
#include "elf/dwline.h"
#include "golang/allgs.h"
#include "golang/godebug.h"
#include "golang/goname.h"
#include "golang/semtable.h"
#include "golang/waitreason.h"

DEFINE_CLEANUP(struct dwline *, dwline_free)

struct mapping {
	void *p;
	size_t len;
};

static void mapping_done(struct mapping *m)
{
	if (m->p)
		munmap(m->p, m->len);
}

static int map_fd(int fd, struct mapping *ret, struct reason *reason)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return reason_set(reason, -errno, "fstat: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return reason_set(reason, -ENOEXEC, "not a regular file");
	if (st.st_size == 0)
		return reason_set(reason, -ENOEXEC, "an empty file");
	if ((uint64_t)st.st_size > INSPECT_FILE_MAX)
		return reason_set(reason, -EFBIG, "%lld bytes are more than are looked at (%llu)",
				  (long long)st.st_size, INSPECT_FILE_MAX);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return reason_set(reason, -errno, "mmap: %s", strerror(errno));
	*ret = (struct mapping){ p, (size_t)st.st_size };
	return 0;
}

/* Of a release that is not known, the newest layout is tried. */
static unsigned layout_minor(const struct go_version *v)
{
	return v->minor ? v->minor : UINT16_MAX;
}

static void find_data(const struct elfimg *img, struct image_report *ret)
{
	for (unsigned i = 0; i < img->nloads; i++) {
		const struct elfimg_load *l = &img->loads[i];

		if (!(l->flags & PF_W) || l->va + l->memsz < l->va)
			continue;
		if (!ret->edata || l->va < ret->data)
			ret->data = l->va;
		if (l->va + l->memsz > ret->edata)
			ret->edata = l->va + l->memsz;
	}
}

static int inspect_go(const struct gobin *go, struct image_report *ret,
		      struct image_lists *ret_lists, struct reason *reason)
{
	struct waitreason_table reasons;
	struct gobin_func main;
	struct bytes debug;
	struct allgs allgs;
	int r;

	ret->go = go->version;
	ret->text = go->text;
	ret->moduledata = go->moduledata.va;
	ret->types = go->moduledata.types;
	ret->etypes = go->moduledata.etypes;
	find_data(go->img, ret);
	if (allgs_find(go, &allgs) == 0) {
		ret->allgs_len = allgs.len;
		ret->allgs_list = allgs.list;
	}
	if (waitreason_find(go, &reasons) == 0) {
		ret->wait_reasons = reasons.va;
		ret->n_wait_reasons = reasons.n;
	}
	if (semtable_find(go, &ret->semtable))
		ret->semtable = 0;
	goerrors_find(go, ret->errors);
	debug = godebug_default(go->img);
	(void)godebug_is_one((const char *)debug.p, debug.len, "panicnil", &ret->nil_stays);
	injected_find(go, &ret->injected);
	if (gobin_function(go, "runtime.main", &main) == 0)
		ret->runtime_main = main.va;
	if (ret_lists) {
		opendefer_find(go, &ret_lists->open);
		callsites_find(go, &ret_lists->calls);
	}
	ret->has_layout = go_layout_find(layout_minor(&go->version), &ret->layout) == 0;
	if (!go->version.minor)
		reason_set(reason, 0, "the file does not say which Go built it");
	else if (!ret->has_layout)
		reason_set(reason, 0, "%s is older than Go 1.19: runtime layout unknown",
			   go->version.text);
	r = plan_add_go(&ret->plan, go, reason);
	return r < 0 ? r : 0;
}

static int inspect_c(const struct elfimg *img, const struct plan_c_profile *profiles, unsigned n,
		     struct image_report *ret, struct reason *reason)
{
	for (unsigned i = 0; i < n && i < INSPECT_PROFILES_MAX; i++) {
		int r = plan_add_c(&ret->plan, img, &profiles[i], reason);

		if (r < 0)
			return r;
		if (ret->kind == IMAGE_NONE && (ret->plan.n || ret->plan.nabsent)) {
			ret->kind = IMAGE_C;
			ret->profile = (uint8_t)i;
		}
	}
	if (ret->kind == IMAGE_NONE)
		return reason_set(reason, -ENOENT,
				  "neither a Go program nor one with the functions of a C profile");
	return 0;
}

static int inspect_image(const void *bytes, size_t len, const struct plan_c_profile *profiles,
			 unsigned nprofiles, struct image_report *ret,
			 struct image_lists *ret_lists, struct reason *reason)
{
	struct elfimg img;
	struct gobin go;
	int r;

	r = elfimg_init(&img, bytes, len, reason);
	if (r < 0)
		return r;
	ret->machine = img.machine;
	ret->entry = img.entry;
	for (unsigned i = 0; i < img.nloads; i++) {
		if (img.loads[i].va + img.loads[i].memsz > ret->end)
			ret->end = img.loads[i].va + img.loads[i].memsz;
	}
	ret->pie = img.type == ET_DYN;
	memcpy(ret->build_id, img.build_id, sizeof(ret->build_id));
	r = gobin_init(&go, &img, reason);
	if (r == -ENOENT) {
		reason_set(reason, 0, "%s", "");
		return inspect_c(&img, profiles, nprofiles, ret, reason);
	}
	ret->kind = IMAGE_GO;
	return r < 0 ? r : inspect_go(&go, ret, ret_lists, reason);
}

static void begin(struct image_report *ret, struct image_lists *ret_lists)
{
	memset(ret, 0, sizeof(*ret));
	ret->version = INSPECT_VERSION;
	if (ret_lists)
		memset(ret_lists, 0, sizeof(*ret_lists));
}

static int finish(struct image_report *ret, int err, const struct reason *reason)
{
	ret->error = err;
	memcpy(ret->reason, reason->text, sizeof(ret->reason));
	return err;
}

int inspect_bytes(const void *bytes, size_t len, const struct plan_c_profile *profiles,
		  unsigned nprofiles, struct image_report *ret, struct image_lists *ret_lists)
{
	struct reason reason = { 0 };
	int r;

	begin(ret, ret_lists);
	ret->file_bytes = len;
	r = inspect_image(bytes, len, profiles, nprofiles, ret, ret_lists, &reason);
	return finish(ret, r, &reason);
}

int inspect_fd(int fd, const struct plan_c_profile *profiles, unsigned nprofiles,
	       struct image_report *ret, struct image_lists *ret_lists)
{
	_cleanup_(mapping_done) struct mapping m = { 0 };
	struct reason reason = { 0 };
	int r;

	begin(ret, ret_lists);
	r = map_fd(fd, &m, &reason);
	if (r < 0)
		return finish(ret, r, &reason);
	return inspect_bytes(m.p, m.len, profiles, nprofiles, ret, ret_lists);
}

/* The places of an answer, as they are found. */
struct answer {
	struct image_place *places;
	unsigned n;
	unsigned left; /* asks that are still to be answered: each has a place for certain */
};

static struct image_place *add_place(struct answer *a, unsigned ask)
{
	struct image_place *p;

	if (a->n + a->left >= INSPECT_PLACES_MAX)
		return NULL;
	p = &a->places[a->n++];
	memset(p, 0, sizeof(*p));
	p->ask = (uint16_t)ask;
	return p;
}

static void set_function(struct image_place *p, const char *function)
{
	if (function)
		snprintf(p->function, sizeof(p->function), "%s", function);
}

static void set_line(struct image_place *p, const char *file, uint32_t line)
{
	size_t n = file ? strlen(file) : 0;

	if (!n)
		return;
	snprintf(p->file, sizeof(p->file), "%s",
		 n < sizeof(p->file) ? file : file + n - (sizeof(p->file) - 1));
	p->line = line;
}

static void add_go_place(struct answer *a, unsigned ask, const struct gobin_place *from)
{
	struct image_place *p = add_place(a, ask);

	if (!p)
		return;
	goname_print(p->function, sizeof(p->function), from->function);
	set_line(p, from->file, from->line);
	p->open_defers = from->open_defers;
	p->wrapper = from->wrapper;
	p->has_frame = from->has_frame;
	p->frame = from->frame;
}

static void answer_frames(const struct gobin *go, uint64_t addr, unsigned i, struct answer *a)
{
	struct gobin_place frames[GOBIN_INLINE_MAX];
	int n = gobin_frames(go, addr, frames, GOBIN_INLINE_MAX);

	for (int k = 0; k < n; k++)
		add_go_place(a, i, &frames[k]);
}

static void answer_function(const struct gobin *go, uint64_t addr, unsigned i, struct answer *a)
{
	struct gobin_place callee;

	if (gobin_callee(go, addr, &callee) == 0)
		add_go_place(a, i, &callee);
}

static void answer_type(const struct gobin *go, uint64_t addr, unsigned i, struct answer *a)
{
	struct image_place *p;
	struct gotype type;

	if (gotype_read(go, addr, &type) < 0)
		return;
	p = add_place(a, i);
	if (p) {
		set_function(p, type.name);
		p->type = type;
	}
}

/* Up to a NUL, if one stands in it. */
static void answer_text(struct bytes text, unsigned i, struct answer *a)
{
	struct image_place *p = text.len ? add_place(a, i) : NULL;

	if (p)
		snprintf(p->function, sizeof(p->function), "%.*s",
			 (int)(text.len < sizeof(p->function) ? text.len : sizeof(p->function)),
			 (const char *)text.p);
}

static struct bytes string_at(const struct elfimg *img, uint64_t addr)
{
	struct bytes head = elfimg_at(img, addr);

	if (!bytes_has(head, 0, 16))
		return bytes_of(NULL, 0);
	return bytes_sub(elfimg_at(img, le64_at(head.p)), 0, le64_at(head.p + 8));
}

static void answer_go(const struct gobin *go, const struct image_ask *ask, unsigned i,
		      struct answer *a)
{
	switch (ask->kind) {
	case IMAGE_ASK_SITE:
		answer_frames(go, ask->addr, i, a);
		break;
	case IMAGE_ASK_FUNCTION:
		answer_function(go, ask->addr, i, a);
		break;
	case IMAGE_ASK_TYPE:
		answer_type(go, ask->addr, i, a);
		break;
	case IMAGE_ASK_TEXT:
		answer_text(elfimg_at(go->img, ask->addr), i, a);
		break;
	default:
		answer_text(string_at(go->img, ask->addr), i, a);
		break;
	}
}

struct indexed_pc {
	uint64_t pc;
	unsigned i;
};

static int by_pc(const void *a, const void *b)
{
	const struct indexed_pc *x = a, *y = b;

	return (x->pc > y->pc) - (x->pc < y->pc);
}

/* Symbols are passed over once for all addresses, which wants them in order. */
static void symbolize_symbols(const struct elfimg *img, const struct image_ask *asks, unsigned n,
			      struct image_place *ret)
{
	struct elfimg_symbol syms[INSPECT_ASKS_MAX];
	struct indexed_pc order[INSPECT_ASKS_MAX];
	uint64_t vas[INSPECT_ASKS_MAX];

	for (unsigned i = 0; i < n; i++)
		order[i] = (struct indexed_pc){ asks[i].addr, i };
	qsort(order, n, sizeof(order[0]), by_pc);
	for (unsigned i = 0; i < n; i++)
		vas[i] = order[i].pc;
	elfimg_functions_at(img, vas, n, syms);
	for (unsigned i = 0; i < n; i++)
		set_function(&ret[order[i].i], syms[i].name);
}

static void symbolize_lines(const struct elfimg *img, const struct image_ask *asks, unsigned n,
			    struct image_place *ret)
{
	_cleanup_(dwline_freep) struct dwline *d = NULL;

	if (dwline_new(img, &d, NULL) < 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		struct dwline_place p;

		if (dwline_find(d, asks[i].addr, &p) < 0)
			continue;
		if (!ret[i].function[0])
			set_function(&ret[i], p.function);
		set_line(&ret[i], p.file, p.line);
	}
}

/* A place for each ask first; those that stayed empty go. */
static unsigned answer_c(const struct elfimg *img, const struct image_ask *asks, unsigned n,
			 struct image_place *ret)
{
	unsigned kept = 0;

	memset(ret, 0, n * sizeof(*ret));
	for (unsigned i = 0; i < n; i++)
		ret[i].ask = (uint16_t)i;
	symbolize_symbols(img, asks, n, ret);
	symbolize_lines(img, asks, n, ret);
	for (unsigned i = 0; i < n; i++)
		if (ret[i].function[0] || ret[i].file[0])
			ret[kept++] = ret[i];
	return kept;
}

int inspect_symbolize(const void *bytes, size_t len, const struct image_ask *asks, unsigned n,
		      struct image_place *ret, struct reason *reason)
{
	struct answer a = { .places = ret, .left = n };
	struct elfimg img;
	struct gobin go;
	int r;

	if (n > INSPECT_ASKS_MAX)
		return reason_set(reason, -E2BIG, "more than %d addresses at once",
				  INSPECT_ASKS_MAX);
	r = elfimg_init(&img, bytes, len, reason);
	if (r < 0)
		return r;
	r = gobin_init(&go, &img, reason);
	if (r == -ENOENT)
		return (int)answer_c(&img, asks, n, ret);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < n; i++) {
		a.left--;
		answer_go(&go, &asks[i], i, &a);
	}
	return (int)a.n;
}

int inspect_symbolize_fd(int fd, const struct image_ask *asks, unsigned n, struct image_place *ret,
			 struct reason *reason)
{
	_cleanup_(mapping_done) struct mapping m = { 0 };
	int r = map_fd(fd, &m, reason);

	return r < 0 ? r : inspect_symbolize(m.p, m.len, asks, n, ret, reason);
}

static bool closed(const char *s, size_t size)
{
	return memchr(s, 0, size) != NULL;
}

/* A bool that came through a pipe: reading it as one is only defined once it is known to be 0 or 1.
 */
static bool is_bool(const bool *b)
{
	return *(const unsigned char *)b <= 1;
}

static bool point_ok(const struct probe_point *p)
{
	return p->role > DFD_ROLE_NONE && p->role < DFD_ROLE_MAX && p->sets &&
	       !(p->sets & ~PLAN_SETS) && closed(p->function, sizeof(p->function)) &&
	       p->va == p->func_va + p->offset && p->insn_len && p->insn_len <= ARCH_INSN_MAX &&
	       p->nbytes >= p->insn_len && p->nbytes <= sizeof(p->bytes) && is_bool(&p->emulated) &&
	       is_bool(&p->skip_taken) && p->rule < ARCH_RULE_MAX &&
	       closed(p->insn, sizeof(p->insn));
}

static bool plan_ok(const struct plan *plan)
{
	if (plan->n > PLAN_POINTS_MAX || plan->nabsent > PLAN_ABSENT_MAX)
		return false;
	for (unsigned i = 0; i < plan->n; i++)
		if (!point_ok(&plan->points[i]))
			return false;
	for (unsigned i = 0; i < plan->nabsent; i++) {
		const struct plan_absent *a = &plan->absent[i];

		if (a->role >= DFD_ROLE_MAX || !is_bool(&a->normal) ||
		    !closed(a->function, sizeof(a->function)) || !closed(a->why, sizeof(a->why)))
			return false;
	}
	return true;
}

int image_report_check(struct image_report *r)
{
	if (r->version != INSPECT_VERSION || r->error > 0 || r->error < -4095 ||
	    r->kind >= IMAGE_KIND_MAX || !is_bool(&r->pie) || !is_bool(&r->has_layout) ||
	    !is_bool(&r->nil_stays) || r->profile >= INSPECT_PROFILES_MAX ||
	    !closed(r->build_id, sizeof(r->build_id)) || !is_bool(&r->go.devel) ||
	    r->go.source >= GO_VERSION_SOURCE_MAX || !closed(r->go.text, sizeof(r->go.text)) ||
	    !is_bool(&r->layout.unverified) || r->n_wait_reasons > WAITREASON_MAX ||
	    !closed(r->reason, sizeof(r->reason)) || !plan_ok(&r->plan))
		return -EPROTO;
	if (r->has_layout && go_layout_find(layout_minor(&r->go), &r->layout) < 0)
		return -EPROTO;
	return 0;
}

int image_lists_check(const struct image_lists *l)
{
	return is_bool(&l->open.complete) && is_bool(&l->calls.complete) &&
			       opendefer_check(&l->open) && callsites_check(&l->calls)
		       ? 0
		       : -EPROTO;
}

int image_places_check(const struct image_place *places, unsigned n, unsigned nasks)
{
	if (n > INSPECT_PLACES_MAX)
		return -EPROTO;
	for (unsigned i = 0; i < n; i++) {
		const struct image_place *p = &places[i];

		if (!closed(p->function, sizeof(p->function)) ||
		    !closed(p->file, sizeof(p->file)) || p->ask >= nasks ||
		    (i && p->ask < places[i - 1].ask) || !is_bool(&p->open_defers) ||
		    !is_bool(&p->wrapper) || !is_bool(&p->has_frame) || !is_bool(&p->type.direct) ||
		    !closed(p->type.name, sizeof(p->type.name)))
			return -EPROTO;
	}
	return 0;
}
