// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/receivers.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/thread.h"
#include "export/digest.h"
#include "export/silences.h"
#include "http/remote.h"

#define LEASE_TIMES \
	4 /* of resend: an Alertmanager that hears nothing for so long takes an alert for ended */
#define STACK_BYTES (256 * 1024)
#define END_WAIT_S  1
#define URL_MAX     (RECEIVER_TEXT_MAX + 128)

/* Shared with its thread: `lock` guards what is in `mail`. */
struct receiver {
	struct receiver_opts opts;
	char post_url[URL_MAX];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct mail {
		bool end;   /* the thread is to end */
		bool gone;  /* it has */
		char *body; /* to be sent; NULL: nothing is */
		bool done;  /* it was; the answer: */
		int status; /* HTTP, or negative errno */
		struct reason reason;
		json_t *silences; /* after a message that was taken; NULL: not known */
		struct reason silences_reason;
	} mail;
	/* The loop's own. */
	bool busy;
	uint64_t body_seq;  /* of the message that is under way */
	uint64_t heard_seq; /* it knows all up to this one */
	uint64_t due_ns; /* the next one is sent then, whatever has changed; failing: not before */
	unsigned failures; /* in a row */
	uint64_t sent, failed, refused, good_ns;
	char last_error[REASON_MAX];
	json_t *silences;         /* as in silences.h; NULL: not known */
	bool silences_complained; /* since they were known last */
};

struct receivers {
	struct receivers_opts opts;
	struct digest *digest;
	json_t *labels;
	unsigned n;
	struct receiver *list[RECEIVERS_MAX];
};

/* The thread */

/* NULL with the reason: it does not say. */
static json_t *ask_silences(const struct receiver *r, const struct http_peer *peer,
			    struct reason *reason)
{
	char url[URL_MAX], ids[SILENCES_DETAIL_MAX][SILENCE_ID_MAX];
	_cleanup_free_ char *answer = NULL;
	json_t *silences;
	unsigned n;

	snprintf(url, sizeof(url), "%s" SILENCES_PATH, r->opts.url);
	if (http_remote_get(peer, url, &answer, reason))
		return NULL;
	silences = silences_parse(answer);
	if (!silences) {
		reason_set(reason, -EPROTO, "%s: the answer is not a list of alerts", url);
		return NULL;
	}
	n = silences_ids(silences, ids);
	for (unsigned i = 0; i < n; i++) {
		_cleanup_free_ char *detail = NULL;
		struct reason ignored;

		snprintf(url, sizeof(url), "%s/api/v2/silence/%.*s", r->opts.url,
			 SILENCE_ID_MAX - 1, ids[i]);
		if (http_remote_get(peer, url, &detail, &ignored))
			break; /* the next alerts are not to wait for it */
		silences_add_detail(silences, ids[i], detail);
	}
	return silences;
}

static void *work(void *arg)
{
	struct receiver *r = arg;
	struct http_peer peer = {
		.ca_file = r->opts.ca_file,
		.bearer_file = r->opts.bearer_token_file,
		.timeout_ms = (unsigned)(r->opts.timeout_ns / 1000000),
	};

	pthread_mutex_lock(&r->lock);
	while (!r->mail.end) {
		struct reason reason = {}, silences_reason = {};
		char *body = r->mail.body;
		json_t *silences = NULL;
		int status;

		if (!body) {
			pthread_cond_wait(&r->wake, &r->lock);
			continue;
		}
		r->mail.body = NULL;
		pthread_mutex_unlock(&r->lock);
		status = http_remote_post(&peer, r->post_url, body, strlen(body), &reason);
		free(body);
		if (r->opts.kind == RECEIVER_ALERTMANAGER && status / 100 == 2)
			silences = ask_silences(r, &peer, &silences_reason);
		pthread_mutex_lock(&r->lock);
		r->mail.status = status;
		r->mail.reason = reason;
		json_decref(r->mail.silences);
		r->mail.silences = silences;
		r->mail.silences_reason = silences_reason;
		r->mail.done = true;
	}
	r->mail.gone = true;
	pthread_cond_broadcast(&r->wake);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static struct receiver *receiver_new(const struct receiver_opts *opts)
{
	struct receiver *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->opts = *opts;
	snprintf(r->post_url, sizeof(r->post_url), "%s%s", opts->url,
		 opts->kind == RECEIVER_ALERTMANAGER ? "/api/v2/alerts" : "");
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->wake, NULL);
	if (thread_start(&r->thread, STACK_BYTES, work, r)) {
		free(r);
		return NULL;
	}
	return r;
}

