// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "event/recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "base/version.h"
#include "event/fields.h"
#include "golang/goerror.h"

#define VERSION     1
#define KIND_STRING 24   /* of reflect */
#define TEXT_MAX    1024 /* bytes of a string */

static const char *const mark_names[MARK_MAX] = {
	[MARK_TICK] = "tick",
	[MARK_JUDGE] = "judge",
	[MARK_AFTERMATH_DROPPED] = "aftermath_dropped",
	[MARK_AFTERMATH_ENDED] = "aftermath_ended",
	[MARK_AFTERMATH_WENT_ON] = "aftermath_went_on",
	[MARK_AFTERMATHS_OVER] = "aftermaths_over",
};

/* Writing */

struct recorder {
	gzFile file;
	bool looking; /* inside a look */
	int err;
};

static int gz_errno(gzFile file)
{
	int code;

	(void)gzerror(file, &code);
	return code == Z_ERRNO && errno ? -errno : code == Z_MEM_ERROR ? -ENOMEM : -EIO;
}

/* Takes the object. */
static void write_line(struct recorder *r, json_t *o)
{
	_cleanup_free_ char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	if (!r->err && !text)
		r->err = -ENOMEM;
	if (!r->err && (gzputs(r->file, text) < 0 || gzputc(r->file, '\n') < 0))
		r->err = gz_errno(r->file);
	json_decref(o);
}

int recorder_open(const char *path, struct recorder **ret_r, struct reason *reason)
{
	struct recorder *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (r) {
		r->file = gzopen(path, "wbe");
		err = r->file ? 0 : errno ? -errno : -ENOMEM;
	}
	if (err) {
		free(r);
		return reason_set(reason, err, "%s: %s", path, strerror(-err));
	}
	write_line(r, json_pack("{s:i, s:s}", "recording", VERSION, "deferd", deferd_version));
	*ret_r = r;
	return 0;
}

int recorder_close(struct recorder *r, struct reason *reason)
{
	int err, end;

	if (!r)
		return 0;
	err = r->err;
	end = gzclose(r->file);
	if (!err && end != Z_OK)
		err = end == Z_ERRNO && errno ? -errno : -EIO;
	free(r);
	return err ? reason_set(reason, err, "writing the recording: %s", strerror(-err)) : 0;
}

static uint64_t load(const void *at, size_t size)
{
	uint64_t v = 0;

	memcpy(&v, at, size); /* little endian: asserted where records are */
	return v;
}

static size_t used_of(const struct field *f, const char *base)
{
	size_t n = f->n;

	if (f->count) {
		size_t used = load(base + f->count, sizeof(unsigned));

		return used < n ? used : n;
	}
	while (n && !load(base + f->offset + (n - 1) * f->stride, f->size))
		n--;
	return n;
}

static json_t *numbers_json(const struct field *f, const char *base)
{
	size_t n = used_of(f, base);
	json_t *list = n ? json_array() : NULL;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer((json_int_t)load(
						    base + f->offset + i * f->stride, f->size)));
	return list;
}

static json_t *sparse_json(const struct field *f, const char *base)
{
	const uint32_t *values = *(const uint32_t *const *)(base + f->offset);
	json_t *list = json_array();

	for (size_t i = 0; values && i < f->n; i++) {
		if (!values[i])
			continue;
		json_array_append_new(list, json_integer((json_int_t)i));
		json_array_append_new(list, json_integer(values[i]));
	}
	return list;
}

static json_t *text_json(const char *text)
{
	char clean[TEXT_MAX];

	if (!text || !*text)
		return NULL;
	utf8_sanitize(clean, sizeof(clean), text, strlen(text));
	return json_string(clean);
}

static json_t *bytes_json(const struct field *f, const char *base)
{
	size_t n = used_of(f, base);
	char hex[2 * TEXT_MAX];

	hex_encode(hex, (const uint8_t *)base + f->offset, n);
	return n ? json_stringn(hex, 2 * n) : NULL;
}

