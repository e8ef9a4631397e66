// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "alert/template.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

static void put_alertname(struct buf *b, const struct alert *a)
{
	buf_puts(b, a->key.rule);
}

static void put_service(struct buf *b, const struct alert *a)
{
	buf_puts(b, a->service);
}

static void put_severity(struct buf *b, const struct alert *a)
{
	buf_puts(b, rule_severity_names[a->severity]);
}

static void put_pid(struct buf *b, const struct alert *a)
{
	if (a->pid)
		buf_printf(b, "%u", a->pid);
}

static void put_metric(struct buf *b, const struct alert *a)
{
	buf_puts(b, a->metric);
}

static void put_with_unit(struct buf *b, const struct alert *a, double value)
{
	char text[64];

	metric_print(value, a->unit, text, sizeof(text));
	buf_puts(b, text);
}

static void put_value(struct buf *b, const struct alert *a)
{
	put_with_unit(b, a, a->value);
}

static void put_threshold(struct buf *b, const struct alert *a)
{
	put_with_unit(b, a, a->threshold);
}

static void put_number(struct buf *b, const struct alert *a)
{
	buf_printf(b, "%g", a->value);
}

/* A part of the evidence. */
struct wanted {
	struct buf *b;
	const char *key;
};

static void put_if_wanted(void *arg, const struct evidence_part *part)
{
	const struct wanted *w = arg;
	char place[CODE_LINE_MAX];

	if (part->in || strcmp(part->key, w->key))
		return;
	switch (part->type) {
	case EVIDENCE_COUNT:
		buf_printf(w->b, "%llu", (unsigned long long)part->count);
		break;
	case EVIDENCE_TEXT:
		buf_puts(w->b, part->text);
		break;
	case EVIDENCE_SITE:
		code_line_print(part->site.at, CODE_LINE_AT, place, sizeof(place));
		buf_puts(w->b, place);
		break;
	default:
		break;
	}
}

static void put_part(struct buf *b, const struct alert *a, const char *key)
{
	evidence_visit(&a->evidence, put_if_wanted, &(struct wanted){ b, key });
}

static void put_goroutine(struct buf *b, const struct alert *a)
{
	put_part(b, a, "goroutine");
	put_part(b, a, "thread");
}

static void put_site(struct buf *b, const struct alert *a)
{
	const struct code_line *at = evidence_site(&a->evidence);
	char place[CODE_LINE_MAX] = "";

	if (at)
		code_line_print(at, CODE_LINE_AT, place, sizeof(place));
	buf_puts(b, at ? place : evidence_no_site(&a->evidence));
}

static void put_created_by(struct buf *b, const struct alert *a)
{
	put_part(b, a, "created_by");
}

static void put_panic(struct buf *b, const struct alert *a)
{
	put_part(b, a, "panic");
}

static void put_summary(struct buf *b, const struct alert *a)
{
	char text[1024];

	alert_describe(a, text, sizeof(text));
	buf_puts(b, text);
}

/* NULL: there is none of the name. */
static const char *label_value(const struct rule_label *labels, unsigned n, const char *name,
			       size_t len)
{
	for (unsigned i = 0; i < n; i++) {
		if (strlen(labels[i].name) == len && !memcmp(labels[i].name, name, len))
			return labels[i].value;
	}
	return NULL;
}

static const struct field_kind {
	const char *name;
	void (*put)(struct buf *b, const struct alert *a);
} fields[] = {
	{ "alertname", put_alertname },   { "service", put_service },
	{ "severity", put_severity },     { "pid", put_pid },
	{ "metric", put_metric },         { "value", put_value },
	{ "number", put_number },         { "threshold", put_threshold },
	{ "goroutine", put_goroutine },   { "site", put_site },
	{ "created_by", put_created_by }, { "panic", put_panic },
	{ "summary", put_summary },
};

/* What stands between "{{" and "}}". */
struct field {
	const struct field_kind *kind; /* NULL: a label of the rule */
	const char *label;
	size_t label_len;
};

#define LABELS "labels."

static bool is_label(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return false;
	}
	return len > 0;
}

static bool field_named(const char *name, size_t len, struct field *ret)
{
	*ret = (struct field){};
	if (!len || name[0] != '.')
		return false;
	name++;
	len--;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strlen(fields[i].name) != len || memcmp(fields[i].name, name, len))
			continue;
		ret->kind = &fields[i];
		return true;
	}
	if (len < strlen(LABELS) || memcmp(name, LABELS, strlen(LABELS)))
		return false;
	ret->label = name + strlen(LABELS);
	ret->label_len = len - strlen(LABELS);
	return is_label(ret->label, ret->label_len);
}

/* The field that begins at "{{"; *ret_end is behind its "}}", NULL without one. False: there is no such field. */
static bool field_at(const char *text, const char **ret_end, struct field *ret)
{
	const char *end = strstr(text, "}}"), *name = text + 2, *last = end;

	*ret_end = end ? end + 2 : NULL;
	if (!end)
		return false;
	while (name < last && isspace((unsigned char)*name))
		name++;
	while (last > name && isspace((unsigned char)last[-1]))
		last--;
	return field_named(name, (size_t)(last - name), ret);
}

int template_check(const char *text, struct reason *reason)
{
	struct field field;
	struct buf names;
	const char *end;

	while ((text = strstr(text, "{{"))) {
		if (field_at(text, &end, &field)) {
			text = end;
			continue;
		}
		if (!end)
			return reason_set(reason, -EINVAL, "'{{' without '}}'");
		buf_init(&names, 0);
		for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
			buf_printf(&names, ".%s, ", fields[i].name);
		reason_set(reason, -EINVAL, "'%.*s' is not a field; fields are %s.labels.NAME",
			   (int)(end - text), text, names.data ? names.data : "");
		buf_done(&names);
		return -EINVAL;
	}
	return 0;
}

int template_check_labels(const char *text, const struct rule_label *labels, unsigned n,
			  struct reason *reason)
{
	struct field field;
	const char *end;

	for (; (text = strstr(text, "{{")) && field_at(text, &end, &field); text = end) {
		if (!field.kind && !label_value(labels, n, field.label, field.label_len))
			return reason_set(reason, -EINVAL, "'%.*s': the rule has no such label",
					  (int)(end - text), text);
	}
	return 0;
}

void template_expand(const char *text, const struct alert *a, char *buf, size_t size)
{
	struct field field;
	struct buf b;

	buf_init(&b, 0);
	while (*text) {
		const char *begin = strstr(text, "{{"), *end;

		if (!begin || !field_at(begin, &end, &field)) {
			buf_puts(&b, text);
			break;
		}
		buf_add(&b, text, (size_t)(begin - text));
		if (field.kind)
			field.kind->put(&b, a);
		else
			buf_puts(&b,
				 label_value(a->labels, a->n_labels, field.label, field.label_len)
					 ?: "");
		text = end;
	}
	snprintf(buf, size, "%s", b.data ? b.data : "");
	buf_done(&b);
}
