// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/expo.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

const char expo_text_type[] = "text/plain; version=0.0.4; charset=utf-8";
const char expo_openmetrics_type[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";

static const char *suffix(const struct expo *x)
{
	if (x->type == EXPO_COUNTER)
		return "_total";
	return x->type == EXPO_INFO ? "_info" : "";
}

static const char *unit(const char *name)
{
	static const char *const units[][2] = {
		{ "_timestamp_seconds", "Unix time in seconds" },
		{ "_start_time_seconds", "Unix time in seconds" },
		{ "_per_second", "1/s" },
		{ "_per_minute", "1/min" },
		{ "_per_hour", "1/h" },
		{ "_seconds", "seconds" },
		{ "_bytes", "bytes" },
		{ "_ratio", "0 to 1" },
	};
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size_t n = strlen(units[i][0]);

		if (len > n && !strcmp(name + len - n, units[i][0]))
			return units[i][1];
	}
	return NULL;
}

static void manual_item(struct expo *x, const char *labels, const char *help)
{
	static const char *const types[] = { "Gauge", "Counter", "Histogram", "Info" };
	const char *in = unit(x->name);

	buf_printf(x->out, ".It Li %s%s%s%s%s\n%s%s%s.\n%s\n", x->name, suffix(x),
		   *labels ? "{" : "", labels, *labels ? "}" : "", types[x->type], in ? ", " : "",
		   in ? in : "", help);
}

void expo_family(struct expo *x, const char *name, enum expo_type type, const char *labels,
		 const char *help)
{
	static const char *const text_types[] = { "gauge", "counter", "histogram", "gauge" };
	static const char *const om_types[] = { "gauge", "counter", "histogram", "info" };
	const char *tail;

	x->name = name;
	x->type = type;
	x->series = 0;
	if (x->manual) {
		manual_item(x, labels, help);
		return;
	}
	/* OpenMetrics names the family, the text format the sample. */
	tail = x->openmetrics ? "" : suffix(x);
	buf_printf(x->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, tail, help, name, tail,
		   x->openmetrics ? om_types[type] : text_types[type]);
}

static void add_value(struct buf *b, double v)
{
	if (isnan(v))
		buf_puts(b, "NaN");
	else if (isinf(v))
		buf_puts(b, v > 0 ? "+Inf" : "-Inf");
	else if (v == floor(v) && fabs(v) < 0x1p53)
		buf_printf(b, "%.0f", v);
	else /* all digits a double has: Unix time with milliseconds needs thirteen */
		buf_printf(b, "%.15g", v);
}

static void add_label_value(struct buf *b, const char *v)
{
	while (*v) {
		size_t n = utf8_char_len(v, strlen(v));

		if (*v == '"' || *v == '\\')
			buf_printf(b, "\\%c", *v);
		else if (*v == '\n')
			buf_puts(b, "\\n");
		else if (!n)
			buf_puts(b, "\xef\xbf\xbd"); /* U+FFFD for what is no UTF-8 */
		else
			buf_add(b, v, n);
		v += n ? n : 1;
	}
}

static void add_label(struct buf *b, const char *sep, const char *name, const char *value)
{
	buf_printf(b, "%s%s=\"", sep, name);
	add_label_value(b, value);
	buf_putc(b, '"');
}

static bool admit(struct expo *x)
{
	if (x->manual)
		return false;
	if (x->series_max && x->series >= x->series_max) {
		x->dropped++;
		return false;
	}
	x->series++;
	return true;
}

void expo_sample(struct expo *x, double value, ...)
{
	const char *name, *sep = "{";
	va_list ap;

	if (!admit(x))
		return;
	buf_printf(x->out, "%s%s", x->name, suffix(x));
	va_start(ap, value);
	while ((name = va_arg(ap, const char *))) {
		add_label(x->out, sep, name, va_arg(ap, const char *));
		sep = ",";
	}
	va_end(ap);
	if (*sep == ',')
		buf_putc(x->out, '}');
	buf_putc(x->out, ' ');
	add_value(x->out, value);
	buf_putc(x->out, '\n');
}

static void histogram_line(struct expo *x, const char *tail, const char *label,
			   const char *label_value, const char *le, double value)
{
	const char *sep = "{";

	buf_printf(x->out, "%s%s", x->name, tail);
	if (label) {
		add_label(x->out, sep, label, label_value);
		sep = ",";
	}
	if (le) {
		add_label(x->out, sep, "le", le);
		sep = ",";
	}
	buf_puts(x->out, *sep == ',' ? "} " : " ");
	add_value(x->out, value);
	buf_putc(x->out, '\n');
}

void expo_histogram(struct expo *x, const char *label, const char *label_value, const double *edges,
		    const uint64_t *counts, unsigned n, double sum)
{
	uint64_t total = 0;
	char le[32];

	if (!admit(x))
		return;
	for (unsigned i = 0; i <= n; i++) {
		total += counts[i];
		/* OpenMetrics wants canonical numbers: 1.0, not 1. */
		if (i < n)
			snprintf(le, sizeof(le), "%g%s", edges[i],
				 x->openmetrics && edges[i] == floor(edges[i]) ? ".0" : "");
		else
			snprintf(le, sizeof(le), "+Inf");
		histogram_line(x, "_bucket", label, label_value, le, (double)total);
	}
	histogram_line(x, "_sum", label, label_value, NULL, sum);
	histogram_line(x, "_count", label, label_value, NULL, (double)total);
}

void expo_end(struct expo *x)
{
	if (x->openmetrics && !x->manual)
		buf_puts(x->out, "# EOF\n");
}