/* NULL: it is zero, and left out. */
static json_t *field_json(const struct field *f, const char *base)
{
	const char *at = base + f->offset;

	switch (f->kind) {
	case FIELD_TEXT:
		return text_json(*(const char *const *)at);
	case FIELD_BYTES:
		return bytes_json(f, base);
	case FIELD_SPARSE:
		return sparse_json(f, base);
	case FIELD_REAL:
		return *(const double *)at != 0 ? json_real(*(const double *)at) : NULL;
	case FIELD_SIGNED:
		return *(const int *)at ? json_integer(*(const int *)at) : NULL;
	default:
		break;
	}
	if (f->n > 1)
		return numbers_json(f, base);
	return load(at, f->size) ? json_integer((json_int_t)load(at, f->size)) : NULL;
}

static void put_fields(json_t *o, const struct field *f, const struct event *ev)
{
	for (; f->key; f++) {
		json_t *value = field_json(f, (const char *)ev);

		if (value)
			json_object_set_new(o, f->key, value);
	}
}

void recorder_event(struct recorder *r, const struct event *ev)
{
	const struct event_fields *e = &event_fields[ev->type];
	json_t *o;

	if (ev->type == EVENT_LOOK_BEGIN || ev->type == EVENT_LOOK_END)
		r->looking = ev->type == EVENT_LOOK_BEGIN;
	if (!e->name || r->looking)
		return;
	o = json_pack("{s:s}", "ev", e->name);
	put_fields(o, event_head_fields, ev);
	put_fields(o, e->fields, ev);
	write_line(r, o);
}

static json_t *place_json(const struct recorded_place *p)
{
	char function[TEXT_MAX], file[TEXT_MAX];

	utf8_sanitize(function, sizeof(function), p->function, strlen(p->function));
	utf8_sanitize(file, sizeof(file), p->file, strlen(p->file));
	return json_pack("[s, s, i]", function, file, (int)p->line);
}

void recorder_name(struct recorder *r, const struct recorded_name *name)
{
	json_t *places = json_array(), *type = json_null();
	char type_name[GOTYPE_NAME_MAX];

	for (unsigned i = 0; i < name->n; i++)
		json_array_append_new(places, place_json(&name->places[i]));
	if (name->has_type) {
		utf8_sanitize(type_name, sizeof(type_name), name->type.name,
			      strnlen(name->type.name, sizeof(name->type.name)));
		type = json_pack("[s, i, b, b, i, b, s]", type_name, name->type.kind,
				 name->type.direct, name->type.text, name->type.minor,
				 name->type.speaks, goerror_package(name->type.known));
	}
	write_line(r, json_pack("{s:I, s:i, s:i, s:b, s:b, s:b, s:i, s:o, s:o}", "name",
				(json_int_t)name->addr, "image_id", (int)name->image_id, "kind",
				(int)name->kind, "open_defers", name->open_defers, "wrapper",
				name->wrapper, "has_frame", name->has_frame, "frame",
				(int)name->frame, "type", type, "places", places));
}

void recorder_mark(struct recorder *r, enum recorded_mark mark, uint64_t now_ns)
{
	write_line(r, json_pack("{s:s, s:I}", "mark", mark_names[mark], "ns", (json_int_t)now_ns));
}

/* Reading */

struct recording {
	gzFile file;
	char *path;
	unsigned line;
	char *text;   /* RECORDING_LINE_MAX bytes */
	json_t *doc;  /* of the line that was read last */
	json_t *kept; /* strings by themselves: names of probe sets */
	uint32_t durations[EVENT_NS_BUCKETS], defers[EVENT_DEFERS_BUCKETS];
};

static int damaged(const struct recording *r, struct reason *reason, const char *what)
{
	return reason_set(reason, -EBADMSG, "%s:%u: %s; is it a recording of deferd?", r->path,
			  r->line, what);
}

