// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The table, as the Go linker (cmd/link/internal/ld/pcln.go) writes it and runtime/symtab.go reads
 * it. The header of a prometheus built by Go 1.19, 63,000 functions:
 *
 *   f0 ff ff ff  00 00  01 08    magic, two zero bytes, pc quantum, pointer size
 *   nfunc  nfiles  textStart     words of 8 bytes; textStart is 0 from Go 1.26 on
 *   funcname  cu  filetab  pctab  pcln     offsets from the header
 *
 * At `pcln` lies functab: nfunc pairs {u32 entry, u32 off} by ascending entry, then one u32, the
 * end of the text. Each `off` leads, from functab, to a _func:
 *
 *    0 u32 entry   4 i32 name   8 args   12 deferreturn   16 pcsp   20 pcfile   24 pcln   28
 * npcdata   32 cuOffset 36 (1.20+: startLine; then) u8 funcID, u8 flag, u8, u8 nfuncdata, npcdata
 * u32, nfuncdata u32
 *
 * pcfile and pcln are offsets into pctab of a run-length list of (value, pc) steps: a zigzag varint
 * added to the value (from -1), a varint times the quantum added to the pc (from the entry); a zero
 * value step, but for the first, ends it. A file number goes by the compile unit: filetab +
 * cutab[cuOffset + number] is the name. PCDATA are more such lists.
 *
 * FUNCDATA words are offsets from moduledata.gofunc, all ones for none. Number 3 is the inline tree,
 * an array whose length nobody stores: PCDATA 2 gives the index of the innermost inlined call at a
 * pc, -1 where the code is the function's own; parentPc, from the entry, stands for the call that was
 * replaced, and has an index in turn. The index of a caller is below those of what it calls. Up to
 * Go 1.19 an entry has 20 bytes, then 16:
 *
 *    0 i16 parent  2 u8 funcID  4 i32 file  8 line  12 name  16 parentPc
 *    0 u8 funcID  4 i32 name  8 parentPc  12 startLine
 */
#include "golang/pclntab.h"

#include <errno.h>
#include <stdbool.h>

#define MAGIC_116  0xfffffffau
#define MAGIC_12   0xfffffffbu
#define MAGIC_118  0xfffffff0u
#define MAGIC_120  0xfffffff1u
#define HEADER_LEN (8 + 8 * 8)

#define FUNC_NAME    4
#define FUNC_PCSP    16
#define FUNC_PCFILE  20
#define FUNC_PCLN    24
#define FUNC_NPCDATA 28
#define FUNC_CU      32
#define FUNC_ID_118  36
#define FUNC_ID_120  40
#define FUNC_LEN_118 40
#define FUNC_LEN_120 44

#define PCDATA_INLTREE 2 /* internal/abi/symtab.go */
#define NO_FUNCDATA    UINT32_MAX

static struct bytes between(struct bytes b, uint64_t from, uint64_t to)
{
	return to >= from ? bytes_sub(b, from, to - from) : bytes_of(NULL, 0);
}

static int check_magic(struct bytes table, struct reason *reason)
{
	uint32_t magic;

	if (!bytes_u32(table, 0, &magic))
		return reason_set(reason, -ENOENT, "no function table");
	if (magic == MAGIC_116 || magic == MAGIC_12)
		return reason_set(reason, -ENOTSUP, "function table of a Go older than 1.18");
	if (magic != MAGIC_118 && magic != MAGIC_120)
		return reason_set(reason, -ENOENT, "no function table (magic %#x)", magic);
	if (table.len < HEADER_LEN)
		return reason_set(reason, -EBADMSG, "function table cut off within its header");
	if (table.p[4] || table.p[5] || (table.p[6] != 1 && table.p[6] != 4) || table.p[7] != 8)
		return reason_set(reason, -EBADMSG,
				  "function table header names quantum %u, pointer size %u",
				  table.p[6], table.p[7]);
	return 0;
}

