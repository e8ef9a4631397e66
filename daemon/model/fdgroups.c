// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/fdgroups.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * The looks at a series: minutes, a quarter of an hour, hours. Only what is old for a whole quarter of an hour counts in the last,
 * which so sees a leak among what lives for minutes. tests/unit/model/leakfds_test.c says what they find.
 */
static const struct {
	unsigned intervals; /* from sample to sample */
	unsigned age;       /* index of event_fd_group.kept */
} looks[LEAK_LEVELS] = { { 1, 0 }, { 4, 0 }, { 32, 1 } };

bool fdgroups_apply(struct fdgroup **gs, const struct event_fd_group *in, uint64_t census)
{
	struct fdgroup *g;

	HASH_FIND(hh, *gs, &in->key, sizeof(in->key), g);
	if (!g) {
		g = calloc(1, sizeof(*g));
		if (!g)
			return false;
		g->what.key = in->key;
		HASH_ADD(hh, *gs, what.key, sizeof(in->key), g);
	}
	g->what = *in;
	g->census = census;
	return true;
}

static void forget(struct fdgroup **gs, struct fdgroup *g)
{
	HASH_DEL(*gs, g);
	free(g->series);
	free(g);
}

static bool has_more(const struct fdgroup *g)
{
	for (int a = 0; a < EVENT_FD_AGES; a++) {
		if (g->followed[a] && g->what.kept[a] > g->least[a])
			return true;
	}
	return false;
}

/* What is old at the first census that can tell is where it begins, and no growth. */
static void note_least(struct fdgroup *g, const struct event_fd_census *c)
{
	for (int a = 0; a < EVENT_FD_AGES; a++) {
		if (!c->followed[a])
			continue;
		if (!g->followed[a] || g->what.kept[a] < g->least[a])
			g->least[a] = g->what.kept[a];
		g->followed[a] = true;
	}
}

/*
 * Most groups never become more and need no series. One that does begins with what was known before: that there were no
 * more than the least.
 */
static bool begin(struct fdgroup *g, const struct event_fd_census *c, uint64_t now_ns)
{
	g->series = calloc(1, sizeof(*g->series));
	if (!g->series)
		return false;
	for (int i = 0; i < LEAK_LEVELS; i++) {
		uint64_t spacing_ns = looks[i].intervals * c->interval_ns;

		if (g->followed[looks[i].age] && now_ns > spacing_ns)
			leak_level_add(&g->series->levels[i], spacing_ns, now_ns - spacing_ns,
				       g->least[looks[i].age], 0);
	}
	return true;
}

static void add(struct fdgroup *g, const struct event_fd_census *c, uint64_t now_ns)
{
	for (int i = 0; i < LEAK_LEVELS; i++) {
		unsigned age = looks[i].age;

		if (c->followed[age])
			leak_level_add(&g->series->levels[i], looks[i].intervals * c->interval_ns,
				       now_ns, g->what.kept[age], g->what.closed[age]);
	}
	leak_judge(g->series, &leak_rule_fds, &g->leak);
}

static void note_growth(struct fdgroup *g, uint64_t now_ns)
{
	double gain = g->leak.per_hour * g->leak.seconds / 3600;

	if (!g->held.leaks) {
		g->held.leaks = true;
		g->held.from = gain < g->what.open ? g->what.open - (uint32_t)gain : 0;
		g->held.to = 0;
	}
	g->held.grew_ns = now_ns;
}

/* See fdgroups_end(). */
static void hold(struct fdgroup *g, const struct leak *before, const struct event_fd_census *c,
		 bool full, uint64_t now_ns)
{
	if (g->leak.verdict == LEAK_LEAKING)
		note_growth(g, now_ns);
	else if (g->leak.verdict == LEAK_LOAD)
		g->held.leaks = false;
	if (!g->held.leaks)
		return;
	if (g->what.open > g->held.to)
		g->held.to = g->what.open;
	if (full)
		g->held.grew_ns = now_ns;
	if (g->what.open - (double)g->held.from < (g->held.to - (double)g->held.from) / 2 ||
	    now_ns - g->held.grew_ns > FDGROUPS_HELD * c->interval_ns) {
		g->held.leaks = false;
		return;
	}
	if (g->leak.verdict == LEAK_LEAKING)
		return;
	g->leak = *before;
	g->leak.stopped = true;
}

static uint32_t established(const struct fdgroup *gs)
{
	uint32_t n = 0;

	for (const struct fdgroup *g = gs; g; g = g->hh.next)
		n += g->what.key.incoming ? g->what.states[TCP_ESTABLISHED] : 0;
	return n;
}

/* Of those that came since the goroutines were counted, and a few in between, nothing is known. */
static bool are_read(const struct fdgroup *g, uint32_t came_in, const struct fdgroups_state *state)
{
	double since = g->leak.high_per_hour / 3600 * (double)state->readers_age / 1e9;

	return state->knows_readers && came_in <= state->readers + 2 + since;
}

/* Those whose peers have gone are less than half of what grew. */
static bool have_peers(const struct fdgroup *g)
{
	const uint32_t *in = g->what.states;
	uint32_t alone = g->what.open - in[TCP_ESTABLISHED] - in[TCP_LISTEN] - in[TCP_SYN_RECV];

	return 2.0 * alone < g->leak.per_hour * g->leak.seconds / 3600;
}

