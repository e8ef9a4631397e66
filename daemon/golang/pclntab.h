/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The function table that every Go program carries, stripped or not: which function covers a place
 * in the text, what it is called, and which line of which file an instruction came from. Reads the
 * formats of Go 1.18 to 1.27, little endian, 64-bit. Text offsets here count from runtime.text (the
 * "text base"), not from any section or address.
 *
 * Pure: no allocation; any thread. Everything in the table is checked where it is used, so a
 * damaged table gives errors for what is damaged and answers for the rest. All strings are borrowed
 * from the bytes.
 */
#ifndef DEFERD_GOLANG_PCLNTAB_H
#define DEFERD_GOLANG_PCLNTAB_H

#include <stdint.h>

#include "base/reason.h"
#include "elf/bytes.h"

/* Functions, bytes of a name with its NUL, and steps of one pc-value list. What claims more is
 * -EBADMSG. */
#define PCLNTAB_FUNCS_MAX (1u << 24)
#define PCLNTAB_NAME_MAX  8192
#define PCLNTAB_STEPS_MAX (1u << 20)
#define PCLNTAB_FRAME_MAX (1u << 30) /* bytes of one function's frame */

struct pclntab {
	struct bytes table;    /* from the header on */
	uint64_t text_start;   /* the header's own idea of the text base; 0 in Go 1.26 and newer */
	uint64_t funcname_off; /* offset of the name table: moduledata repeats it */
	uint32_t nfunc;
	uint8_t min_lc;      /* pc quantum: 1 amd64, 4 arm64 */
	bool has_start_line; /* Go 1.20 and newer: _func is 44 bytes instead of 40 */
	struct bytes names, cutab, files, pcdata, functab;
};

struct go_func {
	const char *name; /* as Go programmers write it: "net/http.(*conn).serve" */
	uint32_t entry;   /* text offset of its first instruction */
	uint32_t end;     /* text offset behind it (the next function, padding included) */
	uint32_t at;      /* of its _func, in functab */
	uint8_t func_id;
};

/*
 * Read the header at the start of `table` (which may reach past the table's end). Returns 0;
 * -ENOENT when no header is there; -ENOTSUP for a format older than Go 1.18; -EBADMSG when the
 * header's numbers do not fit. *ret is written on success only.
 */
int pclntab_init(struct pclntab *ret, struct bytes table, struct reason *reason);

/*
 * Offset of the next header-like place in `b` at `from` or a multiple of 8 bytes behind it (headers
 * are aligned), or -1. Candidates only: pclntab_init() judges.
 */
int64_t pclntab_scan(struct bytes b, uint64_t from);

/* Function number `i` < nfunc, in the order of text. 0, or -EBADMSG. */
int pclntab_func(const struct pclntab *t, uint32_t i, struct go_func *ret);

/* The function that covers text offset `pc`. 0; -ENOENT when none does; -EBADMSG for a damaged
 * entry. */
int pclntab_find(const struct pclntab *t, uint64_t pc, struct go_func *ret);

/*
 * The function called `name`. An ABI wrapper has the same name and another funcID: entries whose
 * funcID is `wrapper_id` are skipped unless there is no other. 0; -ENOENT; -EBADMSG for a damaged
 * name table.
 */
int pclntab_find_name(const struct pclntab *t, const char *name, uint8_t wrapper_id,
		      struct go_func *ret);

/*
 * File and line of the instruction at text offset `pc` within `f`. Code that was inlined gives the
 * place of the inlined statement. 0; -ENOENT where the table says nothing; -EBADMSG. The file name
 * is borrowed.
 */
int pclntab_line(const struct pclntab *t, const struct go_func *f, uint64_t pc,
		 const char **ret_file, uint32_t *ret_line);

/*
 * How far the stack pointer is from the slot of the return address when the instruction at text
 * offset `pc` within `f` is about to run, bytes. 0; -ENOENT where the table says nothing; -EBADMSG.
 */
int pclntab_frame(const struct pclntab *t, const struct go_func *f, uint64_t pc, uint32_t *ret);

/* FUNCDATA, as internal/abi/symtab.go numbers them. */
#define GO_FUNCDATA_INLTREE     3
#define GO_FUNCDATA_OPEN_DEFERS 4

/*
 * Offset of a function's FUNCDATA number `i`, from moduledata.gofunc. 0; -ENOENT when it has none;
 * -EBADMSG.
 */
int pclntab_funcdata(const struct pclntab *t, const struct go_func *f, unsigned i,
		     uint32_t *ret_off);

/*
 * Of a function that runs deferred calls at its end without the runtime: how far below the base
 * pointer of its frame the byte lies whose bits say which of them are pending; and the closure of the
 * first, a multiple of 8, which those of the others follow upwards, or with PCLNTAB_CLOSURES_DOWN
 * downwards (0: they do neither, or that is not known). `data` are the bytes from moduledata.gofunc on.
 * 0; -ENOENT: it is none; -EBADMSG.
 */
#define PCLNTAB_CLOSURES_DOWN 1u
int pclntab_open_defers(const struct pclntab *t, const struct go_func *f, struct bytes data,
			uint32_t *ret_below, uint32_t *ret_closures);

/* A call that was replaced by the code of what it called. */
struct go_inline {
	const char *name;   /* the function called */
	uint32_t parent_pc; /* text offset, within the same function, of where the call stood */
	int32_t index;      /* in the function's inline tree */
	uint8_t func_id;    /* of the function called */
};

/*
 * The innermost call inlined at text offset `pc` of `f`; ask for its parent_pc in turn, a bounded
 * number of times: a damaged tree may lead in a ring. `data` are the bytes from moduledata.gofunc
 * on. 0; -ENOENT: the code there is the function's own; -EBADMSG.
 */
int pclntab_inline(const struct pclntab *t, const struct go_func *f, uint64_t pc, struct bytes data,
		   struct go_inline *ret);

/*
 * The outermost call inlined first into `f`, and the text offset where inlined code begins. 0;
 * -ENOENT: none was; -EBADMSG.
 */
int pclntab_first_inline(const struct pclntab *t, const struct go_func *f, struct bytes data,
			 struct go_inline *ret, uint64_t *ret_pc);

#endif
