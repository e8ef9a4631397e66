/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * YAML text (libyaml) bound to C structs by tables: one row a key, with type, range and where the
 * value goes. Every fault is reported as "file:line:col: what, and what would be right", all of
 * them in one pass, and nothing is guessed.
 */
#ifndef DEFERD_CONFIG_YAML_H
#define DEFERD_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yaml.h>

#include "base/buf.h"

#define YAML_FILE_MAX (1u << 20) /* bytes of a configuration file */

/* A parsed file; nodes are borrowed from it. */
struct yaml_file {
	char name[512];
	yaml_document_t doc;
	bool loaded;
	struct buf *errors; /* lines, shared by all files of one load */
	unsigned n_errors;
};

/*
 * Returns the root node; NULL with errors appended (unreadable, not YAML), or without when the file
 * is empty.
 */
yaml_node_t *yaml_file_load(struct yaml_file *f, const char *path, struct buf *errors);
/* The same from memory; `name` stands in the messages. */
yaml_node_t *yaml_file_parse(struct yaml_file *f, const char *name, const char *text, size_t len,
			     struct buf *errors);
void yaml_file_done(struct yaml_file *f);

void yaml_error(struct yaml_file *f, const yaml_node_t *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

enum yaml_type {
	YAML_STRING,   /* char[size] */
	YAML_BOOL,     /* bool: true or false */
	YAML_U32,      /* uint32_t in [min, max] */
	YAML_NUMBER,   /* double in [min, max] */
	YAML_DURATION, /* uint64_t nanoseconds in [min, max]; "250ms", "30s", "5m", "2h", "1d" */
	YAML_BYTES,    /* uint32_t in [min, max]; "4096", "64KiB", "1MiB" */
	YAML_ENUM,     /* int: index into `names` */
	YAML_SECTION,  /* a mapping bound by `sub`, offsets in the same struct */
	YAML_CUSTOM,   /* parse(f, node, base) */
};

struct yaml_key {
	const char *name;
	enum yaml_type type;
	size_t offset; /* in the struct */
	size_t size;   /* STRING: of the array */
	double min, max;
	const char *const *names; /* ENUM: NULL terminated */
	bool required;
	const struct yaml_key *sub; /* SECTION */
	size_t n_sub;
	void (*parse)(struct yaml_file *f, yaml_node_t *node, void *base); /* CUSTOM */
	const char *doc;    /* one line for the example file and the manual */
	const char *preset; /* its default, as it would stand in a file; NULL: the struct's own */
	const char *sample; /* a value for the example file; NULL: the default */
	bool restart;       /* a change takes effect with a restart only */
};

/* Bind the defaults of keys and of their sections. 0; -EINVAL: a row is wrong; -ENOMEM. */
int yaml_presets(const struct yaml_key *keys, size_t n, void *base);
/* Bytes of the value in the struct; 0: SECTION, CUSTOM. */
size_t yaml_value_size(const struct yaml_key *k);
/* "  # doc" and "  #key: value", for the example file. */
void yaml_print_key(struct buf *b, const struct yaml_key *k);

/*
 * Bind a mapping to the struct at `base`. Unknown keys, keys given twice, wrong types and values
 * out of range are errors that name the valid keys; keys that are absent leave the struct as it is.
 * `where` names the mapping ("web").
 */
void yaml_bind(struct yaml_file *f, yaml_node_t *node, const char *where,
	       const struct yaml_key *keys, size_t n, void *base);

/* Whether it is a list; an error when not. */
bool yaml_is_list(struct yaml_file *f, const yaml_node_t *node, const char *what);
/* Each item of a list. */
#define YAML_FOR_EACH(f, node, item)                                         \
	for (const yaml_node_item_t *i_ = (node)->data.sequence.items.start; \
	     i_ < (node)->data.sequence.items.top &&                         \
	     ((item) = yaml_document_get_node(&(f)->doc, *i_));              \
	     i_++)

/* A scalar's text, or NULL with an error. */
const char *yaml_scalar(struct yaml_file *f, const yaml_node_t *node, const char *what);

/* "1m30s" style is not needed: one number, one unit. 0 or -EINVAL. */
int yaml_parse_duration(const char *text, uint64_t *ret_ns);
int yaml_parse_bytes(const char *text, uint64_t *ret_bytes);

#endif
