// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/panics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "golang/goerror.h"
#include "golang/layout.h"
#include "model/design.h"
#include "model/names_priv.h"
#include "model/panics_priv.h"
#include "model/signals.h"
#include "model/targets_priv.h"

/* Whoever asks for the ledger, or is alerted, finds the names there, and the process perhaps gone. */
static void want_names(struct model *m, const struct target *t, const struct event_panic *p)
{
	char text[MODEL_FUNC_MAX];

	(void)model_panic_message(m, t->image_id, p, text, sizeof(text)); /* its type, too */
	(void)model_user_frame(m, t->image_id, t->runtime, p->stack, p->nstack);
	if (p->frame)
		(void)model_site_name(m, t->image_id, p->frame);
	if (p->recover_site)
		(void)model_site_name(m, t->image_id, p->recover_site);
}

/* Where the kernel side could not read its text, and the file has it. */
static bool aborts(struct model *m, const struct target *t, const struct event_panic *p)
{
	char text[MODEL_FUNC_MAX];

	return p->step == PANIC_STARTED && !p->c && !p->text_len && p->said == PANIC_UNSAID &&
	       model_panic_message(m, t->image_id, p, text, sizeof(text)) &&
	       event_aborts(text, strlen(text));
}

void panics_apply(struct model *m, struct target *t, const struct event *ev)
{
	struct service *s = t->service;

	struct event known = *ev;

	if (!s->ledger)
		s->ledger = ledger_new();
	known.panic.aborts |= aborts(m, t, &ev->panic);
	if (!s->ledger || !ledger_apply(s->ledger, &known, t->image_id, t->runtime, t->died))
		m->dropped++;
	want_names(m, t, &ev->panic);
	if (ev->panic.step != PANIC_FATAL && ev->panic.step != PANIC_THROW &&
	    ev->panic.step != PANIC_DYING)
		return;
	if (!t->died && (ev->panic.step != PANIC_DYING || !ev->panic.from_exit ||
			 signals_is_death(ev->panic.signo, ev->panic.oom)))
		recent_add(&s->deaths, ev->time_ns, 1);
	t->died = true;
}

void panics_apply_recover(struct model *m, struct target *t, const struct event_recover *in)
{
	struct lone_recover *r, probe = { .key = { in->site, in->caller } };

	HASH_FIND(hh, t->recovers, &probe.key, sizeof(probe.key), r);
	if (!r) {
		r = calloc(1, sizeof(*r));
		if (!r) {
			m->dropped++;
			return;
		}
		r->key = probe.key;
		HASH_ADD(hh, t->recovers, key, sizeof(r->key), r);
		(void)model_misplaced(m, t, r); /* asks for the names */
	}
	r->count = in->count;
}

uint64_t target_panics_running(const struct target *t)
{
	uint64_t ended = 0;

	for (int i = 0; i < OUTCOME_MAX; i++)
		ended += t->counts.outcomes[i];
	/* One that ran when we attached ends without having begun. */
	return t->counts.panics > ended ? t->counts.panics - ended : 0;
}

uint64_t service_panics_running(const struct service *s)
{
	uint64_t running = 0;

	for (const struct target *t = s->targets; t; t = t->next_in_service)
		running += target_panics_running(t);
	return running;
}

/* They ask recover() in a function of their own wherever they print or exit. */
static bool asks_as_a_habit(const struct code_line *c)
{
	return line_is_of_runtime(c) || !strcmp(c->function, "fmt.(*pp).catchPanic");
}

bool model_misplaced(struct model *m, const struct target *t, const struct lone_recover *r)
{
	const struct name *site = model_site_name(m, t->image_id, r->key.site);
	const struct name *caller = model_site_name(m, t->image_id, r->key.caller);

	if (!site || !caller || asks_as_a_habit(name_outermost(site)))
		return false;
	/* `defer recover()`: the runtime calls a wrapper that calls recover. */
	if (site->wrapper)
		return true;
	/* deferreturn, or the function itself at its end: a deferred call that runs normally. */
	return !line_is_of_runtime(name_outermost(caller)) && !caller->open_defers;
}

