// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/design.h"

#include <ctype.h>
#include <string.h>

#include "golang/goname.h"
#include "model/names_priv.h"

#define STACK_CUT (EVENT_STACK_MAX - 2) /* a record's frames, less two that may be left out */

/* The function of the symbol table. */
static const char *physical(const struct name *n)
{
	return name_outermost(n)->function;
}

static bool same_package(const char *a, const char *b)
{
	size_t n = goname_package_len(a);

	return n && n == goname_package_len(b) && !memcmp(a, b, n);
}

/* The element of an import path that names the package: not "v3", and "yaml" of "yaml.v3". */
static const char *package_name(const char *function, size_t path, size_t *ret_len)
{
	const char *begin = function, *end = function + path;

	for (const char *p = function; p < end; p++) {
		bool version = p[0] == '/' && p[1] == 'v' && isdigit((unsigned char)p[2]) &&
			       !memchr(p + 1, '/', (size_t)(end - p - 1));

		if (version)
			end = p;
		else if (*p == '/')
			begin = p + 1;
	}
	*ret_len = strcspn(begin, ".");
	if (*ret_len > (size_t)(end - begin))
		*ret_len = (size_t)(end - begin);
	return begin;
}

/* "*parser.bailout" is of the package of example.com/parser.(*state).expr. */
static bool type_is_of(const char *type, const char *function)
{
	size_t len;
	const char *package = package_name(function, goname_package_len(function), &len);

	type += *type == '*';
	return len && !strncmp(type, package, len) && type[len] == '.';
}

static enum panic_design yes(bool is)
{
	return is ? DESIGN_CONTROL_FLOW : DESIGN_NONE;
}

/*
 * Whether its package was called from elsewhere where it recovers, so that the panic ends at a border of it; who recovers
 * at the root of a goroutine, as net/http does, keeps a program alive.
 */
static enum panic_design at_border(struct model *m, const struct ledger_site *s, const char *border)
{
	const struct name *caller = NULL;
	bool met = false;

	for (unsigned i = 0; i < s->nstack; i++) {
		const struct name *n = names_look_up(m, s->image_id, NAME_OF_SITE, s->stack[i]);

		if (name_is_pending(n))
			return DESIGN_UNKNOWN;
		if (!n || n->state != NAME_KNOWN)
			return DESIGN_NONE;
		if (n->wrapper)
			continue; /* of a go statement */
		if (!strcmp(physical(n), border)) {
			met = true;
			caller = NULL;
		} else if (met && !caller && !same_package(physical(n), border)) {
			caller = n;
		}
	}
	/* Of a deep recursion the stack ends before. */
	if (!caller)
		return yes(s->nstack >= STACK_CUT);
	return yes(!line_is_of_runtime(&caller->at));
}

enum panic_design design_of_site(struct model *m, const struct ledger_site *s)
{
	const struct name *raised, *recovers, *type;
	const char *border;

	if (s->key.aborts)
		return DESIGN_ABORT;
	if (s->runtime != RUNTIME_GO || !s->nstack || !s->frame || s->norigin)
		return DESIGN_NONE;
	raised = names_look_up(m, s->image_id, NAME_OF_SITE, s->stack[0]);
	recovers = names_look_up(m, s->image_id, NAME_OF_SITE, s->frame);
	type = s->key.type ? names_look_up(m, s->image_id, NAME_OF_TYPE, s->key.type) : NULL;
	if (name_is_pending(raised) || name_is_pending(recovers) || name_is_pending(type))
		return DESIGN_UNKNOWN;
	if (!raised || !recovers || raised->state != NAME_KNOWN || recovers->state != NAME_KNOWN)
		return DESIGN_NONE;
	border = physical(recovers);
	if (line_is_of_runtime(&raised->at) || !same_package(raised->at.function, border))
		return DESIGN_NONE;
	if (type && type->state == NAME_KNOWN && type_is_of(type->at.function, border))
		return DESIGN_CONTROL_FLOW;
	return strncmp(border, "main.", 5) ? at_border(m, s, border) : DESIGN_NONE;
}
