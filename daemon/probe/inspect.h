/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a file is and where to probe it; what its addresses are called. This is the worker's job
 * (see worker.h): it reads a stranger's file and answers in structs of fixed size, without
 * pointers, which go through a pipe as they are. Takes a descriptor or bytes, opens nothing.
 * dwline's caveat holds for symbolizing C programs; the rest is pure.
 */
#ifndef DEFERD_PROBE_INSPECT_H
#define DEFERD_PROBE_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"
#include "golang/buildinfo.h"
#include "golang/goerrors.h"
#include "golang/gotype.h"
#include "golang/injected.h"
#include "golang/layout.h"
#include "golang/opendefer.h"
#include "probe/callsites.h"
#include "probe/plan.h"

#define INSPECT_VERSION      12u          /* of the structs below */
#define INSPECT_FILE_MAX     (1ull << 30) /* bytes that are mapped; a larger file is -EFBIG */
#define INSPECT_PROFILES_MAX 4
#define INSPECT_ASKS_MAX     64
#define INSPECT_PLACES_MAX   (INSPECT_ASKS_MAX + 96) /* inlined code gives several for one address */

enum image_kind {
	IMAGE_NONE = 0, /* nothing for us; `error` and `reason` say why */
	IMAGE_GO,       /* with `error` set: a Go program that cannot be read */
	IMAGE_C,        /* has functions of a C profile */
	IMAGE_KIND_MAX,
};

struct image_report {
	uint32_t version; /* INSPECT_VERSION */
	int32_t error;    /* 0, or why there is no plan: negative errno */
	uint8_t kind;     /* enum image_kind */
	bool pie;         /* add a load bias to every address here */
	bool has_layout;
	uint8_t profile;  /* IMAGE_C: index of the first profile, of those asked for, that the image
			     has functions of */
	uint16_t machine; /* EM_* */
	uint64_t file_bytes;
	uint64_t entry; /* e_entry; all addresses are link-time */
	uint64_t end;   /* of what is loaded of it: an address from there on is of another file */
	char build_id[2 * ELFIMG_BUILD_ID_MAX + 1];
	/* Go only, else zero */
	struct go_version go;
	uint64_t text; /* runtime.text */
	uint64_t moduledata, types, etypes;
	uint64_t allgs_len, allgs_list; /* see struct allgs; 0: not found */
	uint64_t data, edata;           /* what it may write to, of the file's segments */
	uint64_t runtime_main;          /* entry; 0: not found */
	uint64_t wait_reasons;          /* see struct waitreason_table; 0: not found */
	uint32_t n_wait_reasons;
	uint64_t semtable; /* see semtable_find(); 0: not found */
	bool nil_stays;    /* panic(nil) does, unless the environment says something else */
	uint64_t errors[GOERRORS_MAX]; /* see goerrors_find() */
	struct injected injected;
	struct go_layout layout;
	struct plan plan;
	char reason[REASON_MAX]; /* why error is set, or what is missing; "" when all is well */
};

/* What is longer than a report. Go: else empty. */
struct image_lists {
	struct opendefer_list open;
	struct callsite_list calls;
};

/* What an address is asked for. */
enum image_ask_kind {
	IMAGE_ASK_SITE,     /* the instruction there: function and line, inlined callers expanded */
	IMAGE_ASK_FUNCTION, /* an entry: the function, or what the wrapper that begins there calls */
	IMAGE_ASK_TYPE,     /* Go: a type */
	IMAGE_ASK_TEXT,     /* Go: the bytes of a string, of any length: whoever asks knows it */
	IMAGE_ASK_STRING,   /* Go: a string, by the address of its pointer and length */
	IMAGE_ASK_MAX,
};

struct image_ask {
	uint64_t addr; /* link-time; for a return address, one less */
	uint32_t kind; /* enum image_ask_kind */
	uint32_t reserved;
};

/* One line of an answer. Those of one ask follow each other, innermost first. */
struct image_place {
	char function[192]; /* as Go programmers write it, or the text; cut at the end */
	char file[256];     /* "" when not known; cut at the beginning: the tail tells more */
	uint32_t line;      /* 0 when not known */
	uint16_t ask;       /* index of the ask it answers */
	bool open_defers; /* Go: the function runs deferred calls at its end without the runtime */
	bool wrapper;     /* Go: written by the compiler */
	bool has_frame;
	uint32_t frame;     /* Go: bytes from the stack pointer there to the return address */
	struct gotype type; /* IMAGE_ASK_TYPE */
};

/*
 * Inspect the file behind `fd` (borrowed; mapped, its offset untouched). Always fills *ret, and
 * *ret_lists (NULL: not wanted), which are empty for what is no Go program; returns ret->error. A file
 * that shrinks while it is read raises SIGBUS: one more reason for the worker.
 */
int inspect_fd(int fd, const struct plan_c_profile *profiles, unsigned nprofiles,
	       struct image_report *ret, struct image_lists *ret_lists);
int inspect_bytes(const void *bytes, size_t len, const struct plan_c_profile *profiles,
		  unsigned nprofiles, struct image_report *ret, struct image_lists *ret_lists);

/*
 * Answer `n` <= INSPECT_ASKS_MAX asks. What has no answer has no place; when there are more inlined
 * frames than fit into INSPECT_PLACES_MAX, the outermost ones are left out. Returns the number of
 * places; -E2BIG; -ENOEXEC, -ENOTSUP or -EBADMSG when the file cannot be read at all.
 */
int inspect_symbolize(const void *bytes, size_t len, const struct image_ask *asks, unsigned n,
		      struct image_place *ret, struct reason *reason);
int inspect_symbolize_fd(int fd, const struct image_ask *asks, unsigned n, struct image_place *ret,
			 struct reason *reason);

/*
 * For what came from elsewhere: whether it keeps its own promises (version, counts, enums, strings
 * closed). 0, or -EPROTO. The layout is taken from our own table, so that nobody else's offsets are
 * ever used. What a report claims may still be wrong: bytes are compared before a probe is
 * attached.
 */
int image_report_check(struct image_report *r);
int image_lists_check(const struct image_lists *l);
int image_places_check(const struct image_place *places, unsigned n, unsigned nasks);

#endif