uint64_t target_misplaced(struct model *m, const struct target *t)
{
	uint64_t n = 0;

	for (const struct lone_recover *r = t->recovers; r; r = r->hh.next)
		n += model_misplaced(m, t, r) ? r->count : 0;
	return n;
}

uint64_t service_misplaced(struct model *m, const struct service *s)
{
	uint64_t n = s->misplaced_retired;

	for (const struct target *t = s->targets; t; t = t->next_in_service)
		n += target_misplaced(m, t);
	return n;
}

/* What panic(nil) became. */
#define NIL_ERROR "*runtime.PanicNilError"

/* Of panic(nil). */
static bool is_nil_error(const struct event_panic *p)
{
	return go_layout_nearest(p->go_minor).fact.nil_error && !p->nil_stays;
}

static bool has_type(const struct event_panic *p)
{
	return p->step == PANIC_STARTED && !p->c;
}

bool model_panic_type(struct model *m, uint32_t image_id, const struct event_panic *p, char *buf,
		      size_t size)
{
	const struct name *n;

	snprintf(buf, size, "%s", "");
	if (!has_type(p))
		return true;
	if (!p->type) {
		snprintf(buf, size, "%s", is_nil_error(p) ? NIL_ERROR : "nil");
		return true;
	}
	n = names_look_up(m, image_id, NAME_OF_TYPE, p->type);
	snprintf(buf, size, "%s", n && n->state == NAME_KNOWN ? n->at.function : "?");
	return !name_is_pending(n);
}

/* "interface conversion: interface {} is string, not int": three types more. */
static bool assertion_message(struct model *m, uint32_t image_id, const struct event_panic *p,
			      char *buf, size_t size)
{
	char names[3][MODEL_FUNC_MAX], missing[EVENT_TEXT_MAX + 1];
	bool known = true;

	for (unsigned i = 0; i < 3; i++) {
		uint64_t at = p->value[i];
		const struct name *n =
			at ? model_name(m, image_id, NAME_OF_TYPE, at - p->bias) : NULL;

		known &= !at || n;
		snprintf(names[i], sizeof(names[i]), "%s", n ? n->at.function : at ? "?" : "");
	}
	/* value[4] is the length of the missing method's name. */
	snprintf(missing, sizeof(missing), "%.*s", p->value[4] ? (int)p->text_len : 0, p->text);
	(void)gotype_assertion(buf, size, names[0], names[1], names[2], missing);
	return known;
}

/*
 * The kernel side reads what is in memory, and does not wait for what is not: a constant that nobody
 * has looked at yet lies in the file only. Then the file is asked. No page of it can have been
 * changed, since it would be in memory. False while the answer is to come.
 */
static bool panic_text(struct model *m, uint32_t image_id, const struct event_panic *p,
		       char ret_text[EVENT_TEXT_MAX], size_t *ret_len)
{
	bool have_head = p->value[1] != 0;
	uint64_t at = have_head ? p->value[0] : p->data, most = EVENT_TEXT_MAX;
	const struct name *n;

	*ret_len = p->text_len;
	memcpy(ret_text, p->text, p->text_len);
	if (p->text_len || !at)
		return true;
	n = names_look_up(m, image_id, have_head ? NAME_OF_TEXT : NAME_OF_STRING, at - p->bias);
	if (!n || n->state != NAME_KNOWN)
		return !name_is_pending(n);
	if (have_head && p->value[1] < most)
		most = p->value[1];
	*ret_len = strnlen(n->at.function, most);
	memcpy(ret_text, n->at.function, *ret_len);
	return true;
}

