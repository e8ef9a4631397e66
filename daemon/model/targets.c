// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/targets.h"

#include "model/targets_priv.h"

const struct target *model_targets(const struct model *m)
{
	return m->targets;
}

const struct service *model_services(const struct model *m)
{
	return m->services;
}

struct target *target_find(const struct model *m, uint32_t id)
{
	struct target *t;

	HASH_FIND(hh, m->targets, &id, sizeof(id), t);
	return t;
}

const struct target *model_target(const struct model *m, uint32_t id)
{
	return target_find(m, id);
}

const struct target *model_target_by_pid(const struct model *m, uint32_t pid)
{
	for (const struct target *t = m->targets; t; t = t->hh.next) {
		if (t->pid == pid)
			return t;
	}
	return NULL;
}