/* 1: r->doc is the next line; 0: the end. */
static int read_line(struct recording *r, struct reason *reason)
{
	int code;

	json_decref(r->doc);
	r->doc = NULL;
	if (!gzgets(r->file, r->text, RECORDING_LINE_MAX)) {
		(void)gzerror(r->file, &code);
		return gzeof(r->file) && (code == Z_OK || code == Z_STREAM_END)
			       ? 0
			       : damaged(r, reason, "the file ends in the middle");
	}
	r->line++;
	if (!strchr(r->text, '\n'))
		return damaged(r, reason,
			       strlen(r->text) + 1 == RECORDING_LINE_MAX
				       ? "the line is too long"
				       : "the file ends in the middle");
	r->doc = json_loads(r->text, 0, NULL);
	return json_is_object(r->doc) ? 1 : damaged(r, reason, "not a JSON object");
}

static int read_head(struct recording *r, struct reason *reason)
{
	int more = read_line(r, reason);

	if (more < 0)
		return more;
	if (!more || json_integer_value(json_object_get(r->doc, "recording")) != VERSION)
		return damaged(r, reason, "the first line has no {\"recording\": 1}");
	return 0;
}

int recording_open(const char *path, struct recording **ret_r, struct reason *reason)
{
	struct recording *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (r) {
		r->path = strdup(path);
		r->text = malloc(RECORDING_LINE_MAX);
		r->kept = json_object();
		r->file = gzopen(path, "rbe");
		err = r->file ? 0 : errno ? -errno : -ENOMEM;
	}
	if (!r || err || !r->path || !r->text || !r->kept) {
		recording_close(r);
		err = err ?: -ENOMEM;
		return reason_set(reason, err, "%s: %s", path, strerror(-err));
	}
	err = read_head(r, reason);
	if (err) {
		recording_close(r);
		return err;
	}
	*ret_r = r;
	return 0;
}

void recording_close(struct recording *r)
{
	if (!r)
		return;
	if (r->file)
		(void)gzclose(r->file);
	json_decref(r->doc);
	json_decref(r->kept);
	free(r->path);
	free(r->text);
	free(r);
}

static bool store(void *at, size_t size, const json_t *v)
{
	uint64_t n = (uint64_t)json_integer_value(v);

	if (!json_is_integer(v) || (size < 8 && n >> (8 * size)))
		return false;
	memcpy(at, &n, size);
	return true;
}

static bool take_numbers(const struct field *f, char *base, const json_t *list)
{
	if (!json_is_array(list) || json_array_size(list) > f->n)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!store(base + f->offset + i * f->stride, f->size, json_array_get(list, i)))
			return false;
	}
	return true;
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_bytes(const struct field *f, char *base, const json_t *v)
{
	const char *hex = json_string_value(v);

	if (!hex || json_string_length(v) > 2 * f->n || json_string_length(v) % 2)
		return false;
	for (size_t i = 0; i < json_string_length(v) / 2; i++) {
		int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		base[f->offset + i] = (char)(high << 4 | low);
	}
	return true;
}

/* The two lists of a line are told apart by their room. */
static bool take_sparse(struct recording *r, const struct field *f, char *base, const json_t *list)
{
	uint32_t *values = f->n == EVENT_NS_BUCKETS ? r->durations : r->defers;
	size_t n = json_array_size(list);

	memset(values, 0, f->n * sizeof(*values));
	*(const uint32_t **)(base + f->offset) = values;
	for (size_t i = 0; i + 1 < n; i += 2) {
		uint64_t at = (uint64_t)json_integer_value(json_array_get(list, i));

		if (at >= f->n || !store(&values[at], sizeof(*values), json_array_get(list, i + 1)))
			return false;
	}
	return (!list || json_is_array(list)) && n % 2 == 0;
}