static void tell_load(struct fdgroup *g, uint32_t came_in, const struct fdgroups_state *state)
{
	if (g->leak.verdict == LEAK_LEAKING && g->what.key.incoming &&
	    are_read(g, came_in, state) && have_peers(g))
		g->leak.verdict = LEAK_LOAD;
}

static bool judge(struct fdgroup *g, const struct event_fd_census *c, uint32_t came_in,
		  const struct fdgroups_state *state, uint64_t now_ns)
{
	struct leak before = g->leak;

	if (!g->level_ns || g->what.open != g->level) {
		g->level = g->what.open;
		g->level_ns = now_ns;
	}
	if (!g->series) {
		note_least(g, c);
		g->leak = (struct leak){ .verdict = c->followed[0] ? LEAK_STEADY : LEAK_TOO_YOUNG };
		if (!has_more(g))
			return true;
		if (!begin(g, c, now_ns))
			return false;
	}
	add(g, c, now_ns);
	tell_load(g, came_in, state);
	hold(g, &before, c, state->full, now_ns);
	return true;
}

bool fdgroups_end(struct fdgroup **gs, uint64_t census, const struct event_fd_census *c,
		  const struct fdgroups_state *state, uint64_t now_ns)
{
	struct fdgroup *g, *next;
	uint32_t came_in;
	bool good = true;

	HASH_ITER (hh, *gs, g, next) {
		if (g->census != census)
			forget(gs, g);
	}
	came_in = established(*gs);
	HASH_ITER (hh, *gs, g, next)
		good &= judge(g, c, came_in, state, now_ns);
	return good;
}

bool fdgroups_take(struct fdgroup **gs, const struct fdgroup *in, const struct leak_series *series)
{
	struct fdgroup *g;

	HASH_FIND(hh, *gs, &in->what.key, sizeof(in->what.key), g);
	if (g)
		return true;
	g = malloc(sizeof(*g));
	if (!g)
		return false;
	*g = *in;
	g->series = malloc(sizeof(*series));
	if (!g->series) {
		free(g);
		return false;
	}
	*g->series = *series;
	HASH_ADD(hh, *gs, what.key, sizeof(g->what.key), g);
	return true;
}

void fdgroups_free(struct fdgroup **gs)
{
	struct fdgroup *g, *next;

	HASH_ITER (hh, *gs, g, next)
		forget(gs, g);
}

void fdgroup_name(const struct event_fd_key *key, char *buf, size_t size)
{
	if (key->port)
		snprintf(buf, size, "connections %s port %u", key->incoming ? "at" : "to",
			 key->port);
	else if (key->kind == FD_INET)
		snprintf(buf, size, "sockets that are not connected");
	else
		snprintf(buf, size, "descriptors of kind %s", fd_kind_names[key->kind]);
}

static bool in_scope(const struct fdgroup *g, enum fd_scope scope)
{
	return scope == FDS_ALL || (scope == FDS_CONNECTIONS) == !!g->what.key.port;
}

/* The worse news first. */
static int rank(enum leak_verdict v)
{
	static const int ranks[LEAK_VERDICT_MAX] = {
		[LEAK_STEADY] = 0, [LEAK_TOO_YOUNG] = 1, [LEAK_LOAD] = 2,
		[LEAK_UNSURE] = 3, [LEAK_LEAKING] = 4,
	};

	return ranks[v];
}

/* One that grows makes forget those that have stopped. */
static void sum_up(struct leak *sum, const struct leak *l)
{
	if (l->stopped && sum->per_hour > 0 && !sum->stopped)
		return;
	if (sum->stopped && !l->stopped)
		*sum = (struct leak){ .verdict = sum->verdict };
	sum->stopped = l->stopped;
	sum->per_hour += l->per_hour;
	sum->low_per_hour += l->low_per_hour;
	sum->high_per_hour += l->high_per_hour;
	if (l->seconds > sum->seconds)
		sum->seconds = l->seconds;
}

void fdgroups_verdict(const struct fdgroup *gs, enum fd_scope scope, struct leak *ret)
{
	*ret = (struct leak){ .verdict = gs ? LEAK_STEADY : LEAK_TOO_YOUNG };
	for (const struct fdgroup *g = gs; g; g = g->hh.next) {
		if (!in_scope(g, scope))
			continue;
		if (rank(g->leak.verdict) > rank(ret->verdict))
			ret->verdict = g->leak.verdict;
		if (g->leak.verdict == LEAK_LEAKING)
			sum_up(ret, &g->leak);
	}
}

const struct fdgroup *fdgroups_level(const struct fdgroup *gs, uint64_t since_ns)
{
	const struct fdgroup *most = NULL;

	for (const struct fdgroup *g = gs; g; g = g->hh.next) {
		bool level = g->what.open && g->level_ns && g->level_ns <= since_ns;

		if (g->what.key.port && !g->what.key.incoming && level &&
		    (!most || g->what.open > most->what.open))
			most = g;
	}
	return most;
}

const struct fdgroup *fdgroups_fastest(const struct fdgroup *gs, enum fd_scope scope)
{
	const struct fdgroup *fastest = NULL;

	for (const struct fdgroup *g = gs; g; g = g->hh.next) {
		if (in_scope(g, scope) && g->leak.verdict == LEAK_LEAKING &&
		    (!fastest || g->leak.per_hour > fastest->leak.per_hour))
			fastest = g;
	}
	return fastest;
}