bool model_panic_message(struct model *m, uint32_t image_id, const struct event_panic *p, char *buf,
			 size_t size)
{
	const struct name *n;
	char raw[EVENT_TEXT_MAX + 1], text[EVENT_TEXT_MAX];
	size_t len, text_len;
	bool known = true;

	snprintf(buf, size, "%s", "");
	if (p->step == PANIC_DYING) {
		(void)signals_end(p->signo, p->status, p->oom, buf, size);
		return true;
	}
	if (!has_type(p)) {
		known = panic_text(m, image_id, p, text, &text_len);
		utf8_sanitize(buf, size, text, strnlen(text, text_len));
		return known;
	}
	if (p->said == PANIC_SAID || p->said == PANIC_WITHHELD) {
		utf8_sanitize(buf, size, p->said_text, strnlen(p->said_text, p->said_len));
		return true;
	}
	if (!p->type) {
		struct gotype nil = { .name = NIL_ERROR,
				      .minor = p->go_minor,
				      .known = goerror_find("runtime", NIL_ERROR, 0) };

		if (!is_nil_error(p))
			snprintf(buf, size, "nil");
		else
			(void)gotype_message(buf, size, &nil, p->value, 0, "", 0);
		return true;
	}
	n = names_look_up(m, image_id, NAME_OF_TYPE, p->type);
	if (!n || n->state != NAME_KNOWN)
		return !name_is_pending(n);
	if (p->said == PANIC_SAID_BEFORE && n->type.speaks) {
		len = p->said_len;
		memcpy(raw, p->said_text, len);
	} else if (n->type.known && !strcmp(n->at.function, "*runtime.TypeAssertionError")) {
		known = assertion_message(m, image_id, p, raw, sizeof(raw));
		len = strlen(raw);
	} else {
		known = !n->type.text || panic_text(m, image_id, p, text, &text_len);
		len = gotype_message(raw, sizeof(raw), &n->type, p->value, p->data,
				     n->type.text ? text : "", n->type.text ? text_len : 0);
	}
	utf8_sanitize(buf, size, raw, len);
	return known;
}

#define DESIGN_MAX_NS 30000000000ull /* names that have not come by then may never */

static void judge_design(struct model *m, struct ledger_site *s, uint64_t now_ns)
{
	if (!s->frame && s->outcomes[OUTCOME_RECOVERED] && s->design == DESIGN_UNKNOWN)
		s->design = DESIGN_NONE; /* nobody knows who recovers */
	if (s->design == DESIGN_ABORT || !s->frame || s->frame == s->judged_frame)
		return;
	if (!s->design_since_ns)
		s->design_since_ns = now_ns;
	s->design = design_of_site(m, s);
	if (s->design == DESIGN_UNKNOWN) {
		if (now_ns >= s->design_since_ns + DESIGN_MAX_NS)
			s->design = DESIGN_NONE; /* until they come */
		return;
	}
	s->judged_frame = s->frame;
	s->design_since_ns = 0;
}

void panics_tick(struct model *m, uint64_t now_ns)
{
	for (struct service *s = m->services; s; s = s->hh.next) {
		for (struct ledger_site *l = s->ledger ? s->ledger->sites : NULL; l; l = l->hh.next)
			judge_design(m, l, now_ns);
	}
}

bool model_wants_aftermath(const struct model *m, uint64_t now_ns)
{
	for (const struct service *s = m->services; s; s = s->hh.next) {
		if (s->ledger && ledger_wants_aftermath(s->ledger, now_ns))
			return true;
	}
	return false;
}

void model_discard_aftermaths(struct model *m, uint64_t now_ns)
{
	for (const struct service *s = m->services; s; s = s->hh.next) {
		if (s->ledger)
			aftermaths_discard(&s->ledger->aftermaths, now_ns);
	}
}

struct aftermath *model_complete_aftermath(struct model *m, uint64_t now_ns)
{
	struct aftermath *complete = NULL;

	for (const struct service *s = m->services; s && !complete; s = s->hh.next)
		complete = s->ledger ? aftermaths_complete(&s->ledger->aftermaths, now_ns) : NULL;
	return complete;
}

unsigned service_swallowed(const struct model *m, const struct service *s)
{
	unsigned n = 0;

	for (const struct ledger_site *l = s->ledger ? s->ledger->sites : NULL; l; l = l->hh.next)
		n += model_target(m, l->key.target) && l->design == DESIGN_NONE &&
		     aftermath_verdict(&l->aftermath) == AFTERMATH_SUSPECTED;
	return n;
}
