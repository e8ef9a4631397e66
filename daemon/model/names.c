// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "golang/goname.h"
#include "model/names_priv.h"
#include "model/targets_priv.h"

bool code_line_named(const struct code_line *c)
{
	return c->function[0] && strcmp(c->function, "?");
}

void code_line_print(const struct code_line *c, enum code_line_style style, char *buf, size_t size)
{
	static const char *const before[] = { " at ", " ", " (" }, *const after[] = { "", "", ")" };

	if (c->file[0] && c->function[0])
		snprintf(buf, size, "%s%s%s:%u%s", c->function, before[style], c->file, c->line,
			 after[style]);
	else
		snprintf(buf, size, "%s", c->function);
}

static struct name *find_name(const struct model *m, const struct name_key *key)
{
	struct name *n;

	HASH_FIND(hh, m->names, key, sizeof(*key), n);
	return n;
}

static void forget_name(struct model *m, struct name *n)
{
	if (n->state == NAME_WANTED)
		m->n_wanted--;
	HASH_DEL(m->names, n);
	free(n->outer);
	free(n);
}

void names_forget_image(struct model *m, uint32_t image_id)
{
	struct name *n, *next;

	HASH_ITER (hh, m->names, n, next) {
		if (n->key.image_id == image_id)
			forget_name(m, n);
	}
}

void names_free(struct model *m)
{
	struct name *n, *next;

	HASH_ITER (hh, m->names, n, next)
		forget_name(m, n);
}

const struct name *names_look_up(struct model *m, uint32_t image_id, enum name_kind kind,
				 uint64_t addr)
{
	struct name_key key = { addr, image_id, kind };
	struct name *n = find_name(m, &key);

	if (n)
		return n;
	n = HASH_COUNT(m->names) < m->opts.names_max ? calloc(1, sizeof(*n)) : NULL;
	if (!n) {
		m->dropped++;
		return NULL;
	}
	n->key = key;
	n->state = NAME_WANTED;
	m->n_wanted++;
	HASH_ADD(hh, m->names, key, sizeof(n->key), n);
	return n;
}

const struct name *model_name(struct model *m, uint32_t image_id, enum name_kind kind,
			      uint64_t addr)
{
	const struct name *n = names_look_up(m, image_id, kind, addr);

	return n && n->state == NAME_KNOWN ? n : NULL;
}

bool name_is_pending(const struct name *n)
{
	return n && (n->state == NAME_WANTED || n->state == NAME_ASKED);
}

const struct name *model_site_name(struct model *m, uint32_t image_id, uint64_t pc)
{
	return model_name(m, image_id, NAME_OF_SITE, pc);
}

bool line_is_of_runtime(const struct code_line *c)
{
	return !strncmp(c->function, "runtime.", 8) ||
	       !strncmp(c->function, "internal/runtime/", 17);
}

static bool of_library(const struct code_line *c)
{
	return goname_is_standard(c->function) || !strcmp(c->function, "?");
}

/* The first one that is not skipped; nor is one that has no name, such as those of shared libraries. */
static const struct code_line *first_frame(struct model *m, uint32_t image_id,
					   bool (*skip)(const struct code_line *c),
					   const uint64_t *stack, unsigned n)
{
	const struct code_line *first = NULL;
	bool all_named = true;

	for (unsigned i = 0; i < n; i++) {
		const struct name *name = names_look_up(m, image_id, NAME_OF_SITE, stack[i]);

		all_named &= !name_is_pending(name);
		if (first || !all_named || !name || name->state != NAME_KNOWN)
			continue;
		if (!skip(&name->at))
			first = &name->at;
		for (unsigned k = 0; k < name->n_outer && !first; k++) {
			if (!skip(&name->outer[k]))
				first = &name->outer[k];
		}
	}
	return first;
}

static bool of_nobody(const struct code_line *c)
{
	return false;
}

const struct code_line *model_user_frame(struct model *m, uint32_t image_id,
					 enum runtime_kind runtime, const uint64_t *stack,
					 unsigned n)
{
	return first_frame(m, image_id, runtime == RUNTIME_GO ? line_is_of_runtime : of_nobody,
			   stack, n);
}

const struct code_line *model_own_frame(struct model *m, uint32_t image_id,
					enum runtime_kind runtime, const uint64_t *stack,
					unsigned n)
{
	const struct code_line *user = model_user_frame(m, image_id, runtime, stack, n),
			       *own = NULL;

	if (user && runtime == RUNTIME_GO)
		own = first_frame(m, image_id, of_library, stack, n);
	return own == user ? NULL : own;
}

const struct code_line *model_program_frame(struct model *m, uint32_t image_id,
					    enum runtime_kind runtime, const uint64_t *stack,
					    unsigned n)
{
	const struct code_line *own = model_own_frame(m, image_id, runtime, stack, n);

	return own ? own : model_user_frame(m, image_id, runtime, stack, n);
}

