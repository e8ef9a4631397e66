/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of the model share: model.c owns it, names.c and panics.c know their part of it. */
#ifndef DEFERD_MODEL_MODEL_PRIV_H
#define DEFERD_MODEL_MODEL_PRIV_H

#include "model/model.h"

struct model {
	struct model_opts opts;
	struct target *targets;
	struct service *services;
	struct name *names;
	uint32_t service_serial;
	unsigned n_wanted;
	uint32_t scan;
	uint64_t observed_ns; /* the histograms were fed last */
	uint64_t dropped;
};

/* names.c */
/* In whatever state; new ones are wanted. NULL: no room. */
const struct name *names_look_up(struct model *m, uint32_t image_id, enum name_kind kind,
				 uint64_t addr);
/* Whether an answer is still to come. */
bool name_is_pending(const struct name *n);
bool line_is_of_runtime(const struct code_line *c);
/* Nobody runs this file any more. Should somebody again, its sites are named again. */
void names_forget_image(struct model *m, uint32_t image_id);
void names_free(struct model *m);

/* panics.c */
void panics_apply(struct model *m, struct target *t, const struct event *ev);
void panics_apply_recover(struct model *m, struct target *t, const struct event_recover *in);
/* recover() in a wrong frame, of a target. */
uint64_t target_misplaced(struct model *m, const struct target *t);

#endif
