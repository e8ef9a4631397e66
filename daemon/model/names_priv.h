/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef DEFERD_MODEL_NAMES_PRIV_H
#define DEFERD_MODEL_NAMES_PRIV_H

#include "model/names.h"

/* In whatever state; new ones are wanted. NULL: no room. */
const struct name *names_look_up(struct model *m, uint32_t image_id, enum name_kind kind,
				 uint64_t addr);
/* Whether an answer is still to come. */
bool name_is_pending(const struct name *n);
bool line_is_of_runtime(const struct code_line *c);
/* Nobody runs this file any more. Should somebody again, its sites are named again. */
void names_forget_image(struct model *m, uint32_t image_id);
void names_free(struct model *m);

#endif
