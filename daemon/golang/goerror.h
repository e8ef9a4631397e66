/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Errors whose Error() is known: those of Go's standard library that print nothing but their fields.
 * Whatever another type's Error() prints, only its own code knows: its fields may be what it takes
 * care not to print. Pure, allocates nothing; any thread.
 */
#ifndef DEFERD_GOLANG_GOERROR_H
#define DEFERD_GOLANG_GOERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GOERROR_NONE      0   /* no type that is known here */
#define GOERRORS_MAX      64  /* known types, NONE included */
#define GOERROR_WORDS     10  /* of the longest value */
#define GOERROR_TEXTS     3   /* strings of a value */
#define GOERROR_ERRORS    3   /* interfaces of a value */
#define GOERROR_TEXT_MAX  128 /* bytes of one string */
#define GOERROR_NODES_MAX 8   /* an error, those within it, and their addresses */

/* The type of this name, as reflect prints it, in the package of this import path. */
uint8_t goerror_find(const char *package, const char *name, unsigned minor);
/* Whether a name with a star before it, or that of a value with one too many, may be of a known type. */
bool goerror_has_name(const char *name, size_t len, bool value);
/* Whether values are a string or a number and no more; a string. */
bool goerror_is_flat(uint8_t known);
bool goerror_is_text(uint8_t known);
/* The import path of its package; "" for NONE. */
const char *goerror_package(uint8_t known);
const char *goerror_name(uint8_t known);

/* Where a value's parts lie, in words from its start. */
struct goerror_shape {
	uint8_t words; /* that are looked at */
	uint8_t n_texts, n_errors;
	uint8_t texts[GOERROR_TEXTS];   /* pointer and length */
	uint8_t errors[GOERROR_ERRORS]; /* itab and data */
	bool is_list;                   /* the value is a slice of errors */
};

struct goerror_shape goerror_shape(uint8_t known);

/* A value, as it lay in memory. */
struct goerror_node {
	uint8_t known;
	uint8_t parent;                  /* index of the value that it is in; its own: of none */
	uint8_t slot;                    /* which of that one's interfaces, or elements, it is */
	uint8_t text_len[GOERROR_TEXTS]; /* bytes of text[]; a longer string has been cut */
	bool unread;                     /* something of it could not be read */
	uint64_t words[GOERROR_WORDS];
	char text[GOERROR_TEXTS][GOERROR_TEXT_MAX];
};

/*
 * What Error() of nodes[0] returns, cut at size - 1 bytes. 0 and "": that cannot be told, or not all
 * that it needs is there. Bytes are passed on as they are.
 */
size_t goerror_print(char *buf, size_t size, const struct goerror_node *nodes, unsigned n);

#endif