int pclntab_init(struct pclntab *ret, struct bytes table, struct reason *reason)
{
	struct pclntab t = { .table = table };
	uint64_t word[8]; /* nfunc, nfiles, textStart, funcname, cu, filetab, pctab, pcln */
	int r = check_magic(table, reason);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < 8; i++)
		word[i] = le64_at(table.p + 8 + 8 * i);
	if (word[0] == 0 || word[0] > PCLNTAB_FUNCS_MAX)
		return reason_set(reason, -EBADMSG, "function table claims %llu functions",
				  (unsigned long long)word[0]);
	if (word[3] < HEADER_LEN)
		return reason_set(reason, -EBADMSG,
				  "function names overlap the function table's header");
	for (unsigned i = 4; i < 8; i++)
		if (word[i] < word[i - 1])
			return reason_set(reason, -EBADMSG, "function table offsets do not ascend");
	t.nfunc = (uint32_t)word[0];
	t.text_start = word[2];
	t.funcname_off = word[3];
	t.min_lc = table.p[6];
	t.has_start_line = le32_at(table.p) == MAGIC_120;
	t.names = between(table, word[3], word[4]);
	t.cutab = between(table, word[4], word[5]);
	t.files = between(table, word[5], word[6]);
	t.pcdata = between(table, word[6], word[7]);
	t.functab = bytes_from(table, word[7]);
	if (!bytes_has(t.functab, 0, (uint64_t)t.nfunc * 8 + 4))
		return reason_set(reason, -EBADMSG,
				  "function table is cut off: %zu bytes for %u functions",
				  table.len, t.nfunc);
	*ret = t;
	return 0;
}

/* The header's first word, but for the quantum in byte 6: magic f0 or f1, zeros, pointer size 8. */
#define SCAN_MASK 0xff00fffffffffffeull
#define SCAN_WORD 0x08000000fffffff0ull

int64_t pclntab_scan(struct bytes b, uint64_t from)
{
	for (uint64_t off = from; bytes_has(b, off, HEADER_LEN); off += 8)
		if ((le64_at(b.p + off) & SCAN_MASK) == SCAN_WORD &&
		    (b.p[off + 6] == 1 || b.p[off + 6] == 4))
			return (int64_t)off;
	return -1;
}

static uint32_t entry_of(const struct pclntab *t, uint32_t i)
{
	return le32_at(t->functab.p + 8 * (uint64_t)i);
}

int pclntab_func(const struct pclntab *t, uint32_t i, struct go_func *ret)
{
	struct go_func f = { .entry = entry_of(t, i), .end = entry_of(t, i + 1) };
	uint64_t id = t->has_start_line ? FUNC_ID_120 : FUNC_ID_118;
	uint32_t name;

	f.at = le32_at(t->functab.p + 8 * (uint64_t)i + 4);
	if (f.end < f.entry || !bytes_has(t->functab, f.at, id + 4) ||
	    le32_at(t->functab.p + f.at) != f.entry)
		return -EBADMSG;
	name = le32_at(t->functab.p + f.at + FUNC_NAME);
	f.func_id = t->functab.p[f.at + id];
	f.name = bytes_str(t->names, name, PCLNTAB_NAME_MAX);
	if (!f.name)
		return -EBADMSG;
	*ret = f;
	return 0;
}

int pclntab_find(const struct pclntab *t, uint64_t pc, struct go_func *ret)
{
	uint32_t lo = 0, hi = t->nfunc;

	if (pc < entry_of(t, 0) || pc >= entry_of(t, t->nfunc))
		return -ENOENT;
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (entry_of(t, mid) <= pc)
			lo = mid;
		else
			hi = mid;
	}
	/* A table that does not ascend can lead the search astray; never to a function that does
	 * not cover pc. */
	if (pc < entry_of(t, lo) || pc >= entry_of(t, lo + 1))
		return -EBADMSG;
	return pclntab_func(t, lo, ret);
}

