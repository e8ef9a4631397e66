/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What all JSON is made of: members of an object, and lines of code. */
#ifndef DEFERD_EXPORT_LINES_H
#define DEFERD_EXPORT_LINES_H

#include <math.h>

#include <jansson.h>

#include "model/model.h"

#define VIEW_STACK_MAX 48 /* functions of one stack, what is inlined included */

static inline void set(json_t *o, const char *key, json_t *value)
{
	(void)json_object_set_new(o, key, value);
}

static inline void set_str(json_t *o, const char *key, const char *s)
{
	set(o, key, json_string(s));
}

static inline void set_int(json_t *o, const char *key, uint64_t n)
{
	set(o, key, json_integer((json_int_t)n));
}

static inline void set_real(json_t *o, const char *key, double v)
{
	set(o, key, isfinite(v) ? json_real(v) : json_null());
}

json_t *view_line(const struct code_line *c); /* NULL: not known yet */
json_t *view_site(struct model *m, uint32_t image_id, uint64_t pc);
/* Whether each of these addresses but 0 has a name; those that have none are asked for. */
bool view_named(struct model *m, uint32_t image_id, const uint64_t *pcs, unsigned n);
/* Every function of a stack, what is inlined included; at most VIEW_STACK_MAX. */
json_t *view_stack(struct model *m, uint32_t image_id, const uint64_t *stack, unsigned n);
void view_time(json_t *o, const char *key, int64_t unix_ms); /* RFC 3339, milliseconds, UTC */

json_t *view_address(uint64_t address); /* "0xc000123000" */

#endif
