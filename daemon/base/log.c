// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"

static enum log_level threshold = LOG_INFO;

static const char *const names[LOG_LEVEL_MAX] = { "debug", "info", "warn", "error" };
static const char *const priorities[LOG_LEVEL_MAX] = { "<7>", "<6>", "<4>", "<3>" };

void log_set_level(enum log_level level)
{
	threshold = level;
}

bool log_enabled(enum log_level level)
{
	return level >= threshold;
}

int log_level_parse(const char *name, enum log_level *ret_level)
{
	for (int i = 0; i < LOG_LEVEL_MAX; i++) {
		if (!strcmp(name, names[i])) {
			*ret_level = i;
			return 0;
		}
	}
	return -EINVAL;
}

static bool is_plain(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++) {
		unsigned char c = *s;

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
			return false;
	}
	return true;
}

void log_quote(struct buf *b, const char *value)
{
	if (is_plain(value)) {
		buf_puts(b, value);
		return;
	}
	buf_putc(b, '"');
	while (*value) {
		size_t n = utf8_char_len(value, strnlen(value, 4));
		unsigned char c = *value;

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c == '\n')
			buf_puts(b, "\\n");
		else if (n == 0 || c < ' ' || c == 0x7f)
			buf_printf(b, "\\x%02x", c);
		else if (n == 2 && c == 0xc2 &&
			 (unsigned char)value[1] < 0xa0) /* C1 controls: CSI is one */
			buf_printf(b, "\\xc2\\x%02x", (unsigned char)value[1]);
		else
			buf_add(b, value, n);
		value += n ? n : 1;
	}
	buf_putc(b, '"');
}

static void add_prefix(struct buf *b, enum log_level level)
{
	struct timespec now;
	struct tm tm;
	char stamp[32];

	if (getenv("JOURNAL_STREAM")) {
		buf_puts(b, priorities[level]);
	} else {
		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &tm);
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
		buf_printf(b, "ts=%s.%03ldZ ", stamp, now.tv_nsec / 1000000);
	}
	buf_printf(b, "level=%s", names[level]);
}

void log_begin(struct log_line *l, enum log_level level, const char *msg)
{
	l->level = level;
	buf_init(&l->text, 64 * 1024);
	add_prefix(&l->text, level);
	log_str(l, "msg", msg);
}

void log_str(struct log_line *l, const char *key, const char *value)
{
	buf_printf(&l->text, " %s=", key);
	log_quote(&l->text, value);
}

void log_fmt(struct log_line *l, const char *key, const char *fmt, ...)
{
	char *value = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&value, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	log_str(l, key, value);
	free(value);
}

void log_u64(struct log_line *l, const char *key, uint64_t value)
{
	buf_printf(&l->text, " %s=%llu", key, (unsigned long long)value);
}

void log_emit(struct log_line *l)
{
	buf_putc(&l->text, '\n');
	if (l->text.failed && l->text.len) /* past the bound it is cut, but it stays a line */
		l->text.data[l->text.len - 1] = '\n';
	if (log_enabled(l->level) && l->text.data) {
		/* Nobody is left to tell when stderr itself fails. */
		ssize_t n = write(STDERR_FILENO, l->text.data, l->text.len);

		(void)n;
	}
	buf_done(&l->text);
}

void log_msg(enum log_level level, const char *fmt, ...)
{
	struct log_line l;
	char *msg = NULL;
	va_list ap;
	int n;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	n = vasprintf(&msg, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	log_begin(&l, level, msg);
	log_emit(&l);
	free(msg);
}