/* Offset of `name` in the name table. Names are stored once each, so one offset is enough. */
static int64_t name_offset(const struct pclntab *t, const char *name)
{
	size_t n = strlen(name) + 1; /* with the NUL */

	for (int64_t at = 0; (at = bytes_find(t->names, (uint64_t)at, name, n)) >= 0; at++)
		if (at == 0 || t->names.p[at - 1] == 0)
			return at;
	return -1;
}

int pclntab_find_name(const struct pclntab *t, const char *name, uint8_t wrapper_id,
		      struct go_func *ret)
{
	int64_t want = name_offset(t, name);
	struct go_func f;
	int found = -ENOENT;

	if (want < 0)
		return -ENOENT;
	for (uint32_t i = 0; i < t->nfunc; i++) {
		uint32_t at = le32_at(t->functab.p + 8 * (uint64_t)i + 4), off;
		int r;

		if (!bytes_u32(t->functab, (uint64_t)at + FUNC_NAME, &off) || off != want)
			continue;
		r = pclntab_func(t, i, &f);
		if (r < 0) {
			found = found == -ENOENT ? r : found;
			continue;
		}
		*ret = f;
		found = 0;
		if (f.func_id != wrapper_id)
			break;
	}
	return found;
}

/* At most 5 bytes, 32 bits: what runtime.readvarint accepts of the tables that the linker writes.
 */
