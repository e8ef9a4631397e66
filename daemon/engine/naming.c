// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/naming.h"

#include <fcntl.h>
#include <stdio.h>

/* The model knows no worker; both ask for the same kinds of names. */
_Static_assert((int)NAME_OF_SITE == (int)IMAGE_ASK_SITE &&
		       (int)NAME_OF_FUNCTION == (int)IMAGE_ASK_FUNCTION &&
		       (int)NAME_OF_TYPE == (int)IMAGE_ASK_TYPE &&
		       (int)NAME_OF_TEXT == (int)IMAGE_ASK_TEXT &&
		       (int)NAME_OF_STRING == (int)IMAGE_ASK_STRING &&
		       (int)NAME_KIND_MAX == (int)IMAGE_ASK_MAX,
	       "what a name is asked for");

/* A return address stands behind the call it is asked for. */
static uint64_t address_of(const struct name_ask *ask)
{
	return ask->addr - (ask->kind == NAME_OF_SITE);
}

void naming_ask(struct turn *turn)
{
	struct name_ask wanted[INSPECT_ASKS_MAX];
	struct image_ask asks[INSPECT_ASKS_MAX];
	uint32_t image_id;
	unsigned n;

	while ((n = model_wanted_names(turn->model, &image_id, wanted, INSPECT_ASKS_MAX))) {
		const struct image *im = images_by_id(turn->images, image_id);
		int fd = im && im->exe_fd >= 0 ? fcntl(im->exe_fd, F_DUPFD_CLOEXEC, 0) : -1;

		for (unsigned i = 0; i < n; i++)
			asks[i] = (struct image_ask){ .addr = address_of(&wanted[i]),
						      .kind = wanted[i].kind };
		/*
		 * No process runs the file now, or the queue is full: the next look at the site asks
		 * again.
		 */
		if (fd < 0 || jobs_symbolize(turn->jobs, image_id, fd, asks, n, turn->now_ns)) {
			for (unsigned i = 0; i < n; i++)
				model_forget_name(turn->model, image_id, &wanted[i]);
		}
	}
}

/*
 * A stripped C program: what addr2line wants, beside the file with the symbols. A Go program names
 * all of its own: what has no name lies in no function of it. False: the address is not of this file, but of a library.
 */
static bool name_by_offset(const struct image *im, uint64_t addr, struct code_line *ret)
{
	if (im && im->report && im->report->kind == IMAGE_C && addr >= im->report->end)
		return false;
	if (im && im->report && im->report->kind == IMAGE_GO) {
		snprintf(ret->function, sizeof(ret->function), "?");
		return true;
	}
	snprintf(ret->function, sizeof(ret->function), "%s+0x%llx", im ? im->file.name : "?",
		 (unsigned long long)addr);
	return true;
}

static void copy_place(struct code_line *to, const struct image_place *from)
{
	snprintf(to->function, sizeof(to->function), "%s", from->function);
	snprintf(to->file, sizeof(to->file), "%s", from->file);
	to->line = from->line;
}

_Static_assert(RECORDING_PLACES_MAX >= NAME_FRAMES_MAX, "all of an answer is recorded");

static void record_answer(struct recorder *r, uint32_t image_id, const struct name_ask *asked,
			  const struct name_answer *a)
{
	struct recorded_name name = {
		.image_id = image_id,
		.kind = asked->kind,
		.addr = asked->addr,
		.n = a->n,
		.open_defers = a->open_defers,
		.wrapper = a->wrapper,
		.has_frame = a->has_frame,
		.frame = a->frame,
		.has_type = a->type != NULL,
	};

	for (unsigned i = 0; i < a->n; i++)
		name.places[i] = (struct recorded_place){ a->frames[i].function, a->frames[i].file,
							  a->frames[i].line };
	if (a->type)
		name.type = *a->type;
	recorder_name(r, &name);
}

void naming_play(struct turn *turn, const struct recorded_name *name)
{
	struct code_line lines[NAME_FRAMES_MAX] = {};
	struct name_ask asked = { name->addr, (enum name_kind)name->kind };
	struct name_answer answer = { .frames = lines,
				      .open_defers = name->open_defers,
				      .wrapper = name->wrapper,
				      .has_frame = name->has_frame,
				      .frame = name->frame,
				      .type = name->has_type ? &name->type : NULL };

	if (name->kind >= NAME_KIND_MAX)
		return;
	for (; answer.n < name->n && answer.n < NAME_FRAMES_MAX; answer.n++) {
		const struct recorded_place *p = &name->places[answer.n];
		struct code_line *line = &lines[answer.n];

		snprintf(line->function, sizeof(line->function), "%s", p->function);
		snprintf(line->file, sizeof(line->file), "%s", p->file);
		line->line = p->line;
	}
	model_answer(turn->model, name->image_id, &asked, &answer);
}

void naming_skip(struct turn *turn)
{
	struct name_ask wanted[INSPECT_ASKS_MAX];
	uint32_t image_id;

	while (model_wanted_names(turn->model, &image_id, wanted, INSPECT_ASKS_MAX))
		;
}

/* The places of ask `i` begin at *at; moves *at behind them. */
static void answer_one(struct turn *turn, const struct image *im, uint32_t image_id,
		       const struct image_ask *ask, unsigned i, const struct worker_result *result,
		       unsigned *at)
{
	struct code_line lines[NAME_FRAMES_MAX] = {};
	struct name_answer answer = { .frames = lines };
	struct name_ask asked = { ask->addr, (enum name_kind)ask->kind };
	unsigned n = result ? result->nplaces : 0;

	asked.addr += asked.kind == NAME_OF_SITE;
	for (; *at < n && result->places[*at].ask == i; (*at)++) {
		const struct image_place *p = &result->places[*at];

		if (answer.n == NAME_FRAMES_MAX)
			continue;
		copy_place(&lines[answer.n++], p);
		answer.open_defers = p->open_defers;
		answer.has_frame = p->has_frame;
		answer.frame = p->frame;
		answer.wrapper = p->wrapper;
		answer.type = asked.kind == NAME_OF_TYPE ? &p->type : NULL;
	}
	if (!lines[0].function[0] &&
	    (asked.kind == NAME_OF_SITE || asked.kind == NAME_OF_FUNCTION) &&
	    name_by_offset(im, ask->addr, &lines[0]))
		answer.n = answer.n ? answer.n : 1;
	model_answer(turn->model, image_id, &asked, &answer);
	if (turn->opts->recorder)
		record_answer(turn->opts->recorder, image_id, &asked, &answer);
}

void naming_answer(struct turn *turn, uint32_t image_id, const struct worker_result *result,
		   const struct image_ask *asks, unsigned nasks)
{
	const struct image *im = images_by_id(turn->images, image_id);
	unsigned at = 0;

	for (unsigned i = 0; i < nasks; i++)
		answer_one(turn, im, image_id, &asks[i], i, result, &at);
}

void naming_close_images(struct turn *turn)
{
	for (struct image *im = images_next(turn->images, NULL); im;
	     im = images_next(turn->images, im)) {
		if (im->exe_fd >= 0 && !im->users && !model_uses_image(turn->model, im->id))
			image_close(im);
	}
}
