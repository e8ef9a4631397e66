/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The web configuration file of Prometheus exporters: TLS and basic auth. See http/auth.h for its
 * form.
 */
#ifndef DEFERD_CONFIG_WEBCONFIG_H
#define DEFERD_CONFIG_WEBCONFIG_H

#include "base/buf.h"
#include "http/auth.h"

struct webconfig {
	char *cert, *key;      /* PEM text, NULL: plain HTTP */
	struct http_auth auth; /* auth.n == 0: everybody */
};

/* 0; -EINVAL with one line a fault in *errors. */
int webconfig_load(const char *path, struct webconfig **ret, struct buf *errors);
void webconfig_free(struct webconfig *w);

#endif
