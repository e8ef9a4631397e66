// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/fds.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "export/lines.h"
#include "export/numbers.h"
#include "export/words.h"
#include "model/fdlines.h"

#define PORTS_MAX 64 /* of one service, as metrics; the rest is port "other" */

static json_t *leak_json(const struct leak *l)
{
	bool leaks = l->verdict == LEAK_LEAKING;
	json_t *o = json_object();

	set_str(o, "verdict", view_leak_verdict_names[l->verdict]);
	set_real(o, "per_hour", l->per_hour);
	set_real(o, "low_per_hour", leaks ? l->low_per_hour : NAN);
	set_real(o, "high_per_hour", leaks ? l->high_per_hour : NAN);
	set_real(o, "seconds", l->seconds);
	return o;
}

/* The limit that is reached first. */
static json_t *limit_json(const struct target *t)
{
	struct fd_end e;
	json_t *o;

	if (!target_fd_end(t, &e))
		return json_null();
	o = json_object();
	set_str(o, "name", fd_limit_names[e.limit]);
	set_int(o, "used", e.used);
	set_int(o, "max", e.max);
	return o;
}

static json_t *process_leak_json(const struct target *t)
{
	struct leak all = t->fd_leaks[FDS_ALL];

	all.verdict = target_fd_verdict(t);
	return t->n_fd_censuses || all.verdict == LEAK_EXHAUSTED ? leak_json(&all) : json_null();
}

void view_add_fds(json_t *o, const struct target *t)
{
	double low = NAN, high = NAN;

	(void)target_fd_exhaustion(t, &low, &high);
	set(o, "fd_limit", limit_json(t));
	set_real(o, "fd_growth_high_per_second", t->have_fd_trend ? t->fd_trend.high_per_sec : NAN);
	set_real(o, "fd_exhaustion_high_seconds", high);
	set(o, "fd_leak", process_leak_json(t));
	set(o, "hard_max_fds",
	    t->have_fds && t->fds.hard && t->fds.hard != UINT64_MAX
		    ? json_integer((json_int_t)t->fds.hard)
		    : json_null());
}

static json_t *states_json(const struct event_fd_group *g)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < FD_STATES; i++) {
		if (g->states[i])
			set_int(o, fd_state_name((uint8_t)i), g->states[i]);
	}
	return o;
}

static void add_key(json_t *o, const struct event_fd_key *key)
{
	bool port = key->port;

	set_str(o, "kind", fd_kind_names[key->kind]);
	set(o, "direction", port ? json_string(key->incoming ? "in" : "out") : json_null());
	set(o, "port", port ? json_integer(key->port) : json_null());
}

static json_t *group_json(const struct fdgroup *g, uint64_t now_ns)
{
	const struct event_fd_group *w = &g->what;
	json_t *o = json_object();

	add_key(o, &w->key);
	set_int(o, "open", w->open);
	set_int(o, "kept", w->kept[0]);
	set_real(o, "oldest_seconds", w->oldest_ns ? (double)(now_ns - w->oldest_ns) / 1e9 : NAN);
	set(o, "states", w->key.port ? states_json(w) : json_null());
	set(o, "leak", leak_json(&g->leak));
	return o;
}

static int most_open(const void *a, const void *b)
{
	const struct fdgroup *x = *(const struct fdgroup *const *)a,
			     *y = *(const struct fdgroup *const *)b;

	return (x->what.open < y->what.open) - (x->what.open > y->what.open) ?:
	       x->what.key.kind - y->what.key.kind ?:
	       x->what.key.port - y->what.key.port;
}

json_t *view_fd_groups(const struct target *t, uint64_t now_ns)
{
	unsigned n = 0, all = HASH_COUNT(t->fd_groups);
	_cleanup_free_ const struct fdgroup **gs = calloc(all + 1, sizeof(*gs));
	json_t *list = json_array();

	for (const struct fdgroup *g = t->fd_groups; gs && g; g = g->hh.next) {
		if (g->what.open)
			gs[n++] = g;
	}
	if (gs)
		qsort(gs, n, sizeof(*gs), most_open);
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, group_json(gs[i], now_ns));
	return list;
}

json_t *view_fd_sites(struct model *m, const struct target *t, uint64_t now_ns)
{
	struct fd_line lines[FD_LINES_MAX];
	unsigned n = fd_lines(m, t, lines);
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++) {
		json_t *o = json_object();

		add_key(o, &lines[i].what);
		set(o, "site", lines[i].at ? view_line(lines[i].at) : json_null());
		set_int(o, "open", lines[i].open);
		set_int(o, "kept", lines[i].kept);
		set_real(o, "share", lines[i].share);
		set_real(o, "oldest_seconds", (double)(now_ns - lines[i].oldest_ns) / 1e9);
		set_real(o, "median_seconds", (double)(now_ns - lines[i].median_ns) / 1e9);
		json_array_append_new(list, o);
	}
	return list;
}

