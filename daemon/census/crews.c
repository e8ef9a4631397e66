// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/crews.h"

#include <stdlib.h>

#define ALONE_MAX 32
#define GIVEN_MIN 2  /* once may be an answer that it had asked for */
#define GIVEN_FOR 64 /* sights after which one of these is forgotten */

struct crew *crews_intern(struct crews *cs, uint64_t created_at, uint64_t start, uint64_t place)
{
	struct crew_key key = { created_at, start, place };
	struct crew *c;

	HASH_FIND(hh, cs->by_key, &key, sizeof(key), c);
	if (c || HASH_COUNT(cs->by_key) >= CREWS_MAX)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->key = key;
	c->serial = CREWS_SERIAL + ++cs->serial;
	HASH_ADD(hh, cs->by_key, key, sizeof(key), c);
	return c;
}

void crews_begin(struct crews *cs)
{
	for (struct crew *c = cs->by_key; c; c = c->hh.next)
		c->next = (struct crew_sum){};
}

void crews_end(struct crews *cs)
{
	struct crew *c, *next;

	HASH_ITER (hh, cs->by_key, c, next) {
		c->sum = c->next;
		c->largest = NULL;
		if (c->sum.count)
			continue;
		HASH_DEL(cs->by_key, c);
		free(c);
	}
}

void crews_done(struct crews *cs)
{
	struct crew *c, *next;

	HASH_ITER (hh, cs->by_key, c, next) {
		HASH_DEL(cs->by_key, c);
		free(c);
	}
	*cs = (struct crews){};
}

static void leave_line(struct crew_member *m)
{
	if (m->line && m->stays_at_line)
		m->line->next.left++;
	m->line = NULL;
	m->stays_at_line = false;
}

void member_leave(struct crew_member *m)
{
	leave_line(m);
	if (m->crew && m->stays_in_crew)
		m->crew->next.left++;
	*m = (struct crew_member){};
}

static void note_sight(struct crew_member *m, enum sight sight)
{
	bool alone = sight == SIGHT_ALONE || (sight == SIGHT_AWAKE && m->awake);

	if (alone && m->alone < ALONE_MAX)
		m->alone++;
	else if (sight == SIGHT_NOTHING && m->alone > -ALONE_MAX)
		m->alone--;
	m->awake = sight == SIGHT_AWAKE;
	if (++m->sights % GIVEN_FOR == 0 && m->given)
		m->given--;
	if (sight == SIGHT_GIVEN && m->given < 2 * GIVEN_MIN)
		m->given++;
}

/* Who is on its way is still at the line at which it was. */
static void note_line(struct crew_member *m, const struct sighting *s, uint64_t now_ns)
{
	bool stands = s->waits || (s->syscall && m->syscall) || !m->line;

	m->syscall = s->syscall;
	if (!s->line || s->line == m->line || !stands)
		return;
	leave_line(m);
	m->line = s->line;
	m->line_ns = now_ns;
}

static bool count_in(struct crew *c, bool stays, bool stayed)
{
	c->next.count++;
	c->next.stays += stays;
	c->next.left += stayed && !stays;
	return stays;
}

void member_see(struct crew_member *m, struct crew *crew, const struct sighting *s, uint64_t now_ns,
		uint64_t limit_ns)
{
	bool counts;

	if (crew != m->crew) {
		member_leave(m);
		m->crew = crew;
		m->crew_ns = now_ns;
	}
	note_sight(m, s->sight);
	note_line(m, s, now_ns);
	counts = limit_ns && (s->quiet || (m->alone > 0 && m->given < GIVEN_MIN));
	if (m->crew)
		m->stays_in_crew = count_in(m->crew, counts && now_ns - m->crew_ns >= limit_ns,
					    m->stays_in_crew);
	if (m->line)
		m->stays_at_line = count_in(m->line, counts && now_ns - m->line_ns >= limit_ns,
					    m->stays_at_line);
}
