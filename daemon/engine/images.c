// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/images.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IMAGE_KEY_LEN offsetof(struct proc_image, name)

struct images {
	struct image *all;
	uint32_t next_id;
};

struct images *images_new(void)
{
	return calloc(1, sizeof(struct images));
}

void image_close(struct image *im)
{
	if (im->exe_fd >= 0)
		close(im->exe_fd);
	im->exe_fd = -1;
}

static void image_free(struct image *im)
{
	image_close(im);
	free(im->report);
	free(im->open);
	free(im->calls);
	free(im->waiting);
	free(im);
}

void images_free(struct images *is)
{
	struct image *im, *next;

	if (!is)
		return;
	HASH_ITER (hh, is->all, im, next) {
		HASH_DEL(is->all, im);
		image_free(im);
	}
	free(is);
}

static void evict(struct images *is)
{
	struct image *im, *next;

	HASH_ITER (hh, is->all, im, next) {
		if (im->users || im->state != IMAGE_READY)
			continue;
		HASH_DEL(is->all, im);
		image_free(im);
		return;
	}
}

struct image *images_get(struct images *is, const struct proc_image *file)
{
	struct image *im;

	HASH_FIND(hh, is->all, file, IMAGE_KEY_LEN, im);
	if (im)
		return im;
	if (HASH_COUNT(is->all) >= IMAGES_MAX)
		evict(is);
	if (HASH_COUNT(is->all) >= IMAGES_MAX)
		return NULL;
	im = calloc(1, sizeof(*im));
	if (!im)
		return NULL;
	im->file = *file;
	im->id = ++is->next_id;
	im->exe_fd = -1;
	HASH_ADD(hh, is->all, file, IMAGE_KEY_LEN, im);
	return im;
}

struct image *images_by_id(struct images *is, uint32_t id)
{
	for (struct image *im = is->all; im; im = im->hh.next) {
		if (im->id == id)
			return im;
	}
	return NULL;
}

void images_forget_empty(struct images *is)
{
	for (struct image *im = is->all; im; im = im->hh.next) {
		if (im->state == IMAGE_READY && (!im->report || im->report->kind == IMAGE_NONE))
			im->state = IMAGE_NEW;
	}
}

struct image *images_next(struct images *is, struct image *im)
{
	return im ? im->hh.next : is->all;
}

unsigned images_count(const struct images *is)
{
	return HASH_COUNT(is->all);
}

int image_add_waiting(struct image *im, pid_t pid)
{
	pid_t *waiting = reallocarray(im->waiting, im->n_waiting + 1, sizeof(*waiting));

	if (!waiting)
		return -ENOMEM;
	im->waiting = waiting;
	im->waiting[im->n_waiting++] = pid;
	return 0;
}

static void *copy_of(const void *from, size_t bytes)
{
	void *to = malloc(bytes + 1); /* none is not out of memory */

	return to ? memcpy(to, from, bytes) : NULL;
}

/* What is not kept is not complete. */
static void set_lists(struct image *im, const struct image_lists *l)
{
	free(im->open);
	free(im->calls);
	im->open = copy_of(l->open.list, l->open.n * sizeof(l->open.list[0]));
	im->calls = copy_of(l->calls.list, l->calls.n * sizeof(l->calls.list[0]));
	im->n_open = im->open ? l->open.n : 0;
	im->open_complete = im->open && l->open.complete;
	im->n_calls = im->calls ? l->calls.n : 0;
	im->calls_complete = im->calls && l->calls.complete;
}

#define RETRY_NS        1000000000ull
#define RETRY_DOUBLINGS 6
#define AWAITED_TRIES   3

void image_postpone(struct image *im, uint64_t now_ns)
{
	unsigned n = im->failures < RETRY_DOUBLINGS ? im->failures : RETRY_DOUBLINGS;

	im->state = IMAGE_NEW;
	im->failures++;
	im->retry_ns = now_ns + (RETRY_NS << n);
}

bool image_is_due(const struct image *im, uint64_t now_ns)
{
	return im->state == IMAGE_NEW && im->n_waiting && im->retry_ns && now_ns >= im->retry_ns;
}

bool image_is_awaited(const struct image *im)
{
	return im->state == IMAGE_NEW && im->n_waiting && im->retry_ns &&
	       im->failures <= AWAITED_TRIES;
}

int image_keep_empty(struct image *im)
{
	if (!im->report)
		im->report = calloc(1, sizeof(*im->report));
	return im->report ? 0 : -ENOMEM;
}

int image_set_report(struct image *im, const struct worker_result *result, bool keep_empty)
{
	const struct image_report *report = &result->report;

	im->state = IMAGE_READY;
	im->failures = 0;
	im->retry_ns = 0;
	if (report->kind == IMAGE_NONE && !keep_empty)
		return 0;
	if (!im->report)
		im->report = malloc(sizeof(*im->report));
	if (!im->report)
		return -ENOMEM;
	*im->report = *report;
	set_lists(im, &result->lists);
	return 0;
}