json_t *view_pool(struct model *m, const struct target *t, uint64_t now_ns)
{
	const struct code_line *at;
	struct pool_shortage s;
	char what[64];
	json_t *o;

	if (!target_pool_shortage(t, &s))
		return json_null();
	at = model_program_frame(m, t->image_id, t->runtime, s.waiters->stack, s.waiters->nstack);
	fdgroup_name(&s.in_use->what.key, what, sizeof(what));
	o = json_object();
	set_str(o, "what", what);
	set_int(o, "open", s.in_use->what.open);
	numbers_add(o, "pool",
		    &(struct metric_env){
			    .m = m, .service = t->service, .target = t, .now_ns = now_ns });
	set_real(o, "per_hour", s.per_hour);
	set_real(o, "oldest_seconds",
		 s.waiters->oldest_ns ? (double)(now_ns - s.waiters->oldest_ns) / 1e9 : NAN);
	set(o, "site", at ? view_line(at) : json_null());
	return o;
}

/* Metrics */

static void write_kinds(struct expo *x, const struct service *s)
{
	uint64_t open[FD_KIND_MAX] = {};

	for (const struct target *t = s->targets; t; t = t->next_in_service) {
		for (const struct fdgroup *g = t->fd_groups; g; g = g->hh.next)
			open[g->what.key.kind] += g->what.open;
	}
	for (int k = 0; k < FD_KIND_MAX; k++) {
		if (open[k])
			expo_sample(x, (double)open[k], "service", s->name, "kind",
				    fd_kind_names[k], NULL);
	}
}

static void write_verdicts(struct expo *x, const struct service *s)
{
	unsigned n[LEAK_VERDICT_MAX] = {};

	for (const struct target *t = s->targets; t; t = t->next_in_service) {
		if (t->n_fd_censuses || target_fds_full(t))
			n[target_fd_verdict(t)]++;
	}
	for (int v = 0; v < LEAK_VERDICT_MAX; v++)
		expo_sample(x, n[v], "service", s->name, "verdict", view_leak_verdict_names[v],
			    NULL);
}

/* Connections of processes of a service that went to one port, or came in at one. */
struct port {
	struct event_fd_key key;
	uint64_t open;
	uint64_t states[FD_STATES];
};

static int by_key(const void *a, const void *b)
{
	const struct port *x = a, *y = b;

	return x->key.incoming - y->key.incoming ?: x->key.port - y->key.port;
}

static int most_connections(const void *a, const void *b)
{
	const struct port *x = a, *y = b;

	return (x->open < y->open) - (x->open > y->open) ?: by_key(a, b);
}

static void add_port(struct port *to, const struct port *from)
{
	to->open += from->open;
	for (unsigned i = 0; i < FD_STATES; i++)
		to->states[i] += from->states[i];
}

/* Of all processes, each port once, those with the most connections first. The array is the caller's. */
static struct port *ports_of(const struct service *s, unsigned *ret_n)
{
	unsigned n = 0, all = 0;
	struct port *p;

	for (const struct target *t = s->targets; t; t = t->next_in_service)
		all += HASH_COUNT(t->fd_groups);
	p = calloc(all + 1, sizeof(*p));
	all = 0;
	for (const struct target *t = s->targets; p && t; t = t->next_in_service) {
		for (const struct fdgroup *g = t->fd_groups; g; g = g->hh.next) {
			if (!g->what.key.port)
				continue;
			p[all].key = g->what.key;
			p[all].open = g->what.open;
			for (unsigned i = 0; i < FD_STATES; i++)
				p[all].states[i] = g->what.states[i];
			all++;
		}
	}
	*ret_n = 0;
	if (!p)
		return NULL;
	qsort(p, all, sizeof(*p), by_key);
	for (unsigned i = 0; i < all; i++) {
		if (n && !by_key(&p[n - 1], &p[i]))
			add_port(&p[n - 1], &p[i]);
		else
			p[n++] = p[i];
	}
	qsort(p, n, sizeof(*p), most_connections);
	*ret_n = n;
	return p;
}

static void write_port(struct expo *x, const struct service *s, const struct port *p,
		       const char *direction, const char *port)
{
	for (unsigned i = 0; i < FD_STATES; i++) {
		if (p->states[i])
			expo_sample(x, (double)p->states[i], "service", s->name, "direction",
				    direction, "port", port, "state", fd_state_name((uint8_t)i),
				    NULL);
	}
}

static void write_connections(struct expo *x, const struct service *s)
{
	unsigned n;
	_cleanup_free_ struct port *ports = ports_of(s, &n);
	struct port others[2] = {};
	char port[16];

	for (unsigned i = 0; i < n; i++) {
		bool in = ports[i].key.incoming;

		snprintf(port, sizeof(port), "%u", ports[i].key.port);
		if (i < PORTS_MAX)
			write_port(x, s, &ports[i], in ? "in" : "out", port);
		else
			add_port(&others[in], &ports[i]);
	}
	write_port(x, s, &others[0], "out", "other");
	write_port(x, s, &others[1], "in", "other");
}

void fds_write_metrics(struct expo *x, const struct model *m)
{
	static const struct {
		const char *name, *labels, *help;
		void (*write)(struct expo *x, const struct service *s);
	} families[] = {
		{ "deferd_open_fds_by_kind", "service,kind",
		  "File descriptors in use at the newest census.", write_kinds },
		{ "deferd_connections", "service,direction,port,state",
		  "Sockets by direction, port (out: the peer's; in: the local one) and state.",
		  write_connections },
		{ "deferd_fd_leak_verdict", "service,verdict",
		  "Processes by descriptor-leak verdict.", write_verdicts },
	};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		expo_family(x, families[i].name, EXPO_GAUGE, families[i].labels, families[i].help);
		for (const struct service *s = model_services(m); s; s = s->hh.next)
			families[i].write(x, s);
	}
}
