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
 * Function and line of the instruction at `va`; for a return address ask for va - 1. 0; -ENOENT
 * when no function covers it; -EBADMSG for a damaged entry. Where only the line is missing or
 * damaged, 0 with file NULL.
 */
int gobin_place(const struct gobin *g, uint64_t va, struct gobin_place *ret);

#endif
