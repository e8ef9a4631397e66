/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Which members of an event are recorded, as a table of each type; for recording.c. Pure. */
#ifndef DEFERD_EVENT_FIELDS_H
#define DEFERD_EVENT_FIELDS_H

#include <stddef.h>

#include "event/event.h"

enum field_kind {
	FIELD_UNSIGNED, /* of 1, 2, 4 or 8 bytes; enums and bools too */
	FIELD_SIGNED,   /* int */
	FIELD_REAL,     /* double */
	FIELD_TEXT,     /* const char * */
	FIELD_BYTES,    /* char[], in hexadecimal; `count` says how many */
	FIELD_SPARSE,   /* const uint32_t *, `n` of them: index and value of those that are not 0 */
};

/* All numbers are bytes, from the start of struct event. */
struct field {
	const char *key;
	enum field_kind kind;
	size_t offset, size; /* of one element */
	size_t n;            /* elements there is room for; 1: a single one */
	size_t stride;       /* from one to the next */
	size_t count; /* where an unsigned says how many are used; 0: all, or up to the last that is not 0 */
};

struct event_fields {
	const char *name;           /* of the type, in a recording; NULL: it is not recorded */
	const struct field *fields; /* ends with a NULL key */
};

extern const struct event_fields event_fields[EVENT_TYPE_MAX];
/* The pid, the thread, the target: of each type. */
extern const struct field event_head_fields[];

#endif
