/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Ring records and map values to events: the only place above the kernel that knows their shape.
 * Everything is checked before it is believed; what fails is refused, not repaired.
 */
#ifndef DEFERD_EVENT_DECODE_H
#define DEFERD_EVENT_DECODE_H

#include <stddef.h>

#include <deferd/record.h>

#include "event/event.h"

/*
 * `bias` is taken off addresses (0 when the target is not known any more). 0, or -EBADMSG: unknown
 * type, size that does not fit it, role or frame count out of range; *ret_ev is untouched then.
 */
int decode_record(const void *rec, size_t size, uint64_t bias, struct event *ret_ev);
/* What all records begin with; -EBADMSG when it is too short for that. */
int decode_header(const void *rec, size_t size, struct dfd_rec_hdr *ret_h);

/* Sum the per-CPU values of one target. */
void decode_counts(const struct dfd_counts *per_cpu, unsigned ncpu,
		   struct event_counts *ret_counts);
/* The lists are borrowed from *r. */
void decode_requests(const struct dfd_requests *r, uint64_t bias,
		     struct event_requests *ret_requests);
/* `epoch` is the kernel's at the time of the scan, so the window that just ended is epoch - 1. */
void decode_goroutine(const struct dfd_g_key *key, const struct dfd_depth *st, uint64_t bias,
		      uint32_t epoch, struct event_goroutine *ret_g);
void decode_fd_opened(const struct dfd_fd_key *key, const struct dfd_fd_opened *o, uint64_t bias,
		      struct event_fd_opened *ret);
enum lowering decode_lowering(unsigned role);

#endif
