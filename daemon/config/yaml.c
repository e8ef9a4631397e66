// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "config/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void yaml_error(struct yaml_file *f, const yaml_node_t *at, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;
	int n;

	f->n_errors++;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (at)
		buf_printf(f->errors, "%s:%zu:%zu: %s\n", f->name, at->start_mark.line + 1,
			   at->start_mark.column + 1, text);
	else
		buf_printf(f->errors, "%s: %s\n", f->name, text);
	free(text);
}

/* What follows the first document would be ignored, and nobody would know. */
static int expect_end(struct yaml_file *f, yaml_parser_t *parser)
{
	yaml_document_t second;
	yaml_node_t *root;

	if (!yaml_parser_load(parser, &second))
		return -1;
	root = yaml_document_get_root_node(&second);
	if (root)
		yaml_error(f, root, "a second YAML document; a configuration file has only one");
	yaml_document_delete(&second);
	return 0;
}

yaml_node_t *yaml_file_parse(struct yaml_file *f, const char *name, const char *text, size_t len,
			     struct buf *errors)
{
	yaml_parser_t parser;
	yaml_node_t *root;
	int ok;

	*f = (struct yaml_file){ .errors = errors };
	snprintf(f->name, sizeof(f->name), "%s", name);
	if (!yaml_parser_initialize(&parser)) {
		yaml_error(f, NULL, "out of memory");
		return NULL;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	ok = yaml_parser_load(&parser, &f->doc);
	f->loaded = ok;
	if (ok && yaml_document_get_root_node(&f->doc))
		ok = !expect_end(f, &parser);
	if (!ok) {
		f->n_errors++;
		buf_printf(errors, "%s:%zu:%zu: not valid YAML: %s%s%s\n", f->name,
			   parser.problem_mark.line + 1, parser.problem_mark.column + 1,
			   parser.problem ? parser.problem : "unreadable",
			   parser.context ? ", " : "", parser.context ? parser.context : "");
	}
	yaml_parser_delete(&parser);
	if (!ok)
		return NULL;
	root = yaml_document_get_root_node(&f->doc);
	return root;
}

yaml_node_t *yaml_file_load(struct yaml_file *f, const char *path, struct buf *errors)
{
	_cleanup_file_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *text = malloc(YAML_FILE_MAX + 1);
	size_t n;

	*f = (struct yaml_file){ .errors = errors };
	snprintf(f->name, sizeof(f->name), "%s", path);
	if (!file || !text) {
		yaml_error(f, NULL, "%s", strerror(errno));
		return NULL;
	}
	n = fread(text, 1, YAML_FILE_MAX + 1, file);
	if (ferror(file)) {
		yaml_error(f, NULL, "%s", strerror(errno));
		return NULL;
	}
	if (n > YAML_FILE_MAX) {
		yaml_error(f, NULL, "larger than %u bytes; is this a configuration file?",
			   YAML_FILE_MAX);
		return NULL;
	}
	return yaml_file_parse(f, path, text, n, errors);
}

void yaml_file_done(struct yaml_file *f)
{
	if (f->loaded)
		yaml_document_delete(&f->doc);
	f->loaded = false;
}

bool yaml_is_list(struct yaml_file *f, const yaml_node_t *node, const char *what)
{
	if (node->type == YAML_SEQUENCE_NODE)
		return true;
	yaml_error(f, node, "%s: expected a list", what);
	return false;
}

const char *yaml_scalar(struct yaml_file *f, const yaml_node_t *node, const char *what)
{
	if (node->type == YAML_SCALAR_NODE) {
		const char *text = (const char *)node->data.scalar.value;

		if (strlen(text) == node->data.scalar.length)
			return text;
		yaml_error(f, node, "%s: holds a NUL byte", what);
		return NULL;
	}
	yaml_error(f, node, "%s: expected a single value, found a %s", what,
		   node->type == YAML_MAPPING_NODE ? "mapping" : "list");
	return NULL;
}

static int parse_unit(const char *text, const char *const *units, const double *factors,
		      double *ret)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || !isfinite(v) || v < 0)
		return -EINVAL;
	for (size_t i = 0; units[i]; i++) {
		if (!strcmp(end, units[i])) {
			*ret = v * factors[i];
			return 0;
		}
	}
	return -EINVAL;
}

