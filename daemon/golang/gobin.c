// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "golang/gobin.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "arch/arch.h"
#include "base/cleanup.h"

#define INLINE_WALK_MAX 64 /* calls inlined into each other; a ring in a damaged tree is longer */
#define WRAPPERS_MAX    4  /* around each other */

/* A table whose first and last functions can be read: random bytes that look like a header do not
 * get this far. */
static int try_table(struct gobin *g, uint64_t va, struct reason *reason)
{
	struct go_func f;
	struct pclntab t;
	int r;

	r = pclntab_init(&t, elfimg_at(g->img, va), reason);
	if (r < 0)
		return r;
	if (pclntab_func(&t, 0, &f) < 0 || pclntab_func(&t, t.nfunc - 1, &f) < 0)
		return reason_set(reason, -EBADMSG,
				  "function table at %#llx: entries point outside of it",
				  (unsigned long long)va);
	g->tab = t;
	g->tab_va = va;
	return 0;
}

static int scan_load(struct gobin *g, unsigned i)
{
	struct bytes b = elfimg_load_bytes(g->img, i);
	uint64_t va = g->img->loads[i].va;

	for (int64_t at = -va & 7; (at = pclntab_scan(b, (uint64_t)at)) >= 0; at += 8)
		if (try_table(g, va + (uint64_t)at, NULL) == 0)
			return 0;
	return -ENOENT;
}

/*
 * Sections first. PIE programs linked externally by Go 1.25 and older keep the table within
 * .data.rel.ro: the moduledata says where, else scan, what is written to at the start before what
 * only is read, and code last, since every page that is looked at has to be read in.
 */
static int find_table(struct gobin *g, bool *ret_named, struct reason *reason)
{
	static const char *const names[] = { ".gopclntab", ".data.rel.ro.gopclntab" };
	static const uint32_t order[] = { PF_R | PF_W, PF_R, PF_R | PF_X, PF_R | PF_W | PF_X };
	struct elfimg_section s;
	int err = -ENOENT;
	uint64_t va;

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (elfimg_section(g->img, names[i], &s) < 0)
			continue;
		*ret_named = true;
		err = try_table(g, s.va, reason);
		if (err == 0)
			return 0;
	}
	va = moduledata_table(g->img);
	if (va && try_table(g, va, NULL) == 0)
		return 0;
	for (unsigned k = 0; k < ARRAY_SIZE(order); k++)
		for (unsigned i = 0; i < g->img->nloads; i++)
			if ((g->img->loads[i].flags & (PF_R | PF_W | PF_X)) == order[k] &&
			    scan_load(g, i) == 0)
				return 0;
	return err;
}

/* No table was found: was this meant to be a Go program, and if so what is wrong with it? */
static int explain_no_table(const struct gobin *g, bool named, int err, struct reason *reason)
{
	struct go_version v;

	if (!named && !buildinfo_present(g->img))
		return reason_set(reason, -ENOENT, "not a Go program");
	if (buildinfo_version(g->img, &v) == 0 && v.minor < 18)
		return reason_set(reason, -ENOTSUP,
				  "built by %s; Go 1.18 is the oldest that can be read", v.text);
	if (err != -ENOENT)
		return err; /* with the reason of the section's table */
	return reason_set(reason, -EBADMSG,
			  "a Go program, but it has no function table (packed, or damaged)");
}

static int find_text(struct gobin *g, struct reason *reason)
{
	const struct go_layout *layout = g->has_layout ? &g->layout : NULL;

	g->has_moduledata = moduledata_find(g->img, g->tab_va, g->tab.funcname_off, layout,
					    &g->moduledata) == 0;
	g->text = g->has_moduledata ? g->moduledata.text : g->tab.text_start;
	if (!g->text)
		return reason_set(reason, -EBADMSG,
				  "a Go program, but nothing in it says where its text begins");
	if (!elfimg_at(g->img, g->text).len)
		return reason_set(reason, -EBADMSG,
				  "a Go program, but its text base %#llx lies in no segment",
				  (unsigned long long)g->text);
	return 0;
}

int gobin_init(struct gobin *ret, const struct elfimg *img, struct reason *reason)
{
	struct gobin g = { .img = img };
	bool named = false;
	int r;

	r = find_table(&g, &named, reason);
	if (r < 0)
		return explain_no_table(&g, named, r, reason);
	(void)buildinfo_version(img, &g.version);
	g.has_layout = go_layout_find(g.version.minor, &g.layout) == 0;
	r = find_text(&g, reason);
	if (r < 0)
		return r;
	*ret = g;
	return 0;
}

int gobin_function(const struct gobin *g, const char *name, struct gobin_func *ret)
{
	struct go_func f;
	int r;

	r = pclntab_find_name(&g->tab, name, go_wrapper_id(g->version.minor), &f);
	if (r < 0)
		return r;
	*ret = (struct gobin_func){ f.name, g->text + f.entry, f.end - f.entry };
	return 0;
}

