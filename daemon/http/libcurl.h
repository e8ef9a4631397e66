/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * libcurl, loaded when it is first used. It brings some twenty libraries along, 3.5 MB resident,
 * and a daemon that sends its alerts to nobody, which is to stay small, has no use for it: `top` and
 * `ps` ask, and receivers are sent to.
 */
#ifndef DEFERD_HTTP_LIBCURL_H
#define DEFERD_HTTP_LIBCURL_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
/* The typed macros would call the functions by name. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

struct libcurl {
	__typeof__(curl_global_init) *global_init; /* before the first thread */
	__typeof__(curl_easy_init) *init;
	__typeof__(curl_easy_setopt) *setopt;
	__typeof__(curl_easy_perform) *perform;
	__typeof__(curl_easy_getinfo) *getinfo;
	__typeof__(curl_easy_strerror) *strerror;
	__typeof__(curl_easy_cleanup) *cleanup;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free;
};

/* NULL when it cannot be loaded: dlerror(3) says why. One thread; once it is loaded, any. */
const struct libcurl *libcurl_load(void);

#endif
