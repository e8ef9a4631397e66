/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * User space to kernel: what the probes are told. Readers: bpf/ and daemon/probe/. No other file
 * may depend on these shapes. Fixed-width fields, naturally aligned, sizes asserted, so that both
 * compilers agree.
 */
#ifndef DEFERD_CONTROL_H
#define DEFERD_CONTROL_H

#ifndef __bpf__
#include <stdint.h>
typedef uint8_t dfd_u8;
typedef uint16_t dfd_u16;
typedef uint32_t dfd_u32;
typedef uint64_t dfd_u64;
#else
typedef __u8 dfd_u8;
typedef __u16 dfd_u16;
typedef __u32 dfd_u32;
typedef __u64 dfd_u64;
#endif

/* What a probed function does in its runtime. A runtime profile maps roles to function names. */
enum dfd_role {
	DFD_ROLE_NONE = 0,
	DFD_ROLE_PUSH_HEAP,  /* Go deferproc: a defer in a loop */
	DFD_ROLE_PUSH_STACK, /* Go deferprocStack: record in the caller's frame */
	DFD_ROLE_PUSH_RANGE, /* Go deferprocat: defer in the body of a range-over-func loop */
	DFD_ROLE_RUN,        /* Go deferreturn: the frame's defers run */
	DFD_ROLE_PANIC,      /* Go gopanic */
	DFD_ROLE_RECOVER, /* Go recovery: one panic ended by recover(); g is an argument, not the current g */
	DFD_ROLE_FATAL,        /* Go fatalpanic: a panic nobody recovered */
	DFD_ROLE_GOEXIT,       /* Go Goexit */
	DFD_ROLE_RECOVER_CALL, /* Go gorecover: recover() was called, found something or not */
	DFD_ROLE_THROW,        /* Go throw, fatal: the runtime gives up, with a message */
	DFD_ROLE_DYING,        /* Go startpanic_m: the process is about to die with a traceback */
	DFD_ROLE_C_PUSH,       /* C: one deferred call registered on this thread */
	DFD_ROLE_C_RUN,        /* C: one deferred call run on this thread */
	DFD_ROLE_C_PANIC,      /* C: a panic begins on this thread */
	DFD_ROLE_C_RECOVER,    /* C: a panic was recovered on this thread */
	/* Go servers: a handler is called, and has returned. In pairs: bpf/requests.bpf.c counts on it. */
	DFD_ROLE_HTTP_BEGIN,
	DFD_ROLE_HTTP_END,
	DFD_ROLE_HTTP2_BEGIN,
	DFD_ROLE_HTTP2_END,
	DFD_ROLE_GRPC_BEGIN,
	DFD_ROLE_GRPC_END,
	/* What makes a request one that has no latency, or not this one: struct dfd_requests. */
	DFD_ROLE_FLUSH,  /* the handler sends what there is of the answer, and goes on */
	DFD_ROLE_STREAM, /* messages go to and fro as long as both like */
	DFD_ROLE_HIJACK, /* the handler takes the connection over */
	DFD_ROLE_MAX,
};

/*
 * Attach cookie of a probe point: target id (bits 0-31), role (32-39), distance from RSP at the
 * probe to the slot that holds the return address, in 8-byte words (40-47), flags (48-55), generation
 * of the link (56-63, see struct dfd_target).
 */
#define DFD_POINT_SKIP_TAKEN \
	0x01u /* drop hits whose flags say that the probed branch is taken (stack growth) */
#define DFD_POINT_CALL    0x04u /* the call itself, whose return address is not on the stack yet */
#define DFD_POINT_STEPPED 0x02u /* the kernel single-steps the instruction: a dearer hit */

static inline dfd_u64 dfd_cookie(dfd_u32 target, dfd_u8 role, dfd_u8 sp_words, dfd_u8 flags,
				 dfd_u8 gen)
{
	return (dfd_u64)target | (dfd_u64)role << 32 | (dfd_u64)sp_words << 40 |
	       (dfd_u64)flags << 48 | (dfd_u64)gen << 56;
}

/*
 * Target id: slot in the targets map (low 16 bits) and generation (high 16), so that a reused slot
 * is not confused.
 */
#define DFD_TARGET_SLOT(id) ((id)&0xffffu)
#define DFD_TARGET_GEN(id)  ((id) >> 16)
#define DFD_TARGETS_MAX     4096u /* slots; slot 0 is the host: records that belong to no target */

#endif