/* Whether one of the lines of a place is the program's own. *direct: none before it is of another library. */
static bool is_own(const struct name *n, bool *direct)
{
	for (unsigned k = 0; k <= n->n_outer; k++) {
		const struct code_line *c = k ? &n->outer[k - 1] : &n->at;

		if (!of_library(c))
			return true;
		*direct &= line_is_of_runtime(c) || !strncmp(c->function, "sync.", 5) ||
			   !strncmp(c->function, "time.", 5);
	}
	return false;
}

bool model_own_place(struct model *m, uint32_t image_id, const uint64_t *stack, unsigned n,
		     uint64_t *ret_place, bool *ret_direct)
{
	bool direct = true;

	for (unsigned i = 0; i < n; i++) {
		const struct name *name = names_look_up(m, image_id, NAME_OF_SITE, stack[i]);

		if (!name || name_is_pending(name))
			return false;
		if (name->state == NAME_KNOWN && is_own(name, &direct)) {
			*ret_place = stack[i];
			*ret_direct = direct;
			return true;
		}
	}
	*ret_place = 0;
	*ret_direct = false;
	return true;
}

/* A library's, by the name that a reader knows: the runtime begins every stack. */
static bool says_little(const struct code_line *c)
{
	return line_is_of_runtime(c) || !strcmp(c->function, "?");
}

static const struct code_line *outermost_of(const struct name *n)
{
	for (unsigned k = n->n_outer; k > 0; k--) {
		if (!says_little(&n->outer[k - 1]))
			return &n->outer[k - 1];
	}
	return says_little(&n->at) ? NULL : &n->at;
}

static const struct code_line *last_frame(struct model *m, uint32_t image_id, const uint64_t *stack,
					  unsigned n)
{
	const struct code_line *last = NULL;

	for (unsigned i = 0; i < n; i++) {
		const struct name *name = names_look_up(m, image_id, NAME_OF_SITE, stack[i]);

		if (name_is_pending(name))
			return NULL;
		if (name && name->state == NAME_KNOWN)
			last = outermost_of(name) ?: last;
	}
	return last;
}

const struct code_line *model_opener_frame(struct model *m, uint32_t image_id,
					   enum runtime_kind runtime, const uint64_t *stack,
					   unsigned n)
{
	if (runtime != RUNTIME_GO)
		return model_user_frame(m, image_id, runtime, stack, n);
	return first_frame(m, image_id, of_library, stack, n) ?: last_frame(m, image_id, stack, n);
}

unsigned model_wanted_names(struct model *m, uint32_t *ret_image_id, struct name_ask *ret_asks,
			    unsigned n)
{
	struct name *s, *next;
	unsigned len = 0;

	if (!m->n_wanted)
		return 0;
	HASH_ITER (hh, m->names, s, next) {
		if (len == n)
			break;
		if (s->state != NAME_WANTED || (len && s->key.image_id != *ret_image_id))
			continue;
		*ret_image_id = s->key.image_id;
		ret_asks[len++] = (struct name_ask){ s->key.addr, (enum name_kind)s->key.kind };
		s->state = NAME_ASKED;
		m->n_wanted--;
	}
	return len;
}

bool model_awaits_names(const struct model *m)
{
	for (const struct name *s = m->names; s; s = s->hh.next) {
		if (s->state == NAME_WANTED || s->state == NAME_ASKED)
			return true;
	}
	return false;
}

void model_forget_name(struct model *m, uint32_t image_id, const struct name_ask *ask)
{
	struct name_key key = { ask->addr, image_id, ask->kind };
	struct name *n = find_name(m, &key);

	if (n)
		forget_name(m, n);
}

static void copy_line(struct code_line *to, const struct code_line *from)
{
	utf8_sanitize(to->function, sizeof(to->function), from->function, strlen(from->function));
	utf8_sanitize(to->file, sizeof(to->file), from->file, strlen(from->file));
	to->line = from->line;
}

void model_answer(struct model *m, uint32_t image_id, const struct name_ask *ask,
		  const struct name_answer *answer)
{
	struct name_key key = { ask->addr, image_id, ask->kind };
	struct name *n = find_name(m, &key);

	if (!n)
		return;
	if (n->state == NAME_WANTED)
		m->n_wanted--;
	n->state = answer->n ? NAME_KNOWN : NAME_UNKNOWN;
	if (!answer->n)
		return;
	copy_line(&n->at, &answer->frames[0]);
	n->open_defers = answer->open_defers;
	n->wrapper = answer->wrapper;
	n->has_frame = answer->has_frame;
	n->frame = answer->frame;
	if (answer->type)
		n->type = *answer->type;
	free(n->outer);
	n->n_outer = 0;
	n->outer = answer->n > 1 ? calloc(answer->n - 1, sizeof(*n->outer)) : NULL;
	if (answer->n > 1 && !n->outer)
		m->dropped++;
	for (unsigned i = 1; n->outer && i < answer->n; i++)
		copy_line(&n->outer[n->n_outer++], &answer->frames[i]);
}
