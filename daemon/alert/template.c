// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "alert/template.h"

#include <ctype.h>
#include <errno.h>
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

static void put_value(struct buf *b, const struct alert *a)
{
	buf_printf(b, "%g", a->value);
}

static void put_threshold(struct buf *b, const struct alert *a)
{
	buf_printf(b, "%g", a->threshold);
}

static void put_goroutine(struct buf *b, const struct alert *a)
{
	if (a->of_depth)
		buf_printf(b, "%llu", (unsigned long long)a->goid);
}

static void put_place(struct buf *b, const struct alert_site *s)
{
	if (s->file[0])
		buf_printf(b, "%s at %s:%u", s->function, s->file, s->line);
	else
		buf_puts(b, s->function);
}

static void put_site(struct buf *b, const struct alert *a)
{
	put_place(b, a->of_fds ? &a->fds.opened_by : &a->site);
}

static void put_created_by(struct buf *b, const struct alert *a)
{
	put_place(b, &a->created);
}

static void put_panic(struct buf *b, const struct alert *a)
{
	buf_puts(b, a->panic);
}

static void put_summary(struct buf *b, const struct alert *a)
{
	char text[1024];

	alert_describe(a, text, sizeof(text));
	buf_puts(b, text);
}

static const struct field {
	const char *name;
	void (*put)(struct buf *b, const struct alert *a);
} fields[] = {
	{ "alertname", put_alertname }, { "service", put_service },
	{ "severity", put_severity },   { "pid", put_pid },
	{ "metric", put_metric },       { "value", put_value },
	{ "threshold", put_threshold }, { "goroutine", put_goroutine },
	{ "site", put_site },           { "created_by", put_created_by },
	{ "panic", put_panic },         { "summary", put_summary },
};

/*
 * The field that begins at "{{"; *ret_end is behind its "}}". NULL, and *ret_end NULL: braces without their end; NULL
 * else: no such field.
 */
static const struct field *field_at(const char *text, const char **ret_end)
{
	const char *end = strstr(text, "}}"), *name = text + 2, *last = end;

	*ret_end = end ? end + 2 : NULL;
	if (!end)
		return NULL;
	while (name < last && isspace((unsigned char)*name))
		name++;
	while (last > name && isspace((unsigned char)last[-1]))
		last--;
	for (size_t i = 0; i < ARRAY_SIZE(fields) && *name == '.'; i++) {
		if (strlen(fields[i].name) == (size_t)(last - name - 1) &&
		    !strncmp(fields[i].name, name + 1, (size_t)(last - name - 1)))
			return &fields[i];
	}
	return NULL;
}

int template_check(const char *text, struct reason *reason)
{
	struct buf names;
	const char *end;

	while ((text = strstr(text, "{{"))) {
		const struct field *f = field_at(text, &end);

		if (!end)
			return reason_set(reason, -EINVAL, "'{{' without '}}'");
		if (f) {
			text = end;
			continue;
		}
		buf_init(&names, 0);
		for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
			buf_printf(&names, "%s.%s", i ? ", " : "", fields[i].name);
		reason_set(reason, -EINVAL, "'%.*s': there are %s", (int)(end - text), text,
			   names.data ? names.data : "");
		buf_done(&names);
		return -EINVAL;
	}
	return 0;
}

void template_expand(const char *text, const struct alert *a, char *buf, size_t size)
{
	struct buf b;

	buf_init(&b, 0);
	while (*text) {
		const char *begin = strstr(text, "{{"), *end;
		const struct field *f = begin ? field_at(begin, &end) : NULL;

		if (!f) {
			buf_puts(&b, text);
			break;
		}
		buf_add(&b, text, (size_t)(begin - text));
		f->put(&b, a);
		text = end;
	}
	snprintf(buf, size, "%s", b.data ? b.data : "");
	buf_done(&b);
}