static int find_at(const struct gobin *g, uint64_t va, struct go_func *ret)
{
	return va < g->text ? -ENOENT : pclntab_find(&g->tab, va - g->text, ret);
}

/* What all places in a function share. */
static void describe(const struct gobin *g, const struct go_func *f, struct gobin_place *ret)
{
	uint32_t off;

	*ret = (struct gobin_place){
		.function = f->name,
		.entry = g->text + f->entry,
		.wrapper = f->func_id == go_wrapper_id(g->version.minor),
		.open_defers = pclntab_funcdata(&g->tab, f, GO_FUNCDATA_OPEN_DEFERS, &off) == 0,
	};
}

static void set_line(const struct gobin *g, const struct go_func *f, uint64_t pc,
		     struct gobin_place *p)
{
	if (pclntab_line(&g->tab, f, pc, &p->file, &p->line) < 0) {
		p->file = NULL;
		p->line = 0;
	}
}

/* Empty when nobody knows where FUNCDATA lies. */
static struct bytes funcdata(const struct gobin *g)
{
	return g->moduledata.gofunc ? elfimg_at(g->img, g->moduledata.gofunc) : bytes_of(NULL, 0);
}

static void inlined_place(const struct gobin *g, const struct go_inline *in,
			  const struct gobin_place *whole, struct gobin_place *ret)
{
	*ret = *whole;
	ret->function = in->name;
	ret->wrapper = in->func_id == go_wrapper_id(g->version.minor);
}

int gobin_frames(const struct gobin *g, uint64_t va, struct gobin_place *ret, unsigned max)
{
	struct bytes data = funcdata(g);
	struct gobin_place whole;
	struct go_inline in;
	struct go_func f;
	unsigned n = 0, walked = 0;
	uint64_t pc = va - g->text;
	int r = find_at(g, va, &f);

	if (r < 0)
		return r;
	describe(g, &f, &whole);
	whole.has_frame = pclntab_frame(&g->tab, &f, pc, &whole.frame) == 0;
	while (walked++ < INLINE_WALK_MAX && !(r = pclntab_inline(&g->tab, &f, pc, data, &in))) {
		if (n + 1 < max) {
			inlined_place(g, &in, &whole, &ret[n]);
			set_line(g, &f, pc, &ret[n++]);
		}
		pc = in.parent_pc;
	}
	if (r != -ENOENT) {
		n = 0;
		pc = va - g->text;
	}
	ret[n] = whole;
	set_line(g, &f, pc, &ret[n++]);
	return (int)n;
}

int gobin_place(const struct gobin *g, uint64_t va, struct gobin_place *ret)
{
	struct gobin_place frames[2];
	int r = gobin_frames(g, va, frames, 2);

	if (r < 0)
		return r;
	*ret = frames[0];
	return 0;
}

/* Calls that the compiler puts into every function: to grow the stack, to tell the race detector. */
static bool is_of_compiler(const char *name)
{
	static const char *const begin[] = { "runtime.morestack", "runtime.racefunc" };

	for (unsigned i = 0; i < ARRAY_SIZE(begin); i++) {
		if (!strncmp(name, begin[i], strlen(begin[i])))
			return true;
	}
	return false;
}

/* The target of its first call that is the program's. */
static int first_called(const struct gobin *g, const struct go_func *f, struct go_func *ret)
{
	struct bytes code = bytes_sub(elfimg_at(g->img, g->text + f->entry), 0, f->end - f->entry);
	uint64_t at = 0, target;

	while (arch_next_call(code, &at, &target) == 0) {
		struct go_func to;

		if (find_at(g, g->text + f->entry + target, &to) < 0)
			return -ENOENT;
		if (!is_of_compiler(to.name)) {
			*ret = to;
			return 0;
		}
	}
	return -ENOENT;
}

int gobin_callee(const struct gobin *g, uint64_t entry, struct gobin_place *ret)
{
	struct gobin_place p;
	struct go_func f;
	int r = find_at(g, entry, &f);

	if (r < 0)
		return r;
	for (unsigned depth = 0;; depth++) {
		struct go_inline in;
		uint64_t pc;

		describe(g, &f, &p);
		set_line(g, &f, f.entry, &p);
		if (!p.wrapper || depth == WRAPPERS_MAX)
			break;
		if (pclntab_first_inline(&g->tab, &f, funcdata(g), &in, &pc) == 0) {
			inlined_place(g, &in, &p, &p);
			set_line(g, &f, pc, &p);
			break;
		}
		if (first_called(g, &f, &f) < 0)
			break;
	}
	*ret = p;
	return 0;
}
