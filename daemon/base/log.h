/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * One line a decision, in logfmt on stderr: time, level, message, then key=value pairs. Under
 * systemd (JOURNAL_STREAM set) the time is left to the journal and a <priority> prefix is written
 * instead. Values come from observed programs and are hostile: they are quoted when needed, and
 * control bytes and invalid UTF-8 are written as \xNN. A line is one write(2).
 *
 * Who decides what a failure means logs it, once; modules below the top band return codes instead.
 */
#ifndef DEFERD_BASE_LOG_H
#define DEFERD_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVEL_MAX };

void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* "debug", "info", "warn", "error"; -EINVAL when the name is another. */
int log_level_parse(const char *name, enum log_level *ret_level);

/* A line without fields: printf. */
void log_msg(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_debug(...) log_msg(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_msg(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_msg(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_msg(LOG_ERROR, __VA_ARGS__)

/* A line with fields, built piece by piece and written by log_emit(), which also frees it. */
struct log_line {
	enum log_level level;
	struct buf text;
};

void log_begin(struct log_line *l, enum log_level level, const char *msg);
void log_str(struct log_line *l, const char *key, const char *value);
void log_fmt(struct log_line *l, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void log_u64(struct log_line *l, const char *key, uint64_t value);
void log_emit(struct log_line *l);

/* Append a logfmt value: bare when it is plain, else quoted with escapes. */
void log_quote(struct buf *b, const char *value);

#endif
