// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/pprof.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#define WIRE_VARINT 0u
#define WIRE_BYTES  2u

/* Field numbers of proto/profile.proto. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING = 6,
	PROFILE_TIME_NANOS = 9,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12
};
enum { VALUE_TYPE = 1, VALUE_UNIT = 2 };
enum { SAMPLE_LOCATION = 1, SAMPLE_VALUE = 2 };
enum { LOCATION_ID = 1, LOCATION_LINE = 4 };
enum { LINE_FUNCTION = 1, LINE_LINE = 2 };
enum { FUNCTION_ID = 1, FUNCTION_NAME = 2, FUNCTION_SYSTEM_NAME = 3, FUNCTION_FILENAME = 4 };

/* Strings, functions and locations have numbers, which a key leads to. */
struct numbered {
	UT_hash_handle hh;
	uint64_t id;
	char key[];
};

struct writer {
	struct buf *out;
	struct numbered *strings, *functions, *locations;
};

static void put_varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_putc(b, (char)(0x80 | (v & 0x7f)));
	buf_putc(b, (char)v);
}

static void put_uint(struct buf *b, unsigned field, uint64_t v)
{
	put_varint(b, field << 3 | WIRE_VARINT);
	put_varint(b, v);
}

static void put_bytes(struct buf *b, unsigned field, const void *p, size_t len)
{
	put_varint(b, field << 3 | WIRE_BYTES);
	put_varint(b, len);
	buf_add(b, p, len);
}

/* Takes the message. */
static void put_message(struct buf *b, unsigned field, struct buf *message)
{
	b->failed |= message->failed;
	put_bytes(b, field, message->data, message->len);
	buf_done(message);
}

/* *ret_new: it had none before. 0: out of memory. */
static uint64_t number_of(struct writer *w, struct numbered **table, uint64_t first,
			  const char *key, size_t len, bool *ret_new)
{
	struct numbered *n;

	HASH_FIND(hh, *table, key, len, n);
	*ret_new = !n;
	if (n)
		return n->id;
	n = malloc(sizeof(*n) + len);
	if (!n) {
		w->out->failed = true;
		return 0;
	}
	n->id = HASH_COUNT(*table) + first;
	memcpy(n->key, key, len);
	HASH_ADD_KEYPTR(hh, *table, n->key, len, n);
	return n->id;
}

static void free_numbers(struct numbered **table)
{
	struct numbered *n, *next;

	HASH_ITER (hh, *table, n, next) {
		HASH_DEL(*table, n);
		free(n);
	}
}

/* Index in the table of strings, whose first one is "". */
static uint64_t string_id(struct writer *w, const char *s)
{
	bool is_new;
	uint64_t id = number_of(w, &w->strings, 0, s, strlen(s) + 1, &is_new);

	if (is_new)
		put_bytes(w->out, PROFILE_STRING, s, strlen(s));
	return id;
}

static uint64_t function_id(struct writer *w, const char *name, const char *file)
{
	uint64_t key[2] = { string_id(w, name), string_id(w, file) }, id;
	struct buf m;
	bool is_new;

	id = number_of(w, &w->functions, 1, (const char *)key, sizeof(key), &is_new);
	if (!is_new)
		return id;
	buf_init(&m, 0);
	put_uint(&m, FUNCTION_ID, id);
	put_uint(&m, FUNCTION_NAME, key[0]);
	put_uint(&m, FUNCTION_SYSTEM_NAME, key[0]);
	put_uint(&m, FUNCTION_FILENAME, key[1]);
	put_message(w->out, PROFILE_FUNCTION, &m);
	return id;
}

static uint64_t location_id(struct writer *w, const json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "function"));
	const char *file = json_string_value(json_object_get(line, "file"));
	uint64_t key[2], id;
	struct buf m, l;
	bool is_new;

	key[0] = function_id(w, name && *name ? name : "?", file ? file : "");
	key[1] = (uint64_t)json_integer_value(json_object_get(line, "line"));
	id = number_of(w, &w->locations, 1, (const char *)key, sizeof(key), &is_new);
	if (!is_new)
		return id;
	buf_init(&m, 0);
	buf_init(&l, 0);
	put_uint(&m, LOCATION_ID, id);
	put_uint(&l, LINE_FUNCTION, key[0]);
	put_uint(&l, LINE_LINE, key[1]);
	put_message(&m, LOCATION_LINE, &l);
	put_message(w->out, PROFILE_LOCATION, &m);
	return id;
}

static void put_group(struct writer *w, const json_t *group)
{
	const json_t *stack = json_object_get(group, "stack"), *line;
	struct buf m;
	size_t i;

	buf_init(&m, 0);
	json_array_foreach (stack, i, line)
		put_uint(&m, SAMPLE_LOCATION, location_id(w, line));
	if (!json_is_true(json_object_get(group, "whole")))
		put_uint(&m, SAMPLE_LOCATION, location_id(w, json_object_get(group, "start")));
	put_uint(&m, SAMPLE_VALUE, (uint64_t)json_integer_value(json_object_get(group, "count")));
	put_message(w->out, PROFILE_SAMPLE, &m);
}

static void put_type(struct writer *w, unsigned field)
{
	struct buf m;

	buf_init(&m, 0);
	put_uint(&m, VALUE_TYPE, string_id(w, "goroutine"));
	put_uint(&m, VALUE_UNIT, string_id(w, "count"));
	put_message(w->out, field, &m);
}

void pprof_write(const json_t *doc, bool with_system, int64_t unix_ns, struct buf *b)
{
	struct writer w = { .out = b };
	const json_t *group;
	size_t i;

	(void)string_id(&w, "");
	put_type(&w, PROFILE_SAMPLE_TYPE);
	put_type(&w, PROFILE_PERIOD_TYPE);
	put_uint(b, PROFILE_PERIOD, 1);
	put_uint(b, PROFILE_TIME_NANOS, (uint64_t)unix_ns);
	json_array_foreach (json_object_get(doc, "groups"), i, group) {
		if (with_system || !json_is_true(json_object_get(group, "system")))
			put_group(&w, group);
	}
	free_numbers(&w.strings);
	free_numbers(&w.functions);
	free_numbers(&w.locations);
}