/* One that does not answer keeps what it has: it is a moment before the end, or a reload. */
static void receiver_free(struct receiver *r)
{
	struct timespec until;
	bool gone;

	if (!r)
		return;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += END_WAIT_S;
	pthread_mutex_lock(&r->lock);
	r->mail.end = true;
	pthread_cond_broadcast(&r->wake);
	while (!r->mail.gone && !pthread_cond_timedwait(&r->wake, &r->lock, &until))
		;
	gone = r->mail.gone;
	pthread_mutex_unlock(&r->lock);
	if (!gone) {
		pthread_detach(r->thread);
		return;
	}
	pthread_join(r->thread, NULL);
	free(r->mail.body);
	json_decref(r->mail.silences);
	json_decref(r->silences);
	free(r);
}

/* The loop */

static json_t *labels_json(const struct receivers_opts *opts)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < opts->n_labels; i++)
		(void)json_object_set_new(o, opts->labels[i].name,
					  json_string(opts->labels[i].value));
	if (opts->host[0] && !json_object_get(o, "instance"))
		(void)json_object_set_new(o, "instance", json_string(opts->host));
	return o;
}

int receivers_new(const struct receivers_opts *opts, struct receivers **ret_rs,
		  struct reason *reason)
{
	static const struct receivers_opts none;
	struct receivers *rs = calloc(1, sizeof(*rs));
	int err;

	if (!rs)
		return reason_set(reason, -ENOMEM, "out of memory");
	rs->opts = none;
	rs->digest = digest_new();
	err = rs->digest ? receivers_reload(rs, opts, reason)
			 : reason_set(reason, -ENOMEM, "out of memory");
	if (err) {
		receivers_free(rs);
		return err;
	}
	*ret_rs = rs;
	return 0;
}

void receivers_free(struct receivers *rs)
{
	if (!rs)
		return;
	for (unsigned i = 0; i < rs->n; i++)
		receiver_free(rs->list[i]);
	digest_free(rs->digest);
	json_decref(rs->labels);
	free(rs);
}

static bool same(const struct receiver_opts *a, const struct receiver_opts *b)
{
	return a->kind == b->kind && !strcmp(a->url, b->url) && !strcmp(a->ca_file, b->ca_file) &&
	       !strcmp(a->bearer_token_file, b->bearer_token_file) &&
	       a->timeout_ns == b->timeout_ns;
}

/* The one that is there already, taken from the old list, or a new one. */
static struct receiver *pick(struct receivers *rs, const struct receiver_opts *opts)
{
	for (unsigned i = 0; i < rs->n; i++) {
		struct receiver *r = rs->list[i];

		if (!r || !same(&r->opts, opts))
			continue;
		rs->list[i] = NULL;
		return r;
	}
	return receiver_new(opts);
}

int receivers_reload(struct receivers *rs, const struct receivers_opts *opts, struct reason *reason)
{
	struct receiver *list[RECEIVERS_MAX] = {};
	int err = opts->n ? http_remote_load(reason) : 0;

	if (err)
		return err;
	for (unsigned i = 0; i < opts->n; i++)
		list[i] = pick(rs, &opts->list[i]);
	for (unsigned i = 0; i < rs->n; i++)
		receiver_free(rs->list[i]);
	rs->n = 0;
	for (unsigned i = 0; i < opts->n; i++) {
		if (list[i])
			rs->list[rs->n++] = list[i];
	}
	rs->opts = *opts;
	json_decref(rs->labels);
	rs->labels = labels_json(opts);
	return rs->n == opts->n ? 0 : reason_set(reason, -ENOMEM, "no thread for a receiver");
}

static uint64_t back_off_ns(unsigned failures, uint64_t now_ns)
{
	unsigned doublings = failures < 7 ? failures - 1 : 6;
	uint64_t ns = RECEIVER_BACK_OFF_MIN_NS << doublings;

	if (ns > RECEIVER_BACK_OFF_MAX_NS)
		ns = RECEIVER_BACK_OFF_MAX_NS;
	/* The low digits of the clock are chance enough to keep daemons apart. */
	return ns + now_ns % (ns / 4);
}

static void tell_of(receivers_tell_fn tell, bool bad, const char *what, const char *of)
{
	char text[REASON_MAX + 64];

	snprintf(text, sizeof(text), "%s: %s", what, of);
	tell(bad, text);
}

static void judge(const struct receivers *rs, struct receiver *r, int status,
		  const struct reason *reason, uint64_t now_ns, receivers_tell_fn tell)
{
	bool good = status / 100 == 2, retry = status < 0 || status >= 500;

	r->busy = false;
	r->sent += good;
	r->failed += retry;
	r->refused += !good && !retry;
	if (good)
		r->good_ns = now_ns;
	if (!retry) {
		/* What it refuses it would refuse again. */
		r->heard_seq = r->body_seq;
		r->due_ns = now_ns + rs->opts.resend_ns;
	} else {
		r->due_ns = now_ns + back_off_ns(r->failures + 1, now_ns);
	}
	if (!good && !r->last_error[0])
		tell_of(tell, true, "alert delivery failed", reason->text);
	else if (good && r->last_error[0])
		tell_of(tell, false, "alert delivery works again", r->opts.url);
	snprintf(r->last_error, sizeof(r->last_error), "%s", good ? "" : reason->text);
	r->failures = retry ? r->failures + 1 : 0;
}

