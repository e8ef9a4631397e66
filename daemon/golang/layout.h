/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where the fields of the Go runtime's structs lie, by release: data, and one look-up. amd64 and
 * arm64 agree in every field listed. Nothing here looks at a process: who uses an
 * `unverified` row must check it against a live one, and be ready to do without.
 */
#ifndef DEFERD_GOLANG_LAYOUT_H
#define DEFERD_GOLANG_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#define GO_LAYOUT_ABSENT 0xffffu /* the release has no such field, or it is not known */

/* Offsets and sizes in bytes. */
struct go_layout {
	uint16_t minor;  /* the row: 26 for Go 1.26 */
	bool unverified; /* the release is newer than the newest row, which stands in for it */
	struct {
		uint16_t stack_lo, stack_hi, panic, defer, m, sched_sp, sched_pc, sched_bp;
		uint16_t syscallsp, syscallpc, atomicstatus, goid, waitsince, waitreason;
		uint16_t tracking_seq;
		uint16_t sigcode0, sigcode1, parent_goid, gopc, startpc, waiting;
	} g;
	struct {
		uint16_t curg;
	} m;
	struct {
		uint16_t rangefunc, open_defer, sp, pc, fn, link, head;
	} defer;
	struct {
		uint16_t size, arg, link, sp, start_sp, retpc;
		uint16_t recovered, goexit;
	} panic;
	struct {
		uint16_t elem, waitlink, c; /* of Go 1.26's pairs of words, the address */
	} sudog;
	struct {
		uint16_t types, etypes, rodata, gofunc;
	} moduledata;
	uint16_t wrapper_id; /* funcID of ABI wrappers and of wrappers around deferred calls */
	struct {
		uint16_t convert_text_old, nil_error, syscalls_counted, lock_waiting, short_floats;
		uint16_t nil_prefix;
	} fact; /* 1: it is so in this release; layouts/facts says what */
};

/* The row for Go 1.`minor`. 0; -ENOTSUP when older than Go 1.19 (or 0, not known). */
int go_layout_find(unsigned minor, struct go_layout *ret);

/* The same for any release: of one older than the oldest row, or 0 (not known), the oldest row. */
struct go_layout go_layout_nearest(unsigned minor);
/* The same funcID for any release, 0xff when `minor` is 0 (not known). */
uint8_t go_wrapper_id(unsigned minor);

#endif
