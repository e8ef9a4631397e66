// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "alert/template.h"
#include "base/buf.h"
#include "export/lines.h"

#define PIDS_SHOWN 16

struct entry {
	UT_hash_handle hh;
	struct entry_key {
		char rule[RULE_NAME_MAX];
		char service[MODEL_NAME_MAX];
		char site[DIGEST_SITE_MAX];
	} key;
	bool firing;
	bool seen; /* in the update that runs */
	uint64_t seq;
	uint64_t began_ns, ended_ns;
	unsigned n; /* processes */
	uint32_t pids[PIDS_SHOWN];
	double worst;
	json_t *labels, *annotations;
};

struct digest {
	struct entry *entries;
	uint64_t seq, dropped;
};

struct digest *digest_new(void)
{
	return calloc(1, sizeof(struct digest));
}

static void entry_free(struct digest *d, struct entry *e)
{
	HASH_DEL(d->entries, e);
	json_decref(e->labels);
	json_decref(e->annotations);
	free(e);
}

void digest_free(struct digest *d)
{
	struct entry *e, *next;

	if (!d)
		return;
	HASH_ITER (hh, d->entries, e, next)
		entry_free(d, e);
	free(d);
}

uint64_t digest_seq(const struct digest *d)
{
	return d->seq;
}

uint64_t digest_dropped(const struct digest *d)
{
	return d->dropped;
}

unsigned digest_firing(const struct digest *d)
{
	unsigned n = 0;

	for (const struct entry *e = d->entries; e; e = e->hh.next)
		n += e->firing;
	return n;
}

void digest_key_of(const char *rule, const char *service, const char *site,
		   char ret_key[static DIGEST_KEY_MAX])
{
	snprintf(ret_key, DIGEST_KEY_MAX, "%s\n%s\n%s", rule, service, site);
}

void digest_key(const struct alert *a, char ret_key[static DIGEST_KEY_MAX])
{
	char site[DIGEST_SITE_MAX];

	alert_site(a, site);
	digest_key_of(a->key.rule, a->service, site, ret_key);
}

static struct entry *find(const struct digest *d, const struct alert *a, struct entry_key *ret_key)
{
	struct entry *e;

	memset(ret_key, 0, sizeof(*ret_key));
	memcpy(ret_key->rule, a->key.rule, sizeof(ret_key->rule));
	memcpy(ret_key->service, a->service, sizeof(ret_key->service));
	alert_site(a, ret_key->site);
	HASH_FIND(hh, d->entries, ret_key, sizeof(*ret_key), e);
	return e;
}

uint64_t digest_seq_of(const struct digest *d, const struct alert *a)
{
	struct entry_key key;
	const struct entry *e = find(d, a, &key);

	return e ? e->seq : 0;
}

static struct entry *entry_of(struct digest *d, const struct alert *a)
{
	struct entry_key key;
	struct entry *e = find(d, a, &key);

	if (e)
		return e;
	e = HASH_COUNT(d->entries) < DIGEST_MAX ? calloc(1, sizeof(*e)) : NULL;
	if (!e) {
		d->dropped++;
		return NULL;
	}
	e->key = key;
	HASH_ADD(hh, d->entries, key, sizeof(e->key), e);
	return e;
}

static json_t *labels_of(const struct entry *e, const struct alert *a, const json_t *external)
{
	json_t *o = external ? json_deep_copy(external) : json_object();

	for (unsigned i = 0; i < a->n_labels; i++)
		set_str(o, a->labels[i].name, a->labels[i].value);
	set_str(o, "alertname", e->key.rule);
	set_str(o, "service", e->key.service);
	set_str(o, "severity", rule_severity_names[a->severity]);
	if (e->key.site[0])
		set_str(o, "site", e->key.site);
	return o;
}

static json_t *annotations_of(const struct alert *a)
{
	json_t *o = json_object();
	char text[1024];

	alert_describe(a, text, sizeof(text));
	set_str(o, "summary", text);
	for (unsigned i = 0; i < a->n_notes; i++) {
		template_expand(a->notes[i].text, a, text, sizeof(text));
		set_str(o, a->notes[i].name, text);
	}
	return o;
}

void digest_add(struct digest *d, const struct alert *a, const json_t *external)
{
	struct entry *e = entry_of(d, a);

	if (!e)
		return;
	if (!e->firing) {
		e->firing = true;
		e->began_ns = a->active_ns;
		e->seq = ++d->seq;
	}
	if (!e->seen || a->value > e->worst) {
		json_decref(e->labels);
		json_decref(e->annotations);
		e->labels = labels_of(e, a, external);
		e->annotations = annotations_of(a);
		e->worst = a->value;
	}
	if (!e->seen)
		e->n = 0;
	e->seen = true;
	if (a->pid && e->n < PIDS_SHOWN)
		e->pids[e->n] = a->pid;
	e->n += a->pid != 0;
}

static void add_processes(struct entry *e)
{
	struct buf b;

	buf_init(&b, 0);
	buf_printf(&b, "%u", e->n);
	for (unsigned i = 0; i < e->n && i < PIDS_SHOWN; i++)
		buf_printf(&b, "%s%u", i ? ", " : ": ", e->pids[i]);
	if (e->n > PIDS_SHOWN)
		buf_puts(&b, ", ...");
	set_str(e->annotations, "processes", b.data ? b.data : "");
	buf_done(&b);
}

void digest_update(struct digest *d, const struct alert *active, const json_t *external,
		   uint64_t now_ns)
{
	struct entry *e, *next;

	for (e = d->entries; e; e = e->hh.next)
		e->seen = false;
	for (const struct alert *a = active; a; a = a->hh.next) {
		if (a->state == ALERT_FIRING && !a->inhibited)
			digest_add(d, a, external);
	}
	HASH_ITER (hh, d->entries, e, next) {
		if (e->seen) {
			add_processes(e);
		} else if (e->firing) {
			e->firing = false;
			e->ended_ns = now_ns;
			e->seq = ++d->seq;
		} else if (now_ns - e->ended_ns > DIGEST_KEEP_NS) {
			entry_free(d, e);
		}
	}
}

json_t *digest_json(const struct digest *d, uint64_t seq, bool all_firing, uint64_t now_ns,
		    int64_t unix_ms, uint64_t lease_ns, const char *link)
{
	json_t *list = json_array();

	for (const struct entry *e = d->entries; e; e = e->hh.next) {
		json_t *o;

		if (e->seq <= seq && !(all_firing && e->firing))
			continue;
		o = json_object();
		(void)json_object_set(o, "labels", e->labels);
		(void)json_object_set(o, "annotations", e->annotations);
		view_time(o, "startsAt", unix_ms - (int64_t)((now_ns - e->began_ns) / 1000000));
		view_time(o, "endsAt",
			  e->firing ? unix_ms + (int64_t)(lease_ns / 1000000)
				    : unix_ms - (int64_t)((now_ns - e->ended_ns) / 1000000));
		if (link[0])
			set_str(o, "generatorURL", link);
		json_array_append_new(list, o);
	}
	return list;
}
