/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What addresses of an image are called: functions and lines, types, constant texts. The model asks nobody itself: a
 * name that somebody looks for becomes wanted, whoever reads files takes what is wanted and brings the answer.
 */
#ifndef DEFERD_MODEL_NAMES_H
#define DEFERD_MODEL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "event/event.h"
#include "golang/gotype.h"

#define MODEL_FUNC_MAX  192
#define MODEL_FILE_MAX  256
#define NAME_FRAMES_MAX 16 /* functions that one address has, what is inlined included */

struct model;

/* A line of code. */
struct code_line {
	char function[MODEL_FUNC_MAX]; /* sanitized; "" until known */
	char file[MODEL_FILE_MAX];     /* "" when the image does not say */
	uint32_t line;
};

#define CODE_LINE_MAX (MODEL_FUNC_MAX + MODEL_FILE_MAX + 16) /* of its text */

enum code_line_style {
	CODE_LINE_AT,    /* "main.reserve at main.go:41" */
	CODE_LINE_PLAIN, /* "main.reserve main.go:41" */
	CODE_LINE_LOG,   /* "main.reserve (main.go:41)" */
};

/* It has a function whose name is known: "?" stands for one that is not. */
bool code_line_named(const struct code_line *c);
/* The function alone where the file is not known, "" without one; cut where `size` ends. */
void code_line_print(const struct code_line *c, enum code_line_style style, char *buf, size_t size);

/* What an address of an image is asked for. */
enum name_kind {
	NAME_OF_SITE,     /* a return address: the line of the call before it */
	NAME_OF_FUNCTION, /* an entry: the function, or what the wrapper that begins there calls */
	NAME_OF_TYPE,     /* a Go type */
	NAME_OF_TEXT,     /* the bytes of a Go string, and what follows them */
	NAME_OF_STRING,   /* a Go string, by the address of its pointer and length */
	NAME_KIND_MAX,
};

struct name {
	UT_hash_handle hh;
	struct name_key {
		uint64_t addr;
		uint32_t image_id;
		uint32_t kind;
	} key;
	enum { NAME_WANTED, NAME_ASKED, NAME_KNOWN, NAME_UNKNOWN } state;
	struct code_line at;     /* SITE: the innermost of what is inlined there */
	unsigned n_outer;        /* SITE: functions that it was inlined into */
	struct code_line *outer; /* the last one is the function of the symbol table */
	bool open_defers;        /* SITE: the function runs deferred calls without the runtime */
	bool wrapper;            /* SITE: the compiler wrote this function */
	bool has_frame;          /* SITE, Go: */
	uint32_t frame; /* bytes from the stack pointer there to the slot of the return address */
	struct gotype type; /* TYPE */
};

/* Its lines, the innermost first: 0 to n_outer. */
static inline const struct code_line *name_code_line(const struct name *n, unsigned k)
{
	return k ? &n->outer[k - 1] : &n->at;
}

/* Of the function of the symbol table, into which the others were inlined. */
static inline const struct code_line *name_outermost(const struct name *n)
{
	return name_code_line(n, n->n_outer);
}

/* An answer to model_wanted_names(). `frames` innermost first; NULL or n 0: it has no name. */
struct name_answer {
	unsigned n;
	const struct code_line *frames; /* hostile bytes, strings closed */
	bool open_defers, wrapper, has_frame;
	uint32_t frame;
	const struct gotype *type; /* TYPE only */
};

struct name_ask {
	uint64_t addr;
	enum name_kind kind;
};

/*
 * The name of an address, or NULL when it is not known (yet). Asking for it makes it wanted.
 * model_site_name() is for NAME_OF_SITE.
 */
const struct name *model_name(struct model *m, uint32_t image_id, enum name_kind kind,
			      uint64_t addr);
const struct name *model_site_name(struct model *m, uint32_t image_id, uint64_t pc);
/*
 * The frame that a reader cares for: the first one outside the Go runtime, which raises the panics
 * of the language itself (nil, bounds, division, maps). NULL while its name is not known. Makes the
 * names of all frames wanted.
 */
const struct code_line *model_user_frame(struct model *m, uint32_t image_id,
					 enum runtime_kind runtime, const uint64_t *stack,
					 unsigned n);
/*
 * Where that frame is of Go's standard library, the first one outside of it: the line of the program
 * that led there. NULL: it is the same, or there is none, or a name is not known.
 */
const struct code_line *model_own_frame(struct model *m, uint32_t image_id,
					enum runtime_kind runtime, const uint64_t *stack,
					unsigned n);
/* What a person looks for first: model_own_frame(), else model_user_frame(). */
const struct code_line *model_program_frame(struct model *m, uint32_t image_id,
					    enum runtime_kind runtime, const uint64_t *stack,
					    unsigned n);
/*
 * The innermost place of the program itself, as an address of the stack; 0: there is none. *ret_direct: it called the runtime
 * (or package sync), and not another library. False: a name is not known yet; all that are needed are wanted.
 */
bool model_own_place(struct model *m, uint32_t image_id, const uint64_t *stack, unsigned n,
		     uint64_t *ret_place, bool *ret_direct);
/*
 * Who asked for something that a library did: the first frame outside of Go's standard library; where all are of it, as on a
 * goroutine of its own that dials, the outermost one, and never the innermost, which is the system call.
 */
const struct code_line *model_opener_frame(struct model *m, uint32_t image_id,
					   enum runtime_kind runtime, const uint64_t *stack,
					   unsigned n);
/*
 * Wanted names of one image, at most n, marked as asked. Returns how many; 0 when nothing is wanted.
 * The answer comes by model_answer(); when none will come, model_forget_name() makes the address
 * wanted again when somebody asks for it.
 */
unsigned model_wanted_names(struct model *m, uint32_t *ret_image_id, struct name_ask *ret_asks,
			    unsigned n);
/* Whether a name is wanted, or asked for and not answered yet. */
bool model_awaits_names(const struct model *m);
void model_forget_name(struct model *m, uint32_t image_id, const struct name_ask *ask);
void model_answer(struct model *m, uint32_t image_id, const struct name_ask *ask,
		  const struct name_answer *answer);

#endif