int yaml_parse_duration(const char *text, uint64_t *ret_ns)
{
	static const char *const units[] = { "ms", "s", "m", "h", "d", NULL };
	static const double factors[] = { 1e6, 1e9, 60e9, 3600e9, 86400e9 };
	double ns;

	/* A bare 0 needs no unit; any other number does. */
	if (!strcmp(text, "0")) {
		*ret_ns = 0;
		return 0;
	}
	if (parse_unit(text, units, factors, &ns) || ns > 1e18)
		return -EINVAL;
	*ret_ns = (uint64_t)ns;
	return 0;
}

int yaml_parse_bytes(const char *text, uint64_t *ret_bytes)
{
	static const char *const units[] = { "", "KiB", "MiB", "GiB", NULL };
	static const double factors[] = { 1, 1024, 1048576, 1073741824 };
	double v;

	if (parse_unit(text, units, factors, &v) || v > 1e18)
		return -EINVAL;
	*ret_bytes = (uint64_t)v;
	return 0;
}

static void add_names(struct buf *b, const char *const *names)
{
	for (size_t i = 0; names[i]; i++)
		buf_printf(b, "%s%s", i ? ", " : "", names[i]);
}

static void bind_enum(struct yaml_file *f, const yaml_node_t *node, const char *what,
		      const struct yaml_key *k, const char *text, int *dst)
{
	struct buf valid;

	for (int i = 0; k->names[i]; i++) {
		if (!strcmp(k->names[i], text)) {
			*dst = i;
			return;
		}
	}
	buf_init(&valid, 0);
	add_names(&valid, k->names);
	yaml_error(f, node, "%s: '%s' is not one of: %s", what, text, valid.data);
	buf_done(&valid);
}

static void bind_number(struct yaml_file *f, const yaml_node_t *node, const char *what,
			const struct yaml_key *k, const char *text, void *dst)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !isfinite(v) || (k->type == YAML_U32 && v != floor(v)))
		yaml_error(f, node, "%s: '%s' is not a %s number", what, text,
			   k->type == YAML_U32 ? "whole" : "finite");
	else if (v < k->min || v > k->max)
		yaml_error(f, node, "%s: %s is out of range, must be %.15g to %.15g", what, text,
			   k->min, k->max);
	else if (k->type == YAML_U32)
		*(uint32_t *)dst = (uint32_t)v;
	else
		*(double *)dst = v;
}

static void bind_duration(struct yaml_file *f, const yaml_node_t *node, const char *what,
			  const struct yaml_key *k, const char *text, uint64_t *dst)
{
	uint64_t ns;

	if (yaml_parse_duration(text, &ns))
		yaml_error(f, node, "%s: '%s' is not a duration such as 250ms, 30s, 5m, 2h or 1d",
			   what, text);
	else if (ns < k->min || ns > k->max)
		yaml_error(f, node, "%s: %s is out of range, must be %gs to %gs", what, text,
			   k->min / 1e9, k->max / 1e9);
	else
		*dst = ns;
}

static void bind_bytes(struct yaml_file *f, const yaml_node_t *node, const char *what,
		       const struct yaml_key *k, const char *text, uint32_t *dst)
{
	uint64_t v;

	if (yaml_parse_bytes(text, &v))
		yaml_error(f, node, "%s: '%s' is not a size such as 4096, 64KiB or 1MiB", what,
			   text);
	else if (v < k->min || v > k->max)
		yaml_error(f, node, "%s: %s is out of range, must be %.0f to %.0f bytes", what,
			   text, k->min, k->max);
	else
		*dst = v;
}

/* All types but SECTION and CUSTOM. */
static void bind_text(struct yaml_file *f, const yaml_node_t *node, const char *what,
		      const struct yaml_key *k, const char *text, void *dst)
{
	switch (k->type) {
	case YAML_STRING:
		if (strlen(text) >= k->size)
			yaml_error(f, node, "%s: longer than %zu bytes", what, k->size - 1);
		else
			memcpy(dst, text, strlen(text) + 1);
		break;
	case YAML_BOOL:
		if (!strcmp(text, "true") || !strcmp(text, "false"))
			*(bool *)dst = text[0] == 't';
		else
			yaml_error(f, node, "%s: '%s' is not true or false", what, text);
		break;
	case YAML_U32:
	case YAML_NUMBER:
		bind_number(f, node, what, k, text, dst);
		break;
	case YAML_DURATION:
		bind_duration(f, node, what, k, text, dst);
		break;
	case YAML_BYTES:
		bind_bytes(f, node, what, k, text, dst);
		break;
	case YAML_ENUM:
		bind_enum(f, node, what, k, text, dst);
		break;
	case YAML_SECTION:
	case YAML_CUSTOM:
		break;
	}
}

