/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which instructions of an image to probe, in which roles. A profile says what a runtime calls its
 * functions and what each of them does; the plan says where they are in this file, or that they are
 * not there and whether that is normal. Decides only: attaching is another module's work. Pure,
 * allocates nothing; any thread.
 */
#ifndef DEFERD_PROBE_PLAN_H
#define DEFERD_PROBE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "golang/gobin.h"

#define PLAN_POINTS_MAX   32
#define PLAN_ABSENT_MAX   32
#define PLAN_FUNCTION_MAX 128
#define PLAN_WHY_MAX      96

#define PLAN_SET_LEAN     0x01u /* what costs next to nothing */
#define PLAN_SET_FULL     0x02u /* lean, and the registration and run of every defer */
#define PLAN_SET_REQUESTS 0x04u /* where requests begin and end; a link of its own, beside either */
#define PLAN_SETS         (PLAN_SET_LEAN | PLAN_SET_FULL | PLAN_SET_REQUESTS)

struct probe_point {
	uint8_t role; /* enum dfd_role */
	uint8_t sets; /* PLAN_SET_*, those that this point belongs to */
	char function[PLAN_FUNCTION_MAX];
	uint64_t func_va; /* link-time */
	uint32_t offset;  /* of the probed instruction from func_va */
	uint64_t va;      /* link-time: func_va + offset */
	uint64_t file_off;
	uint8_t bytes[16]; /* what the file has at the point: compare with the target's memory
			      before attaching */
	uint8_t nbytes;    /* of them; the first insn_len are the probed instruction */
	uint8_t insn_len;
	bool emulated;
	bool skip_taken;
	bool call;        /* a call of the function, rather than an instruction in it */
	uint8_t sp_words; /* see struct arch_point */
	uint8_t rule;     /* enum arch_rule */
	char insn[ARCH_TEXT_MAX];
};

struct plan_absent {
	uint8_t role;
	bool normal; /* the linker drops what a program does not use; false: without it something
			goes unseen */
	char function[PLAN_FUNCTION_MAX];
	char why[PLAN_WHY_MAX];
};

struct plan {
	uint32_t n;
	struct probe_point points[PLAN_POINTS_MAX];
	uint32_t nabsent;
	struct plan_absent absent[PLAN_ABSENT_MAX];
};

/* One function of a runtime. */
struct plan_want {
	uint8_t role;
	uint8_t sets;
	uint8_t nargs; /* integer argument registers that the probe reads */
	bool always;   /* in every program of this runtime: absence is not normal */
	const char *function;
};

/* A C defer runtime: function names, each NULL where it has no such function. */
struct plan_c_profile {
	const char *name;
	const char *push;    /* registers a deferred call */
	const char *run;     /* runs one */
	const char *panic;   /* begins a panic */
	const char *recover; /* ends one */
};

#define PLAN_C_PROFILE_DEFAULT                                                     \
	{                                                                          \
		"defer", "defer_push", "defer_run", "defer_panic", "defer_recover" \
	}

/* Where a function lies, by name: 0, or -ENOENT. The plan asks for one function after the other. */
struct plan_source {
	int (*find)(const void *ctx, const char *function, uint64_t *ret_va, uint64_t *ret_size);
	const void *ctx;
	const struct elfimg *img; /* has the bytes */
	enum arch_abi abi;
};

/*
 * Add the points of `wants` to *plan, and those that are not there to plan->absent. Returns the
 * number of points added; -ENOTSUP when the image is for another machine; -ENOSPC when the plan is
 * full (what fitted stays). A function whose bytes make no sense is listed as absent, not an error.
 */
int plan_add(struct plan *plan, const struct plan_want *wants, unsigned n,
	     const struct plan_source *source, struct reason *reason);

/*
 * Go's servers that are in the image (net/http, HTTP/2, gRPC): where a request begins and ends, both or nothing, and only at
 * instructions that the kernel does not single-step. One that is there but has no points is listed as absent.
 */
int plan_add_servers(struct plan *plan, const struct plan_source *source);

/* The same for the Go runtime, and its servers: lean points are in both sets. */
int plan_add_go(struct plan *plan, const struct gobin *go, struct reason *reason);

/* The same for a C profile. When the image has none of its functions, 0 and nothing is listed as
 * absent. */
int plan_add_c(struct plan *plan, const struct elfimg *img, const struct plan_c_profile *profile,
	       struct reason *reason);

#endif
