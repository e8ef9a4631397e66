/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * libcurl, loaded when it is first used. It brings some twenty libraries along, 3.5 MB resident,
 * and the daemon on an observed host, which is the one that must stay small, has no use for it:
 * only `top` and `ps` ask.
 */
#ifndef DEFERD_HTTP_LIBCURL_H
#define DEFERD_HTTP_LIBCURL_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
/* The typed macros would call the functions by name. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

struct libcurl {
	__typeof__(curl_easy_init) *init;
	__typeof__(curl_easy_setopt) *setopt;
	__typeof__(curl_easy_perform) *perform;
	__typeof__(curl_easy_getinfo) *getinfo;
	__typeof__(curl_easy_strerror) *strerror;
	__typeof__(curl_easy_cleanup) *cleanup;
};

/* NULL when it cannot be loaded: dlerror(3) says why. One thread. */
const struct libcurl *libcurl_load(void);

#endif
