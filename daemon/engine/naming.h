/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Names for the addresses that the model asks for, by image workers. Loop thread only. */
#ifndef DEFERD_ENGINE_NAMING_H
#define DEFERD_ENGINE_NAMING_H

#include "engine/turn.h"

/* Ask for what the model wants named. */
void naming_ask(struct turn *turn);
/* A worker's answer; NULL `result`: it failed, and what was asked for has no name. */
void naming_answer(struct turn *turn, uint32_t image_id, const struct worker_result *result,
		   const struct image_ask *asks, unsigned nasks);
/* A recorded answer. */
void naming_play(struct turn *turn, const struct recorded_name *name);
/* What the model wants named is in the recording where it had an answer: ask for nothing. */
void naming_skip(struct turn *turn);
/* Close the files of images that no process runs and no ledger mentions. */
void naming_close_images(struct turn *turn);

#endif
