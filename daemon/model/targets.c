// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/targets.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
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

struct service *service_find(const struct model *m, const char *name)
{
	struct service *s;

	HASH_FIND_STR(m->services, name, s);
	return s;
}

const struct service *model_service(const struct model *m, const char *name)
{
	return service_find(m, name);
}

struct service *service_get(struct model *m, const char *name)
{
	struct service *s;
	char clean[MODEL_NAME_MAX];

	utf8_sanitize(clean, sizeof(clean), name, strlen(name));
	s = service_find(m, clean);
	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	memcpy(s->name, clean, sizeof(s->name));
	s->serial = ++m->service_serial;
	HASH_ADD_STR(m->services, name, s);
	return s;
}

void counts_add(struct event_counts *sum, const struct event_counts *c)
{
	for (int i = 0; i < LOWERING_MAX; i++)
		sum->registered[i] += c->registered[i];
	sum->runs += c->runs;
	sum->panics += c->panics;
	for (int i = 0; i < OUTCOME_MAX; i++)
		sum->outcomes[i] += c->outcomes[i];
	sum->misfits += c->misfits;
	sum->untold += c->untold;
	sum->goexits += c->goexits;
	sum->hits += c->hits;
	sum->stepped += c->stepped;
	sum->unread += c->unread;
	sum->timed += c->timed;
	sum->crossings += c->crossings;
	sum->fd_opened += c->fd_opened;
	sum->fd_closed += c->fd_closed;
	sum->fd_ebadf += c->fd_ebadf;
	sum->fd_refused += c->fd_refused;
	sum->fd_unsited += c->fd_unsited;
}

void target_counts(const struct target *t, struct event_counts *ret_counts)
{
	*ret_counts = t->counts;
	counts_add(ret_counts, &t->earlier);
}
