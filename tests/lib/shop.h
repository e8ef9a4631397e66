/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A model that knows processes of the Go service "shop", all of one image, for tests of what follows. */
#ifndef DEFERD_TESTS_SHOP_H
#define DEFERD_TESTS_SHOP_H

#include "base/cleanup.h"
#include "model/model.h"

#define SECOND     1000000000ull
#define T0         (3600 * SECOND)
#define SHOP_IMAGE 7

DEFINE_CLEANUP(struct model *, model_free)

/* A process: target `id`, pid 1000 + id, seen at T0. */
static inline struct event shop_process(uint32_t id)
{
	return (struct event){
		.type = EVENT_TARGET,
		.target = id,
		.pid = 1000 + id,
		.time_ns = T0,
		.info = { .service = "shop",
			  .image = "shop",
			  .version = "go1.26.3",
			  .reason = "",
			  .runtime = RUNTIME_GO,
			  .state = TARGET_OBSERVED,
			  .image_id = SHOP_IMAGE },
	};
}

/* One more; `level` as the budget leaves it. */
static inline void shop_add(struct model *m, uint32_t id, unsigned level)
{
	struct event ev = shop_process(id);

	ev.info.level = level;
	model_apply(m, &ev);
}

static inline struct model *shop_model(void)
{
	struct model_opts opts = MODEL_OPTS_DEFAULT;
	struct model *m = model_new(&opts);

	assert_non_null(m);
	return m;
}

#endif
