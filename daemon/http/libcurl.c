// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "http/libcurl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

/* The name of the ABI that the headers we build with belong to: since 2006 the same. */
#define SONAME "libcurl-gnutls.so.4"

static struct libcurl functions;

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
	{ "curl_global_init", offsetof(struct libcurl, global_init) },
	{ "curl_easy_init", offsetof(struct libcurl, init) },
	{ "curl_easy_setopt", offsetof(struct libcurl, setopt) },
	{ "curl_easy_perform", offsetof(struct libcurl, perform) },
	{ "curl_easy_getinfo", offsetof(struct libcurl, getinfo) },
	{ "curl_easy_strerror", offsetof(struct libcurl, strerror) },
	{ "curl_easy_cleanup", offsetof(struct libcurl, cleanup) },
	{ "curl_slist_append", offsetof(struct libcurl, slist_append) },
	{ "curl_slist_free_all", offsetof(struct libcurl, slist_free) },
};

const struct libcurl *libcurl_load(void)
{
	static bool loaded;
	void *lib;

	if (loaded)
		return &functions;
	lib = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		void *f = dlsym(lib, symbols[i].name);

		if (!f)
			return NULL;
		memcpy((char *)&functions + symbols[i].offset, &f, sizeof(f));
	}
	loaded = true;
	return &functions;
}