/* What it was told before may be over: nothing is known then. */
static void take_silences(struct receiver *r, const struct mail *m, receivers_tell_fn tell)
{
	json_decref(r->silences);
	r->silences = m->silences;
	if (m->status / 100 != 2)
		return;
	if (!r->silences && !r->silences_complained)
		tell_of(tell, true, "silences are not known", m->silences_reason.text);
	r->silences_complained = !r->silences;
}

static void collect(const struct receivers *rs, struct receiver *r, uint64_t now_ns,
		    receivers_tell_fn tell)
{
	struct mail m;

	pthread_mutex_lock(&r->lock);
	m = r->mail;
	r->mail.done = false;
	r->mail.silences = NULL;
	pthread_mutex_unlock(&r->lock);
	if (!m.done)
		return;
	judge(rs, r, m.status, &m.reason, now_ns, tell);
	if (r->opts.kind == RECEIVER_ALERTMANAGER)
		take_silences(r, &m, tell);
}

static bool is_due(const struct receivers *rs, const struct receiver *r, uint64_t now_ns)
{
	bool news = digest_seq(rs->digest) > r->heard_seq;

	if (r->busy)
		return false;
	if (r->failures)
		return now_ns >= r->due_ns && (news || digest_firing(rs->digest));
	return news || (r->opts.kind == RECEIVER_ALERTMANAGER && now_ns >= r->due_ns &&
			digest_firing(rs->digest));
}

static void send(const struct receivers *rs, struct receiver *r, uint64_t now_ns, int64_t unix_ms)
{
	bool manager = r->opts.kind == RECEIVER_ALERTMANAGER;
	json_t *list = digest_json(rs->digest, r->heard_seq, manager, now_ns, unix_ms,
				   LEASE_TIMES * rs->opts.resend_ns, rs->opts.link);
	json_t *doc = manager ? list : json_pack("{s:s,s:o}", "version", "1", "alerts", list);
	char *body = json_dumps(doc, JSON_COMPACT);

	json_decref(doc);
	if (!body)
		return;
	r->busy = true;
	r->body_seq = digest_seq(rs->digest);
	pthread_mutex_lock(&r->lock);
	r->mail.body = body;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

void receivers_note(struct receivers *rs, const struct alert *a)
{
	if (rs->n)
		digest_add(rs->digest, a, rs->labels);
}

void receivers_adopt(struct receivers *rs, const struct alert *active)
{
	for (const struct alert *a = active; a; a = a->hh.next) {
		if (a->heard && a->told)
			receivers_note(rs, a);
	}
	for (unsigned i = 0; i < rs->n; i++) {
		if (rs->list[i]->opts.kind == RECEIVER_WEBHOOK)
			rs->list[i]->heard_seq = digest_seq(rs->digest);
	}
}

bool receivers_heard(const struct receivers *rs, const struct alert *a)
{
	uint64_t seq = rs && rs->n ? digest_seq_of(rs->digest, a) : 0;

	for (unsigned i = 0; rs && i < rs->n; i++) {
		const struct receiver *r = rs->list[i];

		if (r->opts.kind == RECEIVER_WEBHOOK && (!seq || r->heard_seq < seq))
			return false;
	}
	return true;
}

void receivers_tick(struct receivers *rs, const struct alert *active, uint64_t now_ns,
		    int64_t unix_ms, receivers_tell_fn tell)
{
	if (!rs->n)
		return;
	digest_update(rs->digest, active, rs->labels, now_ns);
	for (unsigned i = 0; i < rs->n; i++) {
		collect(rs, rs->list[i], now_ns, tell);
		if (is_due(rs, rs->list[i], now_ns))
			send(rs, rs->list[i], now_ns, unix_ms);
	}
}

unsigned receivers_count(const struct receivers *rs)
{
	return rs ? rs->n : 0;
}

void receivers_get_stats(const struct receivers *rs, unsigned i, struct receiver_stats *ret_stats)
{
	const struct receiver *r = rs->list[i];

	*ret_stats = (struct receiver_stats){
		.url = r->opts.url,
		.kind = r->opts.kind,
		.sent = r->sent,
		.failed = r->failed,
		.refused = r->refused,
		.good_ns = r->good_ns,
		.last_error = r->last_error,
	};
}

const json_t *receivers_silence(const struct receivers *rs, const struct alert *a)
{
	const json_t *silence = NULL;
	char key[DIGEST_KEY_MAX];

	if (!rs || a->state != ALERT_FIRING)
		return NULL;
	digest_key(a, key);
	for (unsigned i = 0; i < rs->n && !silence; i++)
		silence = json_object_get(rs->list[i]->silences, key);
	return silence;
}

uint64_t receivers_dropped(const struct receivers *rs)
{
	return rs ? digest_dropped(rs->digest) : 0;
}