/* The model keeps pointers to names of probe sets. */
static bool take_text(struct recording *r, const struct field *f, char *base, const json_t *v)
{
	const char *text = v ? json_string_value(v) : "";

	if (!text)
		return false;
	if (!strcmp(f->key, "probes")) {
		if (!json_object_get(r->kept, text))
			json_object_set_new(r->kept, text, json_string(text));
		text = json_string_value(json_object_get(r->kept, text));
	}
	*(const char **)(base + f->offset) = text ? text : "";
	return true;
}

static bool take_field(struct recording *r, const struct field *f, char *base, const json_t *v)
{
	if (f->kind == FIELD_TEXT)
		return take_text(r, f, base, v);
	if (f->kind == FIELD_SPARSE)
		return take_sparse(r, f, base, v);
	if (!v)
		return true;
	switch (f->kind) {
	case FIELD_BYTES:
		return take_bytes(f, base, v);
	case FIELD_REAL:
		*(double *)(base + f->offset) = json_number_value(v);
		return json_is_number(v);
	case FIELD_SIGNED:
		*(int *)(base + f->offset) = (int)json_integer_value(v);
		return json_is_integer(v);
	default:
		return f->n > 1 ? take_numbers(f, base, v) : store(base + f->offset, f->size, v);
	}
}

/* A count says no more than there is room for: whoever reads the event relies on it. */
static bool counts_fit(const struct field *f, const char *base)
{
	for (; f->key; f++) {
		if (f->count && load(base + f->count, sizeof(unsigned)) > f->n)
			return false;
	}
	return true;
}

static int take_fields(struct recording *r, const struct field *f, struct event *ev,
		       struct reason *reason)
{
	const struct field *first = f;

	for (; f->key; f++) {
		if (!take_field(r, f, (char *)ev, json_object_get(r->doc, f->key)))
			return damaged(r, reason, f->key);
	}
	return counts_fit(first, (const char *)ev) ? 0 : damaged(r, reason, "a count is too large");
}

/* Enums index arrays: they are checked here, once. */
static bool enums_fit(const struct event *ev)
{
	switch (ev->type) {
	case EVENT_TARGET:
		return (unsigned)ev->info.runtime < RUNTIME_MAX &&
		       (unsigned)ev->info.state < TARGET_STATE_MAX;
	case EVENT_DEPTH:
	case EVENT_ENDED:
		return (unsigned)ev->call.kind <= CALL_MAX &&
		       (unsigned)ev->call.lowering < LOWERING_MAX;
	case EVENT_PANIC:
		for (unsigned i = 0; i < ev->panic.nclosed; i++) {
			if ((unsigned)ev->panic.closed[i].outcome >= OUTCOME_MAX)
				return false;
		}
		return (unsigned)ev->panic.step < PANIC_STEP_MAX &&
		       (unsigned)ev->panic.said < PANIC_SAID_MAX;
	case EVENT_WRITE:
		return (unsigned)ev->write.kind < WRITE_KIND_MAX;
	case EVENT_SITE:
		return (unsigned)ev->site.lowering < LOWERING_MAX;
	case EVENT_GROUP:
		return (unsigned)ev->group.state < GOROUTINE_STATE_MAX &&
		       (unsigned)ev->group.scope < GROUP_SCOPE_MAX;
	case EVENT_FD_GROUP:
		return ev->fd_group.key.kind < FD_KIND_MAX;
	case EVENT_FD_SITE:
		return ev->fd_site.key.kind < FD_KIND_MAX;
	default:
		return true;
	}
}

static int take_event(struct recording *r, const char *name, struct event *ret,
		      struct reason *reason)
{
	int err;

	for (int i = 0; i < EVENT_TYPE_MAX; i++) {
		const struct event_fields *e = &event_fields[i];

		if (!e->name || strcmp(e->name, name))
			continue;
		*ret = (struct event){ .type = (enum event_type)i };
		err = take_fields(r, event_head_fields, ret, reason)
			      ?: take_fields(r, e->fields, ret, reason);
		if (!err && !enums_fit(ret))
			return damaged(r, reason, "a number of no meaning");
		return err;
	}
	return damaged(r, reason, "an event of an unknown type");
}