static bool take_uvarint(struct bytes b, uint64_t *pos, uint32_t *ret)
{
	uint32_t v = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		uint8_t c;

		if (*pos >= b.len)
			return false;
		c = b.p[(*pos)++];
		v |= (uint32_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

/* Walking a pc-value list: `value` holds from where the last step ended up to `end`. */
struct pc_steps {
	uint64_t pos, end;
	uint32_t value, n;
};

static struct pc_steps pc_steps_of(uint32_t table, uint32_t entry)
{
	return (struct pc_steps){ .pos = table, .end = entry, .value = UINT32_MAX };
}

/* 0; -ENOENT at the end of the list; -EBADMSG. */
static int pc_step(const struct pclntab *t, struct pc_steps *s)
{
	uint32_t step, run;

	if (s->pos == 0)
		return -ENOENT; /* offset 0: no list */
	if (s->n == PCLNTAB_STEPS_MAX || !take_uvarint(t->pcdata, &s->pos, &step))
		return -EBADMSG;
	if (step == 0 && s->n > 0)
		return -ENOENT;
	if (!take_uvarint(t->pcdata, &s->pos, &run))
		return -EBADMSG;
	s->value += (step >> 1) ^ -(step & 1);
	s->end += (uint64_t)run * t->min_lc;
	s->n++;
	return 0;
}

static int pc_value(const struct pclntab *t, uint32_t table, uint32_t entry, uint64_t pc,
		    int32_t *ret)
{
	struct pc_steps s = pc_steps_of(table, entry);
	int r;

	do {
		r = pc_step(t, &s);
		if (r < 0)
			return r;
	} while (pc >= s.end);
	*ret = (int32_t)s.value;
	return 0;
}

/* The first `len` bytes of the _func that covers `pc`. 0, -ENOENT, -EBADMSG. */
static int func_at(const struct pclntab *t, const struct go_func *f, uint64_t pc, uint64_t len,
		   const uint8_t **ret)
{
	struct bytes func = bytes_from(t->functab, f->at);

	if (pc < f->entry || pc >= f->end)
		return -ENOENT;
	if (!bytes_has(func, 0, len))
		return -EBADMSG;
	*ret = func.p;
	return 0;
}

int pclntab_line(const struct pclntab *t, const struct go_func *f, uint64_t pc,
		 const char **ret_file, uint32_t *ret_line)
{
	const uint8_t *func;
	const char *name;
	uint32_t unit, where;
	int32_t file, line;
	int r = func_at(t, f, pc, FUNC_CU + 4, &func);

	if (r < 0)
		return r;
	r = pc_value(t, le32_at(func + FUNC_PCFILE), f->entry, pc, &file);
	if (r < 0)
		return r;
	r = pc_value(t, le32_at(func + FUNC_PCLN), f->entry, pc, &line);
	if (r < 0)
		return r;
	unit = le32_at(func + FUNC_CU);
	if (file < 0 || line <= 0)
		return -ENOENT;
	if (!bytes_u32(t->cutab, 4 * ((uint64_t)unit + (uint32_t)file), &where))
		return -EBADMSG;
	if (where == UINT32_MAX)
		return -ENOENT;
	name = bytes_str(t->files, where, PCLNTAB_NAME_MAX);
	if (!name)
		return -EBADMSG;
	*ret_file = name;
	*ret_line = (uint32_t)line;
	return 0;
}

int pclntab_frame(const struct pclntab *t, const struct go_func *f, uint64_t pc, uint32_t *ret)
{
	const uint8_t *func;
	int32_t delta;
	int r = func_at(t, f, pc, FUNC_PCSP + 4, &func);

	if (!r)
		r = pc_value(t, le32_at(func + FUNC_PCSP), f->entry, pc, &delta);
	if (r < 0)
		return r;
	if (delta < 0 || delta % 8)
		return -EBADMSG;
	*ret = (uint32_t)delta;
	return 0;
}

/* What stands behind the fixed part of a _func: npcdata words, then nfuncdata. */
struct func_tables {
	struct bytes words;
	uint32_t npcdata, nfuncdata;
};

static int func_tables(const struct pclntab *t, const struct go_func *f, struct func_tables *ret)
{
	uint64_t fixed = t->has_start_line ? FUNC_LEN_120 : FUNC_LEN_118;
	struct bytes func = bytes_from(t->functab, f->at);

	if (!bytes_has(func, 0, fixed))
		return -EBADMSG;
	ret->npcdata = le32_at(func.p + FUNC_NPCDATA);
	ret->nfuncdata = func.p[fixed - 1];
	ret->words = bytes_from(func, fixed);
	if (!bytes_has(ret->words, 0, 4 * ((uint64_t)ret->npcdata + ret->nfuncdata)))
		return -EBADMSG;
	return 0;
}

int pclntab_funcdata(const struct pclntab *t, const struct go_func *f, unsigned i,
		     uint32_t *ret_off)
{
	struct func_tables tables;
	uint32_t off;
	int r = func_tables(t, f, &tables);

	if (r < 0)
		return r;
	if (i >= tables.nfuncdata)
		return -ENOENT;
	off = le32_at(tables.words.p + 4 * ((uint64_t)tables.npcdata + i));
	if (off == NO_FUNCDATA)
		return -ENOENT;
	*ret_off = off;
	return 0;
}

/* Of n closures, the last one's place comes first: that of the first one if they lie in a row; else 0. */
static uint32_t listed_closures(struct bytes data, uint64_t pos, uint32_t n)
{
	uint32_t place = 0, before, step = 0;

	for (uint32_t i = 0; i < n; i++) {
		before = place;
		if (!take_uvarint(data, &pos, &place))
			return 0;
		if (i == 1)
			step = place - before;
		if (place % 8 || (i && (place - before != step || (step != 8 && step != -8u))))
			return 0;
	}
	return step == -8u ? place | PCLNTAB_CLOSURES_DOWN : place;
}

/*
 * Since Go 1.22 the place of the first one; before, how many there are, of at most 8, and the place of
 * each. What looks like 8 of these is taken for them.
 */
static uint32_t closures_at(struct bytes data, uint64_t pos)
{
	uint32_t n, place;

	if (!take_uvarint(data, &pos, &n))
		return 0;
	place = n <= 8 ? listed_closures(data, pos, n) : n;
	if (n == 8 && !place)
		place = n;
	return place % 8 > PCLNTAB_CLOSURES_DOWN || place > PCLNTAB_FRAME_MAX ? 0 : place;
}

/*
 * Number 4 begins with a varint, in every release; what follows is where the closures lie
 * (cmd/compile/internal/ssagen/ssa.go, emitOpenDeferInfo). It counts down from varp, which is where the
 * frame's base pointer points on x86-64 (runtime/traceback.go).
 */
int pclntab_open_defers(const struct pclntab *t, const struct go_func *f, struct bytes data,
			uint32_t *ret_below, uint32_t *ret_closures)
{
	uint32_t off, below;
	uint64_t pos;
	int r = pclntab_funcdata(t, f, GO_FUNCDATA_OPEN_DEFERS, &off);

	if (r < 0)
		return r;
	pos = off;
	if (!take_uvarint(data, &pos, &below) || !below || below > PCLNTAB_FRAME_MAX)
		return -EBADMSG;
	*ret_below = below;
	*ret_closures = closures_at(data, pos);
	return 0;
}

/* The list of PCDATA_INLTREE, an offset into pctab, and the tree. */
static int find_tree(const struct pclntab *t, const struct go_func *f, struct bytes data,
		     uint32_t *ret_list, struct bytes *ret_tree)
{
	struct func_tables tables;
	uint32_t off;
	int r = func_tables(t, f, &tables);

	if (r < 0)
		return r;
	if (tables.npcdata <= PCDATA_INLTREE)
		return -ENOENT;
	r = pclntab_funcdata(t, f, GO_FUNCDATA_INLTREE, &off);
	if (r < 0)
		return r;
	*ret_list = le32_at(tables.words.p + 4 * PCDATA_INLTREE);
	*ret_tree = bytes_from(data, off);
	return 0;
}

static int inline_entry(const struct pclntab *t, const struct go_func *f, struct bytes tree,
			int32_t i, struct go_inline *ret)
{
	unsigned len = t->has_start_line ? 16 : 20, name = t->has_start_line ? 4 : 12;
	unsigned id = t->has_start_line ? 0 : 2;
	struct bytes entry = bytes_sub(tree, (uint64_t)i * len, len);
	struct go_inline in = { .index = i };
	uint32_t parent;

	if (i < 0 || !entry.len)
		return -EBADMSG;
	parent = le32_at(entry.p + name + 4);
	in.name = bytes_str(t->names, le32_at(entry.p + name), PCLNTAB_NAME_MAX);
	in.func_id = entry.p[id];
	if (!in.name || parent >= f->end - f->entry)
		return -EBADMSG;
	in.parent_pc = f->entry + parent;
	*ret = in;
	return 0;
}

int pclntab_inline(const struct pclntab *t, const struct go_func *f, uint64_t pc, struct bytes data,
		   struct go_inline *ret)
{
	struct bytes tree;
	uint32_t list;
	int32_t index = -1;
	int r = find_tree(t, f, data, &list, &tree);

	if (!r)
		r = pc_value(t, list, f->entry, pc, &index);
	if (r < 0)
		return r;
	return index == -1 ? -ENOENT : inline_entry(t, f, tree, index, ret);
}

int pclntab_first_inline(const struct pclntab *t, const struct go_func *f, struct bytes data,
			 struct go_inline *ret, uint64_t *ret_pc)
{
	struct pc_steps s;
	struct bytes tree;
	uint64_t pc;
	uint32_t list;
	int r = find_tree(t, f, data, &list, &tree);

	if (r < 0)
		return r;
	s = pc_steps_of(list, f->entry);
	do {
		pc = s.end;
		r = pc_step(t, &s);
		if (r < 0)
			return r;
	} while (s.value == UINT32_MAX);
	r = inline_entry(t, f, tree, 0, ret);
	if (!r)
		*ret_pc = pc;
	return r;
}
