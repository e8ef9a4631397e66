// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "config/webconfig.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/yaml.h"

#define PEM_MAX (64 * 1024)

struct draft {
	struct webconfig *w;
	char cert_file[PATH_MAX], key_file[PATH_MAX];
};

#define D(field) offsetof(struct draft, field), PATH_MAX
static const struct yaml_key tls_keys[] = {
	{ "cert_file", YAML_STRING, D(cert_file), .required = true },
	{ "key_file", YAML_STRING, D(key_file), .required = true },
};

static void parse_user(struct yaml_file *f, yaml_node_t *key, yaml_node_t *value,
		       struct http_auth *a)
{
	const char *name = yaml_scalar(f, key, "user"),
		   *hash = yaml_scalar(f, value, "password hash");

	if (!name || !hash)
		return;
	for (unsigned i = 0; i < a->n; i++) {
		if (!strcmp(a->users[i].name, name)) {
			yaml_error(f, key, "basic_auth_users: '%s' is given twice", name);
			return;
		}
	}
	if (a->n == HTTP_USERS_MAX)
		yaml_error(f, key, "basic_auth_users: more than %d", HTTP_USERS_MAX);
	else if (!*name || strlen(name) >= sizeof(a->users[0].name))
		yaml_error(f, key, "basic_auth_users: a name has 1 to %zu bytes",
			   sizeof(a->users[0].name) - 1);
	else if (strncmp(hash, "$2", 2) || strlen(hash) >= sizeof(a->users[0].hash))
		yaml_error(f, value,
			   "basic_auth_users.%s: not a bcrypt hash ($2y$...); make one with: "
			   "htpasswd -nBC 10 %s",
			   name, name);
	else {
		strcpy(a->users[a->n].name, name);
		strcpy(a->users[a->n++].hash, hash);
	}
}

static void parse_users(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct draft *d = base;

	if (node->type != YAML_MAPPING_NODE) {
		yaml_error(f, node,
			   "basic_auth_users: expected a mapping of names to bcrypt hashes");
		return;
	}
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
	     p++)
		parse_user(f, yaml_document_get_node(&f->doc, p->key),
			   yaml_document_get_node(&f->doc, p->value), &d->w->auth);
}

static const struct yaml_key keys[] = {
	{ "tls_server_config", .type = YAML_SECTION, .sub = tls_keys,
	  .n_sub = ARRAY_SIZE(tls_keys) },
	{ "basic_auth_users", .type = YAML_CUSTOM, .parse = parse_users },
};

static char *read_pem(struct yaml_file *f, const char *name, const char *what)
{
	const char *slash = strrchr(f->name, '/');
	_cleanup_file_ FILE *file = NULL;
	char path[2 * PATH_MAX], *text;
	size_t n;

	if (name[0] == '/' || !slash)
		snprintf(path, sizeof(path), "%s", name);
	else
		snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - f->name), f->name, name);
	file = fopen(path, "re");
	text = malloc(PEM_MAX + 1);
	if (!file || !text) {
		yaml_error(f, NULL, "tls_server_config.%s: %s: %s", what, path, strerror(errno));
		free(text);
		return NULL;
	}
	n = fread(text, 1, PEM_MAX, file);
	text[n] = 0;
	return text;
}

int webconfig_load(const char *path, struct webconfig **ret, struct buf *errors)
{
	_cleanup_free_ struct draft *d = calloc(1, sizeof(*d));
	struct webconfig *w = calloc(1, sizeof(*w));
	struct yaml_file f;
	yaml_node_t *root;
	unsigned n;

	if (!d || !w) {
		free(w);
		return -ENOMEM;
	}
	d->w = w;
	root = yaml_file_load(&f, path, errors);
	if (root)
		yaml_bind(&f, root, "", keys, ARRAY_SIZE(keys), d);
	if (!f.n_errors && d->cert_file[0]) {
		w->cert = read_pem(&f, d->cert_file, "cert_file");
		w->key = read_pem(&f, d->key_file, "key_file");
	}
	n = f.n_errors;
	yaml_file_done(&f);
	if (n) {
		webconfig_free(w);
		return -EINVAL;
	}
	*ret = w;
	return 0;
}

void webconfig_free(struct webconfig *w)
{
	if (!w)
		return;
	free(w->cert);
	free(w->key);
	free(w);
}