static void bind_value(struct yaml_file *f, yaml_node_t *node, const char *what,
		       const struct yaml_key *k, void *base)
{
	const char *text;

	if (k->type == YAML_CUSTOM) {
		k->parse(f, node, base);
		return;
	}
	if (k->type == YAML_SECTION) {
		yaml_bind(f, node, k->name, k->sub, k->n_sub, base);
		return;
	}
	text = yaml_scalar(f, node, what);
	if (text)
		bind_text(f, node, what, k, text, (char *)base + k->offset);
}

static int bind_preset(const struct yaml_key *k, void *base)
{
	struct buf errors = {};
	struct yaml_file f;
	yaml_node_t *root;
	int err = 0;

	root = yaml_file_parse(&f, k->name, k->preset, strlen(k->preset), &errors);
	if (root)
		bind_value(&f, root, k->name, k, base);
	if (!root || errors.len)
		err = errors.failed ? -ENOMEM : -EINVAL;
	yaml_file_done(&f);
	buf_done(&errors);
	return err;
}

int yaml_presets(const struct yaml_key *keys, size_t n, void *base)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		if (keys[i].type == YAML_SECTION)
			err = yaml_presets(keys[i].sub, keys[i].n_sub, base);
		else if (keys[i].preset)
			err = bind_preset(&keys[i], base);
	}
	return err;
}

size_t yaml_value_size(const struct yaml_key *k)
{
	static const size_t sizes[] = {
		[YAML_BOOL] = sizeof(bool),
		[YAML_U32] = sizeof(uint32_t),
		[YAML_NUMBER] = sizeof(double),
		[YAML_DURATION] = sizeof(uint64_t),
		[YAML_BYTES] = sizeof(uint32_t),
		[YAML_ENUM] = sizeof(int),
		[YAML_SECTION] = 0,
		[YAML_CUSTOM] = 0,
	};

	return k->type == YAML_STRING ? k->size : sizes[k->type];
}

void yaml_print_key(struct buf *b, const struct yaml_key *k)
{
	buf_printf(b, "  # %s%s\n  #%s: %s\n", k->doc, k->restart ? "; restart to change" : "",
		   k->name, k->sample ? k->sample : k->preset);
}

static void unknown_key(struct yaml_file *f, const yaml_node_t *at, const char *where,
			const char *name, const struct yaml_key *keys, size_t n)
{
	struct buf valid;

	buf_init(&valid, 0);
	for (size_t i = 0; i < n; i++)
		buf_printf(&valid, "%s%s", i ? ", " : "", keys[i].name);
	yaml_error(f, at, "unknown key '%s'%s%s; valid keys: %s", name, *where ? " in " : "", where,
		   valid.data);
	buf_done(&valid);
}

void yaml_bind(struct yaml_file *f, yaml_node_t *node, const char *where,
	       const struct yaml_key *keys, size_t n, void *base)
{
	/* A section whose keys are all commented out. */
	bool empty = node->type == YAML_SCALAR_NODE && !node->data.scalar.length;
	uint64_t seen = 0;

	if (node->type != YAML_MAPPING_NODE && !empty) {
		yaml_error(f, node, "%s: expected a mapping of keys to values",
			   *where ? where : "file");
		return;
	}
	for (yaml_node_pair_t *p = empty ? NULL : node->data.mapping.pairs.start;
	     p && p < node->data.mapping.pairs.top; p++) {
		yaml_node_t *key = yaml_document_get_node(&f->doc, p->key);
		yaml_node_t *value = yaml_document_get_node(&f->doc, p->value);
		const char *name = yaml_scalar(f, key, "key");
		char what[160];
		size_t i = 0;

		if (!name)
			continue;
		while (i < n && strcmp(keys[i].name, name))
			i++;
		if (i == n) {
			unknown_key(f, key, where, name, keys, n);
			continue;
		}
		if (seen & 1ull << i)
			yaml_error(f, key, "key '%s' is given twice", name);
		seen |= 1ull << i;
		snprintf(what, sizeof(what), "%s%s%s", where, *where ? "." : "", name);
		bind_value(f, value, what, &keys[i], base);
	}
	for (size_t i = 0; i < n; i++) {
		if (keys[i].required && !(seen & 1ull << i))
			yaml_error(f, node, "%s%skey '%s' is missing", where, *where ? ": " : "",
				   keys[i].name);
	}
}
