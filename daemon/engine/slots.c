// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/slots.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <deferd/control.h>

int slots_init(struct slots *s, size_t bytes, unsigned targets_max, void (*clear)(void *entry))
{
	*s = (struct slots){ .n = targets_max + 1, .bytes = bytes, .clear = clear };
	s->ids = calloc(s->n, sizeof(*s->ids));
	s->entries = calloc(s->n, bytes);
	if (s->ids && s->entries)
		return 0;
	slots_done(s);
	return -ENOMEM;
}

static void slots_clear(struct slots *s, unsigned i)
{
	char *entry = s->entries + i * s->bytes;

	if (!s->ids[i])
		return;
	if (s->clear)
		s->clear(entry);
	memset(entry, 0, s->bytes);
	s->ids[i] = 0;
}

void slots_done(struct slots *s)
{
	for (unsigned i = 0; s->ids && s->entries && i < s->n; i++)
		slots_clear(s, i);
	free(s->ids);
	free(s->entries);
	*s = (struct slots){};
}

void *slots_of(struct slots *s, uint32_t id)
{
	unsigned i = DFD_TARGET_SLOT(id);

	assert(id && i < s->n);
	if (s->ids[i] != id)
		slots_clear(s, i);
	s->ids[i] = id;
	return s->entries + i * s->bytes;
}

void slots_sweep(struct slots *s, bool (*is_there)(void *arg, uint32_t id), void *arg)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (s->ids[i] && !is_there(arg, s->ids[i]))
			slots_clear(s, i);
	}
}
