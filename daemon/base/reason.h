/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where an errno is too poor: a sentence for a person, filled by the module that knows the cause
 * and logged by the one that decides what it means. A NULL reason is allowed everywhere and
 * collects nothing.
 */
#ifndef DEFERD_BASE_REASON_H
#define DEFERD_BASE_REASON_H

#define REASON_MAX 256

struct reason {
	char text[REASON_MAX];
};

/*
 * Write the sentence (cut at REASON_MAX - 1 bytes) and return `err`, so that `return
 * reason_set(...)` reads well.
 */
int reason_set(struct reason *reason, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
