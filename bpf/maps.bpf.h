/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The maps every program shares. Sizes marked (set) are written by user space before load. Weak, so
 * that the definitions of several objects become one when they are linked.
 */
#ifndef DEFERD_MAPS_BPF_H
#define DEFERD_MAPS_BPF_H

#include <deferd/record.h>

/* Watched processes by slot (set). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, struct dfd_target);
} targets __weak SEC(".maps");

/* Exact counts by slot (set). */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, struct dfd_counts);
} counts_by_target __weak SEC(".maps");

/* Target id by tgid, for hooks that see every process (set). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, __u32);
} target_by_tgid __weak SEC(".maps");

/* By thread: what became of the hit that runs, while links change places; see link_counts(). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} hit_by_tid __weak SEC(".maps");

/* Probe points of links that are newer than another one which may still be there. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct dfd_point_key);
	__type(value, __u8);
} new_points __weak SEC(".maps");

/* Depth by goroutine or thread (set). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct dfd_g_key);
	__type(value, struct dfd_depth);
} defers_by_g __weak SEC(".maps");

/* Pushes by call site. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct dfd_site_key);
	__type(value, __u64);
} pushes_by_site __weak SEC(".maps");

/* Panics that run, by goroutine or thread. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct dfd_g_key);
	__type(value, struct dfd_panics);
} panics_by_g __weak SEC(".maps");

/* Types of values that can be told, by target. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, DFD_SHAPES_MAX);
	__type(key, struct dfd_shape_key);
	__type(value, struct dfd_shape);
} shapes __weak SEC(".maps");

/*
 * Goroutines and threads whose writes are told. Who is driven out is not told of any more; user space
 * looks whether an entry was there to the end before it believes in silence.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct dfd_g_key);
	__type(value, struct dfd_aftermath);
} aftermath_by_g __weak SEC(".maps");

/* Who opened what is open, of targets that are looked at so. Takes memory only for what it holds, 0.3 KB each. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, DFD_FDS_OPENED_MAX);
	__type(key, struct dfd_fd_key);
	__type(value, struct dfd_fd_opened);
} fds_opened __weak SEC(".maps");

/* What went wrong last, by target and kind. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct dfd_fd_key);
	__type(value, struct dfd_fd_opened);
} fd_faults __weak SEC(".maps");

/* Numbers that targets have had open. Who is driven out has none: then a double close of it is missed. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct dfd_fd_key);
	__type(value, struct dfd_fd_chunk);
} fds_had __weak SEC(".maps");

/* Closes of what is not open, by thread. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct dfd_sweep);
} sweeps_by_tid __weak SEC(".maps");

/* Calls of recover() in a wrong frame, by site and caller. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct dfd_recover_key);
	__type(value, __u64);
} recovers_by_site __weak SEC(".maps");

/* Requests that are handled now, by goroutine (set). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct dfd_g_key);
	__type(value, struct dfd_request);
} requests_by_g __weak SEC(".maps");

/* Goroutines that serve requests, and those that work for them (set). Who is driven out is found anew, or works for none. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct dfd_goid_key);
	__type(value, struct dfd_server);
} requests_by_goid __weak SEC(".maps");

/* By target id, of those whose requests are timed: user space makes and removes them (set). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, struct dfd_requests);
} requests_by_target __weak SEC(".maps");

/* enum dfd_loss. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DFD_LOSS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} losses __weak SEC(".maps");

/* Records (set). */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} ring __weak SEC(".maps");

#endif