static bool take_place(const json_t *v, struct recorded_place *ret)
{
	const char *function = json_string_value(json_array_get(v, 0));
	const char *file = json_string_value(json_array_get(v, 1));

	*ret = (struct recorded_place){ function, file,
					(uint32_t)json_integer_value(json_array_get(v, 2)) };
	return function && file;
}

static bool take_type(const json_t *v, struct recorded_name *ret)
{
	const char *name = json_string_value(json_array_get(v, 0));
	const char *package = json_string_value(json_array_get(v, 6));

	if (json_is_null(v))
		return true;
	ret->has_type = name != NULL;
	snprintf(ret->type.name, sizeof(ret->type.name), "%s", name ? name : "");
	ret->type.kind = (uint8_t)json_integer_value(json_array_get(v, 1));
	ret->type.direct = json_is_true(json_array_get(v, 2));
	ret->type.text = json_is_true(json_array_get(v, 3));
	ret->type.minor = (uint8_t)json_integer_value(json_array_get(v, 4));
	ret->type.speaks = json_is_true(json_array_get(v, 5));
	ret->type.known = package ? goerror_find(package, ret->type.name, ret->type.minor) : 0;
	/* Of a recording that does not say so, a struct's first string is none that is printed. */
	ret->type.text &= ret->type.known || ret->type.kind == KIND_STRING;
	return name != NULL;
}

static int take_name(struct recording *r, struct recorded_name *ret, struct reason *reason)
{
	const json_t *places = json_object_get(r->doc, "places");

	*ret = (struct recorded_name){
		.image_id = (uint32_t)json_integer_value(json_object_get(r->doc, "image_id")),
		.kind = (uint32_t)json_integer_value(json_object_get(r->doc, "kind")),
		.addr = (uint64_t)json_integer_value(json_object_get(r->doc, "name")),
		.n = (unsigned)json_array_size(places),
		.open_defers = json_is_true(json_object_get(r->doc, "open_defers")),
		.wrapper = json_is_true(json_object_get(r->doc, "wrapper")),
		.has_frame = json_is_true(json_object_get(r->doc, "has_frame")),
		.frame = (uint32_t)json_integer_value(json_object_get(r->doc, "frame")),
	};
	if (ret->n > RECORDING_PLACES_MAX)
		return damaged(r, reason, "too many places");
	for (unsigned i = 0; i < ret->n; i++) {
		if (!take_place(json_array_get(places, i), &ret->places[i]))
			return damaged(r, reason, "a place");
	}
	return take_type(json_object_get(r->doc, "type"), ret) ? 0 : damaged(r, reason, "a type");
}

static int take_mark(struct recording *r, const char *name, struct recorded *ret,
		     struct reason *reason)
{
	ret->now_ns = (uint64_t)json_integer_value(json_object_get(r->doc, "ns"));
	for (int i = 0; i < MARK_MAX; i++) {
		ret->mark = (enum recorded_mark)i;
		if (!strcmp(mark_names[i], name))
			return 0;
	}
	return damaged(r, reason, "an unknown mark");
}

int recording_next(struct recording *r, struct recorded *ret, struct reason *reason)
{
	int err = read_line(r, reason);
	const char *name;

	if (err <= 0)
		return err;
	if ((name = json_string_value(json_object_get(r->doc, "ev")))) {
		ret->what = RECORDED_EVENT;
		err = take_event(r, name, &ret->ev, reason);
	} else if ((name = json_string_value(json_object_get(r->doc, "mark")))) {
		ret->what = RECORDED_MARK;
		err = take_mark(r, name, ret, reason);
	} else if (json_object_get(r->doc, "name")) {
		ret->what = RECORDED_NAME;
		err = take_name(r, &ret->name, reason);
	} else {
		err = damaged(r, reason, "neither an event, a name nor a mark");
	}
	return err ?: 1;
}
