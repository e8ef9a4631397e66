/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A Go program's file, stripped or not: the front door of this folder. Knows the release, the
 * function table and the runtime's layout; looks functions up by name and by address. Addresses are
 * link-time VAs (add the load bias for a running PIE). Pure, allocates nothing, borrows the image;
 * any thread.
 */
#ifndef DEFERD_GOLANG_GOBIN_H
#define DEFERD_GOLANG_GOBIN_H

#include "elf/elfimg.h"
#include "golang/buildinfo.h"
#include "golang/layout.h"
#include "golang/moduledata.h"
#include "golang/pclntab.h"

struct gobin {
	const struct elfimg *img;  /* borrowed */
	struct go_version version; /* .minor 0 when the file does not say */
	struct pclntab tab;
	uint64_t tab_va;
	uint64_t text; /* VA of runtime.text */
	bool has_moduledata;
	struct moduledata moduledata;
	bool has_layout; /* false: a release older than 1.19, or not known */
	struct go_layout layout;
};

/* Functions that one instruction belongs to, inlined into each other: enough for nearly all. */
#define GOBIN_INLINE_MAX 16

struct gobin_func {
	const char *name; /* as Go programmers write it; borrowed from the image */
	uint64_t va;
	uint64_t size; /* padding included */
};

struct gobin_place {
	const char *function; /* borrowed from the image, like `file` */
	uint64_t entry;
	const char *file; /* NULL where the table names no line */
	uint32_t line;    /* 0 then */
	bool wrapper;     /* the compiler wrote this function, around another */
	bool open_defers; /* it runs deferred calls at its end without the runtime */
	bool has_frame;
	uint32_t
		frame; /* see pclntab_frame(); of the function of the table, like all its inlined code */
};

/*
 * Read a Go program out of `img`, which must outlive *ret. Returns 0; -ENOENT: not a Go program;
 * -ENOTSUP: a Go program built by a release before 1.18; -EBADMSG: a Go program whose tables are
 * broken. The reason says which and where. *ret is written on success only.
 */
int gobin_init(struct gobin *ret, const struct elfimg *img, struct reason *reason);

/* A function by its full name; never the ABI wrapper of the same name if there is another. 0,
 * -ENOENT, -EBADMSG. */
int gobin_function(const struct gobin *g, const char *name, struct gobin_func *ret);

/*
 * Function and line of the instruction at `va`; for a return address ask for va - 1. Of code that
 * was inlined, the innermost function. 0; -ENOENT when no function covers it; -EBADMSG for a damaged
 * entry. Where only the line is missing or damaged, 0 with file NULL.
 */
int gobin_place(const struct gobin *g, uint64_t va, struct gobin_place *ret);

/*
 * The same with inlined calls expanded: [0] is the innermost function and the line of the
 * instruction; those that follow are what it was inlined into, with the lines of the calls; the last
 * is the function of the table. With more than `max` >= 1 of them, those before the last are left
 * out. Where the tree of inlined calls is damaged or out of reach, the last one only, with the line
 * of the instruction. Returns how many; -ENOENT, -EBADMSG as gobin_place().
 */
int gobin_frames(const struct gobin *g, uint64_t va, struct gobin_place *ret, unsigned max);

/*
 * What the deferred function that begins at `entry` is to a programmer: the compiler puts a call
 * with arguments, or of a method, into a wrapper. Then the function that was inlined there first,
 * with the line where its code begins (`entry` is the wrapper's), or the one it calls first. Of a
 * wrapper around a call through a pointer or an interface, the wrapper itself. 0, -ENOENT, -EBADMSG.
 */
int gobin_callee(const struct gobin *g, uint64_t entry, struct gobin_place *ret);

#endif
