/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The files that processes run, by identity: inspected once, by a worker, whatever the number of
 * processes. Loop thread only. An unused image stays until the table is full.
 */
#ifndef DEFERD_ENGINE_IMAGES_H
#define DEFERD_ENGINE_IMAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <uthash.h>

#include "probe/worker.h"
#include "proc/procfs.h"

#define IMAGES_MAX 4096

enum image_state { IMAGE_NEW, IMAGE_ASKED, IMAGE_READY };

struct image {
	UT_hash_handle hh;
	struct proc_image file; /* what stands before the name in it is the key */
	uint32_t id;
	enum image_state state;
	struct image_report *report; /* READY: NULL when there is nothing to see in it */
	struct opendefer *open;      /* Go: see struct opendefer_list */
	uint32_t n_open;
	bool open_complete;
	struct callsite *calls; /* Go: see struct callsite_list */
	uint32_t n_calls;
	bool calls_complete;
	unsigned users; /* targets */
	int exe_fd;     /* the file, open while names in it may be asked for; else -1 */
	unsigned n_waiting;
	pid_t *waiting;    /* processes that run it and wait for the report */
	unsigned failures; /* to inspect it, one after the other */
	uint64_t retry_ns; /* when it is tried again for those that wait; 0: it is not */
};

struct images;

struct images *images_new(void);
void images_free(struct images *is);
/* The image of this file, made when it is new; NULL: out of memory or all IMAGES_MAX are in use. */
struct image *images_get(struct images *is, const struct proc_image *file);
struct image *images_by_id(struct images *is, uint32_t id);
/* Files in which there was nothing to see are looked at again: what is looked for has changed. */
void images_forget_empty(struct images *is);
unsigned images_count(const struct images *is);
/* Each image in turn: pass NULL first; NULL at the end. */
struct image *images_next(struct images *is, struct image *im);
/* Close the file, if it is open. */
void image_close(struct image *im);
/* Remember that `pid` waits. */
int image_add_waiting(struct image *im, pid_t pid);
/*
 * It could not be inspected now, though it may be later (a worker ran out of time, the queue was full): it is NEW again,
 * and is tried again after 1 s, 2 s, 4 s and so on up to 64 s.
 */
void image_postpone(struct image *im, uint64_t now_ns);
/* Whether it is time to try it again for the processes that wait. */
bool image_is_due(const struct image *im, uint64_t now_ns);
/* Whether another try is soon to come: one of the first three. Who waits for an answer waits no longer than for these. */
bool image_is_awaited(const struct image *im);
/*
 * The report is there: keep a copy, unless there is nothing to see in the file and `keep_empty` is
 * not set.
 */
int image_set_report(struct image *im, const struct worker_result *result, bool keep_empty);
/* It is READY, and there is nothing to see in it: make that a report. */
int image_keep_empty(struct image *im);

#endif
