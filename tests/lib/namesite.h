/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Answers for a site, as the image worker gives them; function NULL: the image has no name for it. */
#ifndef DEFERD_TESTS_NAMESITE_H
#define DEFERD_TESTS_NAMESITE_H

#include <string.h>

#include "model/model.h"

static inline void name_site(struct model *m, uint32_t image, uint64_t pc, const char *function,
			     const char *file, uint32_t line)
{
	struct name_ask ask = { pc, NAME_OF_SITE };
	struct code_line c = { .line = line };
	struct name_answer answer = { .n = function ? 1 : 0, .frames = &c };

	if (function)
		memcpy(c.function, function, strnlen(function, sizeof(c.function) - 1));
	if (file)
		memcpy(c.file, file, strnlen(file, sizeof(c.file) - 1));
	model_answer(m, image, &ask, &answer);
}

#endif
