/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Types of a Go program, by the address of their descriptor (runtime._type), and what a value of
 * such a type says when somebody panics with it. Reads the image, not the process. Pure, allocates
 * nothing; any thread.
 */
#ifndef DEFERD_GOLANG_GOTYPE_H
#define DEFERD_GOLANG_GOTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "golang/gobin.h"

#define GOTYPE_NAME_MAX    128 /* bytes kept of a name, NUL included */
#define GOTYPE_MESSAGE_MAX 128 /* bytes of a message */
#define GOTYPE_VALUE_WORDS 5   /* words of a value that are looked at */

struct gotype {
	char name[GOTYPE_NAME_MAX]; /* "*errors.errorString"; cut at the end; a stranger's bytes */
	uint8_t kind;               /* reflect.Kind */
	bool direct;   /* the data word of an interface is the value, not its address */
	bool text;     /* where the data word points lies a string, and that is what is printed */
	bool speaks;   /* it has an Error() or String(): what is printed only that knows */
	uint8_t known; /* but its Error() is known: see goerror.h */
	uint8_t minor; /* of the Go release that built the image: its texts differ; 0: not known */
};

/*
 * The type whose descriptor lies at `va`. 0; -ENOENT: no type of this image lies there (reflect makes
 * some at run time); -ENOTSUP: the release's layout is not known; -EBADMSG: damaged.
 */
int gotype_read(const struct gobin *g, uint64_t va, struct gotype *ret);

/* Whether it is worth while to read what lies at `va`, when errors that are known are looked for. */
bool gotype_may_be_error(const struct gobin *g, uint64_t va);

/*
 * What the runtime prints for a panic with such a value: strings as they are, numbers and bools (the
 * number alone, where the runtime also names the type of a program's own: "main.code(7)"), and known
 * errors that are no more than a string or number, those of the runtime itself among them; nothing
 * for what would need the program's own code, or what else the value points to. Floats look as that
 * release prints them.
 *
 * `word` is the data word of the interface, `value` what lies there, `text` the bytes that the first
 * two words of `value` point to as a string. At most GOTYPE_MESSAGE_MAX bytes, cut between
 * characters, terminated; control bytes and what is no UTF-8 are passed on. Returns the length; 0
 * and nothing written when size is 0.
 */
size_t gotype_message(char *buf, size_t size, const struct gotype *t,
		      const uint64_t value[GOTYPE_VALUE_WORDS], uint64_t word, const char *text,
		      size_t text_len);

/*
 * The text of a *runtime.TypeAssertionError from the names of its three types, "" where there is
 * none: the interface, what it held, and what was asserted. `missing` is a method, "" when that was
 * not the trouble. Its value is {interface, concrete, asserted, missing method's name and length}.
 */
size_t gotype_assertion(char *buf, size_t size, const char *iface, const char *concrete,
			const char *asserted, const char *missing);

#endif
